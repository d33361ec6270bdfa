"""A way through the documents by their time, from the newest on: each is read to see whether it holds what is sought."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import search_documents

Conditions = Sequence[sa.ColumnElement[bool]]

_d = search_documents.c
SELECT = sa.select(_d.channel_id, _d.message_id, _d.posted_at, _d.document_id)


@dataclass(frozen=True, slots=True)
class Sought:
    """What documents must hold, for one engine.

    `reads`: makes a condition that is judged by reading a document; it is long when the words are many.
    `asks`: the same as a query to the index, in FTS5's language on SQLite, a tsquery on PostgreSQL.
    """

    reads: Callable[[], sa.ColumnElement[bool]]
    asks: str
    # Of so many words that to look for each in a document takes longer than the index does.
    long: bool = False
    # What the index finds must be read to be judged: it finds more than is sought, nobody knows how much more.
    judged_by_reading: bool = False


@dataclass(slots=True)
class Walk:
    """How far the documents `where` are read, and which of those hold what is sought: up to `limit`, in their order."""

    conn: AsyncConnection
    sought: Sought
    where: Conditions
    ties: Sequence[sa.ColumnElement[Any]]
    limit: int
    found: list[Any] = field(default_factory=list)
    # Documents read; those of one moment, which are read together, make it a few more.
    read: int = 0
    # Whether enough is found, or all is read.
    ended: bool = False
    _unread: Conditions = ()

    async def step(self, many: int) -> None:
        """Read the next `many` documents; not past the end."""
        # The moment of the last one that is read: those of the same moment are on this side of it too.
        reached = sa.select(_d.posted_at).where(*self.left).order_by(_d.posted_at.desc()).offset(many - 1).limit(1)
        border = await self.conn.scalar(reached)
        near = [] if border is None else [_d.posted_at >= border]
        await self.load(self.newest.where(*self.left, *near, self.sought.reads()))
        self._unread = [] if border is None else [_d.posted_at < border]
        self.read += many
        self.ended = border is None or len(self.found) == self.limit

    async def load(self, query: sa.Select[Any]) -> list[Any]:
        """Add what a query finds among those that are left, as many as are wanted; give all that is found."""
        self.found += (await self.conn.execute(query.limit(self.limit - len(self.found)))).all()
        return self.found

    @property
    def newest(self) -> sa.Select[Any]:
        """All documents in their order."""
        return SELECT.order_by(_d.posted_at.desc(), *self.ties)

    @property
    def left(self) -> Conditions:
        """Which documents are not yet read."""
        return [*self.where, *self._unread]


def stands(words: Sequence[str], *, prefix: bool) -> sa.ColumnElement[bool]:
    """Whether these folded words stand side by side in a document; with `prefix`, the last may go on."""
    padded = sa.literal(" ") + _d.folded + sa.literal(" ")
    return padded.like(f"% {' '.join(words)}{'' if prefix else ' '}%")
