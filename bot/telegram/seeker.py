"""One account looking channels up: among its own chats first, by name only where there is no other way.

Looking a name up is what Telegram limits hardest, and a name may belong to another channel by now: so each answer is held
against the id that is pinned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from telethon.tl import functions, types

from bot.errors import AccountDead, ChannelUnavailable, LoginNeeded, Refused, TelegramError
from bot.model import Channel, ChannelId, ChannelState, MessageId
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.accounts import Carrier, slots_of
from bot.telegram.dialogs import channels_in_dialogs
from bot.telegram.history import page_below
from bot.telegram.ids import input_channel, input_peer, marked

log = structlog.get_logger()

# Channels in one channels.getChannels.
BATCH = 100


def has_name(chat: Any, handle: str) -> bool:
    """Whether a types.Channel has this public name, among others perhaps."""
    names = [name.username for name in chat.usernames or ()] + [chat.username or ""]
    return handle.lower() in (name.lower() for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a channel stands: pts and newest id of one moment."""

    pts: int
    top_id: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How channels are now."""

    # As types.Channel.
    chats: Mapping[ChannelId, Any]
    # Those that this account does not know any more, and cannot find again.
    refused: Mapping[ChannelId, TelegramError]


class Seeker:
    """Asks as one account; what it is told of its own chats is kept until `forget`.

    Every method raises what `Account.call` raises.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self._dialogs: Mapping[ChannelId, Any] | None = None
        self._premium = False

    @property
    def name(self) -> str:
        """The account's name."""
        return self.account.name

    async def dialogs(self) -> Mapping[ChannelId, Any]:
        """Every channel that the account is in, as types.Channel."""
        if self._dialogs is None:
            self._dialogs = await channels_in_dialogs(self.account)
        return self._dialogs

    def forget(self) -> None:
        """Ask for the dialogs anew when they are next needed."""
        self._dialogs = None

    async def resolve(self, handle: str) -> Any:
        """The public channel that has this name, as types.Channel. Raises Refused when it is no channel's."""
        answer = await self.account.call(functions.contacts.ResolveUsernameRequest(handle))
        peer = answer.peer
        chats = [chat for chat in answer.chats if isinstance(peer, types.PeerChannel) and chat.id == peer.channel_id]
        if not chats or not isinstance(chats[0], types.Channel):
            raise Refused("this name belongs to a person, a bot or a closed group, not to a public channel", "")
        return chats[0]

    def named(self, handle: str | None) -> ChannelId | None:
        """Which of the channels that it is in has this name now, as far as it has asked."""
        found = (channel_id for channel_id, chat in (self._dialogs or {}).items() if handle and has_name(chat, handle))
        return next(found, None)

    async def find(self, handle: str | None, channel_id: ChannelId | None) -> Any:
        """A channel that is not pinned yet, as types.Channel; where both are given, the id counts. Raises Refused."""
        dialogs = await self.dialogs()
        if channel_id is None:
            inside = self.named(handle)
            return dialogs[inside] if inside is not None else await self.resolve(handle or "")
        chat = dialogs.get(channel_id)
        if chat is None and handle:
            chat = await self.resolve(handle)
        if chat is None or marked(chat.id) != channel_id:
            raise Refused(
                "this account does not know the channel; join it in a Telegram app, or give its handle as well", ""
            )
        return chat

    async def chat_of(self, channel: Channel) -> Any:
        """A pinned channel, with the hash that is this account's, as types.Channel. Raises Refused."""
        chat = (await self.dialogs()).get(channel.channel_id)
        if chat is None and channel.handle:
            chat = await self.resolve(channel.handle)
            if marked(chat.id) != channel.channel_id:
                raise Refused(
                    f"this name now belongs to another channel ({marked(chat.id)}, {chat.title!r}); the one pinned is "
                    f"{channel.channel_id}, and it stays the one that is meant. To watch it, join it in a Telegram app; "
                    f"to watch the other, write its id in channels.yaml",
                    "",
                )
        if chat is None:
            raise Refused("this account does not know the channel; join it in a Telegram app", "")
        return chat

    async def place(self, channel: Channel) -> Place:
        """Where the channel stands; a post made after that moment is found by the first difference."""
        peer = types.InputDialogPeer(input_peer(channel))
        answer = await self.account.call(functions.messages.GetPeerDialogsRequest([peer]))
        for dialog in answer.dialogs:
            if dialog.pts:
                return Place(pts=dialog.pts, top_id=MessageId(dialog.top_message))
        # pts first: what is posted between the two answers is then told again by the difference, not skipped.
        full = await self.account.call(functions.channels.GetFullChannelRequest(input_channel(channel)))
        newest = await page_below(self.account, channel, 2**31 - 2)
        top = max((raw.message_id for raw in newest.messages), default=MessageId(0))
        return Place(pts=full.full_chat.pts, top_id=top)

    async def look(self, channels: Sequence[Channel]) -> Seen:
        """The channels as they are now; those that are private or banned are left out, found by halving.

        A channel whose hash is not this account's is asked for with the right one: who logs in anew, after a ban, may do
        so with another account.
        """
        refused: dict[ChannelId, TelegramError] = {}
        chats: list[Any] = []
        for start in range(0, len(channels), BATCH):
            chats += await self._look(channels[start : start + BATCH], refused)
        whole = (chat for chat in chats if isinstance(chat, types.Channel) and not chat.min)
        return Seen(chats={marked(chat.id): chat for chat in whole}, refused=refused)

    async def carrier(self, store: Store, *, full: bool = False) -> Carrier:
        """What this account can take on. `full`: Telegram said that it may join no more."""
        known = await store.channels.all(self.name)
        inside = frozenset(channel.channel_id for channel in known if channel.joined)
        try:
            inside |= frozenset((await self.dialogs()).keys())
            self._premium = (await self.account.me()).premium
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            # What the store remembers will do until the next time.
            log.warning("slots not counted", account=self.name, error=str(error))
        return Carrier(
            name=self.name,
            free=0 if full else slots_of(premium=self._premium, followed=len(inside)),
            member_of=inside,
            knows=frozenset(channel.channel_id for channel in known if channel.access_hash),
            premium=self._premium,
        )

    async def _look(self, batch: Sequence[Channel], refused: dict[ChannelId, TelegramError]) -> list[Any]:
        try:
            request = functions.channels.GetChannelsRequest([input_channel(channel) for channel in batch])
            return list((await self.account.call(request)).chats)
        except (ChannelUnavailable, Refused) as error:
            if len(batch) == 1:
                return await self._look_anew(batch[0], error, refused)
            middle = len(batch) // 2
            return await self._look(batch[:middle], refused) + await self._look(batch[middle:], refused)

    async def _look_anew(
        self, channel: Channel, error: TelegramError, refused: dict[ChannelId, TelegramError]
    ) -> list[Any]:
        if not isinstance(error, ChannelUnavailable) or error.state != ChannelState.DELETED:
            return []
        try:
            return [await self.chat_of(channel)]
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as refusal:
            refused[channel.channel_id] = refusal
            return []
