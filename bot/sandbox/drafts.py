"""What is to be posted, before it has an id and a place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telethon.tl import types

from bot.sandbox.log import PeerKey


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTo:
    """The message that is answered: its id as the writer numbers it, and its chat where that is another one."""

    message_id: int
    channel_id: int | None = None
    quote: str | None = None
    # Where the quoted part begins, in UTF-16 units.
    quote_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of one message; TL objects in the TL fields. `action` makes it a service message."""

    text: str = ""
    entities: tuple[Any, ...] = ()
    media: Any = None
    action: Any = None
    reply_to: ReplyTo | None = None
    forward: Any = None
    markup: Any = None
    silent: bool = False
    protected: bool = False
    album_id: int | None = None
    views: int | None = None
    author: str | None = None
    restriction: str | None = None


def peer_of(key: PeerKey) -> Any:
    """types.PeerUser, PeerChat or PeerChannel."""
    kind, peer_id = key
    if kind == "user":
        return types.PeerUser(peer_id)
    return types.PeerChannel(peer_id) if kind == "channel" else types.PeerChat(peer_id)


def key_of(peer: Any) -> PeerKey:
    """The key of a types.Peer...."""
    if isinstance(peer, types.PeerUser):
        return ("user", peer.user_id)
    if isinstance(peer, types.PeerChannel):
        return ("channel", peer.channel_id)
    return ("chat", peer.chat_id)


def compose(
    draft: Draft,
    message_id: int,
    *,
    key: PeerKey,
    date: datetime,
    sender: PeerKey | None,
    out: bool = False,
    post: bool = False,
    reply_id: int | None = None,
) -> Any:
    """The message under this id. `reply_id` is the answered message as this log numbers it; None leaves it out."""
    common = {
        "id": message_id,
        "peer_id": peer_of(key),
        "from_id": peer_of(sender) if sender else None,
        "date": date,
        "out": out or None,
        "post": post or None,
        "silent": draft.silent or None,
        "reply_to": _reply(draft.reply_to, reply_id),
    }
    if draft.action is not None:
        return types.MessageService(action=draft.action, **common)
    return types.Message(
        message=draft.text,
        entities=list(draft.entities) or None,
        media=draft.media,
        fwd_from=draft.forward,
        reply_markup=draft.markup,
        noforwards=draft.protected or None,
        grouped_id=draft.album_id,
        views=draft.views,
        forwards=0 if draft.views is not None else None,
        post_author=draft.author,
        restriction_reason=restriction(draft.restriction),
        **common,
    )


def restriction(reason: str | None) -> Any:
    """The list in which Telegram says why something is not shown; None for no reason."""
    return [types.RestrictionReason(platform="all", reason="terms", text=reason)] if reason else None


def _reply(reply: ReplyTo | None, reply_id: int | None) -> Any:
    if reply is None or (reply_id is None and reply.channel_id is None):
        return None
    return types.MessageReplyHeader(
        reply_to_msg_id=reply_id if reply_id is not None else reply.message_id,
        reply_to_peer_id=types.PeerChannel(reply.channel_id) if reply.channel_id else None,
        quote=True if reply.quote else None,
        quote_text=reply.quote,
        quote_offset=reply.quote_offset,
    )
