"""Formatting: Telegram counts in UTF-16 units, we count in code points.

The words are those of the Bot API (core.telegram.org/bots/api#messageentity), so that an analyst meets one vocabulary.
"""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from telethon.tl import types

from bot.model import Entity

# Only where the Bot API's word is not the class name in snake case.
_WORDS: dict[type, str] = {
    types.MessageEntityTextUrl: "text_link",
    types.MessageEntityMentionName: "text_mention",
    types.InputMessageEntityMentionName: "text_mention",
    types.MessageEntityPhone: "phone_number",
    types.MessageEntityStrike: "strikethrough",
    types.MessageEntityFormattedDate: "date_time",
}

# What a sink may send; all others are found by Telegram itself (urls, hashtags) or need facts that we do not have.
_SENDABLE: dict[str, type] = {
    "bold": types.MessageEntityBold,
    "italic": types.MessageEntityItalic,
    "underline": types.MessageEntityUnderline,
    "strikethrough": types.MessageEntityStrike,
    "spoiler": types.MessageEntitySpoiler,
    "code": types.MessageEntityCode,
    "blockquote": types.MessageEntityBlockquote,
}
# Code points after this one take two UTF-16 units.
_LAST_UNPAIRED = "\uffff"
_PAIRED = re.compile("[\U00010000-\U0010ffff]")


def from_telegram(text: str, entities: Sequence[Any] | None) -> tuple[Entity, ...]:
    """Entities of `text`, in code points and in Telegram's order.

    An end inside a surrogate pair moves outwards, an end outside the text moves to its border; what is empty then is
    left out.
    """
    if not entities:
        return ()
    point_at = _points(text)
    converted = (_entity(tl, point_at) for tl in entities)
    return tuple(entity for entity in converted if entity.length > 0)


def to_telegram(text: str, entities: Sequence[Entity]) -> list[Any]:
    """The same as TL objects in UTF-16 units.

    Kinds that cannot be sent, and entities that do not lie within the text, are left out: the words matter more.
    """
    unit_at = list(accumulate((_units(character) for character in text), initial=0))
    placed = []
    for entity in entities:
        if not 0 <= entity.start < entity.start + entity.length <= len(text):
            continue
        offset = unit_at[entity.start]
        made = _sendable(entity, offset, unit_at[entity.start + entity.length] - offset)
        if made is not None:
            placed.append(made)
    return placed


def word(tl_class: type) -> str:
    """Our word for a MessageEntity class."""
    stem = tl_class.__name__.removeprefix("InputMessageEntity").removeprefix("MessageEntity")
    return _WORDS.get(tl_class) or re.sub(r"(?<!^)(?=[A-Z])", "_", stem).lower()


def _entity(tl: Any, point_at: tuple[Sequence[int], Sequence[int]]) -> Entity:
    starts, ends = point_at
    border = len(starts) - 1
    first = min(max(tl.offset, 0), border)
    last = min(max(tl.offset + tl.length, first), border)
    start, end = starts[first], ends[last]
    url = tl.url if isinstance(tl, types.MessageEntityTextUrl) else None
    return Entity(kind=word(type(tl)), start=start, length=end - start if last > first else 0, url=url)


def _points(text: str) -> tuple[Sequence[int], Sequence[int]]:
    """For each UTF-16 unit of `text`, and the end: the code point it starts in, and the one it ends in."""
    if not _PAIRED.search(text):
        same = range(len(text) + 1)
        return same, same
    starts: list[int] = []
    ends: list[int] = []
    for point, character in enumerate(text):
        starts.append(point)
        ends.append(point)
        if character > _LAST_UNPAIRED:
            starts.append(point)
            ends.append(point + 1)
    return [*starts, len(text)], [*ends, len(text)]


def _units(character: str) -> int:
    return 2 if character > _LAST_UNPAIRED else 1


def _sendable(entity: Entity, offset: int, length: int) -> Any:
    if entity.kind == "text_link":
        return types.MessageEntityTextUrl(offset, length, entity.url or "")
    if entity.kind == "pre":
        return types.MessageEntityPre(offset, length, "")
    if entity.kind == "expandable_blockquote":
        return types.MessageEntityBlockquote(offset, length, collapsed=True)
    made = _SENDABLE.get(entity.kind)
    return made(offset, length) if made else None
