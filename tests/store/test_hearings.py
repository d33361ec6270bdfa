"""A file is heard again: every transcript stays, the last one counts, and nothing new waits for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import StoreError
from bot.model import Changed, Correction, Quote, Receipt, RecordingState, Source
from bot.store import Corrected, HearingState, Rehearing, Store, Why
from tests.store.making import BLOGGER, LAWMAKER, NOON, key, match, put, transcript, voice

pytestmark = pytest.mark.slow

SHA = "ab" * 32
BIG = "large abc"
LATER = NOON + timedelta(minutes=5)
SINKS = ("chat", "mail")
FAST, BETTER = transcript("попов", "ушёл"), transcript("петров", "ушёл", speech_seconds=2.0)


async def transcribed(
    store: Store, number: int = 1, *, sha256: str = SHA, second: str | None = None, **state: object
) -> int:
    """A voice note, heard for the first time; its recording."""
    await put(store, voice(number, document=number, **state))
    (wanted,) = await store.recordings.due(RecordingState.WANTED, LATER, 9)
    await store.recordings.record_fetched(wanted.recording_id, sha256=sha256, size=1000, at=NOON)
    found = {key(number): (match(source=Source.TRANSCRIPT),)} if number == 1 else {}
    given = {"sinks": SINKS, "at": NOON, "second": second}
    await store.recordings.record_transcript(wanted.recording_id, FAST, found, **given)
    return wanted.recording_id


async def test_a_second_pass_is_wanted_with_the_first(store: Store) -> None:
    """Where there is a better model its hearing is asked for in the transaction that keeps the first transcript, once."""
    recording_id = await transcribed(store, second="large")
    (hearing,) = await store.hearings.due(NOON, 9)
    assert (hearing.sha256, hearing.model, hearing.why, hearing.state) == (
        SHA,
        "large",
        Why.SECOND,
        HearingState.WANTED,
    )
    assert (hearing.language, hearing.declared, hearing.attempts) == ("ru", 4.0, 0)
    await store.recordings.record_transcript(recording_id, FAST, {}, sinks=(), at=NOON, second="large")
    await transcribed(store, 2, second="large")
    assert len(await store.hearings.due(NOON, 9)) == 1
    assert not await store.hearings.want_hearing(SHA, "large", Why.AGAIN, at=NOON)


async def test_nothing_new_waits_for_a_second_pass(store: Store) -> None:
    """While a recording waits for its first hearing none other is due; one that is to be tried later holds up nobody."""
    await transcribed(store, second="large")
    await put(store, voice(2, document=2))
    (wanted,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    assert len(await store.hearings.due(NOON, 9)) == 1
    await store.recordings.record_fetched(wanted.recording_id, sha256="cd" * 32, size=1000, at=NOON)
    assert await store.hearings.due(NOON, 9) == ()
    await store.recordings.record_retry(wanted.recording_id, reason="died", next_try=LATER)
    assert len(await store.hearings.due(NOON, 9)) == 1
    assert await store.hearings.due(LATER, 9) == ()


async def test_second_ones_come_before_those_on_request(store: Store) -> None:
    """And among themselves the second ones are as urgent as their recordings."""
    for number, document in enumerate(("aa", "bb", "cc"), start=1):
        at = NOON + timedelta(minutes=number)
        await transcribed(store, number, sha256=document * 32, second="large" if number > 1 else None, posted_at=at)
    await store.hearings.want_hearing("aa" * 32, "huge", Why.AGAIN, at=NOON)
    assert [one.sha256[:2] for one in await store.hearings.due(NOON, 9)] == ["cc", "bb", "aa"]
    assert [one.sha256[:2] for one in await store.hearings.due(NOON, 1)] == ["cc"]


async def test_the_last_hearing_is_the_transcript(store: Store) -> None:
    """Search, the archive and later reposts have the new words; both transcripts stay with when and by which model."""
    await transcribed(store, second="large")
    (hearing,) = await store.hearings.due(NOON, 9)
    better = transcript("петров", "ушёл")
    assert [hit.message.key for hit in await store.archive.search("попов")] == [key(1)]
    found = {key(1): (match("petrov", "петров", Source.TRANSCRIPT),)}
    for new in (1, 0):
        assert await store.hearings.record(hearing.hearing_id, better, found, sinks=SINKS, at=LATER) == new
    assert await store.archive.transcript(key(1)) == better
    assert await store.archive.search("попов") == ()
    assert [hit.message.key for hit in await store.archive.search("петров")] == [key(1)]
    first, second = await store.hearings.of(SHA)
    assert (first.why, first.transcript, first.created_at) == (Why.FIRST, FAST, NOON)
    assert (second.why, second.transcript, second.state_since) == (Why.SECOND, better, LATER)
    assert (second.state, await store.hearings.due(LATER, 9)) == (HearingState.DONE, ())
    # A third one puts nothing aside twice.
    await store.hearings.want_hearing(SHA, "huge", Why.AGAIN, at=LATER)
    (third,) = await store.hearings.due(LATER, 9)
    await store.hearings.record(third.hearing_id, FAST, {}, sinks=SINKS, at=LATER)
    assert [one.transcript for one in await store.hearings.of(SHA)] == [FAST, better, FAST]
    assert await store.hearings.current(SHA) == FAST


async def test_a_hearing_that_fails(store: Store) -> None:
    """It is tried again at its time; given up, it leaves the transcript, and can be asked for anew."""
    await transcribed(store, second="large")
    (hearing,) = await store.hearings.due(NOON, 9)
    await store.hearings.record_retry(hearing.hearing_id, reason="died", next_try=LATER)
    assert await store.hearings.due(NOON, 9) == ()
    (again,) = await store.hearings.due(LATER, 9)
    assert (again.attempts, again.reason) == (1, "died")
    status = await store.archive.status(LATER)
    assert (status.hearings, status.oldest_hearing) == ({HearingState.WANTED: 1}, NOON)
    await store.hearings.record_failed(hearing.hearing_id, reason="given up", at=LATER)
    status = await store.archive.status(LATER)
    assert (status.hearings, status.oldest_hearing) == ({HearingState.FAILED: 1}, None)
    assert await store.hearings.due(LATER, 9) == ()
    assert await store.hearings.record(hearing.hearing_id, BETTER, {}, sinks=SINKS, at=LATER) == 0
    assert await store.archive.transcript(key(1)) == FAST
    assert await store.hearings.want_hearing(SHA, "large", Why.AGAIN, at=LATER)
    (anew,) = await store.hearings.due(LATER, 9)
    assert (anew.hearing_id, anew.attempts, anew.why, anew.reason) == (hearing.hearing_id, 0, Why.AGAIN, None)


async def test_the_same_weights_are_not_asked_twice(store: Store) -> None:
    """By the identity of the weights where it is known, else by the name."""
    await transcribed(store)
    assert not await store.hearings.want_hearing(SHA, "tiny-folder", Why.AGAIN, at=NOON, identity="tiny")
    assert await store.hearings.want_hearing(SHA, "large", Why.AGAIN, at=NOON, identity=BIG)
    (hearing,) = await store.hearings.due(NOON, 9)
    said = transcript("петров")
    await store.hearings.record(hearing.hearing_id, said, {}, sinks=SINKS, at=NOON)
    assert not await store.hearings.want_hearing(SHA, "large", Why.AGAIN, at=NOON)
    # What was loaded under that name were the weights `tiny`; those of now are others.
    assert not await store.hearings.want_hearing(SHA, "large", Why.AGAIN, at=NOON, identity="tiny")
    assert await store.hearings.want_hearing(SHA, "large", Why.AGAIN, at=NOON, identity="large def")
    with pytest.raises(StoreError, match="first hearing comes first"):
        await store.hearings.want_hearing("ee" * 32, "large", Why.AGAIN, at=NOON)


async def test_a_correction_goes_to_whoever_had_the_alert(store: Store) -> None:
    """One row for each sink that was given it, with the alert as it is now, and the receipt that it was sent under."""
    await transcribed(store, second="large")
    (first,) = await store.outbox.due("chat", NOON)
    assert first.alert
    await store.outbox.record_sent(first.delivery_id, Receipt(reference="57"), LATER)
    (hearing,) = await store.hearings.due(NOON, 9)
    correction = Correction(at=LATER, model="large", was=("попов ушёл",))
    emptied = Corrected(
        alert_id=first.alert.alert_id, match=match(form=""), correction=correction, notice="Alert #1 is not confirmed"
    )
    outcome = [Changed(key=key(1), vanished=(Quote(rule_id="popov", title="Popov", text="попов ушёл", at=0.0),))]
    given = {"corrected": [emptied], "outcome": outcome, "sinks": SINKS, "at": LATER}
    for _ in range(2):
        await store.hearings.record(hearing.hearing_id, BETTER, {}, **given)
    (edit,) = await store.outbox.due("chat", LATER)
    assert (edit.edits, edit.sent_at, edit.notice) == ("57", LATER, "Alert #1 is not confirmed")
    assert edit.alert
    assert (edit.alert.alert_id, edit.alert.match, edit.alert.corrected) == (
        first.alert.alert_id,
        match(form=""),
        correction,
    )
    # The other one has not had it yet: it is sent as it is now, before the correction; that one may then be all it has.
    (unsent,) = await store.outbox.due("mail", LATER)
    assert unsent.alert
    assert (unsent.alert.corrected, unsent.notice, unsent.edits) == (correction, None, None)
    await store.outbox.record_failed(unsent.delivery_id, reason="no such address", at=LATER)
    (follow_up,) = await store.outbox.due("mail", LATER)
    assert (follow_up.edits, follow_up.notice) == (None, "Alert #1 is not confirmed")
    assert (await store.hearings.of(SHA))[1].outcome == tuple(outcome)


async def test_a_window_is_heard_again(store: Store) -> None:
    """What was posted in it, in whatever channel, is asked for once, the newest first; progress and changes are read."""
    minutes = {"aa": 1, "bb": 2, "cc": 3}
    for number, (digest, minute) in enumerate(minutes.items(), start=1):
        await transcribed(store, number, sha256=digest * 32, posted_at=NOON + timedelta(minutes=minute))
    await put(store, voice(7, document=1, channel_id=BLOGGER, posted_at=NOON + timedelta(minutes=9)))
    late = Rehearing(model="large", identity=BIG, since=NOON + timedelta(minutes=2))
    assert await store.hearings.want_again(late, at=NOON) == 3
    assert await store.hearings.want_again(late, at=NOON) == 0
    assert [one.sha256[:2] for one in await store.hearings.due(NOON, 9)] == ["aa", "cc", "bb"]
    here = Rehearing(model="large", identity=BIG, since=NOON, channel_id=LAWMAKER, until=NOON + timedelta(minutes=2))
    assert (await store.hearings.progress(here)).counts == {HearingState.WANTED: 1}
    there = Rehearing(model="large", since=NOON, channel_id=BLOGGER)
    assert await store.hearings.want_again(there, at=NOON, alert=True) == 0
    first, second, third = await store.hearings.due(NOON, 9)
    assert (first.alert, second.alert, third.alert) == (True, False, False)
    quote = Quote(rule_id="popov", title="Popov", text="попов", at=1.0)
    changed = [Changed(key=key(7, BLOGGER), new=(quote,)), Changed(key=key(1), vanished=(quote,))]
    said = replace(BETTER, model=BIG)
    await store.hearings.record(first.hearing_id, said, {}, outcome=changed, sinks=SINKS, at=NOON)
    await store.hearings.record(second.hearing_id, said, {}, sinks=SINKS, at=NOON)
    await store.hearings.record_failed(third.hearing_id, reason="no such model", at=NOON)
    progress = await store.hearings.progress(late)
    assert progress.counts == {HearingState.DONE: 2, HearingState.FAILED: 1}
    assert [(one.message.key, one.after, one.changed) for one in progress.changed] == [
        (key(7, BLOGGER), timedelta(minutes=8), changed[0]),
        (key(1), timedelta(), changed[1]),
    ]
    (failed,) = progress.failed
    assert (failed.channel.channel_id, failed.message_id, failed.reason) == (LAWMAKER, 2, "no such model")
    assert await store.hearings.want_again(late, at=NOON) == 1
    assert (await store.hearings.progress(late)).counts == {HearingState.DONE: 2, HearingState.WANTED: 1}


async def test_a_part_is_not_heard_again_once_the_whole_is_there(store: Store) -> None:
    """A hearing of bytes that no recording is heard as any more is dropped."""
    await put(store, voice(1))
    (wanted,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    await store.recordings.record_fetched(wanted.recording_id, sha256=SHA, size=10, at=NOON)
    given = {"sinks": (), "at": NOON, "second": "large"}
    await store.recordings.record_transcript(wanted.recording_id, FAST, {}, partial="partial: 1 of 4 s", **given)
    await store.recordings.record_fetched(wanted.recording_id, sha256="cd" * 32, size=1000, at=NOON)
    await store.recordings.record_transcript(wanted.recording_id, BETTER, {}, **given)
    assert [one.sha256 for one in await store.hearings.due(NOON, 9)] == ["cd" * 32]
    (dropped,) = await store.hearings.of(SHA)
    assert (dropped.state, dropped.reason) == (HearingState.FAILED, "a fuller file has come")
