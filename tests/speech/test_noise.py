"""What nobody says has no words; `make bench-noise` listens to an hour of each kind."""

from pathlib import Path

import pytest

from benchmarks.noise import KINDS, Heard, note
from bot.speech import LocalTranscriber
from tests.speech.conftest import Clip

pytestmark = pytest.mark.slow


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
async def test_no_words_in_what_nobody_says(transcriber: LocalTranscriber, tmp_path: Path, kind: str) -> None:
    """A note of half a minute of each kind has no word that is not flagged."""
    path = tmp_path / "voice.ogg"
    path.write_bytes(note(kind, 0))
    heard = Heard()
    assert heard.add(await transcriber.transcribe(path, language=None, declared_seconds=None)) == ""
    assert heard.unflagged == 0
    assert 25 <= heard.seconds <= 36


@pytest.mark.slow
async def test_speech_is_counted(transcriber: LocalTranscriber, general: Clip) -> None:
    """The same count finds the words of a real voice note."""
    heard = Heard()
    assert "министр" in heard.add(await transcriber.transcribe(general.path, language=None, declared_seconds=None))
    assert heard.unflagged > 30
