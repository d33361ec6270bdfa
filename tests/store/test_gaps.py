"""Gaps: exactly the ids of the window that the ledger does not account for, since when, and why."""

import itertools
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from bot.model import Backfill, ChannelId, Gap, How, MessageId
from bot.store import Store
from bot.store.gap_rows import Hole, cut
from bot.store.schema import ledger
from tests.store.making import LAWMAKER, NOON, channel, heard, raw

_CHANNELS = itertools.count(-1008000000000, -1)
IDS = st.integers(1, 40)
SOME = st.sets(IDS, max_size=6)
REASON = st.sampled_from(["", "not pushed", "found by a sweep"])
RECORD = st.fixed_dictionaries(
    {"ids": SOME, "deleted": SOME, "unanswered": SOME, "top": st.none() | IDS, "reason": REASON}
)
# A record, or a backfill that is done and reached an id.
STEPS = st.lists(RECORD | IDS, max_size=12)


@dataclass
class Model:
    """What plain sets say of a channel: each open id with since and reason."""

    first: int
    top: int
    known: set[int] = field(default_factory=set)
    open: dict[int, tuple[datetime, str]] = field(default_factory=dict)

    def widen(self, first: int, top: int, since: datetime, reason: str) -> None:
        """Have the window reach from `first` to `top`."""
        new = set(range(first, top + 1)) - set(range(self.first, self.top + 1)) - self.known
        self.first, self.top = first, top
        self.open |= dict.fromkeys(new, (since, reason))

    def record(self, step: dict[str, Any], at: datetime) -> None:
        """As Intake.record does."""
        self.known |= step["ids"] | step["deleted"]
        top = max(self.top, step["top"] or 0, *step["ids"], 0)
        self.widen(self.first, top, at, step["reason"] or "not heard")
        for number in self.known & self.open.keys():
            del self.open[number]
        for number in step["unanswered"] & self.open.keys():
            self.open[number] = (self.open[number][0], step["reason"] or "asked for, not answered")


def opened_ids(gaps: tuple[Gap, ...]) -> dict[int, tuple[datetime | None, str]]:
    """Each id of the gaps with since and reason."""
    return {number: (gap.since, gap.reason) for gap in gaps for number in range(gap.first, gap.last + 1)}


async def accounted(store: Store, channel_id: ChannelId) -> set[int]:
    """Every id that the ledger knows."""
    async with store._database.read() as conn:
        rows = (await conn.execute(ledger.select().where(ledger.c.channel_id == channel_id))).all()
    return {number for row in rows for number in range(row.first_id, row.last_id + 1)}


async def counted(store: Store, channel_id: ChannelId, window: set[int]) -> dict[tuple[str, How], int]:
    """The ids of the window by state and way, counted one by one."""
    async with store._database.read() as conn:
        rows = (await conn.execute(ledger.select().where(ledger.c.channel_id == channel_id))).all()
    found = [
        (row.state, How(row.how)) for row in rows for number in range(row.first_id, row.last_id + 1) if number in window
    ]
    return dict(Counter(found))


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=IDS, top=st.integers(0, 40), steps=STEPS)
async def test_always_what_the_ledger_leaves_open(store: Store, first: int, top: int, steps: list[Any]) -> None:
    """After any sequence of pins, records and backfills, gaps are the window less the ledger, with since and reason."""
    model = Model(first, first - 1)
    model.widen(first, max(top, first - 1), NOON, "not read since watching began")
    channel_id = ChannelId(next(_CHANNELS))
    pinned = channel(channel_id, watch_from=MessageId(first), top_id=MessageId(model.top))
    await store.channels.pin(pinned, account="main")
    for minute, step in enumerate(steps, start=1):
        at = NOON + timedelta(minutes=minute)
        if isinstance(step, int):
            done = Backfill(channel_id=channel_id, since=NOON, reached=MessageId(step), done=True)
            await store.channels.record_backfill(done)
            model.widen(min(step, model.first), model.top, NOON, "left open by the backfill")
        else:
            given = {"deleted": step["deleted"], "gap_reason": step["reason"], "unanswered": tuple(step["unanswered"])}
            said = heard(*map(raw, sorted(step["ids"])), channel_id=channel_id, at=at, top_id=step["top"], **given)
            for _ in range(2):
                await store.intake.record(said)
            model.record(step, at)
        await store.channels.pin(pinned, account="main")
        assert opened_ids(await store.channels.gaps(channel_id)) == model.open
        window = set(range(model.first, model.top + 1))
        assert set(model.open) == window - await accounted(store, channel_id)
        coverage = await store.channels.coverage(channel_id)
        assert (coverage.first, coverage.last) == (model.first, model.top)
        assert sum(coverage.ids.values()) == len(window - set(model.open))
        assert coverage.ids == await counted(store, channel_id, window)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), max_size=6), SOME, st.none() | st.just("why"))
def test_cut(sizes: list[tuple[int, int]], ids: set[int], reason: str | None) -> None:
    """Ids are taken out, or given the reason; all others stay, each in one hole, in order."""
    holes, start = [], 1
    for number, (length, apart) in enumerate(sizes):
        holes.append(Hole(start, start + length - 1, NOON + timedelta(hours=number % 2), "before"))
        start += length + apart
    before = {number: hole for hole in holes for number in range(hole.first, hole.last + 1)}
    after = cut(holes, ids, reason)
    found = {number: (hole.since, hole.reason) for hole in after for number in range(hole.first, hole.last + 1)}
    assert found == {
        number: (hole.since, reason if reason and number in ids else "before")
        for number, hole in before.items()
        if reason or number not in ids
    }
    assert len(found) == sum(hole.last - hole.first + 1 for hole in after)
    for one, other in itertools.pairwise(after):
        assert one.last < other.first
        assert one.last + 1 < other.first or (one.since, one.reason) != (other.since, other.reason)


async def test_split_gap_keeps_its_origin(store: Store) -> None:
    """What is left of a gap is open since when it was, for the reason it was."""
    await store.intake.record(heard(top_id=10, gap_reason="difference too long"))
    later = NOON + timedelta(hours=1)
    await store.intake.record(heard(raw(4), raw(12), at=later, gap_reason="not pushed"))
    assert [(gap.first, gap.last, gap.since, gap.reason) for gap in await store.channels.gaps(LAWMAKER)] == [
        (1, 3, NOON, "difference too long"),
        (5, 10, NOON, "difference too long"),
        (11, 11, later, "not pushed"),
    ]
    assert len(await store.channels.gaps(LAWMAKER, limit=2)) == 2


async def test_a_deletion_heard_before_its_post(store: Store) -> None:
    """An id above the newest one that is heard to be deleted is no gap once the window reaches it."""
    await store.intake.record(heard(deleted=[3]))
    assert await store.channels.gaps(LAWMAKER) == ()
    await store.intake.record(heard(raw(4)))
    assert [(gap.first, gap.last) for gap in await store.channels.gaps(LAWMAKER)] == [(1, 2)]


async def test_the_usual_post_asks_nothing_of_the_gaps(store: Store) -> None:
    """The next post, an edit and a deletion of one that is held cost no statement about gaps; a hole costs one look."""
    await store.intake.record(heard(raw(1)))
    asked: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "gaps" in statement:
            asked.append(statement.split()[0])

    event.listen(store._database.engine.sync_engine, "before_cursor_execute", note)
    await store.intake.record(heard(raw(2)))
    await store.intake.record(heard(raw(1, "edited"), raw(3)))
    await store.intake.record(heard(deleted=[2]))
    await store.intake.record(heard(raw(4), raw(5), top_id=5, pts=7))
    assert asked == []
    await store.intake.record(heard(raw(7)))
    assert asked == ["INSERT"]
    await store.intake.record(heard(raw(6)))
    assert asked == ["INSERT", "SELECT", "DELETE"]
    event.remove(store._database.engine.sync_engine, "before_cursor_execute", note)


async def test_pinned_over_a_past(store: Store) -> None:
    """A channel that is pinned with ids to be read begins with one gap, and pinning again opens no other."""
    old = channel(ChannelId(-100778), watch_from=MessageId(5), top_id=MessageId(9))
    for _ in range(2):
        await store.channels.pin(old, account="main")
        (gap,) = await store.channels.gaps(old.channel_id)
        assert (gap.first, gap.last, gap.reason) == (5, 9, "not read since watching began")


async def test_how_is_kept(store: Store) -> None:
    """The ledger tells by which way an id came into its state."""
    await store.intake.record(heard(raw(1), raw(2), raw(3, service=True)))
    await store.intake.record(heard(raw(2), raw(4), how=How.SWEEP))
    await store.intake.record(heard(deleted=[1, 3], how=How.DIFFERENCE))
    async with store._database.read() as conn:
        rows = await conn.execute(sa.select(ledger.c.first_id, ledger.c.state, ledger.c.how))
        assert sorted(tuple(row) for row in rows) == [
            (1, "deleted", "difference"),
            (2, "stored", "push"),
            (3, "deleted", "difference"),
            (4, "stored", "sweep"),
        ]
