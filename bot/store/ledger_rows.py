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


def _runs_between() -> sa.Select[tuple[int, int, str, str]]:
    """Runs up to `high`, beginning with the one that holds `low`, if one does: the primary key alone finds them."""
    c, other = ledger_table.c, ledger_table.alias().c
    channel, low = sa.bindparam("channel", type_=sa.BigInteger), sa.bindparam("low", type_=sa.BigInteger)
    before = sa.select(sa.func.max(other.first_id)).where(other.channel_id == channel, other.first_id <= low)
    return sa.select(c.first_id, c.last_id, c.state, c.how).where(
        c.channel_id == channel,
        c.first_id >= sa.func.coalesce(before.scalar_subquery(), low),
        c.first_id <= sa.bindparam("high", type_=sa.BigInteger),
    )


# Built once, for every push passes here, and building them takes longer than carrying them out.
_RUNS = _runs_between()
_ADD = ledger_table.insert().values(
    channel_id=sa.bindparam("channel"),
    first_id=sa.bindparam("low"),
    last_id=sa.bindparam("high"),
    state=sa.bindparam("to"),
    how=sa.bindparam("by"),
)
_CHANGE = (
    ledger_table.update()
    .where(ledger_table.c.channel_id == sa.bindparam("channel"), ledger_table.c.first_id == sa.bindparam("low"))
    .values(last_id=sa.bindparam("high"), state=sa.bindparam("to"), how=sa.bindparam("by"))
)


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
    rows = await conn.execute(_RUNS, {"channel": channel_id, "low": first, "high": last})
    return {_run(row) for row in rows}


async def _write_runs(conn: AsyncConnection, channel_id: int, change: ledger.Edit) -> None:
    c = ledger_table.c
    before, after = ({run.first for run in runs} for runs in (change.removed, change.added))
    if gone := before - after:
        await conn.execute(ledger_table.delete().where(c.channel_id == channel_id, c.first_id.in_(gone)))
    rows = [
        {"channel": channel_id, "low": run.first, "high": run.last, "to": run.state, "by": run.how}
        for run in change.added
    ]
    for statement, these in (
        (_CHANGE, [row for row in rows if row["low"] in before]),
        (_ADD, [row for row in rows if row["low"] not in before]),
    ):
        if these:
            await conn.execute(statement, these)


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
    query = _RUNS.order_by(ledger_table.c.first_id).limit(_RUNS_AT_ONCE)
    return [_run(row) for row in await conn.execute(query, {"channel": channel_id, "low": first, "high": last})]


def _run(row: Any) -> Run:
    return Run(row.first_id, row.last_id, IdState(row.state), How(row.how))
