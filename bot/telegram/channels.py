"""From names in a configuration to channels pinned by id, each carried by one account.

Handles change hands, and looking them up is what Telegram limits hardest, so a channel is known by id and access hash
from its first day. Hashes are of one account alone: a channel is looked up by the account that is to carry it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import structlog
from telethon.tl import functions

from bot.errors import AccountDead, FloodWait, LoginNeeded, Refused, TelegramError
from bot.model import Channel, ChannelId, ChannelState, Clock, MessageId, Mode, utc_now
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.accounts import Carrier, spread
from bot.telegram.ids import input_channel, marked
from bot.telegram.names import NameKeeper
from bot.telegram.seeker import Seeker

log = structlog.get_logger()


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """What became of the wanted channels."""

    # Those that are heard from now on, the most urgent first, as their carriers see them.
    channels: tuple[Channel, ...]
    # A line for each that is not.
    problems: tuple[str, ...] = ()
    # Some of those only wait for a look-up to be allowed again.
    waiting: bool = False
    # The accounts, as they stood before anything was handed out.
    carriers: tuple[Carrier, ...] = ()
    # What is odd with the names of those that are: a stable name for each oddity, and a line for people.
    remarks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


async def pin_channels(
    seekers: Sequence[Seeker],
    store: Store,
    wanted: Sequence[WantedChannel],
    *,
    full: frozenset[str] = frozenset(),
    look_up_lost: bool = False,
    clock: Clock = utc_now,
) -> Pinned:
    """Make the store watch exactly `wanted`, spread over the accounts of `seekers`.

    A new channel is watched from the message after its newest one, with the pts of the same moment. One that moves to
    another account keeps its place: pts is the channel's, not the account's. One that its carrier cannot ask for yet stays
    watched, is a problem and is not returned. `full`: accounts that Telegram lets join no more. `look_up_lost`: ask who
    has the handles that watched channels have lost. Raises LoginNeeded and AccountDead; every other refusal is a problem
    of one channel.
    """
    carriers = [await seeker.carrier(store, full=seeker.name in full) for seeker in seekers]
    pinning = _Pinning(seekers, carriers, store, clock, await store.channels.all())
    ids = await pinning.pin_all(wanted)
    names = NameKeeper(store, look_up_lost=look_up_lost)
    for seeker in seekers:
        heard = await store.channels.all(seeker.name)
        await names.compare(seeker, [c for c in heard if c.channel_id in ids and c.account == seeker.name])
    found = await store.channels.all()
    return Pinned(
        channels=tuple(c for c in found if c.channel_id in ids and c.account and c.access_hash),
        problems=(*pinning.problems, *names.problems),
        carriers=tuple(carriers),
        waiting=pinning.waiting,
        remarks=MappingProxyType(names.remarks),
    )


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
    log.info("joined", account=account.name, channel=channel.channel_id)
    return joined


class _Pinning:
    """One run of `pin_channels`."""

    def __init__(
        self,
        seekers: Sequence[Seeker],
        carriers: Sequence[Carrier],
        store: Store,
        clock: Clock,
        known: Sequence[Channel],
    ) -> None:
        self._seekers = {seeker.name: seeker for seeker in seekers}
        self._carriers = carriers
        self._store = store
        self._clock = clock
        self._known = {channel.channel_id: channel for channel in known}
        self._by_handle = {channel.handle.lower(): channel for channel in known if channel.handle}
        self.problems: list[str] = []
        self.waiting = False

    async def pin_all(self, wanted: Sequence[WantedChannel]) -> set[ChannelId]:
        """Pin, hand over and forget, as the list says; returns the ids that are watched now."""
        plan = self._plan(wanted)
        urgent = sorted(plan, key=lambda pair: pair[0].priority)
        pinned = [channel.channel_id for one, name in urgent if (channel := await self._keep(one, name)) is not None]
        for channel in self._known.values():
            if channel.watched and channel.channel_id not in pinned:
                await self._pin(replace(channel, watched=False))
        return set(pinned)

    def _plan(self, wanted: Sequence[WantedChannel]) -> list[tuple[WantedChannel, str | None]]:
        """Each wanted channel and its carrier. One that has no id yet goes by its place in the list, for the moment."""
        drafts = [self._draft(one, ChannelId(-place)) for place, one in enumerate(wanted, start=1)]
        spreading = spread(drafts, self._carriers)
        return [(one, spreading[draft.channel_id]) for one, draft in zip(wanted, drafts, strict=True)]

    def _draft(self, wanted: WantedChannel, otherwise: ChannelId) -> Channel:
        known = self._find(wanted)
        inside = (seeker.named(wanted.handle) for seeker in self._seekers.values())
        channel_id = wanted.channel_id or next((found for found in inside if found is not None), otherwise)
        return _as_wanted(known or Channel(channel_id=channel_id, access_hash=0, handle=wanted.handle), wanted)

    def _find(self, wanted: WantedChannel) -> Channel | None:
        if wanted.channel_id is not None:
            return self._known.get(wanted.channel_id)
        return self._by_handle.get((wanted.handle or "").lower())

    async def _keep(self, wanted: WantedChannel, name: str | None) -> Channel | None:
        """The channel, stored; None, with a problem noted, when it cannot be had."""
        known = self._find(wanted)
        try:
            channel = await (self._new(wanted, name) if known is None else self._seen_by(known, name))
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            self.problems.append(f"{wanted.name}: {error}")
            self.waiting |= isinstance(error, FloodWait)
            if known is None:
                return None
            channel = replace(known, account=name, access_hash=0, joined=False)
        return await self._hand_over(_as_wanted(channel, wanted))

    async def _hand_over(self, channel: Channel) -> Channel:
        """Store the channel and who carries it."""
        before = self._known.get(channel.channel_id)
        if channel != before:
            await self._pin(channel)
            if before is not None and before.account != channel.account:
                await self._store.channels.carry({channel.channel_id: channel.account})
                log.info("channel moved", channel=channel.channel_id, before=before.account, now=channel.account)
        self._known[channel.channel_id] = channel
        return channel

    async def _pin(self, channel: Channel) -> None:
        await self._store.channels.pin(channel, account=channel.account or next(iter(self._seekers)))

    async def _seen_by(self, channel: Channel, name: str | None) -> Channel:
        """A pinned channel with the hash and membership of that account. Raises Refused when it is not to be had."""
        if name is None:
            raise Refused("none of the accounts at work is in this channel; join it in a Telegram app", "")
        if name != channel.account:
            theirs = await self._store.channels.get(channel.channel_id, name)
            channel = replace(theirs or channel, account=name)
        if channel.access_hash:
            return channel
        chat = await self._seekers[name].chat_of(channel)
        return replace(channel, access_hash=chat.access_hash, joined=not chat.left)

    async def _new(self, wanted: WantedChannel, name: str | None) -> Channel:
        """Look a channel up for the first time: by the account that is to carry it, else by one that may still ask."""
        first = [self._seekers[name]] if name else []
        refusal: TelegramError | None = None
        for seeker in [*first, *(other for other in self._seekers.values() if other not in first)]:
            try:
                chat = await seeker.find(wanted.handle, wanted.channel_id)
                return await self._begin(seeker, wanted, chat)
            except FloodWait as wait:
                refusal = refusal or wait
        raise refusal or Refused("no account is at work", "")

    async def _begin(self, seeker: Seeker, wanted: WantedChannel, chat: Any) -> Channel:
        already = self._known.get(marked(chat.id))
        if already is not None:
            # Watched before under another handle: everything known of it stays.
            seen = replace(already, account=already.account if already.account in self._seekers else seeker.name)
            if seen.account == seeker.name:
                seen = replace(seen, access_hash=chat.access_hash, joined=not chat.left)
            return replace(seen, handle=wanted.handle)
        channel = Channel(
            channel_id=marked(chat.id),
            access_hash=chat.access_hash,
            account=seeker.name,
            handle=wanted.handle or chat.username,
            title=chat.title,
            joined=not chat.left,
            state=ChannelState.ACTIVE,
            state_since=self._clock(),
        )
        place = await seeker.place(channel)
        log.info("channel pinned", channel=channel.channel_id, account=seeker.name, top_id=place.top_id, pts=place.pts)
        return replace(channel, pts=place.pts, top_id=place.top_id, watch_from=MessageId(place.top_id + 1))


def _as_wanted(channel: Channel, wanted: WantedChannel) -> Channel:
    """The channel with everything that the configuration decides."""
    return replace(
        channel,
        handle=wanted.handle or channel.handle,
        category=wanted.category,
        priority=wanted.priority,
        language=wanted.language,
        mode=wanted.mode,
        watched=True,
    )
