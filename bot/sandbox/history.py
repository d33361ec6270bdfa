"""Handlers: messages that are there. History, messages by id, views, what has been read."""

from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access
from bot.sandbox.answers import peers_of, render
from bot.sandbox.chats import Chat
from bot.sandbox.checks import moment
from bot.sandbox.delivery import log_for
from bot.sandbox.drafts import peer_of
from bot.sandbox.log import Entry
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.world import User, World

PAGE = 100


@handles(functions.messages.GetHistoryRequest)
def get_history(world: World, caller: Caller, request: Any) -> Any:
    """A page of messages that are there now, newest first; more than 100 are never given."""
    viewer = access.person(world, caller)
    target = access.peer(world, caller, request.peer)
    log = log_for(world, viewer.id, target.key)
    ids, newer = log.page(
        target.key,
        limit=min(max(request.limit, 0), PAGE),
        offset_id=request.offset_id,
        offset_date=moment(request.offset_date),
        add_offset=request.add_offset,
        max_id=request.max_id,
        min_id=request.min_id,
    )
    told = world.switches.told(target.key, ids)
    messages = [render(log.entries[message_id - 1], viewer.id) for message_id in told]
    return _messages(world, viewer, target, messages, count=len(log.alive(target.key)), newer=newer)


@handles(functions.messages.SearchRequest)
def search(world: World, caller: Caller, request: Any) -> Any:
    """Messages whose text holds `q`, newest first; the only filter known is the empty one."""
    viewer = access.person(world, caller)
    target = access.peer(world, caller, request.peer)
    if not isinstance(request.filter, types.InputMessagesFilterEmpty):
        raise RpcError(400, "INPUT_FILTER_INVALID")
    if not request.q and request.from_id is None:
        raise RpcError(400, "SEARCH_QUERY_EMPTY")
    sender = access.peer(world, caller, request.from_id).id if request.from_id else None
    log = log_for(world, viewer.id, target.key)
    found = [
        entry.tl.id
        for entry in (log.entries[message_id - 1] for message_id in reversed(log.alive(target.key)))
        if request.q.casefold() in (entry.tl.message or "").casefold() and sender in (None, entry.author_id)
    ]
    page = [message_id for message_id in found if not request.offset_id or message_id < request.offset_id]
    page = page[max(request.add_offset, 0) :][: min(request.limit, PAGE)]
    messages = [render(log.entries[message_id - 1], viewer.id) for message_id in page]
    return _messages(world, viewer, target, messages, count=len(found), newer=0)


@handles(functions.channels.GetMessagesRequest)
def get_channel_messages(world: World, caller: Caller, request: Any) -> Any:
    """A channel's messages by id, in the order asked for; messageEmpty for what is not there."""
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    told = world.switches.told(chat.key, _ids(request.id))
    messages = [_by_id(chat, viewer, message_id) for message_id in told]
    return _messages(world, viewer, chat, messages, count=len(messages), newer=0)


@handles(functions.messages.GetMessagesRequest)
def get_messages(world: World, caller: Caller, request: Any) -> Any:
    """Messages of private chats and basic groups by id; messageEmpty for what is not there."""
    viewer = access.me(world, caller)
    messages = []
    for message_id in _ids(request.id):
        entry = viewer.box.get(message_id)
        messages.append(render(entry, viewer.id) if entry else types.MessageEmpty(id=message_id, peer_id=None))
    users, chats = peers_of(world, viewer.id, [m for m in messages if m.peer_id is not None])
    return types.messages.Messages(messages=messages, topics=[], chats=chats, users=users)


@handles(functions.messages.GetMessagesViewsRequest)
def get_messages_views(world: World, caller: Caller, request: Any) -> Any:
    """Counters of messages; `increment` counts this look as a view."""
    viewer = access.person(world, caller)
    target = access.peer(world, caller, request.peer)
    log = log_for(world, viewer.id, target.key)
    views = []
    for message_id in request.id:
        entry = log.living(message_id)
        if entry is None or entry.tl.action is not None or entry.tl.views is None:
            views.append(types.MessageViews())
            continue
        if request.increment:
            entry.tl.views += 1
        views.append(types.MessageViews(views=entry.tl.views, forwards=entry.tl.forwards))
    users, chats = peers_of(world, viewer.id, (), [target.key])
    return types.messages.MessageViews(views=views, chats=chats, users=users)


@handles(functions.channels.ReadHistoryRequest)
def read_channel(world: World, caller: Caller, request: Any) -> bool:
    """Mark a channel read up to an id; 0 is all of it."""
    viewer = access.person(world, caller)
    chat = access.channel(world, caller, request.channel)
    member = chat.members.get(viewer.id)
    if member is not None:
        member.read = max(member.read, request.max_id or chat.log.top_id)
    return True


@handles(functions.messages.ReadHistoryRequest)
def read_history(world: World, caller: Caller, request: Any) -> Any:
    """Mark a private chat or basic group read up to an id; 0 is all of it."""
    viewer = access.person(world, caller)
    target = access.peer(world, caller, request.peer)
    if target.key[0] == "channel":
        raise RpcError(400, "PEER_ID_INVALID")
    viewer.read[target.key] = max(viewer.read.get(target.key, 0), request.max_id or viewer.box.top_id)
    return types.messages.AffectedMessages(pts=viewer.box.pts, pts_count=0)


def _by_id(chat: Chat, viewer: User, message_id: int) -> Any:
    entry: Entry | None = chat.log.get(message_id)
    return render(entry, viewer.id) if entry else types.MessageEmpty(id=message_id, peer_id=peer_of(chat.key))


def _ids(given: list[Any]) -> list[int]:
    """The ids asked for; no more than 100 at once, as official clients do."""
    if len(given) > PAGE:
        raise RpcError(400, "LIMIT_INVALID")
    if not all(isinstance(one, types.InputMessageID) for one in given):
        raise RpcError(400, "MSG_ID_INVALID")
    return [one.id for one in given]


def _messages(world: World, viewer: User, target: User | Chat, messages: list[Any], *, count: int, newer: int) -> Any:
    users, chats = peers_of(world, viewer.id, messages, [target.key])
    if isinstance(target, Chat) and target.kind != "group":
        return types.messages.ChannelMessages(
            pts=target.log.pts,
            count=count,
            messages=messages,
            topics=[],
            chats=chats,
            users=users,
            offset_id_offset=newer,
        )
    if len(messages) == count:
        return types.messages.Messages(messages=messages, topics=[], chats=chats, users=users)
    return types.messages.MessagesSlice(
        count=count, messages=messages, topics=[], chats=chats, users=users, offset_id_offset=newer
    )
