"""The daily line: once a day, whatever is restarted when, and plain about what was not whole."""

from collections.abc import AsyncIterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest

from bot.canary import CANARY
from bot.health.daily import Daily, daily_line
from bot.store import Day, Status, Store
from tests.health.makers import NOON, gap, row, status
from tests.stores import opened, ready_sqlite

WHOLE = Day(posts=1234, alerts=12, sent=12, worst_lag=3.4, worst_channel=row(2).channel.channel_id)
SIX = datetime.combine(NOON.date(), time(6), NOON.tzinfo)
DAY = timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with opened(ready_sqlite(tmp_path), tmp_path) as store:
        yield store


async def told(store: Store) -> list[str]:
    """The lines in the chat."""
    return [delivery.notice or "" for delivery in await store.outbox.due("chat", NOON + 99 * DAY, 100)]


def whole() -> Status:
    """A day in which nothing was missing."""
    return status(row(1), row(2), row(3, of={"watched": False}), row(4, of={"category": "canary"}), day=WHOLE)


def test_a_whole_day() -> None:
    """Posts, channels, alerts, what became of them, ids and lag; the canary and former channels are not counted."""
    line = "24 h: 1,234 posts in 2 channels; 12 alerts, 12 delivered; 0 ids open; worst lag 3 s (@channel2)"
    assert daily_line(whole()) == line


def test_a_day_without_posts() -> None:
    """Silence is said as well: no posts, no lag."""
    assert daily_line(status(row(1))) == "24 h: 0 posts in 1 channel; 0 alerts, 0 delivered; 0 ids open; worst lag –"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (Day(alerts=12, sent=11, due=1), "12 alerts, only 11 of 12 deliveries made (1 due)"),
        (Day(alerts=1, sent=0, failed=2), "1 alert, only 0 of 2 deliveries made (2 failed)"),
        (Day(alerts=9, sent=10, due=5, failed=3), "9 alerts, only 10 of 18 deliveries made (5 due, 3 failed)"),
        (Day(alerts=5, sent=10), "5 alerts, 5 delivered"),
    ],
)
def test_a_day_with_alerts_that_did_not_arrive(day: Day, words: str) -> None:
    """Matched is not delivered: said with what waits and what failed. With two sinks an alert is two deliveries."""
    line = daily_line(status(row(1), day=day))
    assert words in line
    assert line.startswith("⚠ ") is bool(day.due or day.failed)


def test_a_day_with_gaps() -> None:
    """Ids unaccounted for are counted, and the oldest gap is named with its reason."""
    hole = gap(1, 3, since=NOON - DAY, number=2, reason="found by a sweep")
    line = daily_line(status(row(1), row(2, gaps=3, oldest_gap=hole), oldest_gap=hole, day=WHOLE))
    assert line.startswith("⚠ 24 h: ")
    assert "3 ids open, the oldest in @channel2 (found by a sweep)" in line


def test_a_gap_of_the_canary_is_not_of_the_day() -> None:
    """What is not counted is not named either."""
    hole = gap(1, 3, since=NOON - DAY, number=2)
    canary = row(2, of={"category": CANARY}, gaps=3, oldest_gap=hole)
    line = daily_line(status(row(1), canary, oldest_gap=hole, day=WHOLE))
    assert "0 ids open; " in line


async def test_once_a_day_whatever_restarts(store: Store) -> None:
    """Ten looks and ten restarts after its hour are one line; the next day has its own."""
    for day in range(3):
        at = SIX + day * DAY
        assert not await Daily(store, ("chat",), at=time(6)).tell(whole(), at - timedelta(seconds=1))
        daily = Daily(store, ("chat",), at=time(6))
        for number in range(10):
            again = daily if number % 2 else Daily(store, ("chat",), at=time(6))
            assert await again.tell(whole(), at + timedelta(hours=number)) is (number == 0 and day > 0)
    assert await told(store) == [daily_line(whole())] * 2, "the first of all days was not whole"


async def test_told_late_on_the_same_day_and_not_on_the_next(store: Store) -> None:
    """What was down at six tells when it is back at noon; a day that it was down for altogether is left out."""
    await Daily(store, ("chat",), at=time(6)).tell(whole(), SIX - DAY)
    assert await Daily(store, ("chat",), at=time(6)).tell(whole(), NOON)
    assert not await Daily(store, ("chat",), at=time(6)).tell(whole(), SIX + 3 * DAY - timedelta(hours=1))
    assert len(await told(store)) == 1


async def test_turned_off(store: Store) -> None:
    """Without an hour there is no line, nor a mark of it."""
    assert not await Daily(store, ("chat",), at=None).tell(whole(), NOON)
    assert await store.alarms.tell_once("daily", (), "", NOON)
