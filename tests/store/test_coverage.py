"""The coverage statement, and repairs that were ordered."""

from datetime import timedelta

import pytest

from bot.errors import StoreError
from bot.model import ChannelId, How, Kind, MessageId
from bot.store import Store
from tests.store.making import LAWMAKER, NOON, channel, heard, message, put


async def fill(store: Store) -> None:
    """Ten ids over two days, learned in four ways; three are open."""
    yesterday = NOON - timedelta(days=1)
    await put(store, message(1, posted_at=yesterday), message(2, posted_at=yesterday))
    await put(store, message(3, kind=Kind.SERVICE, service="pin", posted_at=NOON), how=How.DIFFERENCE)
    await put(store, message(6, posted_at=NOON), how=How.SWEEP)
    await put(store, message(7, posted_at=NOON, restricted="terms"), how=How.DIFFERENCE)
    await store.intake.record(heard(deleted=[2, 8], how=How.SWEEP, top_id=9, gap_reason="found by a sweep"))


async def test_everything(store: Store) -> None:
    """Every id of the window is counted once, by state and by how it was learned, or is in a gap."""
    await fill(store)
    found = await store.channels.coverage(LAWMAKER)
    assert (found.channel.channel_id, found.first, found.last) == (LAWMAKER, 1, 9)
    assert found.ids == {
        ("stored", How.PUSH): 1,
        ("stored", How.SWEEP): 1,
        ("service", How.DIFFERENCE): 1,
        ("restricted", How.DIFFERENCE): 1,
        ("deleted", How.SWEEP): 2,
    }
    assert [(gap.first, gap.last, gap.reason) for gap in found.gaps] == [
        (4, 5, "not heard"),
        (9, 9, "found by a sweep"),
    ]
    assert sum(found.ids.values()) + sum(gap.last - gap.first + 1 for gap in found.gaps) == 9


async def test_between_dates(store: Store) -> None:
    """Dates become ids by the posts held: what lies between the last before and the first within counts as within."""
    await fill(store)
    today = await store.channels.coverage(LAWMAKER, since=NOON)
    assert (today.first, today.last, sum(today.ids.values())) == (3, 9, 4)
    before = await store.channels.coverage(LAWMAKER, until=NOON)
    assert (before.first, before.last, before.ids) == (
        1,
        5,
        {("stored", How.PUSH): 1, ("deleted", How.SWEEP): 1, ("service", How.DIFFERENCE): 1},
    )
    assert [(gap.first, gap.last) for gap in before.gaps] == [(4, 5)]
    later = await store.channels.coverage(LAWMAKER, since=NOON + timedelta(days=1))
    assert (later.first, later.last, [(gap.first, gap.last) for gap in later.gaps]) == (8, 9, [(9, 9)])
    early = await store.channels.coverage(LAWMAKER, until=NOON - timedelta(days=2))
    assert (early.first, early.last, early.ids, early.gaps) == (1, 0, {}, ())


async def test_cut_at_the_borders(store: Store) -> None:
    """Runs and gaps that reach over the window count with what lies within."""
    late = channel(ChannelId(-100780), watch_from=MessageId(3), top_id=MessageId(2))
    await store.channels.pin(late, account="main")
    posts = [message(number, channel_id=late.channel_id, posted_at=NOON) for number in (1, 2, 3, 4)]
    await put(store, *posts, message(9, channel_id=late.channel_id, posted_at=NOON + timedelta(days=2)))
    found = await store.channels.coverage(late.channel_id, since=NOON + timedelta(days=1))
    assert (found.first, found.last, sum(found.ids.values())) == (5, 9, 1)
    whole = await store.channels.coverage(late.channel_id)
    assert (whole.first, whole.last, whole.ids) == (3, 9, {("stored", How.PUSH): 3})


async def test_unknown(store: Store) -> None:
    """A channel that nobody pinned has no coverage."""
    with pytest.raises(StoreError, match="is not pinned"):
        await store.channels.coverage(ChannelId(-1))


async def test_repair_is_ordered_and_done(store: Store) -> None:
    """An order stands until it is reported done; a later one is not ended by the report of an earlier."""
    later = NOON + timedelta(minutes=1)
    await store.channels.order_repair(LAWMAKER, NOON)
    assert [one.repair_wanted for one in await store.channels.all()] == [NOON, None]
    await store.channels.order_repair(LAWMAKER, later)
    await store.channels.record_repaired(LAWMAKER, NOON)
    found = await store.channels.get(LAWMAKER)
    assert found
    assert found.repair_wanted == later
    for _ in range(2):
        await store.channels.record_repaired(LAWMAKER, later)
    found = await store.channels.get(LAWMAKER)
    assert found
    assert found.repair_wanted is None
