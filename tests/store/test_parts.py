"""A recording of which there is only a part: transcribed as far as it goes, asked for again, and never lost."""

from datetime import timedelta

import pytest

from bot.model import Recording, RecordingState, Source
from bot.store import Store
from tests.store.making import NOON, key, match, put, transcript, voice

PART, WHOLE = "ab" * 32, "cd" * 32
SHORT = "partial: 2 of 4 s"
NEVER = NOON + timedelta(days=30)
SINKS = ("chat",)


async def fetched(store: Store, sha256: str, size: int) -> Recording:
    """The one that is to be fetched, fetched."""
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    await store.recordings.record_fetched(recording.recording_id, sha256=sha256, size=size, at=NOON)
    (waiting,) = await store.recordings.due(RecordingState.FETCHED, NOON, 9)
    return waiting


async def transcribed(store: Store, recording: Recording, *words: str, partial: str = "", notice: str = "") -> int:
    """A transcript of these words, with an alert on the first; how many alerts are new."""
    matches = {key(1): (match(form=words[0], source=Source.TRANSCRIPT),)}
    notices = [notice] if notice else []
    said = transcript(*words, partial=bool(partial))
    return await store.recordings.record_transcript(
        recording.recording_id, said, matches, sinks=SINKS, at=NOON, partial=partial, notices=notices
    )


@pytest.fixture
async def part(store: Store) -> Recording:
    """Half of a voice note, transcribed, with its alert."""
    await put(store, voice(1))
    recording = await fetched(store, PART, 500)
    assert (recording.size, recording.media.size) == (500, 1000)
    assert await transcribed(store, recording, "попов", partial=SHORT) == 1
    (again,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    return again


async def test_a_part_is_done_and_wanted_at_once(store: Store, part: Recording) -> None:
    """The transcript of the part is there to be read while the rest is asked for, and status says so."""
    assert (part.state, part.reason, part.attempts) == (RecordingState.DONE, SHORT, 0)
    assert await store.archive.transcript(key(1)) == transcript("попов", partial=True)
    (retrying,) = (await store.archive.status(NOON)).retrying
    assert (retrying.state, retrying.reason, retrying.next_try) == (RecordingState.DONE, SHORT, NOON)
    assert (await store.archive.status(NOON)).failed == ()


async def test_the_whole_takes_its_place_once_it_is_transcribed(store: Store, part: Recording) -> None:
    """Until then the part stays; afterwards nothing waits, and the words of the whole are found."""
    whole = await fetched(store, WHOLE, 1000)
    assert (whole.state, whole.sha256, whole.twin) == (RecordingState.DONE, WHOLE, None)
    assert await store.recordings.due(RecordingState.WANTED, NEVER, 9) == ()
    assert await store.archive.transcript(key(1)) == transcript("попов", partial=True)
    (appearance,) = await store.recordings.appearances(part.recording_id)
    assert appearance.spoken == {"popov"}
    assert await transcribed(store, whole, "попов", "приказ", notice="more") == 0
    assert await store.archive.transcript(key(1)) == transcript("попов", "приказ")
    assert [hit.message.message_id for hit in await store.archive.search("приказ")] == [1]
    assert [one.notice for one in await store.outbox.due("chat", NOON)] == [None, "more"]
    assert await store.recordings.due(RecordingState.FETCHED, NEVER, 9) == ()
    assert await transcribed(store, whole, "попов", notice="again") == 0
    status = await store.archive.status(NOON)
    assert (status.retrying, status.failed) == ((), ())


async def test_the_same_bytes_end_the_search(store: Store, part: Recording) -> None:
    """When the part comes again it is all there is: kept as partial, visibly, and not asked for any more."""
    await store.recordings.record_fetched(part.recording_id, sha256=PART, size=500, at=NOON)
    assert await store.recordings.due(RecordingState.WANTED, NEVER, 9) == ()
    assert await store.recordings.due(RecordingState.FETCHED, NEVER, 9) == ()
    (final,) = (await store.archive.status(NOON)).failed
    assert (final.reason, final.in_part) == (SHORT, True)


async def test_a_part_outlives_every_failure_of_the_whole(store: Store, part: Recording) -> None:
    """Retries and giving up move the next try and the reason; the transcript of the part stays."""
    later = NOON + timedelta(minutes=2)
    await store.recordings.record_retry(part.recording_id, reason="no answer", next_try=later)
    assert await store.recordings.due(RecordingState.WANTED, NOON, 9) == ()
    (again,) = await store.recordings.due(RecordingState.WANTED, later, 9)
    assert (again.attempts, again.reason) == (1, "no answer")
    await store.recordings.record_failed(
        part.recording_id, reason="partial: given up", at=NOON, sinks=SINKS, notice="not transcribed"
    )
    assert await store.recordings.due(RecordingState.WANTED, NEVER, 9) == ()
    assert await store.archive.transcript(key(1)) == transcript("попов", partial=True)
    assert [one.notice for one in await store.outbox.due("chat", NOON)] == [None]
    (final,) = (await store.archive.status(NOON)).failed
    assert (final.reason, final.in_part) == ("partial: given up", True)


async def test_a_whole_that_cannot_be_transcribed_leaves_the_part(store: Store, part: Recording) -> None:
    """A fuller file that breaks the decoder is dropped, not the transcript that there is."""
    await fetched(store, WHOLE, 1000)
    await store.recordings.record_failed(part.recording_id, reason="damaged", at=NOON)
    assert await store.recordings.due(RecordingState.FETCHED, NEVER, 9) == ()
    assert await store.archive.transcript(key(1)) == transcript("попов", partial=True)


async def test_a_part_of_no_use_is_wanted_again(store: Store) -> None:
    """A part that cannot be decoded goes back to be fetched; its digest tells that one was tried."""
    await put(store, voice(1))
    recording = await fetched(store, PART, 10)
    await store.recordings.record_wanted(recording.recording_id, reason="damaged", at=NOON)
    (wanted,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    assert (wanted.state, wanted.sha256, wanted.attempts, wanted.reason) == (
        RecordingState.WANTED,
        PART,
        0,
        "damaged",
    )
    whole = await fetched(store, WHOLE, 1000)
    assert (whole.state, whole.sha256) == (RecordingState.FETCHED, WHOLE)


async def test_giving_up_is_told_once(store: Store) -> None:
    """The notice is in the transaction that makes the failure; doing it again adds none."""
    await put(store, voice(1))
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    for _ in range(3):
        await store.recordings.record_failed(
            recording.recording_id, reason="gone", at=NOON, sinks=("chat", "mail"), notice="not transcribed: gone"
        )
    for sink in ("chat", "mail"):
        assert [one.notice for one in await store.outbox.due(sink, NOON)] == ["not transcribed: gone"]
