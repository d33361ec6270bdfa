"""From the input objects of a request to the peer they name: hashes and rights are checked here.

Errors as https://core.telegram.org/api/errors and the pages of the methods name them.
"""

from typing import Any

from telethon.tl import types

from bot.sandbox.chats import Chat
from bot.sandbox.log import PeerKey
from bot.sandbox.rpc import Caller, RpcError
from bot.sandbox.world import User, World


def me(world: World, caller: Caller) -> User:
    """The logged-in user."""
    return world.users[caller.require_user()]


def person(world: World, caller: Caller) -> User:
    """The logged-in user, who may not be a bot."""
    user = me(world, caller)
    if user.is_bot:
        raise RpcError(400, "BOT_METHOD_INVALID")
    return user


def peer(world: World, caller: Caller, given: Any) -> User | Chat:
    """The user or chat that a types.InputPeer... names, readable by the caller."""
    if isinstance(given, types.InputPeerSelf | types.InputPeerUser | types.InputUser | types.InputUserSelf):
        return user(world, caller, given, refusal="PEER_ID_INVALID")
    if isinstance(given, types.InputPeerChannel | types.InputChannel):
        return channel(world, caller, given)
    if isinstance(given, types.InputPeerChat):
        return group(world, caller, given.chat_id)
    raise RpcError(400, "PEER_ID_INVALID")


def user(world: World, caller: Caller, given: Any, *, refusal: str = "USER_ID_INVALID") -> User:
    """The user that a types.InputUser... or InputPeer... names. A bot may name those it talks with by hash 0."""
    viewer = me(world, caller)
    if isinstance(given, types.InputPeerSelf | types.InputUserSelf):
        return viewer
    if not isinstance(given, types.InputUser | types.InputPeerUser):
        raise RpcError(400, refusal)
    found = world.users.get(given.user_id)
    if found is None or not _hash_good(world, viewer, found.key, given.access_hash, known=_acquainted(viewer, found)):
        raise RpcError(400, refusal)
    return found


def channel(world: World, caller: Caller, given: Any) -> Chat:
    """The channel that a types.InputChannel or InputPeerChannel names, readable by the caller."""
    viewer = me(world, caller)
    if not isinstance(given, types.InputChannel | types.InputPeerChannel):
        raise RpcError(400, "CHANNEL_INVALID")
    found = world.channels.get(given.channel_id)
    if found is None or not _hash_good(
        world, viewer, found.key, given.access_hash, known=viewer.id in found.members or viewer.id in found.kicked
    ):
        raise RpcError(400, "CHANNEL_INVALID")
    if not found.readable_by(viewer.id):
        raise RpcError(400, "CHANNEL_PRIVATE")
    return found


def group(world: World, caller: Caller, chat_id: int) -> Chat:
    """The basic group with that bare id, of which the caller is or was a member."""
    viewer = me(world, caller)
    found = world.groups.get(chat_id)
    if found is None or (viewer.id not in found.members and viewer.id not in found.kicked):
        raise RpcError(400, "CHAT_ID_INVALID")
    return found


def check_may_write(viewer: User, target: User | Chat) -> None:
    """RpcError unless the user may post there."""
    if isinstance(target, User):
        if viewer.is_bot and not _acquainted(viewer, target):
            raise RpcError(400, "PEER_ID_INVALID")
        return
    member = target.members.get(viewer.id)
    if target.kind == "broadcast":
        if member is None or not member.admin:
            raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    elif target.migrated_to is not None:
        raise RpcError(400, "CHAT_ID_INVALID")
    elif member is None or member.muted or (target.closed and not member.admin):
        raise RpcError(403, "CHAT_WRITE_FORBIDDEN")


def is_admin(viewer: User, target: User | Chat) -> bool:
    """Whether the user has administrator's rights there."""
    member = target.members.get(viewer.id) if isinstance(target, Chat) else None
    return member is not None and member.admin


def _hash_good(world: World, viewer: User, key: PeerKey, access_hash: int, *, known: bool) -> bool:
    if viewer.is_bot and access_hash == 0:
        return known
    return access_hash == world.access_hash(viewer.id, key)


def _acquainted(viewer: User, other: User) -> bool:
    """Whether the two have a private chat or a group in common."""
    return viewer is other or bool(viewer.box.alive(other.key)) or not viewer.chats.keys().isdisjoint(other.chats)
