"""A bench for the loops of this room: a real store, a monitor, a clock moved by hand, and a scripted transcriber."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

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
)
from bot.monitor import Monitor, Reading
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.speech import LocalTranscriber, SpeechWorker
from bot.store import Store
from bot.transcript import Segment, Transcript, Word
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

    # One after the other, so that outcomes come in the order in which they stand here.
    capacity: int = 1

    def expect(self, hot_words: str) -> None:
        """It hears what is written down."""

    async def transcribe(
        self, path: Path, *, language: str | None, declared_seconds: float | None, heard_before: object = None
    ) -> Transcript:
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

    async def post(self, number: int, data: bytes, *, document_id: int | None = None, seconds: float = 2.0) -> int:
        """A voice note that was heard, observed and fetched: its recording's id."""
        raw = RawMessage(
            message_id=MessageId(number), body=b"", layer=1, digest=hashlib.sha256(str(number).encode()).digest()
        )
        await self.store.intake.record(
            Heard(channel_id=CHANNEL.channel_id, how=How.PUSH, at=self.now, messages=(raw,), top_id=MessageId(number))
        )
        media = Media(document_id=document_id or number, size=len(data), mime="audio/ogg", duration=seconds)
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
