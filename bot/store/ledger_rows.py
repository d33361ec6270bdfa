"""The ledger in the database: only the runs next to the ids in hand are loaded and written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import How
from bot.store import ledger
from bot.store.ledger import IdState, Run
from bot.store.schema import ledger as ledger_table

_RUNS_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Assigned:
    """What became of the ids that were assigned."""

    # Nothing was known of them until now.
    fresh: tuple[int, ...]
    # Now in the state `deleted`.
    deleted: tuple[int, ...]


async def assign_ids(
    conn: AsyncConnection, channel_id: int, parts: Sequence[tuple[set[int], IdState]], how: How
) -> Assigned:
    """Assign states to ids, loading and writing only the runs next to them."""
    ids = {number for some, _ in parts for number in some}
    if not ids:
        return Assigned((), ())
    before: set[Run] = set()
    for first, last in ledger.windows(ids):
        before |= await _load_runs(conn, channel_id, first, last)
    after = sorted(before)
    for some, state in parts:
        after = ledger.assign(after, some, state, how)
    await _write_runs(conn, channel_id, ledger.edit(before, after))
    deleted = [run for run in after if run.state is IdState.DELETED]
    return Assigned(fresh=tuple(ids - ledger.within(before, ids)), deleted=tuple(sorted(ledger.within(deleted, ids))))


async def _load_runs(conn: AsyncConnection, channel_id: int, first: int, last: int) -> set[Run]:
    c = ledger_table.c
    query = sa.select(c.first_id, c.last_id, c.state, c.how).where(
        c.channel_id == channel_id, c.first_id >= _run_at(channel_id, first), c.first_id <= last
    )
    return {_run(row) for row in await conn.execute(query)}


async def _write_runs(conn: AsyncConnection, channel_id: int, change: ledger.Edit) -> None:
    c = ledger_table.c
    if change.removed:
        firsts = [run.first for run in change.removed]
        await conn.execute(ledger_table.delete().where(c.channel_id == channel_id, c.first_id.in_(firsts)))
    if change.added:
        rows = [
            {"channel_id": channel_id, "first_id": run.first, "last_id": run.last, "state": run.state, "how": run.how}
            for run in change.added
        ]
        await conn.execute(ledger_table.insert(), rows)


async def load_holes(conn: AsyncConnection, channel_id: int, first: int, last: int) -> list[tuple[int, int]]:
    """The (first, last) pairs within [first, last] of which the ledger knows nothing, in order."""
    found: list[tuple[int, int]] = []
    while first <= last:
        runs = await _runs_from(conn, channel_id, first, last)
        # A full page says nothing of what comes after its last run.
        upper = min(runs[-1].last, last) if len(runs) == _RUNS_AT_ONCE else last
        found += ledger.gaps(runs, first, upper)
        first = upper + 1
    return found


async def _runs_from(conn: AsyncConnection, channel_id: int, first: int, last: int) -> list[Run]:
    """The next runs up to `last`, beginning with the one that holds `first`."""
    c = ledger_table.c
    query = (
        sa.select(c.first_id, c.last_id, c.state, c.how)
        .where(c.channel_id == channel_id, c.first_id >= _run_at(channel_id, first), c.first_id <= last)
        .order_by(c.first_id)
        .limit(_RUNS_AT_ONCE)
    )
    return [_run(row) for row in await conn.execute(query)]


def _run(row: Any) -> Run:
    return Run(row.first_id, row.last_id, IdState(row.state), How(row.how))


def _run_at(channel_id: int, first: int) -> sa.ColumnElement[int]:
    """Where the run begins that holds `first`, if one does: so that the primary key alone finds the neighbours."""
    c = ledger_table.alias().c
    before = sa.select(sa.func.max(c.first_id)).where(c.channel_id == channel_id, c.first_id <= first)
    return sa.func.coalesce(before.scalar_subquery(), first)
