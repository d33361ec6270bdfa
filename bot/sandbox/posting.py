"""From what a script says to a draft: files stored, formatting translated, replies and forwards worded."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from telethon.tl import types

from bot.model import Entity, LinkPreview, Poll
from bot.sandbox import media
from bot.sandbox.drafts import Draft, ReplyTo
from bot.sandbox.files import NewFile, StoredFile, read_bytes
from bot.sandbox.log import Entry

if TYPE_CHECKING:
    from bot.sandbox.chats import Chat
    from bot.sandbox.world import World


class Content(TypedDict, total=False):
    """What a post may hold besides its text. Of the media, at most one."""

    # `bot.model.Entity` (code points) or TL objects (UTF-16 units).
    entities: Sequence[Entity | Any]
    # Files: a path, or the bytes.
    voice: Path | bytes
    video_note: Path | bytes
    audio: Path | bytes
    video: Path | bytes
    photo: Path | bytes
    document: Path | bytes
    # A file that the world holds already, as `chat.file_of(id)`: the same document id again.
    file: StoredFile
    poll: Poll
    preview: LinkPreview
    # Seconds; of an Ogg file they are read from it unless given.
    duration: float
    # Of audio, video and document; a path's own name unless given.
    file_name: str
    mime: str
    # What Telegram declares as size, where that is to be a lie.
    declared_size: int
    # The data centre that holds the file; 2 unless given.
    dc: int
    # The message that is answered, the other chat that it is in, and the part of it that is quoted.
    reply_to: int
    reply_chat: "Chat"
    quote: str
    # Inline keyboard: rows of (label, data).
    buttons: Sequence[Sequence[tuple[str, bytes]]]
    # The signature under a channel's post.
    author: str
    silent: bool
    # Forwarding and saving are forbidden.
    protected: bool
    # Why Telegram does not show it.
    restricted: str
    views: int
    album_id: int


class AlbumItem(Content, total=False):
    """One part of an album: content, and its caption."""

    text: str


_FILES = ("voice", "video_note", "audio", "video", "photo", "document")


def draft_of(world: "World", target: "Chat | None", text: str, content: Content, *, at: datetime | None) -> Draft:
    """The draft of a script's post; `target` is None for a private message."""
    broadcast = target is not None and target.kind == "broadcast"
    return Draft(
        text=text,
        entities=tuple(media.tl_entities(text, content.get("entities", ()))),
        media=_media(world, content, at or world.now()),
        reply_to=_reply(target, content),
        markup=media.buttons_markup(content["buttons"]) if content.get("buttons") else None,
        silent=content.get("silent", False),
        protected=content.get("protected", False) or (target is not None and target.protected),
        album_id=content.get("album_id"),
        views=content.get("views", 1 if broadcast else None),
        author=content.get("author"),
        restriction=content.get("restricted"),
    )


def _media(world: "World", content: Content, date: datetime) -> Any:
    given = [kind for kind in (*_FILES, "file", "poll", "preview") if content.get(kind) is not None]
    if not given:
        return None
    if len(given) > 1:
        raise ValueError(f"a message bears one medium, not {' and '.join(given)}")
    if given[0] == "poll":
        return media.poll_media(content["poll"])
    if given[0] == "preview":
        return media.preview_media(content["preview"])
    return media.file_media(content["file"] if given[0] == "file" else _store(world, given[0], content, date))


def _store(world: "World", kind: str, content: Content, date: datetime) -> StoredFile:
    source: Path | bytes = content[kind]  # type: ignore[literal-required]
    data, dc = read_bytes(source), content.get("dc", 2)
    if kind == "photo":
        return world.files.add_photo(data, dc=dc, at=date)
    name = content.get("file_name", source.name if isinstance(source, Path) else None)
    new = _new_file(kind, data, content.get("duration"), content.get("mime"), name)
    return world.files.add_document(new, dc=dc, at=date, size=content.get("declared_size"))


def _new_file(kind: str, data: bytes, duration: float | None, mime: str | None, name: str | None) -> NewFile:
    if kind == "voice":
        return media.voice_file(data, duration, mime)
    if kind == "audio":
        return media.audio_file(data, duration, mime, name)
    if kind == "document":
        return media.plain_file(data, mime, name)
    note = kind == "video_note"
    return media.video_file(data, duration, mime, None if note else name, note=note)


def _reply(target: "Chat | None", content: Content) -> ReplyTo | None:
    message_id, place, quote = content.get("reply_to"), content.get("reply_chat"), content.get("quote")
    if not message_id:
        return None
    source = place or target
    offset = quote_offset(source.entry(message_id), quote) if source and quote else None
    return ReplyTo(message_id=message_id, channel_id=place.id if place else None, quote=quote, quote_offset=offset)


def quote_offset(entry: Entry, quote: str) -> int | None:
    """Where the quote begins in a message, in UTF-16 units; None when it is not there."""
    text = entry.tl.message or ""
    start = text.find(quote)
    return None if start < 0 else media.units(text[:start])


def forward_header(entry: Entry, source: "Chat | None", *, name: str | None = None) -> Any:
    """Where a forwarded message came from; a forward of a forward keeps the first origin."""
    tl = entry.tl
    if tl.fwd_from is not None:
        return tl.fwd_from
    if name is not None:
        return types.MessageFwdHeader(date=tl.date, from_name=name)
    if source is not None and source.kind == "broadcast":
        origin = types.PeerChannel(source.id)
        return types.MessageFwdHeader(date=tl.date, from_id=origin, channel_post=tl.id, post_author=tl.post_author)
    return types.MessageFwdHeader(date=tl.date, from_id=tl.from_id)


def forwarded(
    entry: Entry, header: Any, *, views: int | None, protected: bool, album_id: int | None = None, caption: bool = True
) -> Draft:
    """The draft that repeats a message elsewhere: same document, same text; `caption=False` drops that of a file."""
    tl = entry.tl
    if not isinstance(tl.media, types.MessageMediaDocument | types.MessageMediaPhoto):
        caption = True
    return Draft(
        text=tl.message if caption else "",
        entities=tuple(tl.entities or ()) if caption else (),
        media=tl.media,
        forward=header,
        album_id=album_id,
        views=views,
        protected=protected,
    )
