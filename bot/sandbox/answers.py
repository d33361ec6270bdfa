"""What every answer is made of: messages as one viewer sees them, with the users and chats that they name."""

import copy
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from bot.sandbox.drafts import key_of, peer_of
from bot.sandbox.log import Entry, PeerKey

if TYPE_CHECKING:
    from bot.sandbox.world import World


def render(entry: Entry, viewer_id: int) -> Any:
    """The message as the viewer gets it: `out` is set on what they wrote, a deleted message is empty."""
    if entry.deleted:
        return types.MessageEmpty(id=entry.tl.id, peer_id=peer_of(entry.key))
    if entry.author_id == viewer_id and not entry.tl.out:
        own = copy.copy(entry.tl)
        own.out = True
        return own
    return entry.tl


def peers_of(
    world: "World", viewer_id: int, messages: Iterable[Any], extra: Iterable[PeerKey] = ()
) -> tuple[list[Any], list[Any]]:
    """The users and chats that messages name, as the viewer sees them."""
    keys: dict[PeerKey, None] = dict.fromkeys(extra)
    for message in messages:
        for peer in _named(message):
            if peer is not None:
                keys[key_of(peer)] = None
    users, chats = [], []
    for kind, peer_id in keys:
        if kind == "user":
            if user := world.users.get(peer_id):
                users.append(user.tl(self_user=peer_id == viewer_id, viewer=viewer_id))
        elif chat := (world.channels if kind == "channel" else world.groups).get(peer_id):
            chats.append(chat.tl(viewer_id))
    return users, chats


def _named(message: Any) -> Iterable[Any]:
    yield message.peer_id
    if isinstance(message, types.MessageEmpty):
        return
    yield message.from_id
    reply = message.reply_to
    if reply is not None:
        yield reply.reply_to_peer_id
    forward = getattr(message, "fwd_from", None)
    if forward is not None:
        yield forward.from_id
    for user_id in getattr(getattr(message, "action", None), "users", ()):
        yield types.PeerUser(user_id)


def state_of(world: "World", viewer_id: int) -> Any:
    """updates.State of an account."""
    user = world.users[viewer_id]
    return types.updates.State(pts=user.box.pts, qts=0, date=world.now(), seq=1, unread_count=0)


def updates_of(world: "World", viewer_id: int, updates: Sequence[Any], extra: Iterable[PeerKey] = ()) -> Any:
    """types.Updates for the answer to a request."""
    messages = [update.message for update in updates if hasattr(update, "message")]
    users, chats = peers_of(world, viewer_id, messages, extra)
    return types.Updates(updates=list(updates), users=users, chats=chats, date=world.now(), seq=0)
