"""Handlers: what happened since. https://core.telegram.org/api/updates"""

from collections.abc import Sequence
from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access
from bot.sandbox.answers import peers_of, render, state_of
from bot.sandbox.chats import Chat
from bot.sandbox.checks import moment
from bot.sandbox.delivery import delete_update, edit_update
from bot.sandbox.dialogs import dialog_of
from bot.sandbox.drafts import peer_of
from bot.sandbox.log import Event, MessageLog
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.world import User, World

# Events in one answer for a person; bots may ask for 100,000.
PAGE = 100
BOT_PAGE = 100_000
ACCOUNT_PAGE = 1_000


@handles(functions.updates.GetStateRequest)
def get_state(world: World, caller: Caller, request: Any) -> Any:
    """The account's counters."""
    return state_of(world, caller.require_user())


@handles(functions.updates.GetDifferenceRequest)
def get_difference(world: World, caller: Caller, request: Any) -> Any:
    """What happened in the account's box since `pts`; channels that moved since `date` are named as too long."""
    viewer = access.me(world, caller)
    _check_pts(request.pts, viewer.box)
    since = moment(request.date)
    if since is None:
        raise RpcError(400, "DATE_EMPTY")
    if world.switches.take_too_long(viewer):
        return types.updates.DifferenceTooLong(pts=viewer.box.pts)
    events, final = viewer.box.after(request.pts, min(request.pts_limit or ACCOUNT_PAGE, ACCOUNT_PAGE))
    moved = [
        chat
        for chat in viewer.chats.values()
        if chat.kind != "group" and chat.log.moved_at is not None and chat.log.moved_at >= since
    ]
    if not events and not moved:
        return types.updates.DifferenceEmpty(date=world.now(), seq=1)
    messages, others = _changes(world, viewer, viewer.box, events)
    others += [types.UpdateChannelTooLong(channel_id=chat.id, pts=chat.log.pts) for chat in moved]
    seen = [*messages, *(update.message for update in others if hasattr(update, "message"))]
    users, chats = peers_of(world, viewer.id, seen, [chat.key for chat in moved])
    body = {
        "new_messages": messages,
        "new_encrypted_messages": [],
        "other_updates": others,
        "chats": chats,
        "users": users,
    }
    state = state_of(world, viewer.id)
    if final:
        return types.updates.Difference(**body, state=state)
    state.pts = events[-1].pts
    return types.updates.DifferenceSlice(**body, intermediate_state=state)


@handles(functions.updates.GetChannelDifferenceRequest)
def get_channel_difference(world: World, caller: Caller, request: Any) -> Any:
    """What happened in a channel since `pts`; open to all who may read it.

    Messages come as they are now, so that an edit of one that is new in the same answer is not told apart, and what
    was posted and deleted since comes as a deletion alone.
    """
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    _check_pts(request.pts, chat.log)
    if request.limit <= 0:
        raise RpcError(400, "LIMIT_INVALID")
    if world.switches.take_too_long(chat) or chat.log.behind(request.pts) > world.limits.difference:
        return _too_long(world, viewer, chat, request.limit)
    events, final = chat.log.after(request.pts, min(request.limit, BOT_PAGE if viewer.is_bot else PAGE))
    if not events:
        return types.updates.ChannelDifferenceEmpty(pts=chat.log.pts, final=True, timeout=30)
    messages, others = _changes(world, viewer, chat.log, events)
    seen = [*messages, *(update.message for update in others if hasattr(update, "message"))]
    users, chats = peers_of(world, viewer.id, seen, [chat.key])
    return types.updates.ChannelDifference(
        pts=events[-1].pts,
        new_messages=messages,
        other_updates=others,
        chats=chats,
        users=users,
        final=final or None,
        timeout=30,
    )


def _too_long(world: World, viewer: User, chat: Chat, limit: int) -> Any:
    ids, _ = chat.log.page(chat.key, limit=min(limit, PAGE))
    told = world.switches.told(chat.key, ids)
    messages = [render(chat.log.entries[message_id - 1], viewer.id) for message_id in told]
    users, chats = peers_of(world, viewer.id, messages, [chat.key])
    return types.updates.ChannelDifferenceTooLong(
        dialog=dialog_of(world, viewer, chat.key), messages=messages, chats=chats, users=users, final=True, timeout=30
    )


def _check_pts(pts: int, log: MessageLog) -> None:
    if pts <= 0:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_EMPTY")
    if pts > log.pts:
        raise RpcError(400, "PERSISTENT_TIMESTAMP_INVALID")


def _changes(world: World, viewer: User, log: MessageLog, events: Sequence[Event]) -> tuple[list[Any], list[Any]]:
    """New messages, and updates of other kinds, in the order of their events."""
    new = {message_id for event in events if event.kind == "new" for message_id in event.ids}
    last_edit = {event.ids[0]: event.pts for event in events if event.kind == "edit"}
    messages, others = [], []
    for event in events:
        entry = log.entries[event.ids[0] - 1]
        told = world.switches.told(entry.key, event.ids)
        if not told:
            continue
        if event.kind == "delete":
            others.append(delete_update(entry.key, told, event.pts, event.count))
        elif entry.deleted:
            continue
        elif event.kind == "new":
            messages.append(render(entry, viewer.id))
        elif event.kind == "pin":
            others.append(_pin_update(entry.key, event))
        elif event.ids[0] not in new and last_edit[event.ids[0]] == event.pts:
            others.append(edit_update(viewer.id, entry, event.pts))
    return messages, others


def _pin_update(key: Any, event: Event) -> Any:
    common = {"messages": list(event.ids), "pts": event.pts, "pts_count": event.count, "pinned": True}
    if key[0] == "channel":
        return types.UpdatePinnedChannelMessages(channel_id=key[1], **common)
    return types.UpdatePinnedMessages(peer=peer_of(key), **common)
