"""The ledger in the database: only the runs next to the ids in hand are loaded and written."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import ledger
from bot.store.ledger import IdState, Run
from bot.store.schema import ledger as ledger_table


async def assign_ids(conn: AsyncConnection, channel_id: int, parts: Sequence[tuple[set[int], IdState]]) -> list[int]:
    """Assign states to ids, loading and writing only the runs next to them; return the ids that are deleted now."""
    ids = {number for some, _ in parts for number in some}
    before: set[Run] = set()
    for first, last in ledger.windows(ids):
        before |= await _load_runs(conn, channel_id, first, last)
    after = sorted(before)
    for some, state in parts:
        after = ledger.assign(after, some, state)
    await _write_runs(conn, channel_id, ledger.edit(before, after))
    deleted = [run for run in after if run.state is IdState.DELETED]
    return sorted(number for number in ids if any(run.first <= number <= run.last for run in deleted))


async def _load_runs(conn: AsyncConnection, channel_id: int, first: int, last: int) -> set[Run]:
    c = ledger_table.c
    query = sa.select(c.first_id, c.last_id, c.state).where(
        c.channel_id == channel_id, c.first_id >= _run_at(channel_id, first), c.first_id <= last
    )
    return {Run(low, high, IdState(state)) for low, high, state in await conn.execute(query)}


async def _write_runs(conn: AsyncConnection, channel_id: int, change: ledger.Edit) -> None:
    c = ledger_table.c
    if change.removed:
        firsts = [run.first for run in change.removed]
        await conn.execute(ledger_table.delete().where(c.channel_id == channel_id, c.first_id.in_(firsts)))
    if change.added:
        rows = [
            {"channel_id": channel_id, "first_id": run.first, "last_id": run.last, "state": run.state}
            for run in change.added
        ]
        await conn.execute(ledger_table.insert(), rows)


async def runs_from(conn: AsyncConnection, channel_id: int, first: int, *, limit: int) -> list[Run]:
    """The next `limit` runs, beginning with the one that holds `first`."""
    c = ledger_table.c
    query = (
        sa.select(c.first_id, c.last_id, c.state)
        .where(c.channel_id == channel_id, c.first_id >= _run_at(channel_id, first))
        .order_by(c.first_id)
        .limit(limit)
    )
    return [Run(low, high, IdState(state)) for low, high, state in await conn.execute(query)]


def _run_at(channel_id: int, first: int) -> sa.ColumnElement[int]:
    """Where the run begins that holds `first`, if one does: so that the primary key alone finds the neighbours."""
    c = ledger_table.alias().c
    before = sa.select(sa.func.max(c.first_id)).where(c.channel_id == channel_id, c.first_id <= first)
    return sa.func.coalesce(before.scalar_subquery(), first)
