"""Posts that alerted are looked at again."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import ChannelState, RecordingState
from bot.store import Store
from bot.store.rechecks import SCHEDULE, next_step
from tests.store.making import BLOGGER, LAWMAKER, NOON, heard, key, match, message, put, raw, transcript, voice

MINUTES = tuple(step // timedelta(minutes=1) for step in SCHEDULE)


def after(minutes: float) -> datetime:
    """A moment after noon."""
    return NOON + timedelta(minutes=minutes)


async def test_schedule(store: Store) -> None:
    """A post that alerts is due at each step after it was stored, then never more; one that does not alert is never."""
    await put(store, message(1), message(2), matches=[match()])
    await put(store, message(3))
    for step, minutes in enumerate(MINUTES):
        assert await store.rechecks.next_due("main") == after(minutes)
        assert await store.rechecks.due("main", after(minutes - 0.1), 9) == ()
        due = await store.rechecks.due("main", after(minutes), 9)
        assert [(one.key, one.step, one.due_at) for one in due] == [
            (key(number), step, after(minutes)) for number in (1, 2)
        ]
        for _ in range(2):
            await store.rechecks.record_done(due, after(minutes))
    assert await store.rechecks.next_due("main") is None


async def test_steps_that_passed_while_away(store: Store) -> None:
    """One look does for all steps that passed; a post that is older than the last step is through."""
    await put(store, message(1), matches=[match()])
    (due,) = await store.rechecks.due("main", after(MINUTES[3] - 1), 9)
    await store.rechecks.record_done([due], after(MINUTES[3] - 1))
    (later,) = await store.rechecks.due("main", after(MINUTES[3]), 9)
    assert later.step == 3
    await store.rechecks.record_done([later], after(MINUTES[4]))
    assert await store.rechecks.next_due("main") is None


@given(st.integers(0, 4), st.floats(0, 20_000))
def test_next_step(step: int, minutes: float) -> None:
    """The next step is the first of those after this one whose time is still to come."""
    found = next_step(NOON, step, after(minutes))
    rest = [number for number in range(step + 1, 5) if MINUTES[number] * 60 > round(minutes * 60e6) / 1e6]
    assert found == (rest[0] if rest else None)


async def test_an_edit_that_alerts_begins_anew(store: Store) -> None:
    """A newer state that alerts is looked at from the first step on; one that does not leaves the schedule."""
    await put(store, message(1), matches=[match()])
    await store.rechecks.record_done(await store.rechecks.due("main", after(5), 9), after(5))
    await put(store, message(1, "б", edited_at=after(7)), at=after(8))
    assert await store.rechecks.next_due("main") == after(30)
    await put(store, message(1, "в", edited_at=after(9)), at=after(10), matches=[match(form="другая")])
    (due,) = await store.rechecks.due("main", after(15), 9)
    assert (due.step, due.due_at) == (0, after(15))


async def test_deleted_posts(store: Store) -> None:
    """A deletion ends the schedule; a post that alerts when it is deleted already has none."""
    await put(store, message(1), message(2), matches=[match()])
    await store.intake.record(heard(deleted=[1, 5]))
    assert [one.key for one in await store.rechecks.due("main", after(5), 9)] == [key(2)]
    await store.intake.record(heard(raw(7), deleted=[7]))
    await put(store, message(5), matches=[match()])
    assert [one.key for one in await store.rechecks.due("main", after(5), 9)] == [key(2)]


async def test_speech_that_alerts(store: Store) -> None:
    """A transcript that alerts has the post looked at again too, counted from when the post was stored."""
    await put(store, voice(1))
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    await store.recordings.record_fetched(recording.recording_id, sha256="a" * 64, size=1, at=NOON)
    found = {key(1): (match(),)}
    await store.recordings.record_transcript(
        recording.recording_id, transcript("попов"), found, sinks=("chat",), at=after(40)
    )
    (due,) = await store.rechecks.due("main", after(40), 9)
    assert (due.key, due.step, due.due_at) == (key(1), 0, after(5))


@pytest.mark.parametrize("state", [ChannelState.PRIVATE, ChannelState.BANNED])
async def test_of_the_account_that_can(store: Store, state: ChannelState) -> None:
    """Each account is given the posts of channels that it carries; those that cannot be read wait until they can."""
    await put(store, message(1), message(1, channel_id=BLOGGER), matches=[match()])
    await store.channels.carry({BLOGGER: "second"})
    assert [one.key for one in await store.rechecks.due("second", after(5), 9)] == [key(1, BLOGGER)]
    assert len(await store.rechecks.due("main", after(5), 9)) == 1
    await store.channels.record_state(LAWMAKER, state, reason="x", at=NOON)
    assert await store.rechecks.due("main", after(5), 9) == ()
    assert await store.rechecks.next_due("main") is None
    await store.channels.record_state(LAWMAKER, ChannelState.ACTIVE, reason=None, at=NOON)
    assert len(await store.rechecks.due("main", after(5), 1)) == 1
