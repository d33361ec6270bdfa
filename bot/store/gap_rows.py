"""The gaps in the database: exactly the ids from watch_from to top_id that the ledger does not account for.

They move in the transaction that moves the ledger or the window. Each keeps the moment and the reason of its
opening, however it is cut.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import ledger
from bot.store.ledger_rows import load_holes
from bot.store.schema import gaps


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """Ids `first` to `last`, both included, that are open since one moment for one reason."""

    first: int
    last: int
    since: datetime
    reason: str


async def open_gaps(
    conn: AsyncConnection, channel_id: int, first: int, last: int, *, since: datetime, reason: str
) -> None:
    """Open what the ledger does not know of ids that have just come into the window."""
    holes = await load_holes(conn, channel_id, first, last)
    await _write(conn, channel_id, (), [Hole(low, high, since, reason) for low, high in holes])


async def close_gaps(conn: AsyncConnection, channel_id: int, ids: Iterable[int]) -> None:
    """Take ids that the ledger knows now out of the gaps."""
    await _change(conn, channel_id, ids, None)


async def explain_gaps(conn: AsyncConnection, channel_id: int, ids: Iterable[int], reason: str) -> None:
    """Give those of the ids that are open this reason; they keep their `since`."""
    await _change(conn, channel_id, ids, reason)


def cut(holes: Iterable[Hole], ids: Iterable[int], reason: str | None) -> list[Hole]:
    """`holes` with `ids` taken out, or given a reason; neighbours that are alike become one."""
    pieces = sorted(holes)
    for first, last in ledger.stretches(ids):
        pieces = [piece for hole in pieces for piece in _cut(hole, first, last, reason)]
    joined: list[Hole] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before and before.last == piece.first - 1 and (before.since, before.reason) == (piece.since, piece.reason):
            joined[-1] = replace(before, last=piece.last)
        else:
            joined.append(piece)
    return joined


def _cut(hole: Hole, first: int, last: int, reason: str | None) -> list[Hole]:
    start, end = max(hole.first, first), min(hole.last, last)
    if start > end:
        return [hole]
    inner = [] if reason is None else [replace(hole, first=start, last=end, reason=reason)]
    parts = [replace(hole, last=start - 1), *inner, replace(hole, first=end + 1)]
    return [part for part in parts if part.first <= part.last]


async def _change(conn: AsyncConnection, channel_id: int, ids: Iterable[int], reason: str | None) -> None:
    ids = list(ids)
    for first, last in ledger.windows(ids):
        before = await _load(conn, channel_id, first, last)
        if before:
            after = cut(before, (number for number in ids if first <= number <= last), reason)
            await _write(conn, channel_id, before, after)


async def _load(conn: AsyncConnection, channel_id: int, first: int, last: int) -> list[Hole]:
    c, one = gaps.c, gaps.alias().c
    # Where the gap begins that holds `first`, if one does: so that the primary key alone finds the neighbours.
    before = sa.select(sa.func.max(one.first_id)).where(one.channel_id == channel_id, one.first_id <= first)
    begin = sa.func.coalesce(before.scalar_subquery(), first)
    query = sa.select(c.first_id, c.last_id, c.since, c.reason).where(
        c.channel_id == channel_id, c.first_id >= begin, c.first_id <= last
    )
    return [Hole(*row) for row in await conn.execute(query)]


async def _write(conn: AsyncConnection, channel_id: int, before: Sequence[Hole], after: Sequence[Hole]) -> None:
    removed, added = set(before) - set(after), set(after) - set(before)
    if removed:
        firsts = [hole.first for hole in removed]
        await conn.execute(gaps.delete().where(gaps.c.channel_id == channel_id, gaps.c.first_id.in_(firsts)))
    if added:
        rows = [
            {
                "channel_id": channel_id,
                "first_id": hole.first,
                "last_id": hole.last,
                "since": hole.since,
                "reason": hole.reason,
            }
            for hole in sorted(added)
        ]
        await conn.execute(gaps.insert(), rows)
