"""The figures of the status."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.canary import CANARY
from bot.model import How, Kind, MessageId, Receipt, RecordingState, Wait
from bot.store import Day, Lag, Store
from bot.store.pauses import usual_gap
from bot.store.schema import messages, versions
from tests.store.making import BLOGGER, LAWMAKER, NOON, channel, heard, match, message, put, raw, voice

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


async def test_lag(store: Store) -> None:
    """Lag is measured over the last day's posts, without backfills, edits and what was posted before watching."""
    for number in range(1, 101):
        at = NOON + timedelta(minutes=number)
        await put(store, message(number, posted_at=at - timedelta(seconds=number)), at=at)
    await put(store, message(1, "edit", edited_at=NOON + timedelta(hours=3)), at=NOON + timedelta(hours=4))
    await put(store, message(200, posted_at=NOON - timedelta(days=9)), how=How.BACKFILL)
    (lawmaker, blogger) = (await store.archive.status(NOON + timedelta(hours=24))).channels
    assert lawmaker.channel.channel_id == LAWMAKER
    assert lawmaker.lag == Lag(
        posts=100, p50=50.0, p99=99.0, max=100.0, newest=100.0, newest_at=NOON + timedelta(minutes=100)
    )
    assert lawmaker.newest_at == NOON + timedelta(minutes=98, seconds=20)
    assert blogger.lag is None
    assert (await store.archive.status(NOON + timedelta(days=3))).channels[0].lag is None


async def test_empty(store: Store) -> None:
    """A store that has heard nothing says so."""
    status = await store.archive.status(NOON)
    assert [(one.messages, one.versions, one.deleted, one.gaps, one.newest_at) for one in status.channels] == [
        (0, 0, 0, 0, None)
    ] * 2
    assert (status.unread, status.quarantined, status.failed, status.waits) == (0, 0, (), ())
    assert (status.oldest_due, status.oldest_wanted, status.oldest_fetched) == (None, None, None)


async def test_figures(store: Store) -> None:
    """Counters equal what is there; the oldest of each queue is named."""
    later = NOON + timedelta(hours=1)
    await put(store, message(1, "а"), message(1, "б", edited_at=NOON), message(3, "в"), matches=[match()])
    await put(store, message(2, kind=Kind.SERVICE, service="pin"), voice(5, channel_id=BLOGGER))
    await put(store, voice(6, document=10, channel_id=BLOGGER), at=later)
    await store.intake.record(heard(raw(9), deleted=[1, 2]))
    await store.accounts.record_wait(Wait(account="main", method="m", until=later))
    status = await store.archive.status(NOON)
    lawmaker, blogger = status.channels
    assert (lawmaker.messages, lawmaker.versions, lawmaker.deleted, lawmaker.gaps) == (2, 6, 1, 5)
    assert (blogger.messages, blogger.versions) == (2, 2)
    assert (status.unread, status.alerts, status.oldest_due, len(status.waits)) == (1, {"popov": 3}, NOON, 1)
    assert (status.oldest_wanted, sum(status.recordings.values())) == (NOON, 2)
    async with store._database.read() as conn:
        assert await conn.scalar(sa.select(sa.func.count()).select_from(versions)) == 8
        posts = sa.select(sa.func.count()).where(messages.c.current.is_not(None), ~messages.c.service)
        assert await conn.scalar(posts) == 4


async def test_what_alarms_ask_of_a_channel(store: Store) -> None:
    """Its oldest gap, since when its newest id is open, and how late its newest post was."""
    later = NOON + timedelta(hours=1)
    await put(store, message(1, posted_at=NOON - timedelta(seconds=7)))
    await put(store, message(5, posted_at=later - timedelta(seconds=3)), at=later)
    lawmaker, blogger = (await store.archive.status(later)).channels
    assert lawmaker.oldest_gap is not None
    assert (lawmaker.oldest_gap.first, lawmaker.oldest_gap.last, lawmaker.oldest_gap.since) == (2, 4, later)
    assert lawmaker.lag is not None
    assert (lawmaker.lag.newest, lawmaker.lag.newest_at, lawmaker.unseen_since) == (3.0, later, None)
    await store.intake.record(heard(at=later, top_id=MessageId(9)))
    (lawmaker, blogger) = (await store.archive.status(later)).channels
    assert (lawmaker.unseen_since, blogger.unseen_since, blogger.oldest_gap) == (later, None, None)


async def test_the_canary_is_not_counted(store: Store) -> None:
    """Its posts and alerts are no part of the day, and its posts are not looked at again."""
    await store.channels.pin(channel(BLOGGER, category=CANARY), account="main")
    await put(store, message(1), matches=[match()])
    await put(store, message(1, channel_id=BLOGGER), matches=[match(CANARY)], sinks=(CANARY,))
    status = await store.archive.status(NOON)
    assert (status.day.posts, status.day.alerts, status.day.due) == (1, 1, 1)
    assert status.oldest_due_by == {"chat": NOON, CANARY: NOON}
    due = await store.rechecks.due("main", NOON + timedelta(days=9), 99)
    assert [one.key.channel_id for one in due] == [LAWMAKER]


async def test_usual_gap(store: Store) -> None:
    """19 in 20 of the pauses between the last posts are shorter; twenty posts are needed to say so."""
    for number in range(1, 20):
        await put(store, message(number, posted_at=NOON + timedelta(minutes=number)))
    assert (await store.archive.status(NOON)).channels[0].usual_gap is None
    await put(store, message(20, posted_at=NOON + timedelta(hours=9)))
    assert (await store.archive.status(NOON)).channels[0].usual_gap == 8 * 3600 + 41 * 60
    for number in range(21, 61):
        await put(store, message(number, posted_at=NOON + timedelta(hours=9, minutes=number)))
    nightly = (8 * 3600 + 41 * 60) / 2
    assert [one.usual_gap for one in (await store.archive.status(NOON)).channels] == [nightly, None]


@pytest.mark.parametrize("per_hour", [1, 4, 20])
def test_a_usual_night_is_no_silence(per_hour: int) -> None:
    """A channel that sleeps for eight hours is not called quiet, by the usual factor, before twelve are over."""
    hours = [NOON + timedelta(days=day, hours=hour) for day in range(9) for hour in range(16)]
    posted = [hour + timedelta(minutes=60 / per_hour * number) for hour in hours for number in range(per_hour)]
    usual = usual_gap(sorted(posted, reverse=True))
    assert usual is not None
    assert timedelta(hours=12) <= 3 * usual <= timedelta(hours=27)


async def test_day(store: Store) -> None:
    """The last 24 hours: posts, alerts, what became of their deliveries, and the worst lag."""
    late = message(1, channel_id=BLOGGER, posted_at=NOON - timedelta(minutes=14))
    await put(store, late, message(1), matches=[match()], sinks=("chat", "mail"))
    await put(store, message(2))
    first, second = await store.outbox.due("chat", NOON)
    await store.outbox.record_sent(first.delivery_id, Receipt(reference="1"), NOON)
    await store.outbox.record_failed(second.delivery_id, reason="x", at=NOON)
    await store.outbox.add_notice(("chat",), "listening", NOON)
    day = (await store.archive.status(NOON + timedelta(hours=23))).day
    assert day == Day(posts=3, alerts=2, sent=1, due=2, failed=1, worst_lag=14 * 60, worst_channel=BLOGGER)
    assert (await store.archive.status(NOON + timedelta(hours=25))).day == Day()


async def test_oldest_gap(store: Store) -> None:
    """Of all gaps the one that is open longest is named, with its reason."""
    assert (await store.archive.status(NOON)).oldest_gap is None
    await store.intake.record(heard(raw(3), at=NOON + timedelta(minutes=1)))
    await store.intake.record(heard(raw(7), channel_id=BLOGGER, gap_reason="not pushed"))
    oldest = (await store.archive.status(NOON)).oldest_gap
    assert oldest
    assert (oldest.channel_id, oldest.first, oldest.last, oldest.since) == (BLOGGER, 1, 6, NOON)
    assert oldest.reason == "not pushed"
    await store.channels.pin(channel(BLOGGER, watched=False), account="main")
    oldest = (await store.archive.status(NOON)).oldest_gap
    assert oldest
    assert oldest.channel_id == LAWMAKER, "what is no longer watched is no longer missed"


async def test_retrying(store: Store) -> None:
    """Recordings that did not come so far are named with reason and next try, until they are done or given up."""
    await put(store, voice(1), voice(2, document=10))
    one, other = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    at = NOON + timedelta(hours=1)
    await store.recordings.record_retry(one.recording_id, reason="FILE_REFERENCE_EXPIRED", next_try=at)
    await store.recordings.record_retry(other.recording_id, reason="x", next_try=at)
    await store.recordings.record_failed(other.recording_id, reason="x", at=NOON)
    (found,) = (await store.archive.status(NOON)).retrying
    assert (found.recording_id, found.message_id, found.state) == (one.recording_id, 2, RecordingState.WANTED)
    assert (found.attempts, found.reason, found.next_try) == (1, "FILE_REFERENCE_EXPIRED", at)
