"""Hostile recordings, through the whole path: a named reason, the daemon untouched, the child at work again."""

from pathlib import Path

import psutil
import pytest

from bot.errors import MediaRefused
from bot.speech import LocalTranscriber
from tests.speech import hostile
from tests.speech.audited import REASONS, write_victim
from tests.speech.bent import bent
from tests.speech.conftest import Clip

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="session")
def long_silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve hours of silence in 85 kB."""
    path = tmp_path_factory.mktemp("silence") / "voice.ogg"
    path.write_bytes(hostile.hours_of_silence(12))
    assert path.stat().st_size < 100_000
    return path


def peak_memory() -> int:
    """The most resident bytes this process had since the last `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def reason_for(transcriber: LocalTranscriber, path: Path) -> str:
    with pytest.raises(MediaRefused) as raised:
        await transcriber.transcribe(path, language=None, declared_seconds=3.0)
    return raised.value.reason


@pytest.mark.slow
async def test_every_hostile_file_is_refused_by_name(
    transcriber: LocalTranscriber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, general: Clip, clips: list[Clip]
) -> None:
    """Lists of files and addresses, wrong types and wrecks: one child survives them all and then hears a recording."""
    victim = tmp_path / "victim.wav"
    victim.write_bytes(hostile.encode(hostile.tone(1.0), container="wav", codec="pcm_s16le"))
    monkeypatch.chdir(tmp_path)
    await transcriber.start()
    child = transcriber.pid
    speech = general.path.read_bytes()
    cases = {
        **{name: (data, "container") for name, data in hostile.lists_of_others(victim).items()},
        **{name: (data, "container") for name, data in hostile.not_recordings().items()},
        "empty": (b"", "empty"),
        "film": (hostile.silent_film(), "no-audio"),
        "too large": (bytes(20_000_001), "too-large"),
        "only headers": (speech[:200], "damaged"),
        "wreck": (hostile.flip_bits(speech, seed=1, share=0.5, keep=4), "damaged"),
    }
    for name, (data, reason) in cases.items():
        path = tmp_path / "voice.ogg"
        path.write_bytes(data)
        assert await reason_for(transcriber, path) == reason, name
    assert child is not None
    assert psutil.Process(child).net_connections() == []
    assert "должности" in (await transcriber.transcribe(clips[1].path, language=None, declared_seconds=None)).text
    assert transcriber.pid == child


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_twelve_hours_of_silence(transcriber: LocalTranscriber, long_silence: Path, clips: list[Clip]) -> None:
    """85 kB that play for half a day are refused as too long, and cost neither process its memory."""
    await transcriber.start()
    assert transcriber.pid is not None
    before = psutil.Process().memory_info().rss
    forget_peak()
    assert await reason_for(transcriber, long_silence) == "too-long"
    assert peak_memory() - before < 32 * MEBIBYTE
    assert psutil.Process(transcriber.pid).memory_info().rss < 600 * MEBIBYTE
    assert "должности" in (await transcriber.transcribe(clips[1].path, language=None, declared_seconds=None)).text


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_many_damaged_recordings(transcriber: LocalTranscriber, tmp_path: Path, clips: list[Clip]) -> None:
    """Forty damaged copies of a voice note give text or a named reason, and the same child hears the next one whole."""
    original = clips[1].path.read_bytes()
    for seed in range(40):
        path = tmp_path / "voice.ogg"
        path.write_bytes(hostile.flip_bits(original, seed=seed, share=0.002 * (1 + seed % 10)))
        try:
            await transcriber.transcribe(path, language="ru", declared_seconds=clips[1].seconds)
        except MediaRefused as refused:
            if refused.reason not in {"damaged", "no-audio", "container"}:
                raise
    assert "должности" in (await transcriber.transcribe(clips[1].path, language=None, declared_seconds=None)).text


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_bent_recordings_of_every_kind(transcriber: LocalTranscriber, tmp_path: Path, clips: list[Clip]) -> None:
    """Thirty files bent by chance, some of them bombs and pointers to a victim, leave one child in its place."""
    victim = tmp_path / "victim.mov"
    write_victim(victim)
    await transcriber.start()
    child = transcriber.pid
    for number in range(30):
        path = tmp_path / "voice.ogg"
        path.write_bytes(bent(number, seed=7, victim=victim).data)
        try:
            await transcriber.transcribe(path, language="ru", declared_seconds=None)
        except MediaRefused as refused:
            assert refused.reason in REASONS, number  # noqa: PT017
    assert "должности" in (await transcriber.transcribe(clips[1].path, language=None, declared_seconds=None)).text
    assert transcriber.pid == child
