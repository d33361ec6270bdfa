"""Second hearings: one after the other, with the model that they ask for, and never at a first one's expense."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import MediaRefused, SpeechError
from bot.model import RecordingState
from bot.pulse import Pulse
from bot.speech import Rehearser
from bot.store import HearingState, Why
from bot.transcript import Transcript
from tests.speech.workbench import TRANSCRIPT, Bench, Script

pytestmark = pytest.mark.slow


class Other(Script):
    """A transcriber of another model, which can be closed."""

    closed = 0

    async def close(self) -> None:
        self.closed += 1


async def run_until(bench: Bench, models: dict[str, Other], done: Callable[[], Awaitable[bool]]) -> list[str]:
    """Run the loop until `done`; returns which models were loaded, in order."""
    stop, loaded = asyncio.Event(), []
    pulse = Pulse(stop)

    def transcriber_of(model: str) -> Other:
        loaded.append(model)
        return models[model]

    rehearser = Rehearser(
        bench.store,
        bench.monitor,
        transcriber_of,  # type: ignore[arg-type]
        pulse,
        clock=bench.clock,
        announce=lambda: None,
        attempts=2,
        patience=(0.01,),
    )
    running = asyncio.create_task(rehearser.run())
    async with asyncio.timeout(30):
        while not await done():
            assert not running.done() or running.result()
            # Its time is moved by hand.
            pulse.nudge()
            await asyncio.sleep(0.01)
        stop.set()
        await running
    return loaded


async def heard_once(bench: Bench, data: bytes = b"sound", number: int = 1) -> str:
    """The file of a recording that has its first transcript."""
    recording_id = await bench.post(number, data)
    await bench.run_until(Script([TRANSCRIPT]), bench.in_state(recording_id, RecordingState.DONE))
    sha256 = (await bench.recording(recording_id)).sha256
    assert sha256 is not None
    return sha256


def ended(bench: Bench, sha256: str, state: HearingState) -> Callable[[], Awaitable[bool]]:
    """Whether the last hearing of a file is in this state."""

    async def look() -> bool:
        return (await bench.store.hearings.of(sha256))[-1].state is state

    return look


async def test_the_second_transcript_takes_the_place_of_the_first(bench: Bench) -> None:
    """The model that was asked for is loaded, hears the file with the channel's hint, and is let go."""
    sha256 = await heard_once(bench)
    await bench.store.hearings.want_hearing(sha256, "large", Why.SECOND, at=bench.now)
    better = Transcript(**{field: getattr(TRANSCRIPT, field) for field in TRANSCRIPT.__slots__} | {"model": "large 1"})
    other = Other([better])
    assert await run_until(bench, {"large": other}, ended(bench, sha256, HearingState.DONE)) == ["large"]
    assert other.calls == [(bench.store.media.path(sha256), "ru", 2.0)]
    assert other.closed == 1
    current = await bench.store.hearings.current(sha256)
    assert current is not None
    assert current.model == "large 1"


@pytest.mark.parametrize(
    ("error", "tries"), [(MediaRefused("damaged", "cut"), 1), (SpeechError("it ran out of memory"), 2)]
)
async def test_a_hearing_that_fails_is_given_up(bench: Bench, error: SpeechError, tries: int) -> None:
    """At once when it is for good, else after some tries; the first transcript stays."""
    sha256 = await heard_once(bench)
    await bench.store.hearings.want_hearing(sha256, "large", Why.AGAIN, at=bench.now)
    other = Other([error])
    failed = ended(bench, sha256, HearingState.FAILED)

    async def look() -> bool:
        bench.now += timedelta(hours=2)
        return await failed()

    await run_until(bench, {"large": other}, look)
    assert len(other.calls) == tries
    assert await bench.store.hearings.current(sha256) == TRANSCRIPT


async def test_one_model_is_in_memory_at_a_time(bench: Bench) -> None:
    """Before another model is loaded, the one before is let go."""
    first, second = await heard_once(bench), await heard_once(bench, b"other sound", 2)
    await bench.store.hearings.want_hearing(first, "medium", Why.AGAIN, at=bench.now)
    await bench.store.hearings.want_hearing(second, "large", Why.AGAIN, at=bench.now)
    models = {"medium": Other([TRANSCRIPT]), "large": Other([TRANSCRIPT])}
    assert await run_until(bench, models, ended(bench, second, HearingState.DONE)) == ["medium", "large"]
    assert [one.closed for one in models.values()] == [1, 1]


async def test_stopping_waits_for_no_hearing(bench: Bench) -> None:
    """A hearing that is under way when everything stops is left, and is due again."""
    sha256 = await heard_once(bench)
    await bench.store.hearings.want_hearing(sha256, "large", Why.AGAIN, at=bench.now)

    class Endless(Other):
        async def transcribe(self, path: Path, **_: object) -> Transcript:
            self.calls.append((path, None, None))
            await asyncio.sleep(3600)
            raise AssertionError

    other = Endless([TRANSCRIPT])

    async def begun() -> bool:
        return bool(other.calls)

    await run_until(bench, {"large": other}, begun)
    assert [one.model for one in await bench.store.hearings.due(bench.now, 5)] == ["large"]
