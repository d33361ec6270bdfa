"""The worker loop on a real store and a real monitor."""

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.errors import ChildDied, EarshotError, MediaRefused, ModelMissing, StoreError
from bot.model import (
    Channel,
    ChannelId,
    Heard,
    How,
    Kind,
    Media,
    Message,
    MessageId,
    RawMessage,
    Recording,
    RecordingState,
    Segment,
    Transcript,
    Word,
)
from bot.monitor import Monitor, Reading
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.speech import LocalTranscriber, SpeechWorker
from bot.speech.worker import retry_delay
from bot.store import Store
from tests.speech.conftest import Clip
from tests.stores import ready_sqlite

START = datetime(2023, 7, 12, 17, 6, 40, tzinfo=UTC)
CHANNEL = Channel(channel_id=ChannelId(-1001000000001), access_hash=1, handle="agurulev", language="ru")
RULES = {"command.yaml": "rules:\n  - id: order\n    title: An order\n    match: приказ\n"}
SINKS = ("chat",)
WORDS = tuple(Word(start=i, end=i + 1, text=text, probability=0.9) for i, text in enumerate((" Подписан", " приказ.")))
TRANSCRIPT = Transcript(
    language="ru",
    language_probability=1.0,
    duration=2.0,
    speech_seconds=2.0,
    segments=(
        Segment(
            start=0,
            end=2,
            text=" Подписан приказ.",
            words=WORDS,
            avg_logprob=-0.1,
            no_speech_probability=0.0,
            compression_ratio=1.0,
        ),
    ),
    model="by hand",
    parameters={},
)


@dataclass
class Script:
    """A transcriber that does what the test wrote down: an answer or an error per call, the last one for ever."""

    outcomes: list[Transcript | Exception]
    calls: list[tuple[Path, str | None, float | None]] = field(default_factory=list)

    async def transcribe(self, path: Path, *, language: str | None, declared_seconds: float | None) -> Transcript:
        self.calls.append((path, language, declared_seconds))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Bench:
    """A store with one channel, a monitor with one rule, a clock moved by hand, and a worker to be run."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = START
        self.announced = 0
        self.patience = (0.02,) * 200
        self.monitor = Monitor(
            store,
            parse_rules(RULES),
            sinks=SINKS,
            transcribe=frozenset({Kind.VOICE}),
            announce=lambda: None,
            clock=self.clock,
        )

    def clock(self) -> datetime:
        return self.now

    async def post(self, number: int, data: bytes, *, document_id: int | None = None) -> int:
        """A voice note that was heard, observed and fetched: its recording's id."""
        raw = RawMessage(
            message_id=MessageId(number), body=b"", layer=1, digest=hashlib.sha256(str(number).encode()).digest()
        )
        await self.store.intake.record(
            Heard(channel_id=CHANNEL.channel_id, how=How.PUSH, at=self.now, messages=(raw,), top_id=MessageId(number))
        )
        media = Media(document_id=document_id or number, size=len(data), mime="audio/ogg", duration=2.0)
        message = Message(
            channel_id=CHANNEL.channel_id,
            message_id=MessageId(number),
            kind=Kind.VOICE,
            posted_at=self.now + timedelta(seconds=number),
            media=media,
        )
        await self.monitor.observe(
            [Reading(unread=unread, message=message) for unread in await self.store.intake.unread()]
        )
        wanted = await self.store.recordings.due(RecordingState.WANTED, self.now, 1)
        sha256, size = await self.store.media.write(_chunks(data), limit=10_000_000)
        await self.store.recordings.record_fetched(wanted[0].recording_id, sha256=sha256, size=size, at=self.now)
        return wanted[0].recording_id

    async def recording(self, recording_id: int) -> Recording:
        found = await self.store.recordings.get(recording_id)
        assert found is not None
        return found

    async def alerts(self) -> int:
        return len([row for row in await self.store.outbox.due("chat", self.now + timedelta(days=1)) if row.alert])

    async def run_until(
        self, transcriber: Script | LocalTranscriber, done: Callable[[], "asyncio.Future[bool]"], *, attempts: int = 5
    ) -> None:
        """Run a worker until `done` holds, then stop it."""
        stop = asyncio.Event()

        def announce() -> None:
            self.announced += 1

        worker = SpeechWorker(
            self.store,
            self.monitor,
            transcriber,  # type: ignore[arg-type]
            Pulse(stop),
            clock=self.clock,
            announce=announce,
            attempts=attempts,
            patience=self.patience,
        )
        running = asyncio.create_task(worker.run())
        async with asyncio.timeout(30):
            while not await done():
                assert not running.done() or running.result()
                await asyncio.sleep(0.01)
            stop.set()
            await running

    def in_state(self, recording_id: int, state: RecordingState) -> Callable[[], "asyncio.Future[bool]"]:
        async def done() -> bool:
            return (await self.recording(recording_id)).state is state

        return lambda: asyncio.ensure_future(done())

    def tried(self, recording_id: int, attempts: int) -> Callable[[], "asyncio.Future[bool]"]:
        async def done() -> bool:
            return (await self.recording(recording_id)).attempts >= attempts

        return lambda: asyncio.ensure_future(done())


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    yield data


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media")
    await store.channels.pin(CHANNEL, account="main")
    yield Bench(store)
    await store.close()


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
        database.execute("ALTER TABLE alerts RENAME TO lost")

        async def mended() -> bool:
            if script.calls and bench.announced == 0:
                await asyncio.sleep(0.2)
                assert (await bench.recording(recording_id)).attempts == 0
                database.execute("ALTER TABLE lost RENAME TO alerts")
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
        async def transcribe(self, path: Path, *, language: str | None, declared_seconds: float | None) -> Transcript:
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
