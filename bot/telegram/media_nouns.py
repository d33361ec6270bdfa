"""What a post carries besides text, as nouns: any MessageMedia becomes a `Carried`, known or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telethon.tl import TLObject, types

from bot.model import Kind, LinkPreview, Media, Poll

# TL's number for "any RichText": its pieces belong to one line.
_RICH_TEXT = types.TextPlain.SUBCLASS_OF_ID
# Fields in which people write, over all TL types that a media can hold.
_WRITTEN = (
    "title", "text", "description", "caption", "credit", "message", "address", "prize_description",
    "first_name", "last_name", "emoticon", "author", "source", "alt",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The media of one post. `words` are those that stand in no other field (to-do lists, places, invoices)."""

    kind: Kind
    media: Media | None = None
    poll: Poll | None = None
    preview: LinkPreview | None = None
    words: str = ""


def carried(tl: Any) -> Carried:
    """What the MessageMedia `tl` holds; None and link previews leave a text post a text post."""
    match tl:
        case None | types.MessageMediaEmpty():
            return Carried(kind=Kind.TEXT)
        case types.MessageMediaWebPage():
            return Carried(kind=Kind.TEXT, preview=_preview(tl.webpage))
        case types.MessageMediaDocument(document=types.Document()):
            return Carried(kind=_document_kind(tl.document), media=_document(tl.document))
        case types.MessageMediaPhoto():
            return Carried(kind=Kind.PHOTO, media=_photo(tl.photo))
        case types.MessageMediaPoll():
            return Carried(kind=Kind.POLL, poll=_poll(tl.poll))
        case _:
            return Carried(kind=Kind.OTHER, words=spelled(tl))


def spelled(tl: Any) -> str:
    """Every word written by people in the TL tree `tl`, a line for each field, in the order of the tree."""
    return "\n".join(line for line in _lines(tl) if line.strip())


def _lines(tl: Any) -> Iterator[str]:
    if isinstance(tl, list | tuple):
        for item in tl:
            yield from _lines(item)
    elif isinstance(tl, TLObject):
        if tl.SUBCLASS_OF_ID == _RICH_TEXT:
            yield "".join(_pieces(tl))
            return
        for name, value in vars(tl).items():
            if isinstance(value, str) and name in _WRITTEN:
                yield value
            else:
                yield from _lines(value)


def _pieces(rich: Any) -> Iterator[str]:
    """The text of a RichText without borders between its pieces: half a word may be bold."""
    match rich:
        case types.TextPlain():
            yield rich.text
        case types.TextConcat():
            for piece in rich.texts:
                yield from _pieces(piece)
        case types.TextCustomEmoji():
            yield rich.alt
        case types.TextMath():
            yield rich.source
        case _:
            if inner := getattr(rich, "text", None):
                yield from _pieces(inner)


def _preview(page: Any) -> LinkPreview | None:
    if not isinstance(page, types.WebPage):
        # Pending: a later edit brings it. Empty: the page has none.
        return None
    return LinkPreview(
        url=page.url, site=page.site_name or "", title=page.title or "", description=page.description or ""
    )


def _poll(poll: Any) -> Poll:
    return Poll(question=poll.question.text, options=tuple(_option(answer) for answer in poll.answers))


def _option(answer: Any) -> str:
    return str(answer.text.text)


def _photo(photo: Any) -> Media | None:
    """None for a photo that has expired or was withheld."""
    if not isinstance(photo, types.Photo):
        return None
    return Media(
        document_id=photo.id,
        size=max((_photo_bytes(size) for size in photo.sizes), default=0),
        mime="image/jpeg",
        dc=photo.dc_id,
    )


def _photo_bytes(size: Any) -> int:
    match size:
        case types.PhotoSize():
            return int(size.size)
        case types.PhotoSizeProgressive():
            return max(size.sizes, default=0)
        case types.PhotoCachedSize():
            return len(size.bytes)
        case _:
            # Outlines and blurs that stand in for the photo.
            return 0


def _document(document: Any) -> Media:
    played = _attribute(document, types.DocumentAttributeAudio) or _attribute(document, types.DocumentAttributeVideo)
    named = _attribute(document, types.DocumentAttributeFilename)
    return Media(
        document_id=document.id,
        size=document.size,
        mime=document.mime_type,
        duration=float(played.duration) if played else None,
        file_name=named.file_name if named else None,
        dc=document.dc_id,
    )


def _document_kind(document: Any) -> Kind:
    audio = _attribute(document, types.DocumentAttributeAudio)
    video = _attribute(document, types.DocumentAttributeVideo)
    if _attribute(document, types.DocumentAttributeSticker) or _attribute(document, types.DocumentAttributeCustomEmoji):
        return Kind.OTHER
    if _attribute(document, types.DocumentAttributeAnimated):
        # A "GIF": has no sound by definition, so it is not a video to be heard.
        return Kind.OTHER
    if audio:
        return Kind.VOICE if audio.voice else Kind.AUDIO
    if video:
        return Kind.VIDEO_NOTE if video.round_message else Kind.VIDEO
    return Kind.DOCUMENT


def _attribute(document: Any, tl_class: type) -> Any:
    return next((attribute for attribute in document.attributes if isinstance(attribute, tl_class)), None)
