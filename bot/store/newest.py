"""The newest documents that hold something: how much is read must not grow with how common it is.

An index of words knows every document that holds a word, but not which is the newest: for the commonest words it gives
nearly all, to be looked up and sorted. What is common stands in the newest documents as well. So those are read first, and
the index is asked for older ones alone, when they did not suffice: then what is looked for is rare, or has become so.
SQLite's index tells at once what is rare, and is asked first; PostgreSQL's knows no phrases, so for those ever longer
stretches of time are read. The answer is the same whichever way it is found: each parts the documents by their time.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import search_documents

# So many documents are read before the index is asked for all: some 15 ms on SQLite.
NEAR = 3_000
# So many hits of SQLite's index are looked up one by one in about the same time. With more, one in a hundred documents
# of a large archive is a hit, and the near ones will do.
FEW = 8_000
# Rather than to look up more than this, SQLite goes through the documents by their time, until enough are among the hits.
MANY = 20_000
# Each word is looked for in their whole text: more words than this are asked of the index at once.
MOST_READ = 8
_d = search_documents.c
_SELECT = sa.select(_d.channel_id, _d.message_id, _d.posted_at, _d.document_id)

Conditions = Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Sought:
    """What documents must hold, for one engine.

    `reads`: as a condition that is judged by reading a document; None where that would take longer than the index does.
    `asks`: the same as a query to the index, in FTS5's language on SQLite, a condition on PostgreSQL.
    """

    reads: sa.ColumnElement[bool] | None
    asks: str | sa.ColumnElement[bool]
    # What the index finds must be read to be judged, so that it is no shorter way to what is rare.
    judged_by_reading: bool = False


async def load_newest(
    conn: AsyncConnection, sought: Sought, where: Conditions, ties: Sequence[sa.ColumnElement[Any]], limit: int
) -> list[Any]:
    """(channel_id, message_id, posted_at, document_id) of up to `limit` documents, by `posted_at`, then by `ties`."""
    newest = _SELECT.order_by(_d.posted_at.desc(), *ties)
    if isinstance(sought.asks, str) and (few := await _hits(conn, sought.asks, FEW)) is not None:
        return await _load(conn, _looked_up(newest, few), where, limit)
    found: list[Any] = []
    many = NEAR
    while sought.reads is not None:
        # The moment of the last one that is read: those of the same moment are on this side of it too.
        reached = sa.select(_d.posted_at).where(*where).order_by(_d.posted_at.desc()).offset(many - 1).limit(1)
        border = await conn.scalar(reached)
        near = [] if border is None else [_d.posted_at >= border]
        found += await _load(conn, newest, [*where, *near, sought.reads], limit - len(found))
        if border is None or len(found) == limit:
            return found
        where = [*where, _d.posted_at < border]
        if not sought.judged_by_reading:
            break
        many *= 4
    query = await _asking(conn, newest, sought.asks)
    async with _by_index(conn):
        return found + await _load(conn, query, where, limit - len(found))


async def _load(conn: AsyncConnection, query: sa.Select[Any], where: Conditions, limit: int) -> list[Any]:
    return list((await conn.execute(query.where(*where).limit(limit))).all())


async def _asking(conn: AsyncConnection, newest: sa.Select[Any], asks: str | sa.ColumnElement[bool]) -> sa.Select[Any]:
    if not isinstance(asks, str):
        return newest.where(asks)
    if (hits := await _hits(conn, asks, MANY)) is not None:
        return _looked_up(newest, hits)
    found = sa.text("SELECT rowid FROM search_index WHERE search_index MATCH :asks").bindparams(asks=asks)
    # The sign is all that keeps SQLite from looking up every hit: https://sqlite.org/optoverview.html#disqualifying
    number: sa.ColumnElement[int] = sa.literal_column("+search_documents.document_id")
    return newest.where(number.in_(found.columns(rowid=sa.Integer).scalar_subquery()))


@asynccontextmanager
async def _by_index(conn: AsyncConnection) -> AsyncIterator[None]:
    """Have PostgreSQL use its index of words, which is all that is left to it with these settings.

    It takes a word that is not among the commonest for ten times as common as it may be, the forms of a rule for commoner
    still, and then goes through all documents by their time: seconds in place of a millisecond.
    """
    if conn.dialect.name != "postgresql":
        yield
        return
    await conn.exec_driver_sql("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
    yield
    # After an error the transaction ends, and they with it.
    await conn.exec_driver_sql("SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_indexscan TO DEFAULT")


async def _hits(conn: AsyncConnection, asks: str, most: int) -> str | None:
    """The document ids as JSON, or None when there are more than `most`."""
    query = sa.text(
        "SELECT count(*), json_group_array(rowid) FROM "
        "(SELECT rowid FROM search_index WHERE search_index MATCH :asks LIMIT :most)"
    )
    count, numbers = (await conn.execute(query, {"asks": asks, "most": most + 1})).one()
    return str(numbers) if count <= most else None


def _looked_up(newest: sa.Select[Any], hits: str) -> sa.Select[Any]:
    found = sa.text("SELECT value FROM json_each(:hits)").bindparams(hits=hits)
    looked_up = _d.document_id.in_(found.columns(value=sa.Integer).scalar_subquery())
    # By no index but that of the ids: SQLite takes any bound of time for a narrow one.
    return newest.where(looked_up).with_hint(search_documents, "NOT INDEXED", "sqlite")


def stands(words: Sequence[str], *, prefix: bool) -> sa.ColumnElement[bool]:
    """Whether these folded words stand side by side in a document; with `prefix`, the last may go on."""
    padded = sa.literal(" ") + _d.folded + sa.literal(" ")
    return padded.like(f"% {' '.join(words)}{'' if prefix else ' '}%")
