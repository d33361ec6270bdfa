"""The analysts' chat: the pipe out, through a bot account logged in over MTProto.

A send carries the `random_id` that was stored with the alert, so a send whose answer was lost can be repeated: Telegram
answers RANDOM_ID_DUPLICATE, which means delivered. https://core.telegram.org/method/messages.sendMessage
"""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telethon.tl import functions, types
from telethon.utils import get_peer_id, resolve_id

from bot.errors import (
    AccountDead,
    AlreadyDone,
    ChannelUnavailable,
    FloodWait,
    LoginNeeded,
    Refused,
    SinkError,
    TelegramError,
)
from bot.model import Clock, Parcel, Receipt, utc_now
from bot.telegram.account import Account
from bot.telegram.entities import to_telegram

log = structlog.get_logger()

# What speaks against this one alert, whoever it is sent to; everything else is the chat's or the account's trouble, and
# an alert is never given up for that.
_ABOUT_THE_MESSAGE = ("MESSAGE_", "ENTIT", "RANDOM_ID_", "BUTTON_", "MEDIA_", "URL_INVALID")

_TROUBLE = {
    "CHAT_WRITE_FORBIDDEN": "the bot may not write there; make it an administrator or allow members to write",
    "CHAT_SEND_PLAIN_FORBIDDEN": "the bot may not send text there; change its permissions in the chat",
    "CHAT_ADMIN_REQUIRED": "the bot must be an administrator there",
    "CHAT_FORBIDDEN": "the bot is not a member there; add it",
    "PEER_ID_INVALID": "the bot does not know that chat; add it there, or press Start in a private chat with it",
    "CHAT_ID_INVALID": "there is no such group, or it has become a supergroup with another id",
    "USER_IS_BLOCKED": "that person has blocked the bot",
    "INPUT_USER_DEACTIVATED": "that person's account is gone",
    "TOPIC_CLOSED": "that topic is closed",
    "TOPIC_DELETED": "that topic is deleted",
}
_GROUP_HAS_MOVED = frozenset({"CHAT_ID_INVALID", "PEER_ID_INVALID", "CHAT_FORBIDDEN", "CHAT_WRITE_FORBIDDEN"})


class AnalystChat:
    """A sink: `chat` is "@handle" (looked up once) or a marked id: -100... channel, -... group, positive person.

    `timeout`: seconds to wait for Telegram's answer to a send. `login`: logs the bot in anew when its session is lost.
    """

    def __init__(
        self,
        account: Account,
        chat: str | int,
        *,
        name: str = "chat",
        clock: Clock = utc_now,
        timeout: float = 30.0,
        login: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.name = name
        self._login = login
        self._timeout = timeout
        self._account = account
        self._chat = chat
        self._clock = clock
        self._peer: Any = None

    async def send(self, parcel: Parcel) -> Receipt:
        """Deliver the parcel once, however often it is sent; the receipt holds the message id in the chat.

        "duplicate" stands for the id when an earlier send of it had arrived. Raises SinkError.
        """
        return await self._logged_in(lambda: self._deliver(parcel))

    async def edit(self, reference: str, parcel: Parcel) -> Receipt:
        """Put the parcel in the place of the message that a receipt names; one that reads so already is success.

        Only a message with the same first line is changed, which names the alert: the chat of the settings may be another
        one by now, in which the number is another message's. https://core.telegram.org/method/messages.editMessage
        Raises SinkError.
        """
        if not reference.isdecimal():
            raise SinkError("which message it is was not recorded", permanent=True)
        return await self._logged_in(lambda: self._edit(int(reference), parcel))

    async def _logged_in(self, work: Callable[[], Awaitable[Receipt]]) -> Receipt:
        try:
            try:
                return await work()
            except (LoginNeeded, AccountDead) as error:
                if self._login is None:
                    raise
                log.warning("the bot's session is lost, logging in again", error=str(error))
                await self._login()
                return await work()
        except TelegramError as error:
            raise self._sink_error(error) from error

    async def check(self) -> str:
        """Whether alerts can go there, in words; raises SinkError that says what to do when they cannot."""
        try:
            peer = await self._resolved()
            chat = await self._look(peer)
        except TelegramError as error:
            raise self._sink_error(error) from error
        if trouble := _cannot_write(chat):
            raise SinkError(f"alerts cannot go to {self._chat}: {trouble}", permanent=False)
        title = getattr(chat, "title", None) or getattr(chat, "first_name", None) or self._chat
        return f"alerts go to {title} ({get_peer_id(peer)})"

    async def _deliver(self, parcel: Parcel) -> Receipt:
        """Send to the chat, or to where it has moved."""
        peer = await self._resolved()
        try:
            return await self._send(peer, parcel)
        except TelegramError as error:
            moved = await self._moved(peer, error)
            if moved is None:
                raise
            self._peer = moved
            return await self._send(moved, parcel)

    async def _send(self, peer: Any, parcel: Parcel) -> Receipt:
        request = functions.messages.SendMessageRequest(
            peer=peer,
            message=parcel.text,
            entities=to_telegram(parcel.text, parcel.entities),
            random_id=parcel.random_id,
            no_webpage=True,
        )
        try:
            answer = await self._account.call(request, timeout=self._timeout)
        except AlreadyDone:
            return Receipt(reference="duplicate", repeated=True)
        return Receipt(reference=_message_id(answer, parcel.random_id))

    async def _edit(self, number: int, parcel: Parcel) -> Receipt:
        peer = await self._resolved()
        text = await self._text(peer, number)
        if text is None or text.split("\n")[0] != parcel.text.split("\n")[0]:
            raise SinkError(f"message {number} of {self._chat} is not this alert", permanent=True)
        request = functions.messages.EditMessageRequest(
            peer=peer,
            id=number,
            message=parcel.text,
            entities=to_telegram(parcel.text, parcel.entities),
            no_webpage=True,
        )
        try:
            await self._account.call(request, timeout=self._timeout)
        except Refused as error:
            if error.word != "MESSAGE_NOT_MODIFIED":
                raise
        return Receipt(reference=str(number))

    async def _text(self, peer: Any, number: int) -> str | None:
        """What a message of the chat says; None when there is none."""
        wanted = [types.InputMessageID(number)]
        if isinstance(peer, types.InputPeerChannel):
            channel = types.InputChannel(peer.channel_id, peer.access_hash)
            answer = await self._account.call(functions.channels.GetMessagesRequest(channel, wanted))
        else:
            answer = await self._account.call(functions.messages.GetMessagesRequest(wanted))
        found = next((message for message in answer.messages if message.id == number), None)
        text: str | None = getattr(found, "message", None)
        return text

    async def _resolved(self) -> Any:
        if self._peer is None:
            if isinstance(self._chat, str) and not self._chat.lstrip("-").isdecimal():
                self._peer = await self._resolve_handle(self._chat.lstrip("@"))
            else:
                self._peer = _input_peer(int(self._chat))
        return self._peer

    async def _resolve_handle(self, handle: str) -> Any:
        answer = await self._account.call(functions.contacts.ResolveUsernameRequest(handle))
        peer = answer.peer
        log.info("chat resolved", chat=self._chat, chat_id=get_peer_id(peer))
        if isinstance(peer, types.PeerChannel):
            channel = next(chat for chat in answer.chats if chat.id == peer.channel_id)
            return types.InputPeerChannel(channel.id, channel.access_hash)
        user = next(user for user in answer.users if user.id == peer.user_id)
        return types.InputPeerUser(user.id, user.access_hash)

    async def _look(self, peer: Any) -> Any:
        """The chat or person as the bot sees it."""
        if isinstance(peer, types.InputPeerChannel):
            channel = types.InputChannel(peer.channel_id, peer.access_hash)
            return (await self._account.call(functions.channels.GetChannelsRequest([channel]))).chats[0]
        if isinstance(peer, types.InputPeerChat):
            return (await self._account.call(functions.messages.GetChatsRequest([peer.chat_id]))).chats[0]
        return (
            await self._account.call(functions.users.GetUsersRequest([types.InputUser(peer.user_id, peer.access_hash)]))
        )[0]

    async def _moved(self, peer: Any, error: TelegramError) -> Any:
        """Where a group went that has become a supergroup; None when that is not what the error is about."""
        if not isinstance(peer, types.InputPeerChat):
            return None
        if not isinstance(error, Refused) or error.word not in _GROUP_HAS_MOVED:
            return None
        target = getattr(await self._look(peer), "migrated_to", None)
        if target is None:
            return None
        moved = types.InputPeerChannel(target.channel_id, target.access_hash)
        log.warning(
            "the analysts' group has become a supergroup: write its new id in earshot.yaml",
            chat=self._chat,
            chat_id=get_peer_id(moved),
        )
        return moved

    def _sink_error(self, error: TelegramError) -> SinkError:
        match error:
            case FloodWait():
                seconds = max((error.until - self._clock()).total_seconds(), 0.0)
                return SinkError(str(error), permanent=False, retry_after=seconds)
            case Refused() if error.word.startswith(_ABOUT_THE_MESSAGE):
                return SinkError(f"Telegram does not take this alert: {error.word}", permanent=True)
            case Refused() if error.word in _TROUBLE:
                return SinkError(f"alerts cannot go to {self._chat}: {_TROUBLE[error.word]}", permanent=False)
            case ChannelUnavailable():
                text = f"alerts cannot go to {self._chat}: {error}; is the bot a member there?"
                return SinkError(text, permanent=False)
            case _:
                return SinkError(f"alerts cannot go to {self._chat} now: {error}", permanent=False)


def _input_peer(marked_id: int) -> Any:
    """A bot may name a chat that it knows by access hash 0 (https://core.telegram.org/api/peers)."""
    bare, kind = resolve_id(marked_id)
    if kind is types.PeerChannel:
        return types.InputPeerChannel(bare, 0)
    if kind is types.PeerChat:
        return types.InputPeerChat(bare)
    return types.InputPeerUser(bare, 0)


def _message_id(answer: Any, random_id: int) -> str:
    if isinstance(answer, types.UpdateShortSentMessage):
        return str(answer.id)
    ids = (
        u.id
        for u in getattr(answer, "updates", ())
        if isinstance(u, types.UpdateMessageID) and u.random_id == random_id
    )
    return str(next(ids, "sent"))


def _cannot_write(chat: Any) -> str | None:
    """Why the bot cannot write there, as far as the chat object tells; None when nothing speaks against it."""
    if isinstance(chat, types.ChannelForbidden | types.ChatForbidden):
        return "the bot was removed; add it again"
    if isinstance(chat, types.Chat) and chat.migrated_to is not None:
        return (
            f"it has become the supergroup {get_peer_id(types.PeerChannel(chat.migrated_to.channel_id))}; use that id"
        )
    if getattr(chat, "left", None):
        return "the bot is not a member; add it"
    if isinstance(chat, types.Channel) and chat.broadcast and not _may_post(chat):
        return "it is a channel, and the bot is not an administrator who may post"
    for rights in (getattr(chat, "banned_rights", None), getattr(chat, "default_banned_rights", None)):
        if (
            rights is not None
            and (rights.send_messages or rights.send_plain)
            and not getattr(chat, "admin_rights", None)
        ):
            return "the bot may not write there; make it an administrator or allow members to write"
    return None


def _may_post(chat: Any) -> bool:
    return bool(chat.creator or (chat.admin_rights and chat.admin_rights.post_messages))
