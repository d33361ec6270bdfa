"""A transcriber with the shipped model, and the recordings with what is said in them."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.speech import LocalTranscriber, SpeechSettings
from tests.speech.workbench import bench  # noqa: F401 - a fixture of several files here

REPOSITORY = Path(__file__).parents[2]
MODEL = REPOSITORY / "bot/sandbox/speech_model"
DEMO = REPOSITORY / "bot/sandbox/recordings"
RECORDINGS = Path(__file__).parent / "recordings"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a speech server of `tests.speech.server` listens: a process of its own."""
    command = [sys.executable, "-m", "tests.speech.server", str(MODEL)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording with its reference: words are (text, start, end), segments (start, end, text)."""

    path: Path
    group: str
    language: str | None
    text: str
    seconds: float
    words: list[tuple[str, float, float]]
    segments: list[tuple[float, float, str]]


def load_clips(folder: Path) -> list[Clip]:
    """The clips that the manifest in `folder` lists."""
    rows = json.loads((folder / "manifest.json").read_text())
    return [
        Clip(
            folder / row["file"],
            row["group"],
            row["language"],
            row["text"],
            row["seconds"],
            [(text, start, end) for text, start, end in row["words"]],
            [(start, end, text) for start, end, text in row["segments"]],
        )
        for row in rows
    ]


@pytest.fixture(scope="session")
def clips() -> list[Clip]:
    """All clips of the tests."""
    return load_clips(RECORDINGS)


@pytest.fixture(scope="session")
def general() -> Clip:
    """The demo's voice note."""
    return load_clips(DEMO)[0]


@pytest.fixture
def settings(tmp_path: Path) -> SpeechSettings:
    """The shipped model on two threads, with limits that a test can reach."""
    return SpeechSettings(
        model=str(MODEL),
        models_folder=tmp_path / "models",
        device="cpu",
        threads=2,
        max_bytes=20_000_000,
        max_seconds=600.0,
        memory_bytes=1_500_000_000,
        timeout_floor=60.0,
    )


@pytest.fixture
async def transcriber(settings: SpeechSettings) -> AsyncIterator[LocalTranscriber]:
    """A transcriber that is closed again."""
    transcriber = LocalTranscriber(settings)
    yield transcriber
    await transcriber.close()
