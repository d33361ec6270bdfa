"""One recording, however it comes: found by how it sounds, transcribed once, with every post that bears it."""

from datetime import timedelta

import pytest

from bot.errors import StoreError
from bot.model import Recording, RecordingState, Source
from bot.store import Store
from tests.store.making import BLOGGER, LAWMAKER, NOON, key, match, put, transcript, voice

pytestmark = pytest.mark.slow

ONE, OTHER, THIRD = "aa" * 32, "bb" * 32, "cc" * 32
LOW, HIGH = -(2**63), 2**63 - 1


async def fetched(store: Store, document: int, sha256: str) -> Recording:
    """The recording of this document, fetched as these bytes."""
    for wanted in await store.recordings.due(RecordingState.WANTED, NOON, 99):
        if wanted.media.document_id == document:
            await store.recordings.record_fetched(wanted.recording_id, sha256=sha256, size=1000, at=NOON)
            found = await store.recordings.get(wanted.recording_id)
            assert found
            return found
    raise AssertionError(f"document {document} is not wanted")


async def two(store: Store) -> tuple[Recording, Recording]:
    """A voice note and, six minutes later, its re-encoding in another channel; both fetched."""
    await put(
        store, voice(1, document=1), voice(5, document=2, channel_id=BLOGGER, posted_at=NOON + timedelta(minutes=6))
    )
    return await fetched(store, 1, ONE), await fetched(store, 2, OTHER)


async def test_what_shares_most_keys_comes_first(store: Store) -> None:
    """Fingerprints are found by their keys, of any 64 bits, and those of files that nothing is heard as are not."""
    await two(store)
    await store.twins.record_fingerprint(ONE, b"\x00one", {1, 2, LOW})
    await store.twins.record_fingerprint(OTHER, b"other", {2, LOW, HIGH})
    await store.twins.record_fingerprint(THIRD, b"nobody's", {1, 2, LOW, HIGH})
    assert await store.twins.find_similar({LOW, HIGH}, 9) == ((OTHER, b"other"), (ONE, b"\x00one"))
    assert await store.twins.find_similar([1, 2, 2, LOW], 1) == ((ONE, b"\x00one"),)
    assert await store.twins.find_similar({LOW, HIGH}, 9, but=OTHER) == ((ONE, b"\x00one"),)
    assert await store.twins.find_similar({77}, 9) == ()
    assert await store.twins.find_similar((), 9) == ()
    assert await store.twins.fingerprint(ONE) == b"\x00one"
    assert await store.twins.fingerprint("dd" * 32) is None


async def test_a_fingerprint_is_kept_once(store: Store) -> None:
    """A second one of the same bytes, and its keys, change nothing."""
    await two(store)
    await store.twins.record_fingerprint(ONE, b"one", {1})
    await store.twins.record_fingerprint(ONE, b"again", {2})
    assert await store.twins.find_similar({1, 2}, 9) == ((ONE, b"one"),)


async def test_a_twin_has_the_transcript(store: Store) -> None:
    """A re-encoding comes with the transcript that there is, and its posts are matched and found by its words."""
    one, other = await two(store)
    said = transcript("попов")
    await store.recordings.record_transcript(one.recording_id, said, {}, sinks=(), at=NOON)
    assert await store.twins.make_twin(other.recording_id, ONE)
    assert not await store.twins.make_twin(other.recording_id, ONE)
    (due,) = await store.recordings.due(RecordingState.FETCHED, NOON, 9)
    assert (due.recording_id, due.twin, due.sha256) == (other.recording_id, said, ONE)
    matches = {key(5, BLOGGER): (match(source=Source.TRANSCRIPT),)}
    assert await store.recordings.record_transcript(other.recording_id, said, matches, sinks=("chat",), at=NOON) == 1
    assert {hit.message.key for hit in await store.archive.search("попов")} == {key(1), key(5, BLOGGER)}
    (delivery,) = await store.outbox.due("chat", NOON)
    assert delivery.alert
    assert delivery.alert.first
    first = delivery.alert.first
    assert (first.channel.channel_id, first.message_id) == (LAWMAKER, 1)
    assert first.after == timedelta(minutes=6, seconds=5)


async def test_twins_before_either_is_heard(store: Store) -> None:
    """Found while both wait: one file is transcribed, and the other recording then has its transcript."""
    one, other = await two(store)
    await store.twins.make_twin(other.recording_id, ONE)
    assert {due.sha256 for due in await store.recordings.due(RecordingState.FETCHED, NOON, 9)} == {ONE}
    await store.recordings.record_transcript(other.recording_id, transcript("а"), {}, sinks=(), at=NOON)
    (due,) = await store.recordings.due(RecordingState.FETCHED, NOON, 9)
    assert (due.recording_id, due.twin) == (one.recording_id, transcript("а"))


async def test_the_same_bytes_come_again(store: Store) -> None:
    """Bytes that were found to be another's twin are that one's when they come in a third post."""
    _, other = await two(store)
    await store.twins.make_twin(other.recording_id, ONE)
    await put(store, voice(9, document=3))
    again = await fetched(store, 3, OTHER)
    assert again.sha256 == ONE
    await put(store, voice(10, document=4))
    third = await fetched(store, 4, THIRD)
    # A file that is itself heard as another one.
    await store.twins.make_twin(third.recording_id, OTHER)
    found = await store.recordings.get(third.recording_id)
    assert found
    assert found.sha256 == ONE


async def test_every_appearance_and_how_long_after_the_first(store: Store) -> None:
    """Posts of one recording in any encoding, the first post first whenever it was heard, each with the time since."""
    one, other = await two(store)
    await store.twins.make_twin(other.recording_id, ONE)
    # Older than all that is known, and read only now.
    await put(store, voice(3, document=1, channel_id=BLOGGER, posted_at=NOON - timedelta(hours=1)))
    found = await store.twins.appearances(ONE)
    assert [(each.message.key, each.after) for each in found] == [
        (key(3, BLOGGER), timedelta()),
        (key(1), timedelta(minutes=59, seconds=55)),
        (key(5, BLOGGER), timedelta(hours=1, minutes=6)),
    ]
    # The same, whichever recording it is asked of.
    assert [each.after for each in await store.recordings.appearances(other.recording_id)] == [found[2].after]
    assert [each.after for each in await store.recordings.appearances(one.recording_id)] == [
        found[1].after,
        timedelta(),
    ]
    assert await store.twins.appearances(THIRD) == ()


async def test_a_fuller_file_that_is_a_twin(store: Store) -> None:
    """The whole of a recording that was there in part may be another's, too."""
    one, other = await two(store)
    part = transcript("а", partial=True)
    await store.recordings.record_transcript(one.recording_id, part, {}, sinks=(), at=NOON, partial="partial")
    await store.recordings.record_transcript(other.recording_id, transcript("а", "б"), {}, sinks=(), at=NOON)
    await store.recordings.record_fetched(one.recording_id, sha256=THIRD, size=2000, at=NOON)
    assert await store.twins.make_twin(one.recording_id, OTHER)
    (due,) = await store.recordings.due(RecordingState.FETCHED, NOON, 9)
    assert (due.sha256, due.twin) == (OTHER, transcript("а", "б"))
    await store.recordings.record_transcript(one.recording_id, transcript("а", "б"), {}, sinks=(), at=NOON)
    assert await store.archive.transcript(key(1)) == transcript("а", "б")


async def test_nobody_is_nobodys_twin(store: Store) -> None:
    """A file that no recording is heard as is refused."""
    one, _ = await two(store)
    with pytest.raises(StoreError, match="nothing can be its twin"):
        await store.twins.make_twin(one.recording_id, THIRD)
