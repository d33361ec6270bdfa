"""The newest documents that hold something, on SQLite: its index tells at once what is rare, and is asked first."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import search_documents
from bot.store.walk import Walk

# So many documents are read before the index is asked for all: some 15 ms.
NEAR = 3_000
# So many hits of the index are looked up one by one in about the same time. With more, one in a hundred documents of a
# large archive is a hit, and the near ones will do.
FEW = 8_000
# Rather than to look up more than this, it goes through the documents by their time, until enough are among the hits.
MANY = 20_000
# Each word is looked for in their whole text: more words than this are asked of the index at once.
MOST_READ = 8


async def load(walk: Walk) -> list[Any]:
    """What is found, as `load_newest` gives it."""
    asks = walk.sought.asks
    if (few := await _hits(walk.conn, asks, FEW)) is not None:
        return await walk.load(_looked_up(walk, few))
    if not walk.sought.long:
        await walk.step(NEAR)
        if walk.ended:
            return walk.found
    if (hits := await _hits(walk.conn, asks, MANY)) is not None:
        return await walk.load(_looked_up(walk, hits))
    found = sa.text("SELECT rowid FROM search_index WHERE search_index MATCH :asks").bindparams(asks=asks)
    # The sign is all that keeps SQLite from looking up every hit: https://sqlite.org/optoverview.html#disqualifying
    number: sa.ColumnElement[int] = sa.literal_column("+search_documents.document_id")
    is_hit = number.in_(found.columns(rowid=sa.Integer).scalar_subquery())
    return await walk.load(walk.newest.where(is_hit, *walk.left))


async def _hits(conn: AsyncConnection, asks: str, most: int) -> str | None:
    """The document ids as JSON, or None when there are more than `most`."""
    query = sa.text(
        "SELECT count(*), json_group_array(rowid) FROM "
        "(SELECT rowid FROM search_index WHERE search_index MATCH :asks LIMIT :most)"
    )
    count, numbers = (await conn.execute(query, {"asks": asks, "most": most + 1})).one()
    return str(numbers) if count <= most else None


def _looked_up(walk: Walk, hits: str) -> sa.Select[Any]:
    found = sa.text("SELECT value FROM json_each(:hits)").bindparams(hits=hits)
    looked_up = search_documents.c.document_id.in_(found.columns(value=sa.Integer).scalar_subquery())
    # By no index but that of the ids: SQLite takes any bound of time for a narrow one.
    return walk.newest.where(looked_up, *walk.left).with_hint(search_documents, "NOT INDEXED", "sqlite")
