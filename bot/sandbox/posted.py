"""What tests look at: the messages of the world, with what only the server knows of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telethon.tl import types

from bot.sandbox.log import Edit, Entry

# What clients make clickable of their own accord: addresses, bare domains, handles.
_CLICKABLE = re.compile(
    r"https?://[^\s<>]+|(?<![\w@.])(?:[\w-]+\.)+[a-z]{2,18}(?:/[^\s<>]*)?(?!\w)|(?<![\w/])@[a-z]\w{3,31}", re.IGNORECASE
)
_UNCLICKABLE = types.MessageEntityCode | types.MessageEntityPre


@dataclass(frozen=True, slots=True)
class Posted:
    """A message for assertions; `tl` is the newest state as Telegram would show it."""

    id: int
    text: str
    # TL entities, in UTF-16 units.
    entities: tuple[Any, ...]
    # Who really wrote it; None for a script's post without a sender.
    sender_id: int | None
    # As the client chose it; None for what a script posted.
    random_id: int | None
    date: datetime
    deleted: bool
    # What it was before each edit, oldest first.
    edits: tuple[Edit, ...]
    tl: Any

    @classmethod
    def of(cls, entry: Entry) -> "Posted":
        """The view of an entry."""
        tl = entry.tl
        return cls(
            id=tl.id,
            text=tl.message or "",
            entities=tuple(tl.entities or ()),
            sender_id=entry.author_id,
            random_id=entry.random_id,
            date=tl.date,
            deleted=entry.deleted,
            edits=tuple(entry.edits),
            tl=tl,
        )

    @property
    def links(self) -> tuple[str, ...]:
        """All that a reader could click: the addresses of text links, and what clients find in the text by themselves.

        Code is left alone, as clients leave it.
        """
        units = bytearray(self.text.encode("utf-16-le"))
        for entity in self.entities:
            if isinstance(entity, _UNCLICKABLE):
                start, end = 2 * entity.offset, 2 * (entity.offset + entity.length)
                units[start:end] = " ".encode("utf-16-le") * entity.length
        hidden = [entity.url for entity in self.entities if isinstance(entity, types.MessageEntityTextUrl)]
        return (*hidden, *_CLICKABLE.findall(units.decode("utf-16-le", "replace")))
