"""TL media out of what a script posts or a client sends."""

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from telethon.tl import types

from bot.model import Entity, LinkPreview, Poll
from bot.sandbox.files import NewFile, StoredFile, ogg_seconds

_ADDRESS = re.compile(r"https?://[^\s<>]+", re.IGNORECASE)
_poll_ids = itertools.count(7_000_000_001)
_page_ids = itertools.count(8_000_000_001)

# bot.model.Entity.kind -> TL class; those with a further argument are made in `_entity`.
_ENTITIES: Mapping[str, Any] = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strikethrough": types.MessageEntityStrike,
    "strike": types.MessageEntityStrike,
    "code": types.MessageEntityCode,
    "url": types.MessageEntityUrl,
    "email": types.MessageEntityEmail,
    "phone": types.MessageEntityPhone,
    "mention": types.MessageEntityMention,
    "hashtag": types.MessageEntityHashtag,
    "cashtag": types.MessageEntityCashtag,
    "bot_command": types.MessageEntityBotCommand,
    "spoiler": types.MessageEntitySpoiler,
    "blockquote": types.MessageEntityBlockquote,
}


def units(text: str) -> int:
    """The length of a text as Telegram counts it: UTF-16 code units."""
    return len(text) + sum(ord(character) > 0xFFFF for character in text)


def tl_entities(text: str, entities: Sequence[Any]) -> list[Any]:
    """TL entities: `bot.model.Entity` (code points) is translated, TL objects (UTF-16 units) stay as they are."""
    return [_entity(text, entity) if isinstance(entity, Entity) else entity for entity in entities]


def _entity(text: str, entity: Entity) -> Any:
    offset = units(text[: entity.start])
    length = units(text[entity.start : entity.start + entity.length])
    if entity.kind == "text_link":
        return types.MessageEntityTextUrl(offset=offset, length=length, url=entity.url or "")
    if entity.kind == "pre":
        return types.MessageEntityPre(offset=offset, length=length, language="")
    if entity.kind not in _ENTITIES:
        raise ValueError(f"the sandbox knows no entity {entity.kind!r}")
    return _ENTITIES[entity.kind](offset=offset, length=length)


def voice_file(data: bytes, duration: float | None, mime: str | None) -> NewFile:
    """A voice note; its duration is read from the Ogg pages unless given."""
    seconds = duration if duration is not None else ogg_seconds(data) or 0
    attribute = types.DocumentAttributeAudio(duration=round(seconds), voice=True, waveform=b"\x15" * 63)
    return NewFile(data=data, mime=mime or "audio/ogg", attributes=[attribute])


def audio_file(data: bytes, duration: float | None, mime: str | None, name: str | None) -> NewFile:
    """Music, or any recording sent as a file."""
    attributes = [types.DocumentAttributeAudio(duration=round(duration or ogg_seconds(data) or 0)), *_named(name)]
    return NewFile(data=data, mime=mime or "audio/mpeg", attributes=attributes)


def video_file(data: bytes, duration: float | None, mime: str | None, name: str | None, *, note: bool) -> NewFile:
    """A video, or a round video note."""
    width, height = (384, 384) if note else (1280, 720)
    video = types.DocumentAttributeVideo(
        duration=float(duration or 0), w=width, h=height, round_message=note or None, supports_streaming=True
    )
    return NewFile(data=data, mime=mime or "video/mp4", attributes=[video, *_named(name)])


def plain_file(data: bytes, mime: str | None, name: str | None) -> NewFile:
    """A document of any type."""
    return NewFile(data=data, mime=mime or "application/octet-stream", attributes=_named(name))


def _named(name: str | None) -> list[Any]:
    return [types.DocumentAttributeFilename(file_name=name)] if name is not None else []


def file_media(stored: StoredFile) -> Any:
    """The media of a message that bears this file."""
    if isinstance(stored.tl, types.Photo):
        return types.MessageMediaPhoto(photo=stored.tl)
    attributes = stored.tl.attributes
    audio = [attribute for attribute in attributes if isinstance(attribute, types.DocumentAttributeAudio)]
    video = [attribute for attribute in attributes if isinstance(attribute, types.DocumentAttributeVideo)]
    return types.MessageMediaDocument(
        document=stored.tl,
        voice=any(attribute.voice for attribute in audio) or None,
        video=bool(video) or None,
        round=any(attribute.round_message for attribute in video) or None,
    )


def poll_media(poll: Poll) -> Any:
    """An open poll without votes."""
    answers = [
        types.PollAnswer(text=_words(option), option=str(number).encode()) for number, option in enumerate(poll.options)
    ]
    tl = types.Poll(id=next(_poll_ids), question=_words(poll.question), answers=answers, hash=0)
    return types.MessageMediaPoll(poll=tl, results=types.PollResults(total_voters=0))


def preview_media(preview: LinkPreview) -> Any:
    """The preview of a linked page."""
    page = types.WebPage(
        id=next(_page_ids),
        url=preview.url,
        display_url=preview.url.removeprefix("https://"),
        hash=0,
        type="article",
        site_name=preview.site or None,
        title=preview.title or None,
        description=preview.description or None,
    )
    return types.MessageMediaWebPage(webpage=page)


def found_preview(text: str, entities: Sequence[Any]) -> Any:
    """The preview that Telegram makes of the first address in a text, as far as the sandbox knows pages; or None."""
    hidden = [entity.url for entity in entities if isinstance(entity, types.MessageEntityTextUrl)]
    shown = _ADDRESS.findall(text)
    url = next(iter([*shown, *hidden]), None)
    return preview_media(LinkPreview(url=url, site="Sandbox", title=url)) if url else None


def buttons_markup(rows: Sequence[Sequence[tuple[str, bytes]]]) -> Any:
    """An inline keyboard of (label, data) buttons."""
    return types.ReplyInlineMarkup(
        rows=[
            types.KeyboardInlineButtonRow(
                buttons=[
                    types.KeyboardInlineButton(text=text, type=types.InlineButtonTypeCallback(data=data))
                    for text, data in row
                ]
            )
            for row in rows
        ]
    )


def _words(text: str) -> Any:
    return types.TextWithEntities(text=text, entities=[])
