"""`earshot transcribe`: recordings become text where there is neither Telegram nor a configuration."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.config import ENVIRONMENT
from tests.speech.conftest import MODEL, RECORDINGS
from tests.speech.wer import word_errors, words_of

pytestmark = pytest.mark.slow

FIRST, SECOND, NOISE = (RECORDINGS / f"{name}.ogg" for name in ("voice_000", "voice_001", "noise_178"))
WORDS = "Товарищи офицеры и солдаты, я обращаюсь к вам честно."


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, as the working folder and the home."""
    for name in (*ENVIRONMENT, "EARSHOT_CONFIG", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("PYTHONUTF8", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bot", "transcribe", "--model", str(MODEL), *map(str, arguments)]


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    ran = subprocess.run(command(*arguments), capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.slow
def test_json_in_the_order_of_the_files_and_reasons_beside_it(alone: Path) -> None:
    """A file that is refused, missing or a folder says why and makes the exit code 1; the others are done, in order."""
    (alone / "page.ogg").write_text("<html>")
    code, out, err = run(SECOND, "page.ogg", "gone.ogg", alone, FIRST, NOISE, FIRST, "--format", "json")
    assert code == 1
    second, first, noise = json.loads(out)
    assert [second["file"], first["file"], noise["file"]] == [str(SECOND), str(FIRST), str(NOISE)]
    assert word_errors(words_of(WORDS), words_of(first["text"])) <= 1
    assert first["language"] == "ru"
    assert first["language_probability"] > 0.5
    assert {"start", "end", "text", "flags"} <= first["segments"][0].keys()
    assert first["segments"][0]["words"]
    assert noise["text"] == ""
    assert "refused (container) page.ogg: the bytes are not in a known container" in err
    assert "refused (missing) gone.ogg: there is no such file" in err
    assert f"refused (folder) {alone}: a folder; name the recordings in it" in err
    assert f"{FIRST}: named twice, transcribed once" in err
    assert f"/6 {SECOND}: 3.7 s, ru" in err
    assert f"/6 {NOISE}: 5.0 s, nothing heard" in err


@pytest.mark.slow
def test_text_says_whose_it_is_when_there_are_several(alone: Path) -> None:
    """One file is its words and nothing else; several are told apart."""
    code, out, _ = run(FIRST)
    assert (code, words_of(out)) == (0, words_of(WORDS))
    code, out, _ = run(FIRST, NOISE, SECOND)
    assert code == 0
    assert [line for line in out.splitlines() if line.endswith(".ogg:")] == [f"{p}:" for p in (FIRST, NOISE, SECOND)]


@pytest.mark.slow
def test_a_file_for_each_in_a_folder(alone: Path) -> None:
    """--out makes the folder; recordings that differ only in their ending do not overwrite one another."""
    for name in ("a.ogg", "a.oga", "b.ogg"):
        shutil.copyfile(FIRST, alone / name)
    code, out, _ = run("a.ogg", "a.oga", "b.ogg", "--format", "srt", "--out", "subtitles/new")
    assert (code, out) == (0, "")
    made = sorted(path.name for path in (alone / "subtitles/new").iterdir())
    assert made == ["a.oga.srt", "a.ogg.srt", "b.srt"]
    text = (alone / "subtitles/new/b.srt").read_text("utf-8")
    assert text.startswith("1\n00:00:00,")
    assert words_of(WORDS)[0] in text.lower()
    assert run("a.ogg", "--format", "json", "--out", "json")[0] == 0
    assert json.loads((alone / "json/a.json").read_text("utf-8"))["file"] == "a.ogg"


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(alone: Path) -> None:
    """Interrupted in the middle: exit code 130, and a complete JSON list of what was done."""
    files = sorted(RECORDINGS.glob("setting_*.ogg"))
    with subprocess.Popen(
        command(*files, "--format", "json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "on this machine" in process.stderr.readline()
        assert "1/" in process.stderr.readline()
        os.kill(process.pid, signal.SIGINT)
        done = json.loads(process.stdout.read())
        assert process.wait() == 130
    assert 1 <= len(done) < len(files)
    assert all(one["text"] for one in done)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ([], 2, "name at least one recording"),
        ([FIRST, "--language", "rus"], 2, "is no language that Whisper knows; write its code"),
        ([FIRST, "--model", "smal"], 7, "did you mean small?"),
        ([FIRST, "--model", "."], 7, "lacks config.json, model.bin, tokenizer.json"),
        ([FIRST, "--out", __file__], 2, "is a file"),
        ([FIRST, "--out", f"{__file__}/folder"], 3, "cannot be made"),
    ],
)
def test_a_wrong_command_line_says_what_to_do(alone: Path, arguments: list[object], code: int, told: str) -> None:
    """Nothing is transcribed, and one line says what is wrong."""
    assert run(*arguments)[0] == code
    assert told in " ".join(run(*arguments)[2].split())


def test_a_configuration_that_is_named_must_be_there(alone: Path) -> None:
    """Defaults are for where there is none; a slip in --config is not passed over."""
    ran = subprocess.run(
        [sys.executable, "-m", "bot", "--config", "nowhere.yaml", "transcribe", str(FIRST)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 3
    assert "nowhere.yaml: there is no such settings file" in ran.stderr
