"""Handlers: the list of chats, and the newest state of some of them."""

from bisect import bisect_right
from datetime import datetime
from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access
from bot.sandbox.answers import peers_of, render, state_of
from bot.sandbox.chats import Chat
from bot.sandbox.checks import moment
from bot.sandbox.delivery import log_for
from bot.sandbox.drafts import peer_of
from bot.sandbox.log import PeerKey
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.world import User, World

PAGE = 100


@handles(functions.messages.GetDialogsRequest)
def get_dialogs(world: World, caller: Caller, request: Any) -> Any:
    """The caller's chats, newest message first, from behind the dialog that the offsets name."""
    viewer = access.person(world, caller)
    keys = _ordered(world, viewer)
    offset_date = moment(request.offset_date)
    if isinstance(request.offset_peer, types.InputPeerEmpty):
        older = (i for i, key in enumerate(keys) if offset_date is None or _newest(world, viewer, key) < offset_date)
        start = next(older, len(keys))
    else:
        behind = access.peer(world, caller, request.offset_peer).key
        start = keys.index(behind) + 1 if behind in keys else len(keys)
    limit = min(request.limit or PAGE, PAGE)
    page = keys[start : start + limit]
    body = _body(world, viewer, page)
    if start == 0 and len(page) == len(keys):
        return types.messages.Dialogs(**body)
    return types.messages.DialogsSlice(count=len(keys), **body)


@handles(functions.messages.GetPeerDialogsRequest)
def get_peer_dialogs(world: World, caller: Caller, request: Any) -> Any:
    """The newest state (top message, pts) of the chats asked for, joined or not."""
    viewer = access.person(world, caller)
    if len(request.peers) > world.limits.peer_dialogs:
        raise RpcError(400, "LIMIT_INVALID")
    keys = []
    for one in request.peers:
        if not isinstance(one, types.InputDialogPeer):
            raise RpcError(400, "PEER_ID_INVALID")
        keys.append(access.peer(world, caller, one.peer).key)
    return types.messages.PeerDialogs(**_body(world, viewer, keys), state=state_of(world, viewer.id))


@handles(functions.messages.GetPinnedDialogsRequest)
def get_pinned_dialogs(world: World, caller: Caller, request: Any) -> Any:
    """Nobody pins dialogs here."""
    viewer = access.person(world, caller)
    return types.messages.PeerDialogs(**_body(world, viewer, []), state=state_of(world, viewer.id))


def dialog_of(world: World, viewer: User, key: PeerKey) -> Any:
    """types.Dialog of one peer."""
    log = log_for(world, viewer.id, key)
    alive = log.alive(key)
    read = _read(world, viewer, key)
    return types.Dialog(
        peer=peer_of(key),
        top_message=alive[-1] if alive else 0,
        read_inbox_max_id=read,
        read_outbox_max_id=0,
        unread_count=len(alive) - bisect_right(alive, read),
        unread_mentions_count=0,
        unread_reactions_count=0,
        unread_poll_votes_count=0,
        notify_settings=types.PeerNotifySettings(),
        pts=log.pts if key[0] == "channel" else None,
    )


def _body(world: World, viewer: User, keys: list[PeerKey]) -> dict[str, Any]:
    dialogs = [dialog_of(world, viewer, key) for key in keys]
    messages = [
        render(log_for(world, viewer.id, key).entries[dialog.top_message - 1], viewer.id)
        for key, dialog in zip(keys, dialogs, strict=True)
        if dialog.top_message
    ]
    users, chats = peers_of(world, viewer.id, messages, keys)
    return {"dialogs": dialogs, "messages": messages, "chats": chats, "users": users}


def _ordered(world: World, viewer: User) -> list[PeerKey]:
    keys = {key: None for key, chat in viewer.chats.items() if chat.readable_by(viewer.id)}
    keys.update(dict.fromkeys(key for key in viewer.box.peers if key[0] == "user"))
    return sorted(keys, key=lambda key: (_newest(world, viewer, key), key), reverse=True)


def _newest(world: World, viewer: User, key: PeerKey) -> datetime:
    log = log_for(world, viewer.id, key)
    alive = log.alive(key)
    if alive:
        date: datetime = log.entries[alive[-1] - 1].tl.date
        return date
    peer = world.peer(key)
    return peer.members[viewer.id].since if isinstance(peer, Chat) else world.now()


def _read(world: World, viewer: User, key: PeerKey) -> int:
    if key[0] == "channel":
        member = world.channels[key[1]].members.get(viewer.id)
        return member.read if member else 0
    return viewer.read.get(key, 0)
