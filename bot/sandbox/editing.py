"""Handlers: what happens to messages later. Edits, deletions, reactions."""

from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access, delivery
from bot.sandbox.answers import updates_of
from bot.sandbox.chats import Chat
from bot.sandbox.checks import check_entities, check_text, inline_markup
from bot.sandbox.log import Entry
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.uploads import media_of
from bot.sandbox.world import User, World


@handles(functions.messages.EditMessageRequest)
def edit_message(world: World, caller: Caller, request: Any) -> Any:
    """Change one's own message, or as administrator any post of a broadcast channel."""
    viewer = access.me(world, caller)
    target = access.peer(world, caller, request.peer)
    entry = _entry(world, viewer, target, request.id)
    if not _may_edit(viewer, target, entry):
        raise RpcError(403, "MESSAGE_AUTHOR_REQUIRED")
    text = entry.tl.message if request.message is None else request.message
    entities: tuple[Any, ...] = tuple(entry.tl.entities or ()) if request.message is None else ()
    if request.message is not None:
        bears_file = isinstance(entry.tl.media, types.MessageMediaDocument | types.MessageMediaPhoto)
        check_text(text, caption=bears_file or request.media is not None)
        entities = check_entities(text, request.entities)
    markup = inline_markup(viewer, request.reply_markup)
    bearing = entry.tl.media
    if request.media is not None:
        bearing = media_of(world, viewer, request.media)
    elif isinstance(bearing, types.MessageMediaWebPage) and request.no_webpage:
        bearing = None
    former = (entry.tl.message, tuple(entry.tl.entities or ()), entry.tl.media, entry.tl.reply_markup)
    if former == (text, entities, bearing, markup):
        raise RpcError(400, "MESSAGE_NOT_MODIFIED")

    def change(tl: Any) -> None:
        tl.message, tl.entities, tl.media, tl.reply_markup = text, list(entities) or None, bearing, markup

    delivery.edit(world, entry, change, silent_for=viewer.id)
    update = delivery.edit_update(viewer.id, entry, delivery.log_for(world, viewer.id, entry.key).pts)
    return updates_of(world, viewer.id, [update], [target.key])


@handles(functions.channels.DeleteMessagesRequest)
def delete_channel_messages(world: World, caller: Caller, request: Any) -> Any:
    """Delete one's own messages, or as administrator any; ids that are gone are passed over."""
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    entries = [entry for entry in map(chat.log.living, request.id) if entry is not None]
    if not access.is_admin(viewer, chat) and any(entry.author_id != viewer.id for entry in entries):
        raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    delivery.delete(world, entries, silent_for=viewer.id)
    return types.messages.AffectedMessages(pts=chat.log.pts, pts_count=len(entries))


@handles(functions.messages.DeleteMessagesRequest)
def delete_messages(world: World, caller: Caller, request: Any) -> Any:
    """Delete messages of private chats and basic groups: one's own copies, with `revoke` everyone's."""
    viewer = access.me(world, caller)
    entries = [entry for entry in map(viewer.box.living, request.id) if entry is not None]
    revoke = bool(request.revoke) or viewer.is_bot
    if revoke and any(entry.key[0] == "chat" and entry.author_id != viewer.id for entry in entries):
        raise RpcError(403, "MESSAGE_DELETE_FORBIDDEN")
    delivery.delete(world, entries, only_for=None if revoke else viewer.id, silent_for=viewer.id)
    return types.messages.AffectedMessages(pts=viewer.box.pts, pts_count=len(entries))


@handles(functions.messages.SendReactionRequest)
def send_reaction(world: World, caller: Caller, request: Any) -> Any:
    """React to a post; the counts go up, who reacted is not kept."""
    viewer = access.person(world, caller)
    target = access.peer(world, caller, request.peer)
    _entry(world, viewer, target, request.msg_id)
    if not isinstance(target, Chat) or target.kind == "group":
        raise RpcError(400, "REACTION_INVALID")
    for reaction in request.reaction or ():
        if not isinstance(reaction, types.ReactionEmoji):
            raise RpcError(400, "REACTION_INVALID")
        shown = target.entry(request.msg_id).tl.reactions
        counts = {one.reaction.emoticon: one.count for one in shown.results} if shown else {}
        target.react(request.msg_id, reaction.emoticon, counts.get(reaction.emoticon, 0) + 1)
    reactions = target.entry(request.msg_id).tl.reactions or types.MessageReactions(results=[])
    update = types.UpdateMessageReactions(peer=types.PeerChannel(target.id), msg_id=request.msg_id, reactions=reactions)
    return updates_of(world, viewer.id, [update], [target.key])


def _entry(world: World, viewer: User, target: User | Chat, message_id: int) -> Entry:
    entry = delivery.log_for(world, viewer.id, target.key).living(message_id)
    if entry is None or entry.key != target.key or entry.tl.action is not None:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    return entry


def _may_edit(viewer: User, target: User | Chat, entry: Entry) -> bool:
    if entry.tl.fwd_from is not None:
        return False
    if isinstance(target, Chat) and target.kind == "broadcast":
        return access.is_admin(viewer, target)
    return entry.author_id == viewer.id
