"""The newest documents that hold something, on PostgreSQL: what its statistics take for rare is asked of the index at once.

The index (GIN) gives all that it finds or nothing, some 10 microseconds for each document; one more document read by its
time costs about as much. So they are read until that many are read as the index would give, and the index is asked then:
never more than twice the work of the better way, which nobody knows beforehand.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.walk import Walk

# So many documents are read in the first step, at least in any, and each step is so many times the one before.
NEAR, GROWTH = 250, 4
# What is expected in no more documents is asked of the index at once. A word that is not among the thousand commonest is
# taken for one of them, and most are rarer by far.
FEW = 5_000

# The planner decides nothing here, for it is wrong by ten times about rare words, and once a statement is prepared it
# plans without looking at the words.
_PLANNED = "plan_cache_mode = force_custom_plan", "jit = off", "max_parallel_workers_per_gather = 0"
_BY_TIME = *_PLANNED, "enable_seqscan = off", "enable_bitmapscan = off"
_BY_WORD = *_PLANNED, "enable_seqscan = off", "enable_indexscan = off"

_EXPECTED = sa.text("EXPLAIN (FORMAT JSON) SELECT FROM search_documents WHERE vector @@ CAST(:asks AS tsquery)")
# Ids are given in turn, hardly one in vain.
_KNOWN = sa.text(
    "SELECT (SELECT coalesce(max(document_id), 0) FROM search_documents), EXISTS (SELECT FROM pg_stats"
    " WHERE schemaname = current_schema() AND tablename = 'search_documents' AND attname = 'vector')"
)


async def load(walk: Walk) -> list[Any]:
    """What is found, as `load_newest` gives it."""
    documents, has_statistics = (await walk.conn.execute(_KNOWN)).one()
    hits = await _expected(walk) if has_statistics else documents
    if hits > FEW:
        async with _planned(walk.conn, _BY_TIME):
            await _read_near(walk, hits, documents)
    if walk.ended:
        return walk.found
    # IS TRUE is all that keeps PostgreSQL from going through its index of times as well, however wide the window.
    left = [sa.and_(*walk.left).is_(sa.true())] if walk.left else []
    async with _planned(walk.conn, _BY_WORD):
        return await walk.load(walk.newest.where(walk.sought.reads(), *left))


async def _read_near(walk: Walk, hits: int, documents: int) -> None:
    """Read while that may be less work than to ask the index, which would give so many `hits` among all `documents`."""
    many = NEAR
    while not walk.ended and hits > max(walk.read, FEW):
        await walk.step(many)
        if not walk.sought.judged_by_reading:
            # As dense everywhere as in what is read.
            hits = min(hits, (len(walk.found) + 1) * documents // walk.read)
        many = max(NEAR, min(GROWTH * many, hits - walk.read))


async def _expected(walk: Walk) -> int:
    """In how many documents the words of a query may be, after the statistics that PostgreSQL keeps by itself."""
    asks = walk.sought.asks
    (plan,) = await walk.conn.scalar(_EXPECTED, {"asks": asks})
    expected = int(plan["Plan"]["Plan Rows"])
    # Many words may begin so, none of them among the commonest: it is too common until something is read.
    return max(expected, FEW + 1) if ":*" in asks else expected


@asynccontextmanager
async def _planned(conn: AsyncConnection, settings: tuple[str, ...]) -> AsyncIterator[None]:
    await conn.exec_driver_sql("; ".join(f"SET LOCAL {setting}" for setting in settings))
    yield
    # After an error the transaction ends, and they with it.
    await conn.exec_driver_sql("; ".join(f"SET LOCAL {setting.split()[0]} TO DEFAULT" for setting in settings))
