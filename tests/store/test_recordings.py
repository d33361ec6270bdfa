"""Recordings from wanted to a transcript, or to a visible failure."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.errors import StoreError
from bot.model import ChannelId, Kind, Recording, RecordingState, Source
from bot.store import Store
from tests.store.making import (
    BLOGGER,
    LAWMAKER,
    NOON,
    channel,
    heard,
    key,
    match,
    message,
    observation,
    put,
    raw,
    transcript,
    voice,
)

SHA = "ab" * 32
LATER = NOON + timedelta(minutes=5)


async def wanted(store: Store) -> Recording:
    """The one recording that waits to be fetched."""
    (recording,) = await store.recordings.due(RecordingState.WANTED, LATER, 9)
    return recording


async def fetch(store: Store, sha256: str = SHA) -> Recording:
    """Fetch the one that waits."""
    recording = await wanted(store)
    await store.recordings.record_fetched(recording.recording_id, sha256=sha256, size=1000, at=NOON)
    (fetched,) = await store.recordings.due(RecordingState.FETCHED, LATER, 9)
    return fetched


async def test_way(store: Store) -> None:
    """A voice note is wanted, fetched and done; its alert bears transcript and post."""
    await put(store, voice(1, text="слушайте"))
    recording = await wanted(store)
    assert (recording.channel_id, recording.message_id, recording.kind) == (LAWMAKER, 1, Kind.VOICE)
    assert (recording.language, recording.priority, recording.media.document_id) == ("ru", 1, 9)
    fetched = await fetch(store)
    assert (fetched.sha256, fetched.twin) == (SHA, None)
    said = transcript("генерал", "Попов")
    spoken = match(source=Source.TRANSCRIPT)
    given = {"sinks": ("chat", "mail"), "at": LATER}
    assert await store.recordings.record_transcript(fetched.recording_id, said, {key(1): (spoken,)}, **given) == 1
    assert await store.recordings.record_transcript(fetched.recording_id, said, {key(1): (spoken,)}, **given) == 0
    (delivery,) = await store.outbox.due("chat", LATER)
    assert delivery.alert
    assert delivery.alert.transcript == said
    assert delivery.alert.match == spoken
    assert await store.archive.transcript(key(1)) == said
    assert (await store.archive.status(LATER)).recordings == {RecordingState.DONE: 1}


async def test_spoken_after_caption(store: Store) -> None:
    """A rule that hit the caption and then hears a new form alerts again, as an update of the first."""
    await put(store, voice(1, text="попов"), matches=[match(source=Source.CAPTION)])
    recording = await fetch(store)
    matches = {key(1): (match(form="поповым", source=Source.TRANSCRIPT),)}
    await store.recordings.record_transcript(
        recording.recording_id, transcript("поповым"), matches, sinks=("chat",), at=NOON
    )
    first, second = [one.alert for one in await store.outbox.due("chat", NOON)]
    assert first
    assert second
    assert second.update_of == first.alert_id


async def test_repost(store: Store) -> None:
    """The same document posted again is one recording with two appearances; a deletion takes none away."""
    await put(store, voice(1), matches=[match()])
    await put(store, voice(8, channel_id=BLOGGER))
    recording = await wanted(store)
    first, second = await store.recordings.appearances(recording.recording_id)
    assert (first.message, first.version, first.forms) == (voice(1), 1, {("popov", "попов")})
    assert second.channel.channel_id == BLOGGER
    await store.intake.record(heard(deleted=[1]))
    assert len(await store.recordings.appearances(recording.recording_id)) == 2
    # It is fetched from where it still is.
    assert (await wanted(store)).channel_id == BLOGGER


async def test_replaced(store: Store) -> None:
    """A post whose media was replaced no longer bears the old recording."""
    await put(store, voice(1, document=9), voice(1, document=10, edited_at=NOON))
    by_document = {
        one.media.document_id: one.recording_id for one in await store.recordings.due(RecordingState.WANTED, NOON, 9)
    }
    assert await store.recordings.appearances(by_document[9]) == ()
    assert len(await store.recordings.appearances(by_document[10])) == 1


async def test_twin(store: Store) -> None:
    """The same bytes under another document id come with the transcript that is there already."""
    await put(store, voice(1))
    first = await fetch(store)
    said = transcript("привет")
    await store.recordings.record_transcript(first.recording_id, said, {}, sinks=(), at=NOON)
    await put(store, voice(2, document=10))
    assert (await fetch(store)).twin == said


async def test_retries(store: Store) -> None:
    """A try that failed comes again at its time; fetching starts the count anew; a failure is final and shown."""
    await put(store, voice(1))
    recording = await wanted(store)
    await store.recordings.record_retry(recording.recording_id, reason="timeout", next_try=LATER)
    assert await store.recordings.due(RecordingState.WANTED, NOON, 9) == ()
    again = await wanted(store)
    assert (again.attempts, again.reason) == (1, "timeout")
    assert (await fetch(store)).attempts == 0
    await store.recordings.record_failed(recording.recording_id, reason="container", at=LATER)
    await store.recordings.record_retry(recording.recording_id, reason="late", next_try=NOON)
    await store.recordings.record_fetched(recording.recording_id, sha256=SHA, size=1, at=NOON)
    (failed,) = (await store.archive.status(LATER)).failed
    assert (failed.message_id, failed.reason, failed.at) == (1, "container", LATER)


async def test_skipped(store: Store) -> None:
    """A kind that is not transcribed is skipped, until it is wanted."""
    for number, speech in ((1, "skipped"), (2, "wanted"), (3, "skipped")):
        await store.intake.record(heard(raw(number)))
        (unread,) = await store.intake.unread()
        await store.intake.observe(
            [
                type(one)(**{name: getattr(one, name) for name in one.__slots__} | {"speech": speech})
                for one in [observation(unread.raw_id, voice(number))]
            ]
        )
        state = RecordingState.SKIPPED if number == 1 else RecordingState.WANTED
        assert (await store.archive.status(NOON)).recordings == {state: 1}


async def test_order(store: Store) -> None:
    """Urgent channels go first, then the newest post."""
    posted = [(1, BLOGGER, 1), (2, BLOGGER, 9), (3, LAWMAKER, 1), (4, LAWMAKER, 5)]
    for document, channel_id, minute in posted:
        at = NOON + timedelta(minutes=minute)
        await put(store, voice(document, document=document, channel_id=channel_id, posted_at=at))
    due = await store.recordings.due(RecordingState.WANTED, NOON, 3)
    assert [one.media.document_id for one in due] == [4, 3, 2]


async def test_order_of_work(store: Store) -> None:
    """Before the length of a recording and its age come the channel's priority and how often rules fired there of late."""
    quiet, busy, past = ChannelId(-1001000000003), ChannelId(-1001000000004), ChannelId(-1001000000005)
    for channel_id in (quiet, busy, past):
        await store.channels.pin(channel(channel_id), account="main")
    minutes = iter(range(20))
    for document, channel_id, seconds in [
        (1, LAWMAKER, 3000.0),
        (2, busy, 3000.0),
        (3, busy, None),
        (4, quiet, 59.0),
        (5, quiet, float("inf")),
        (6, quiet, 60.0),
        (7, past, 4.0),
    ]:
        state = voice(
            document, document=document, channel_id=channel_id, posted_at=NOON + timedelta(minutes=next(minutes))
        )
        assert state.media
        await put(store, replace(state, media=replace(state.media, duration=seconds)))
    await put(store, *(message(number, "попов", busy) for number in range(100, 105)), matches=[match()])
    await put(store, message(100, "попов", past), matches=[match()])

    async def order(now: datetime) -> list[int]:
        return [one.media.document_id for one in await store.recordings.due(RecordingState.WANTED, now, 99)]

    # Five alerts are warmer than one, and one is warmer than none; what is not known, or cannot be, is short.
    assert await order(NOON) == [1, 3, 2, 7, 5, 4, 6]
    # A week later they have cooled down.
    assert await order(NOON + timedelta(days=7)) == [1, 7, 5, 4, 3, 6, 2]


async def test_unfetched(store: Store) -> None:
    """A recording that was never fetched cannot have a transcript."""
    await put(store, voice(1))
    recording = await wanted(store)
    with pytest.raises(StoreError, match="not been fetched"):
        await store.recordings.record_transcript(recording.recording_id, transcript("а"), {}, sinks=(), at=NOON)


async def test_unrecorded_post(store: Store) -> None:
    """A match on a post that is not there writes nothing at all."""
    await put(store, voice(1))
    recording = await fetch(store)
    with pytest.raises(StoreError, match="not recorded"):
        await store.recordings.record_transcript(
            recording.recording_id, transcript("а"), {key(77): (match(),)}, sinks=("chat",), at=NOON
        )
    assert await store.archive.transcript(key(1)) is None
    assert (await store.archive.status(NOON)).recordings == {RecordingState.FETCHED: 1}


async def test_odd_numbers(store: Store) -> None:
    """A transcript with numbers that JSON has not is kept as it is."""
    await put(store, voice(1), message(2))
    recording = await fetch(store)
    said = transcript("а", duration=float("inf"))
    await store.recordings.record_transcript(recording.recording_id, said, {}, sinks=(), at=NOON)
    assert await store.archive.transcript(key(1)) == said
