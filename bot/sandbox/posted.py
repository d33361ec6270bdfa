"""What tests look at: the messages of the world, with what only the server knows of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.log import Edit, Entry


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
