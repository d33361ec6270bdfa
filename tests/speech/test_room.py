"""Long recordings that come at once are not all in memory at once."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.speech import LocalTranscriber, SpeechSettings
from bot.speech.local.room import BYTES_PER_SECOND, Room, expected_seconds
from tests.speech.conftest import Clip
from tests.speech.hostile import hours_of_silence

JOBS = st.lists(st.floats(0, 10_000), min_size=1, max_size=12)


@given(jobs=JOBS, room=st.floats(0, 20_000), data=st.data())
def test_all_come_in_at_last_and_no_more_than_fit(jobs: list[float], room: float, data: st.DataObject) -> None:
    """Whoever leaves first: what is inside is one, or counts for no more than there is room for; nobody waits for ever."""
    place = Room(int(room * BYTES_PER_SECOND / 0.6))
    inside = {number: seconds for number, seconds in enumerate(jobs) if place.enter(number, seconds)}
    done = set()
    while inside:
        assert len(inside) == place.inside
        counted = sum(min(seconds, 0.75 * place.seconds) for seconds in inside.values())
        assert place.inside == 1 or counted <= place.seconds * 1.001
        leaving = data.draw(st.sampled_from(sorted(inside)))
        del inside[leaving]
        place.leave(leaving)
        done.add(leaving)
        inside |= {number: jobs[number] for number in place.called()}
    assert done == set(range(len(jobs)))


def test_short_ones_pass() -> None:
    """While a long recording waits for another, what is short goes in beside it."""
    place = Room(int(4_000 * BYTES_PER_SECOND / 0.6))
    assert [place.enter(1, 2_900.0), place.enter(2, 3_000.0), place.enter(3, 30.0)] == [True, False, True]
    place.leave(1)
    assert list(place.called()) == [2]


def test_a_recording_that_is_longer_than_it_said() -> None:
    """What was declared was too little: it counts for what it is, and the next one waits."""
    place = Room(int(4_000 * BYTES_PER_SECOND / 0.6))
    assert place.enter(1, 30.0)
    place.grow(1, 3_000.0)
    assert not place.enter(2, 1_500.0)


def test_how_long_a_recording_may_be(tmp_path: Path) -> None:
    """As declared; else by its bytes; never more than is accepted; a file that is gone is found out later."""
    file = tmp_path / "note"
    file.write_bytes(bytes(200_000))
    assert expected_seconds(file, 12.5, 7200.0) == 12.5
    assert expected_seconds(file, None, 7200.0) == 100.0
    assert expected_seconds(file, 9999.0, 7200.0) == 7200.0
    assert expected_seconds(tmp_path / "gone", None, 7200.0) == 30.0


@pytest.fixture
def hour(tmp_path: Path) -> Iterator[Path]:
    """An hour of silence, 230 MB once it is decoded."""
    path = tmp_path / "hour.flac"
    path.write_bytes(hours_of_silence(1))
    yield path
    path.unlink()


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_hours_at_once_do_not_cost_the_speech_process(
    settings: SpeechSettings, hour: Path, clips: list[Clip]
) -> None:
    """Six hours in memory that holds three: one by one, in one process that lives on, and a voice note passes them."""
    transcriber = LocalTranscriber(replace(settings, memory_bytes=1_600_000_000, max_seconds=7200.0))
    await transcriber.start()
    pid = transcriber.pid
    ends: list[str] = []

    async def one(path: Path, seconds: float, name: str) -> str:
        heard = await transcriber.transcribe(path, language="ru", declared_seconds=seconds)
        ends.append(name)
        assert heard.duration == pytest.approx(seconds, rel=0.02)
        return heard.text

    with structlog.testing.capture_logs() as logs:
        jobs = [asyncio.create_task(one(hour, 3600.0, f"hour {number}")) for number in range(6)]
        await asyncio.sleep(0)
        text = await one(clips[1].path, clips[1].seconds, "note")
        await asyncio.gather(*jobs)
    assert "должности" in text
    assert ends.index("note") < 5
    assert transcriber.pid == pid
    assert [entry for entry in logs if entry["event"] == "speech.ready"] == []
    await transcriber.close()
