"""Recordings come down whole over real Telethon and TCP, or are tried again, or fail with a reason."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from bot.errors import MediaUnavailable, StoreError
from bot.model import Recording, RecordingState
from bot.sandbox.chats import Chat
from bot.store import Store
from bot.telegram.download import PART, parts
from bot.telegram.fetcher import BACKOFF, GIVE_UP_AFTER
from tests.monitor.desk import spoken
from tests.telegram.house import House, open_house

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

VOICE = b"OggS" + bytes(range(256)) * 400


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Sandbox, store, account."""
    async with open_house(tmp_path) as house:
        yield house


@pytest.fixture
async def chat(house: House) -> Chat:
    """A watched channel."""
    return await house.watch("Гурулёв", "agurulev")


async def posted(house: House, chat: Chat, data: bytes = VOICE, **facts: Any) -> Recording:
    """The recording of a voice note that was posted and observed."""
    chat.post(voice=data, duration=61, **facts)
    await house.observe(chat)
    return (await house.wanted())[0]


def content(store: Store, recording: Recording) -> bytes:
    """The bytes that were fetched."""
    assert recording.sha256 is not None
    return store.media.path(recording.sha256).read_bytes()


@pytest.mark.parametrize("dc", [2, 4], ids=["same data centre", "other data centre"])
@pytest.mark.parametrize("size", [1_000, PART, 2 * PART + 17], ids=["one part", "full part", "three parts"])
async def test_a_recording_is_fetched_whole(house: House, chat: Chat, dc: int, size: int) -> None:
    """A voice note comes down byte for byte, from whichever data centre holds it, and other loops are told."""
    data = (VOICE * (size // len(VOICE) + 1))[:size]
    fetched = await house.try_once(await posted(house, chat, data, dc=dc))
    assert fetched.state is RecordingState.FETCHED
    assert content(house.store, fetched) == data
    assert house.announced


async def test_a_wrong_data_centre_is_followed(house: House, chat: Chat) -> None:
    """A file that has moved since it was declared is followed to where it lies."""
    recording = await posted(house, chat, dc=4)
    house.sandbox.faults.error("upload.getFile", 303, "FILE_MIGRATE_4")
    assert (await house.try_once(recording)).state is RecordingState.FETCHED
    assert house.served("upload.getFile") == ["303 FILE_MIGRATE_4", None]


async def test_an_expired_reference_is_renewed(house: House, chat: Chat) -> None:
    """A file reference that expires between two parts is renewed, and the download goes on where it was."""
    data = VOICE * 12
    assert len(data) > 2 * PART
    recording = await posted(house, chat, data)
    document_id = recording.media.document_id
    house.sandbox.faults.delay("upload.getFile", 0.1)
    async with house.fetching():
        await house.eventually(lambda: len(house.served("upload.getFile")) >= 1)
        house.sandbox.faults.expire_file_reference(document_id)
        fetched = await house.outcome(recording.recording_id, lambda now: now.state is RecordingState.FETCHED)
    assert content(house.store, fetched) == data
    assert house.served("upload.getFile").count("400 FILE_REFERENCE_EXPIRED") == 1
    # Three parts: the first is not asked for again.
    assert house.served("upload.getFile").count(None) == 3


async def test_a_reference_that_stays_expired_is_put_off(house: House, chat: Chat) -> None:
    """One renewal, then the try is over: no endless loop."""
    recording = await posted(house, chat)
    house.sandbox.faults.expire_file_reference(recording.media.document_id, forever=True)
    tried = await house.try_once(recording)
    assert (tried.state, tried.attempts) == (RecordingState.WANTED, 1)
    assert "FILE_REFERENCE_EXPIRED" in (tried.reason or "")
    assert len(house.served("upload.getFile")) == 2


async def test_a_cut_file_is_asked_for_again_at_once(house: House, chat: Chat) -> None:
    """Fewer bytes than declared are no success: a second look at once finds the whole file."""
    recording = await posted(house, chat)
    house.sandbox.faults.truncate_file(recording.media.document_id, 1_000)
    house.sandbox.faults.delay("channels.getMessages", 0.2)
    async with house.fetching():
        await house.eventually(lambda: len(house.served("upload.getFile")) == 1)
        house.sandbox.world.files[recording.media.document_id].cut = None
        fetched = await house.outcome(recording.recording_id, lambda now: now.state is RecordingState.FETCHED)
    assert (content(house.store, fetched), fetched.attempts) == (VOICE, 0)
    # Each try asks for the post anew.
    assert len(house.served("channels.getMessages")) == 3


async def test_a_file_that_stays_cut_is_kept_as_a_part_and_asked_for_until_it_is_whole(
    house: House, chat: Chat
) -> None:
    """What there is is transcribed as partial; the rest is tried again with growing pauses, then transcribed too."""
    recording = await posted(house, chat)
    house.sandbox.faults.truncate_file(recording.media.document_id, 50_000)
    part = await house.try_once(recording)
    assert (part.state, part.size) == (RecordingState.FETCHED, 50_000)
    assert await house.monitor.observe_transcript(part, spoken("удар под Бердянск")) == 1
    (delivery,) = await house.store.outbox.due("chat", house.clock())
    assert delivery.alert is not None
    assert delivery.alert.transcript is not None
    assert delivery.alert.transcript.partial
    (asked,) = await house.wanted()
    assert (asked.state, asked.reason) == (RecordingState.DONE, "partial: 3 s")
    for attempt, pause in enumerate(BACKOFF[:3], start=1):
        asked = await house.try_once(asked)
        assert (asked.state, asked.attempts) == (RecordingState.DONE, attempt)
        assert asked.reason == "Telegram sent 50,000 of 102,404 bytes"
        assert not await house.store.recordings.due(RecordingState.WANTED, house.clock(), 9)
        house.clock.now += pause
    house.sandbox.world.files[recording.media.document_id].cut = None
    async with house.fetching():
        whole = await house.outcome(recording.recording_id, lambda now: now.sha256 != part.sha256)
    assert content(house.store, whole) == VOICE
    assert await house.store.recordings.due(RecordingState.FETCHED, house.clock(), 9) == (whole,)
    assert await house.monitor.observe_transcript(whole, spoken("удар под Бердянск и Мариуполь")) == 0
    _, notice = await house.store.outbox.due("chat", house.clock())
    assert "Rule berdyansk finds in it" in (notice.notice or "")
    done = await house.store.recordings.get(recording.recording_id)
    assert done is not None
    assert (done.state, done.reason, await house.wanted()) == (RecordingState.DONE, None, ())


async def test_a_part_that_is_of_no_use_is_wanted_whole(house: House, chat: Chat) -> None:
    """Ten bytes cannot be decoded: that is no reason to give up a recording of which the rest may come."""
    recording = await posted(house, chat)
    house.sandbox.faults.truncate_file(recording.media.document_id, 10)
    part = await house.try_once(recording)
    await house.monitor.give_up(part, "damaged: no sound could be decoded from the recording")
    (again,) = await house.wanted()
    assert (again.state, again.attempts) == (RecordingState.WANTED, 0)
    tried = await house.try_once(again)
    assert (tried.state, tried.attempts) == (RecordingState.WANTED, 1)
    house.sandbox.world.files[recording.media.document_id].cut = None
    house.clock.now += BACKOFF[0]
    assert content(house.store, await house.try_once(tried)) == VOICE
    assert not await house.store.outbox.due("chat", house.clock())


async def test_the_same_bytes_again_are_all_there_is(house: House, chat: Chat) -> None:
    """A file of full size that plays for less than declared is fetched once more, and then left as it is: partial."""
    fetched = await house.try_once(await posted(house, chat))
    heard = replace(spoken("тишина"), partial=True, declared=61.0)
    await house.monitor.observe_transcript(fetched, heard)
    (asked,) = await house.wanted()
    assert asked.reason == "partial: 1 of 61 s"
    async with house.fetching():
        await house.eventually(lambda: len(house.served("upload.getFile")) == 2)
        await asyncio.sleep(0.2)
    assert await house.wanted() == ()
    last = await house.store.recordings.get(fetched.recording_id)
    assert last is not None
    assert (last.state, last.reason) == (RecordingState.DONE, "partial: 1 of 61 s")


async def test_what_is_given_up_is_told(house: House, chat: Chat) -> None:
    """A voice note that stays without transcript is a notice with its reason, once."""
    recording = await posted(house, chat)
    chat.delete(recording.message_id)
    await house.try_once(recording)
    await house.monitor.give_up(recording, "again")
    (told,) = await house.store.outbox.due("chat", house.clock())
    assert told.notice == (
        f"⚠ Voice note not transcribed: https://t.me/agurulev/{recording.message_id}: "
        "deleted before it could be fetched"
    )


async def test_more_bytes_than_declared_are_refused(house: House, chat: Chat) -> None:
    """A declared size is a promise: more than that is final, and nothing of it is kept."""
    failed = await house.try_once(await posted(house, chat, declared_size=1_000))
    assert failed.state is RecordingState.FAILED
    assert "declared 1,000" in (failed.reason or "")
    assert failed.sha256 is None


async def test_the_limit_is_kept_without_a_download(house: House, chat: Chat) -> None:
    """A file over the limit is refused by its declared size, with the number that an operator may change."""
    failed = await house.try_once(await posted(house, chat), limit_bytes=100_000)
    assert failed.state is RecordingState.FAILED
    assert "over the limit of 100,000" in (failed.reason or "")
    assert not house.served("upload.getFile")


async def test_deleted_but_reposted_elsewhere(house: House, chat: Chat) -> None:
    """A voice note whose first post is gone is fetched from a repost in another channel."""
    other = await house.watch("Осведомитель", "milinfolive")
    first = chat.post(voice=VOICE, duration=61)
    other.forward(chat, first)
    await house.observe(chat, other)
    (recording,) = await house.wanted()
    chat.delete(first)
    fetched = await house.try_once(recording)
    assert fetched.state is RecordingState.FETCHED
    assert content(house.store, fetched) == VOICE


async def test_deleted_everywhere(house: House, chat: Chat) -> None:
    """A voice note that is gone everywhere fails at once, and says so."""
    recording = await posted(house, chat)
    chat.delete(recording.message_id)
    failed = await house.try_once(recording)
    assert (failed.state, failed.reason) == (RecordingState.FAILED, "deleted before it could be fetched")


async def test_a_private_channel_may_come_back(house: House, chat: Chat) -> None:
    """A channel that cannot be read now is no reason to give up its recordings."""
    recording = await posted(house, chat)
    chat.ban()
    tried = await house.try_once(recording)
    assert (tried.state, tried.attempts) == (RecordingState.WANTED, 1)
    chat.unban()
    house.clock.forward(seconds=5)
    assert (await house.try_once(tried)).state is RecordingState.FETCHED


async def test_a_flood_wait_is_obeyed(house: House, chat: Chat) -> None:
    """While Telegram asks to wait nothing is asked for, and at that moment the fetcher goes on."""
    recording = await posted(house, chat)
    house.sandbox.faults.flood_wait("upload.getFile", 90)
    tried = await house.try_once(recording)
    assert tried.attempts == 1
    assert "wait with upload.getFile" in (tried.reason or "")
    other = await posted(house, chat)
    async with house.fetching():
        await asyncio.sleep(0.3)
    assert len(house.served("upload.getFile")) == 1
    assert (await house.store.recordings.get(other.recording_id)).attempts == 0  # type: ignore[union-attr]
    house.clock.forward(seconds=91)
    assert (await house.try_once(tried)).state is RecordingState.FETCHED


async def test_the_pauses_grow(house: House, chat: Chat) -> None:
    """Tries follow one another after 5 s, 30 s, 2 min, 10 min, 1 h and 6 h, and not earlier."""
    recording = await posted(house, chat)
    house.sandbox.faults.expire_file_reference(recording.media.document_id, forever=True)
    for pause in (*BACKOFF, BACKOFF[-1]):
        recording = await house.try_once(recording)
        early = house.clock() + pause - timedelta(seconds=1)
        assert recording not in await house.store.recordings.due(RecordingState.WANTED, early, 9)
        house.clock.now += pause
        assert recording in await house.store.recordings.due(RecordingState.WANTED, house.clock(), 9)
    assert recording.attempts == len(BACKOFF) + 1


async def test_after_a_week_it_is_given_up(house: House, chat: Chat) -> None:
    """A reason that may pass is tried for a week, then it is final and is kept with the recording."""
    recording = await posted(house, chat)
    start = house.clock()
    house.sandbox.faults.expire_file_reference(recording.media.document_id, forever=True)
    while recording.state is RecordingState.WANTED:
        recording = await house.try_once(recording)
        house.clock.now += timedelta(hours=6)
    assert house.clock() - start >= GIVE_UP_AFTER
    assert recording.state is RecordingState.FAILED
    assert "not fetched in 7 days" in (recording.reason or "")
    assert "FILE_REFERENCE_EXPIRED" in (recording.reason or "")


async def test_a_cdn_is_not_followed() -> None:
    """A redirect to a CDN, whose bytes we could not check, is an error that may pass."""

    class Redirecting:
        async def call(self, request: Any, **_: Any) -> Any:
            return types.upload.FileCdnRedirect(203, b"t", b"k" * 32, b"i" * 16, [])

    async def find() -> Any:
        return types.Document(1, 2, b"r", None, "audio/ogg", 9, 2, [])

    with pytest.raises(MediaUnavailable, match="FileCdnRedirect") as caught:
        await anext(parts(Redirecting(), find, limit_bytes=99))  # type: ignore[arg-type]
    assert not caught.value.permanent


async def test_one_bad_recording_does_not_stop_the_others(house: House, chat: Chat) -> None:
    """Of several recordings each has its own fate, and all are dealt with."""
    good = [chat.post(voice=VOICE + bytes([number]), duration=1) for number in range(5)]
    chat.post(voice=VOICE + b"short", duration=1)
    house.sandbox.faults.truncate_file(chat.file_of(good[-1] + 1).file_id, 10)
    await house.observe(chat)
    recordings = await house.wanted()
    assert len(recordings) == 6
    async with house.fetching():
        for recording in recordings:
            await house.outcome(recording.recording_id, lambda now: now.state is RecordingState.FETCHED)
    states = [await house.store.recordings.get(recording.recording_id) for recording in recordings]
    assert [one.size for one in states if one and one.size != one.media.size] == [10]


async def test_at_most_so_many_at_a_time(house: House, chat: Chat) -> None:
    """No more downloads run at once than are allowed."""
    for number in range(4):
        chat.post(voice=VOICE + bytes([number]), duration=1)
    await house.observe(chat)
    house.sandbox.faults.delay("upload.getFile", 0.4)
    async with house.fetching(parallel=2):
        await asyncio.sleep(0.2)
        assert len(house.served("channels.getMessages")) - 1 == 2


async def test_stopping_leaves_the_rest_wanted(house: House, chat: Chat) -> None:
    """A stop in the middle of a download costs that try and nothing else: no failure, no half file."""
    recording = await posted(house, chat)
    house.sandbox.faults.delay("upload.getFile", 5)
    async with house.fetching():
        await asyncio.sleep(0.2)
    assert (await house.store.recordings.get(recording.recording_id)) == recording
    house.sandbox.faults.delay("upload.getFile", 0)
    house.sandbox.faults.drop_connection()
    assert (await house.try_once(recording)).state is RecordingState.FETCHED


async def test_a_cut_line_is_survived(house: House, chat: Chat) -> None:
    """Connections cut between the parts of a file cost time, not the file."""
    data = VOICE * 25
    recording = await posted(house, chat, data, dc=4)
    house.sandbox.faults.delay("upload.getFile", 0.1)
    async with house.fetching():
        await house.eventually(lambda: len(house.served("upload.getFile")) >= 2)
        house.sandbox.faults.drop_connection()
        for _ in range(100):
            now = await house.store.recordings.get(recording.recording_id)
            assert now is not None
            if now.state is RecordingState.FETCHED:
                break
            house.clock.forward(seconds=5)
            await asyncio.sleep(0.1)
    assert now.state is RecordingState.FETCHED
    assert content(house.store, now) == data


async def test_an_outcome_that_cannot_be_recorded_is_raised(house: House, chat: Chat, tmp_path: Path) -> None:
    """When the database fails the loop says so instead of fetching for nobody."""
    await posted(house, chat)
    house.sandbox.faults.delay("upload.getFile", 0.3)

    async def fetch_while_the_table_goes() -> None:
        async with house.fetching():
            await house.eventually(lambda: len(house.served("channels.getMessages")) >= 2)
            with closing(sqlite3.connect(tmp_path / "earshot.db")) as database:
                database.execute("ALTER TABLE recordings RENAME TO lost")
            await asyncio.sleep(1)

    with pytest.raises(StoreError):
        await fetch_while_the_table_goes()


async def test_no_recording_is_fetched_twice(house: House, chat: Chat) -> None:
    """Many small recordings, whose fetching ends while the next are looked up, are each asked for once."""
    for number in range(40):
        chat.post(voice=VOICE + bytes([number]), duration=1)
    await house.observe(chat)
    async with house.fetching():
        await house.eventually(lambda: len(house.served("upload.getFile")) >= 40)
        await asyncio.sleep(0.3)
    assert len(house.served("upload.getFile")) == 40
