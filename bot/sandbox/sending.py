"""Handlers: new messages. Text, media, albums, forwards."""

from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access
from bot.sandbox.answers import updates_of
from bot.sandbox.chats import Chat
from bot.sandbox.checks import check_entities, check_text, claim_random_id, inline_markup
from bot.sandbox.delivery import deliver, log_for, new_update
from bot.sandbox.drafts import Draft, ReplyTo
from bot.sandbox.log import Entry
from bot.sandbox.media import found_preview
from bot.sandbox.posting import forward_header, forwarded, quote_offset
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.uploads import media_of
from bot.sandbox.world import User, World

# https://core.telegram.org/method/messages.sendMultiMedia
ALBUM_LIMIT = 10


@handles(functions.messages.SendMessageRequest)
def send_message(world: World, caller: Caller, request: Any) -> Any:
    """A text message; the first address in it gets a preview unless `no_webpage`."""
    viewer = access.me(world, caller)
    target = access.peer(world, caller, request.peer)
    access.check_may_write(viewer, target)
    check_text(request.message)
    entities = check_entities(request.message, request.entities)
    draft = Draft(
        text=request.message,
        entities=entities,
        media=None if request.no_webpage else found_preview(request.message, entities),
        reply_to=_reply(world, caller, viewer, target, request.reply_to),
        **_common(viewer, target, request),
    )
    return _send(world, viewer, target, [(draft, request.random_id)])


@handles(functions.messages.SendMediaRequest)
def send_media(world: World, caller: Caller, request: Any) -> Any:
    """A message with a file or poll."""
    viewer = access.me(world, caller)
    target = access.peer(world, caller, request.peer)
    access.check_may_write(viewer, target)
    check_text(request.message, caption=True)
    entities = check_entities(request.message, request.entities)
    reply_to = _reply(world, caller, viewer, target, request.reply_to)
    # Refused before the upload is used up.
    claim_random_id(world, viewer, request.random_id)
    draft = Draft(
        text=request.message,
        entities=entities,
        media=media_of(world, viewer, request.media),
        reply_to=reply_to,
        **_common(viewer, target, request),
    )
    return _post(world, viewer, target, [(draft, request.random_id)])


@handles(functions.messages.SendMultiMediaRequest)
def send_multi_media(world: World, caller: Caller, request: Any) -> Any:
    """An album of files that the server holds already."""
    viewer = access.me(world, caller)
    target = access.peer(world, caller, request.peer)
    access.check_may_write(viewer, target)
    if not request.multi_media:
        raise RpcError(400, "MULTI_MEDIA_EMPTY")
    if len(request.multi_media) > ALBUM_LIMIT:
        raise RpcError(400, "MULTI_MEDIA_TOO_LONG")
    reply_to = _reply(world, caller, viewer, target, request.reply_to)
    common = _common(viewer, target, request)
    album_id = next(world.album_ids)
    drafts = []
    for item in request.multi_media:
        if isinstance(item.media, types.InputMediaUploadedDocument | types.InputMediaUploadedPhoto):
            raise RpcError(400, "MEDIA_INVALID")
        check_text(item.message, caption=True)
        draft = Draft(
            text=item.message,
            entities=check_entities(item.message, item.entities),
            media=media_of(world, viewer, item.media),
            reply_to=reply_to,
            album_id=album_id,
            **common,
        )
        drafts.append((draft, item.random_id))
    return _send(world, viewer, target, drafts)


@handles(functions.messages.ForwardMessagesRequest)
def forward_messages(world: World, caller: Caller, request: Any) -> Any:
    """Messages repeated elsewhere, with their origin unless `drop_author`; albums stay together."""
    viewer = access.me(world, caller)
    source = access.peer(world, caller, request.from_peer)
    target = access.peer(world, caller, request.to_peer)
    access.check_may_write(viewer, target)
    if not request.id:
        raise RpcError(400, "MESSAGE_IDS_EMPTY")
    if len(request.id) != len(request.random_id):
        raise RpcError(400, "RANDOM_ID_INVALID")
    if isinstance(source, Chat) and source.protected:
        raise RpcError(400, "CHAT_FORWARDS_RESTRICTED")
    albums: dict[int, int] = {}
    drafts = []
    for message_id, random_id in zip(request.id, request.random_id, strict=True):
        entry = log_for(world, viewer.id, source.key).living(message_id)
        if entry is None or entry.key != source.key or entry.tl.action is not None:
            raise RpcError(400, "MESSAGE_ID_INVALID")
        if entry.tl.noforwards:
            raise RpcError(400, "CHAT_FORWARDS_RESTRICTED")
        album = entry.tl.grouped_id
        if album is not None:
            albums.setdefault(album, next(world.album_ids))
        header = None if request.drop_author else _origin(entry, source)
        draft = forwarded(
            entry,
            header,
            views=1 if isinstance(target, Chat) and target.kind == "broadcast" else None,
            protected=bool(request.noforwards) or (isinstance(target, Chat) and target.protected),
            album_id=albums.get(album) if album is not None else None,
            caption=not request.drop_media_captions,
        )
        drafts.append((draft, random_id))
    return _send(world, viewer, target, drafts)


def _send(world: World, viewer: User, target: User | Chat, drafts: list[tuple[Draft, int]]) -> Any:
    """Post what passes the check of random ids, all or nothing."""
    claim_random_id(world, viewer, *(random_id for _, random_id in drafts))
    return _post(world, viewer, target, drafts)


def _post(world: World, viewer: User, target: User | Chat, drafts: list[tuple[Draft, int]]) -> Any:
    """Post and answer with the ids given; the sender hears of it by this answer, everyone else by a push."""
    updates: list[Any] = []
    for draft, random_id in drafts:
        entry = deliver(world, target, draft, sender=viewer, random_id=random_id, silent_for=viewer.id)
        updates += [types.UpdateMessageID(id=entry.tl.id, random_id=random_id), new_update(viewer.id, entry)]
    return updates_of(world, viewer.id, updates, [target.key])


def _common(viewer: User, target: User | Chat, request: Any) -> dict[str, Any]:
    if request.schedule_date is not None:
        raise RpcError(400, "SCHEDULE_DATE_INVALID")
    broadcast = isinstance(target, Chat) and target.kind == "broadcast"
    return {
        "silent": bool(request.silent),
        "protected": bool(request.noforwards) or (isinstance(target, Chat) and target.protected),
        "markup": inline_markup(viewer, getattr(request, "reply_markup", None)),
        "views": 1 if broadcast else None,
        "author": viewer.name if isinstance(target, Chat) and target.signatures else None,
    }


def _reply(world: World, caller: Caller, viewer: User, target: User | Chat, given: Any) -> ReplyTo | None:
    if given is None:
        return None
    if not isinstance(given, types.InputReplyToMessage):
        raise RpcError(400, "REPLY_TO_INVALID")
    elsewhere = access.peer(world, caller, given.reply_to_peer_id) if given.reply_to_peer_id else None
    place = elsewhere or target
    entry = log_for(world, viewer.id, place.key).living(given.reply_to_msg_id)
    if entry is None or entry.key != place.key:
        # As Telegram does: an answer to what is gone becomes a plain message.
        return None
    offset = quote_offset(entry, given.quote_text) if given.quote_text else None
    if given.quote_text and offset is None:
        raise RpcError(400, "QUOTE_TEXT_INVALID")
    channel_id = place.id if place is not target and place.key[0] == "channel" else None
    quote = given.quote_text or None
    return ReplyTo(message_id=given.reply_to_msg_id, channel_id=channel_id, quote=quote, quote_offset=offset)


def _origin(entry: Entry, source: User | Chat) -> Any:
    return forward_header(entry, source if isinstance(source, Chat) else None)
