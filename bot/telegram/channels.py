"""From names in a configuration to channels pinned by id: looked up once, then never by name again.

Handles change hands and looking them up is what Telegram limits hardest (waits of 15 hours were seen after some 1,000
look-ups), so a channel is known by id and access hash from its first day.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from telethon.tl import functions, types

from bot.errors import AccountDead, ChannelUnavailable, FloodWait, LoginNeeded, Refused, TelegramError
from bot.model import Channel, ChannelId, ChannelState, Clock, MessageId, Mode, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.dialogs import channels_in_dialogs
from bot.telegram.history import page_below
from bot.telegram.ids import input_channel, input_peer, marked

log = structlog.get_logger()

# Joins made while pinning, and seconds between them; the listener joins the rest, one a minute.
JOINS_AT_ONCE = 5
JOIN_PAUSE = 2.0
# Seconds between two tries to pin what is still missing; twice as long after each that did not help, for names are
# looked up, and most of what is missing for long is a name that nobody has.
RETRY_SECONDS = 600.0
LONGEST_RETRY = 86_400.0
# Channels in one channels.getChannels.
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChannel:
    """A channel as the configuration has it: by handle, by marked id, or by both, and then the id counts."""

    handle: str | None = None
    channel_id: ChannelId | None = None
    category: str = "other"
    priority: int = 5
    language: str | None = None
    mode: Mode = Mode.JOIN

    @property
    def name(self) -> str:
        """What the operator wrote."""
        return f"@{self.handle}" if self.handle else str(self.channel_id)


async def pin_channels(
    account: Account,
    store: Store,
    wanted: Sequence[WantedChannel],
    *,
    clock: Clock = utc_now,
    join_pause: float = JOIN_PAUSE,
) -> tuple[list[Channel], list[str]]:
    """Make the store watch exactly `wanted`; returns the watched channels, and a line for each one that has a problem.

    A new channel is watched from the message after its newest one, with the pts of the same moment. `join_pause`: seconds
    between two joins. A known channel that this account has no access hash for yet stays watched and is not returned.
    Raises LoginNeeded and AccountDead; every other refusal is a problem of one channel.
    """
    pinning = _Pinning(account, store, clock, await store.channels.all(account=account.name))
    kept = [channel for one in wanted if (channel := await pinning.pin(one)) is not None]
    await pinning.compare_names(kept)
    await pinning.join_some(kept, join_pause)
    ids = {channel.channel_id for channel in kept}
    for channel in pinning.known.values():
        if channel.watched and channel.channel_id not in ids:
            await store.channels.pin(replace(channel, watched=False), account=account.name)
    channels = await store.channels.all(account=account.name)
    return [channel for channel in channels if channel.channel_id in ids and channel.access_hash], pinning.problems


async def join(account: Account, store: Store, channel: Channel) -> Channel:
    """Become a member, so that Telegram pushes; returns the channel as now stored.

    Raises FloodWait, ChannelUnavailable, or Refused (with CHANNELS_TOO_MUCH when the account is full).
    """
    try:
        await account.call(functions.channels.JoinChannelRequest(input_channel(channel)))
    except Refused as error:
        if error.word != "USER_ALREADY_PARTICIPANT":
            raise
    joined = replace(channel, joined=True)
    await store.channels.pin(joined, account=account.name)
    log.info("joined", channel=channel.channel_id)
    return joined


class _Pinning:
    """One run of `pin_channels`."""

    def __init__(self, account: Account, store: Store, clock: Clock, known: Sequence[Channel]) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self.known = {channel.channel_id: channel for channel in known}
        self._by_handle = {channel.handle.lower(): channel for channel in known if channel.handle}
        self._dialogs: dict[ChannelId, Any] | None = None
        self.problems: list[str] = []

    async def pin(self, wanted: WantedChannel) -> Channel | None:
        """The channel, stored; None, with a problem noted, when it cannot be had."""
        try:
            channel = self._known(wanted)
            if channel is None:
                channel = await self._new(wanted)
            elif not channel.access_hash:
                channel = replace(channel, access_hash=await self._access_hash(channel))
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            self.problems.append(f"{wanted.name}: {error}")
            channel = self._known(wanted)
        if channel is None:
            return None
        channel = replace(
            channel,
            handle=wanted.handle or channel.handle,
            category=wanted.category,
            priority=wanted.priority,
            language=wanted.language,
            mode=wanted.mode,
            watched=True,
        )
        if channel != self.known.get(channel.channel_id):
            await self._store.channels.pin(channel, account=self._account.name)
            self.known[channel.channel_id] = channel
        return channel

    def _known(self, wanted: WantedChannel) -> Channel | None:
        if wanted.channel_id is not None:
            return self.known.get(wanted.channel_id)
        return self._by_handle.get((wanted.handle or "").lower())

    async def _new(self, wanted: WantedChannel) -> Channel:
        if wanted.channel_id is not None:
            chat = (await self._all_dialogs()).get(wanted.channel_id)
            if chat is None and wanted.handle:
                chat = await self._resolve(wanted.handle)
            if chat is None or marked(chat.id) != wanted.channel_id:
                raise Refused(
                    "this account does not know the channel; join it in a Telegram app, or give its handle as well", ""
                )
        else:
            chat = await self._resolve(wanted.handle or "")
        already = self.known.get(marked(chat.id))
        if already is not None:
            # Watched before under another handle: everything known of it stays.
            return replace(already, handle=wanted.handle, access_hash=chat.access_hash, joined=not chat.left)
        channel = Channel(
            channel_id=marked(chat.id),
            access_hash=chat.access_hash,
            handle=wanted.handle or chat.username,
            title=chat.title,
            joined=not chat.left,
            state=ChannelState.ACTIVE,
            state_since=self._clock(),
        )
        pts, top = await self._place(channel)
        log.info("channel pinned", channel=channel.channel_id, top_id=top, pts=pts)
        return replace(channel, pts=pts, top_id=MessageId(top), watch_from=MessageId(top + 1))

    async def _place(self, channel: Channel) -> tuple[int, int]:
        """pts and newest id of one moment; a post made after it is found by the first difference."""
        peer = types.InputDialogPeer(input_peer(channel))
        answer = await self._account.call(functions.messages.GetPeerDialogsRequest([peer]))
        for dialog in answer.dialogs:
            if dialog.pts:
                return dialog.pts, dialog.top_message
        # pts first: what is posted between the two answers is then told again by the difference, not skipped.
        full = await self._account.call(functions.channels.GetFullChannelRequest(input_channel(channel)))
        newest = await page_below(self._account, channel, 2**31 - 2)
        return full.full_chat.pts, max((raw.message_id for raw in newest.messages), default=0)

    async def _resolve(self, handle: str) -> Any:
        answer = await self._account.call(functions.contacts.ResolveUsernameRequest(handle))
        peer = answer.peer
        chats = [chat for chat in answer.chats if isinstance(peer, types.PeerChannel) and chat.id == peer.channel_id]
        if not chats or not isinstance(chats[0], types.Channel):
            raise Refused("this name belongs to a person, a bot or a closed group, not to a public channel", "")
        return chats[0]

    async def _access_hash(self, channel: Channel) -> int:
        """The hash for this account, of a channel that another session pinned."""
        chat = (await self._all_dialogs()).get(channel.channel_id)
        if chat is None and channel.handle:
            chat = await self._resolve(channel.handle)
            if marked(chat.id) != channel.channel_id:
                raise Refused(
                    f"this name now belongs to another channel ({marked(chat.id)}, {chat.title!r}); the one pinned is "
                    f"{channel.channel_id}, and it stays the one that is meant. To watch it, join it in a Telegram app; "
                    f"to watch the other, write its id in channels.yaml",
                    "",
                )
        if chat is None:
            raise Refused("this account does not know the channel; join it in a Telegram app", "")
        return int(chat.access_hash)

    async def _all_dialogs(self) -> dict[ChannelId, Any]:
        if self._dialogs is None:
            self._dialogs = await channels_in_dialogs(self._account)
        return self._dialogs

    # --- looking after what is pinned ---

    async def compare_names(self, channels: Sequence[Channel]) -> None:
        """Titles and membership as they are now; a channel that is called otherwise than it was pinned is reported."""
        readable = [channel for channel in channels if channel.access_hash]
        for start in range(0, len(readable), BATCH):
            batch = readable[start : start + BATCH]
            for chat in await self._look(batch):
                channel = self.known.get(marked(chat.id))
                if channel is not None and isinstance(chat, types.Channel) and not chat.min:
                    await self._compare(channel, chat)

    async def _look(self, batch: Sequence[Channel]) -> list[Any]:
        try:
            answer = await self._account.call(
                functions.channels.GetChannelsRequest([input_channel(channel) for channel in batch])
            )
        except (ChannelUnavailable, Refused) as error:
            if len(batch) == 1:
                renewed = await self._renewed(batch[0], error)
                return [] if renewed is None else await self._look([renewed])
            middle = len(batch) // 2
            return await self._look(batch[:middle]) + await self._look(batch[middle:])
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            log.warning("names not compared", error=str(error))
            return []
        return list(answer.chats)

    async def _renewed(self, channel: Channel, error: TelegramError) -> Channel | None:
        """The channel with the hash of the account that is logged in now; None when a wrong hash is not the trouble.

        Who logs in anew, after a ban, may do so with another account, and hashes are of one account alone.
        """
        if not isinstance(error, ChannelUnavailable) or error.state != ChannelState.DELETED:
            return None
        try:
            renewed = replace(channel, access_hash=await self._access_hash(channel))
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as refusal:
            self.problems.append(f"{f'@{channel.handle}' if channel.handle else channel.channel_id}: {refusal}")
            return None
        if renewed == channel:
            return None
        await self._store.channels.pin(renewed, account=self._account.name)
        self.known[channel.channel_id] = renewed
        return renewed

    async def _compare(self, channel: Channel, chat: Any) -> None:
        names = {name.username.lower() for name in chat.usernames or ()} | {(chat.username or "").lower()}
        if channel.handle and channel.handle.lower() not in names:
            now = f"@{chat.username}" if chat.username else "without a public name"
            self.problems.append(
                f"@{channel.handle}: the channel {channel.channel_id} is now {now}. It is still the one that is watched; "
                f"write its id or its new name in channels.yaml"
            )
        seen = replace(channel, title=chat.title, joined=not chat.left)
        if seen != channel:
            await self._store.channels.pin(seen, account=self._account.name)
            self.known[channel.channel_id] = seen

    async def join_some(self, channels: Sequence[Channel], pause: float) -> None:
        """Join a few; the listener joins the rest, and polls them until then."""
        current = (self.known[channel.channel_id] for channel in channels)
        waiting = [c for c in current if c.mode is Mode.JOIN and not c.joined and c.access_hash]
        for number, channel in enumerate(waiting[:JOINS_AT_ONCE]):
            if number:
                await asyncio.sleep(pause)
            try:
                self.known[channel.channel_id] = await join(self._account, self._store, channel)
            except FloodWait as wait:
                log.warning("joins put off", until=wait.until.isoformat(), waiting=len(waiting) - number)
                return
            except (LoginNeeded, AccountDead):
                raise
            except TelegramError as error:
                self.problems.append(f"{channel.name}: not joined, but polled: {error}")


class Pinner:
    """Tries again, after ten minutes and more, to pin what could not be pinned at start, such as after a flood wait."""

    def __init__(
        self,
        account: Account,
        store: Store,
        wanted: Sequence[WantedChannel],
        pulse: Pulse,
        *,
        missing: bool,
        every: float = RETRY_SECONDS,
        clock: Clock = utc_now,
    ) -> None:
        """`missing`: some of `wanted` are not watched yet. `every`: seconds before the first try."""
        self._account = account
        self._store = store
        self._wanted = wanted
        self._pulse = pulse
        self._missing = missing
        self._every = every
        self._clock = clock

    async def run(self) -> None:
        """Work until the pulse stops. Raises LoginNeeded or AccountDead."""
        loop = asyncio.get_running_loop()
        pause, had = self._every, -1
        due = loop.time() + pause
        while not await self._pulse.wait(max(due - loop.time(), 0.0) if self._missing else LONGEST_RETRY):
            # A nudge is no reason to look names up sooner.
            if not self._missing or loop.time() < due:
                continue
            channels, problems = await pin_channels(self._account, self._store, self._wanted, clock=self._clock)
            self._missing = len(channels) < len(self._wanted)
            log.info("pinned again", watched=len(channels), wanted=len(self._wanted), problems=problems)
            # While a wait is in force nothing is looked up, so that trying costs nothing.
            hopeless = len(channels) == had and not self._account.waits
            pause, had = min(pause * 2, LONGEST_RETRY) if hopeless else self._every, len(channels)
            due = loop.time() + pause
