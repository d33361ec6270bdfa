"""The worker loop on a real store and a real monitor."""

import asyncio
import hashlib
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.errors import ChildDied, EarshotError, HeardBefore, MediaRefused, ModelMissing, StoreError
from bot.model import RecordingState
from bot.pulse import Pulse
from bot.speech import LocalTranscriber, SpeechWorker
from bot.speech.sound.decode import decode
from bot.speech.sound.fingerprint import fingerprint
from bot.speech.worker import retry_delay
from bot.transcript import Transcript
from tests.speech.conftest import Clip
from tests.speech.workbench import TRANSCRIPT, Bench, Script

pytestmark = pytest.mark.slow


async def test_a_recording_becomes_a_transcript_and_an_alert(bench: Bench) -> None:
    """The file, the channel's language and the declared seconds go in; a transcript and an alert come out."""
    recording_id = await bench.post(1, b"sound")
    script = Script([TRANSCRIPT])
    await bench.run_until(script, bench.in_state(recording_id, RecordingState.DONE))
    sha256 = hashlib.sha256(b"sound").hexdigest()
    assert script.calls == [(bench.store.media.path(sha256), "ru", 2.0)]
    assert await bench.alerts() == 1
    assert bench.announced == 1


async def test_the_same_bytes_are_transcribed_once(bench: Bench) -> None:
    """A second document with the same bytes gets the first one's transcript, and an alert of its own."""
    first = await bench.post(1, b"sound")
    script = Script([TRANSCRIPT])
    await bench.run_until(script, bench.in_state(first, RecordingState.DONE))
    second = await bench.post(2, b"sound", document_id=77)
    assert second != first
    await bench.run_until(script, bench.in_state(second, RecordingState.DONE))
    assert len(script.calls) == 1
    assert await bench.alerts() == 2


async def test_a_part_is_transcribed_and_wanted_again(bench: Bench) -> None:
    """What could be decoded raises its alert at once; the recording is then to be fetched once more."""
    recording_id = await bench.post(1, b"sound")
    partial = replace(TRANSCRIPT, partial=True, declared=61.0)
    await bench.run_until(Script([partial]), bench.in_state(recording_id, RecordingState.DONE))
    assert await bench.alerts() == 1
    (again,) = await bench.store.recordings.due(RecordingState.WANTED, bench.now, 9)
    assert (again.recording_id, again.reason) == (recording_id, "partial: 2 of 61 s")


async def test_a_failing_store_is_waited_for_with_the_transcript_in_hand(bench: Bench, tmp_path: Path) -> None:
    """While the store fails nothing is transcribed again and no try is counted; the alert comes when it is back."""
    recording_id = await bench.post(1, b"sound")
    script = Script([TRANSCRIPT])
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as database:
        database.execute("ALTER TABLE outbox RENAME TO lost")

        async def mended() -> bool:
            if script.calls and bench.announced == 0:
                await asyncio.sleep(0.2)
                assert (await bench.recording(recording_id)).attempts == 0
                with suppress(sqlite3.OperationalError):  # the worker writes at this moment: the next look tries again
                    database.execute("ALTER TABLE lost RENAME TO outbox")
                    bench.announced = 1
            return (await bench.recording(recording_id)).state is RecordingState.DONE

        await bench.run_until(script, lambda: asyncio.ensure_future(mended()))
    assert len(script.calls) == 1
    assert await bench.alerts() == 1


async def test_a_store_that_stays_broken_is_raised(bench: Bench, tmp_path: Path) -> None:
    """After the last of its pauses the worker gives up loudly, for the supervisor to start it anew."""
    await bench.post(1, b"sound")
    bench.patience = (0.01, 0.01)
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as database:
        database.execute("ALTER TABLE recordings RENAME TO lost")
        with pytest.raises(StoreError):
            await bench.run_until(Script([TRANSCRIPT]), lambda: asyncio.ensure_future(_false()))
        database.execute("ALTER TABLE lost RENAME TO recordings")


async def _false() -> bool:
    return False


@pytest.mark.slow
async def test_a_transcript_that_alone_cannot_be_recorded_is_put_off(bench: Bench, tmp_path: Path) -> None:
    """When all else can be written it is this recording: the try is counted, and the others are served."""
    recording_id = await bench.post(1, b"sound")
    bench.patience = (0.01, 0.01)
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as database:
        database.execute("ALTER TABLE transcripts RENAME TO lost")
        database.execute("CREATE TABLE transcripts (sha256, transcript, refused NOT NULL)")
        await bench.run_until(Script([TRANSCRIPT]), bench.tried(recording_id, 1))
        database.execute("DROP TABLE transcripts")
        database.execute("ALTER TABLE lost RENAME TO transcripts")
    waiting = await bench.recording(recording_id)
    assert (waiting.state, waiting.attempts) == (RecordingState.FETCHED, 1)


async def test_a_refusal_is_final_and_visible(bench: Bench) -> None:
    """A refused recording fails at once with its reason, and the next one is served."""
    good = await bench.post(1, b"sound")
    bad = await bench.post(2, b"ffconcat")
    script = Script([MediaRefused("container", "the bytes are not in a known container"), TRANSCRIPT])
    await bench.run_until(script, bench.in_state(good, RecordingState.DONE))
    failed = await bench.recording(bad)
    assert failed.state is RecordingState.FAILED
    assert failed.reason == "container: the bytes are not in a known container"
    notices = [row.notice for row in await bench.store.outbox.due("chat", bench.now + timedelta(days=1)) if row.notice]
    assert notices == [f"⚠ Voice note not transcribed: https://t.me/agurulev/2: {failed.reason}"]


async def test_a_death_is_tried_again_later(bench: Bench) -> None:
    """After a crash the recording waits half a minute, while others are served."""
    recording_id = await bench.post(1, b"sound")
    await bench.run_until(Script([ChildDied("killed by SIGSEGV")]), bench.tried(recording_id, 1))
    assert await bench.store.recordings.due(RecordingState.FETCHED, bench.now + timedelta(seconds=29), 5) == ()
    bench.now += timedelta(seconds=31)
    await bench.run_until(Script([TRANSCRIPT]), bench.in_state(recording_id, RecordingState.DONE))
    assert await bench.alerts() == 1


@pytest.mark.parametrize("error", [ChildDied("killed by SIGSEGV"), RuntimeError("a bug of ours")])
async def test_tries_end(bench: Bench, error: Exception) -> None:
    """After `attempts` tries the recording fails with what was seen last, be it a crash or a fault of ours."""
    recording_id = await bench.post(1, b"poison")
    script = Script([error])
    for attempt in (1, 2):
        await bench.run_until(script, bench.tried(recording_id, attempt), attempts=3)
        bench.now += timedelta(hours=1)
    await bench.run_until(script, bench.in_state(recording_id, RecordingState.FAILED), attempts=3)
    assert len(script.calls) == 3
    reason = (await bench.recording(recording_id)).reason
    assert reason is not None
    assert str(error) in reason
    assert "3 tries" in reason


async def test_a_missing_model_fails_no_recording(bench: Bench) -> None:
    """Without a model the recording stays as it is, and is served a minute after."""
    recording_id = await bench.post(1, b"sound")
    script = Script([ModelMissing("place it by hand"), TRANSCRIPT])

    async def called_once() -> bool:
        return len(script.calls) == 1

    await bench.run_until(script, lambda: asyncio.ensure_future(called_once()))
    waiting = await bench.recording(recording_id)
    assert (waiting.state, waiting.attempts, waiting.reason) == (RecordingState.FETCHED, 0, None)
    await bench.run_until(script, bench.in_state(recording_id, RecordingState.DONE))


async def test_stopping_is_nobodys_fault(bench: Bench) -> None:
    """A child that dies because everything stops does not count as a try."""
    recording_id = await bench.post(1, b"sound")
    stop = asyncio.Event()

    class Stopped(Script):
        async def transcribe(
            self, path: Path, *, language: str | None, declared_seconds: float | None, heard_before: object
        ) -> Transcript:
            stop.set()
            raise ChildDied("killed by SIGKILL")

    worker = SpeechWorker(
        bench.store,
        bench.monitor,
        Stopped([TRANSCRIPT]),  # type: ignore[arg-type]
        Pulse(stop),
        clock=bench.clock,
        announce=lambda: None,
    )
    await asyncio.wait_for(worker.run(), 10)
    assert (await bench.recording(recording_id)).attempts == 0


@pytest.mark.slow
async def test_every_error_of_the_tree_leaves_the_loop_alive(bench: Bench) -> None:
    """Whatever kind of our own errors a recording raises, the next one is transcribed."""
    for number, kind in enumerate(_leaves(EarshotError), start=1):
        if kind in (ModelMissing, MediaRefused) or kind.__init__ is not Exception.__init__:
            continue
        await bench.post(2 * number, f"bad {number}".encode())
        good = await bench.post(2 * number - 1, f"good {number}".encode())
        await bench.run_until(Script([kind("no"), TRANSCRIPT]), bench.in_state(good, RecordingState.DONE))


def _leaves(kind: type[EarshotError]) -> list[type[EarshotError]]:
    below = kind.__subclasses__()
    return [leaf for child in below for leaf in _leaves(child)] if below else [kind]


def test_delays_grow_to_an_hour() -> None:
    """Half a minute, two, eight, thirty-two, then an hour each."""
    minutes = [retry_delay(attempts).total_seconds() / 60 for attempts in range(6)]
    assert minutes == [0.5, 2, 8, 32, 60, 60]


@pytest.mark.slow
async def test_with_a_real_transcriber(bench: Bench, transcriber: LocalTranscriber, clips: list[Clip]) -> None:
    """A true voice note in the media folder raises the alert for the words spoken in it."""
    recording_id = await bench.post(1, clips[1].path.read_bytes())
    await bench.run_until(transcriber, bench.in_state(recording_id, RecordingState.DONE))
    (delivery,) = await bench.store.outbox.due("chat", bench.now + timedelta(days=1))
    assert delivery.alert is not None
    assert delivery.alert.match.rule_id == "order"


class Gathering(Script):
    """Keeps every recording until it is let go, and says how many it had at once."""

    def __init__(self, capacity: int) -> None:
        super().__init__([TRANSCRIPT], capacity=capacity)
        self.at_once = 0
        self.most = 0
        self.go = asyncio.Event()

    async def transcribe(
        self, path: Path, *, language: str | None, declared_seconds: float | None, heard_before: object = None
    ) -> Transcript:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1
        return await super().transcribe(path, language=language, declared_seconds=declared_seconds)


async def test_several_recordings_at_once(bench: Bench) -> None:
    """As many as the transcriber takes are with it, each once; the rest follows."""
    numbers = [await bench.post(number, b"sound %d" % number) for number in range(1, 6)]
    gathering = Gathering(3)

    async def all_done() -> bool:
        if gathering.at_once == 3:
            gathering.go.set()
        return all([(await bench.recording(number)).state is RecordingState.DONE for number in numbers])

    await bench.run_until(gathering, lambda: asyncio.ensure_future(all_done()))
    assert gathering.most == 3
    assert len(gathering.calls) == 5


async def test_the_same_file_is_not_heard_twice_at_once(bench: Bench) -> None:
    """Two posts with the same bytes, both waiting: one is transcribed, the other has its transcript."""
    numbers = [await bench.post(number, b"the same sound") for number in (1, 2)]
    gathering = Gathering(3)

    async def all_done() -> bool:
        if gathering.at_once:
            await asyncio.sleep(0.1)
            gathering.go.set()
        return all([(await bench.recording(number)).state is RecordingState.DONE for number in numbers])

    await bench.run_until(gathering, lambda: asyncio.ensure_future(all_done()))
    assert len(gathering.calls) == 1


async def test_long_recordings_leave_room_for_short_ones(bench: Bench) -> None:
    """However many long ones wait, half of the places are free for what is short."""
    for number in range(1, 6):
        await bench.post(number, b"long %d" % number, seconds=600.0)
    gathering = Gathering(4)

    async def looked() -> bool:
        if gathering.at_once == 2:
            await asyncio.sleep(0.2)
        return gathering.at_once >= 2

    await bench.run_until(gathering, lambda: asyncio.ensure_future(looked()))
    assert gathering.most == 2


class Sounding(Script):
    """Asks with a fingerprint before it hears, as a real transcriber does."""

    def __init__(self, prints: list[bytes]) -> None:
        super().__init__([TRANSCRIPT])
        self.prints = prints

    async def transcribe(self, path: Path, *, heard_before: Any = None, **given: Any) -> Transcript:
        if await heard_before(self.prints.pop(0)):
            raise HeardBefore("known")
        return await super().transcribe(path, **given)


async def test_another_encoding_is_the_same_recording(bench: Bench, clips: list[Clip]) -> None:
    """It is heard once, both posts have the transcript, and each raises its alert."""
    sound = decode(clips[0].path, max_bytes=10**8, max_seconds=60.0).samples
    first, again = fingerprint(sound), fingerprint((sound * 0.4).astype(np.float32))
    assert first
    script = Sounding([first, again])
    for number, data in ((1, b"one encoding"), (2, b"another")):
        recording_id = await bench.post(number, data)
        await bench.run_until(script, bench.in_state(recording_id, RecordingState.DONE))
    assert len(script.calls) == 1
    assert await bench.alerts() == 2
    assert (await bench.recording(recording_id)).twin == TRANSCRIPT
