"""`earshot speech doctor | eval | bench`, and `transcribe --again`, as an operator meets them."""

import asyncio
import json
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.config import ENVIRONMENT
from bot.store import Store
from tests.configured import Folder, server_key
from tests.speech.conftest import MODEL, RECORDINGS
from tests.stores import ready_sqlite

pytestmark = pytest.mark.slow


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


@pytest.fixture
def folder(alone: Path) -> Path:
    """Three recordings with their texts."""
    made = alone / "recordings"
    made.mkdir()
    rows = {row["file"]: row["text"] for row in json.loads((RECORDINGS / "manifest.json").read_text("utf-8"))}
    for name in ("voice_000", "voice_001", "voice_002"):
        shutil.copyfile(RECORDINGS / f"{name}.ogg", made / f"{name}.ogg")
        (made / f"{name}.txt").write_text(rows[f"{name}.ogg"], "utf-8")
    return made


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    ran = subprocess.run(
        [sys.executable, "-m", "bot", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.slow
def test_eval_counts_errors_of_models_and_modes(folder: Path) -> None:
    """Each model in each mode; a text that was not said costs what it has in words; a broken file is told and left out."""
    (folder / "voice_002.txt").write_text("совсем другие слова", "utf-8")
    (folder / "x.ogg").write_text("<html>")
    (folder / "x.txt").write_text("слово")
    code, out, err = run("speech", "eval", folder, "--model", MODEL, "--mode", "exact,fitted", "--json")
    assert code == 1
    assert "refused x.ogg: the bytes are not in a known container" in err
    read = json.loads(out)
    assert [(one["model"], one["mode"]) for one in read["results"]] == [(str(MODEL), "exact"), (str(MODEL), "fitted")]
    for one in read["results"]:
        assert (one["recordings"], one["refused"]) == (3, 1)
        by_file = {file["file"]: file for file in one["files"]}
        assert by_file["voice_000.ogg"]["wer"] <= 0.2
        assert by_file["voice_002.ogg"]["wer"] >= 1
        assert by_file["x.ogg"]["refused"]
        assert one["word_errors"] >= 3
        assert one["wer"] == pytest.approx(one["word_errors"] / one["words"], abs=1e-4)
        assert 0 < one["cer"] < 1.5


@pytest.mark.slow
@pytest.mark.drill
def test_bench_compares_with_the_plain_loop(folder: Path) -> None:
    """All contenders on the same recordings; what is written together is what is written alone."""
    code, out, _ = run("speech", "bench", folder, "--model", MODEL, "--rounds", 1, "--json")
    read = json.loads(out)
    assert code == 0
    assert read["recordings"] == 3
    assert read["exact_equals_one_at_a_time"] is True
    assert len(read["seconds"]) == 8
    assert all(seconds > 0 for seconds in read["seconds"].values())
    assert read["times_the_loop"]["faster-whisper, defaults"] == 1.0
    assert read["overhead"] > 1.0


@pytest.mark.slow
def test_doctor_measures_and_recommends(alone: Path) -> None:
    """Machine, model and measurement; lines to paste."""
    code, out, _ = run("speech", "doctor", "--model", MODEL, "--json")
    assert code == 0
    read = json.loads(out)
    assert read["machine"]["cores"] >= 1
    assert read["model"]["folder"] == str(MODEL)
    assert read["model"]["real_time_factor"] == pytest.approx(1 / read["model"]["times_real_time"])
    assert {"model", "device", "compute_type"} == read["recommended"].keys()
    assert read["why"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["speech", "eval", "nowhere"], 3, "nowhere: is no folder"),
        (["speech", "eval", ".", "--mode", "quick"], 2, "is no mode; write exact, fitted or exact,fitted"),
        (["speech", "bench", ".", "--model", str(MODEL)], 3, "no recordings in it"),
        (["speech", "doctor", "--model", "smal"], 7, "did you mean small?"),
        (["transcribe", "--again", "--model", "small"], 3, "no earshot.yaml here"),
        (["transcribe", "--again", "a.ogg"], 2, "--again takes no files"),
        (["transcribe", "a.ogg", "--since", "30d"], 2, "belong to --again"),
    ],
)
def test_a_wrong_command_line_says_what_to_do(alone: Path, arguments: list[str], code: int, told: str) -> None:
    """One line, and an exit code that says whose fault it is."""
    found, _, err = run(*arguments)
    assert found == code
    assert told in " ".join(err.split())


@pytest.mark.slow
def test_the_past_is_asked_for_again(alone: Path) -> None:
    """Before the first run there is nothing; then what is asked for is counted, as a sentence and as JSON."""
    with ExitStack() as stack:
        made = Folder(alone / "earshot", stack, key=server_key())
        again = ("--config", made.path, "transcribe", "--again", "--since", "30d")
        code, _, err = run(*again, "--model", MODEL)
        assert (code, "nothing has been recorded yet" in err) == (1, True)
        assert run(*again)[0] == 2
        asyncio.run(_begin(made))
        code, out, _ = run(*again, "--model", MODEL)
        assert code == 0
        assert "0 recordings asked for; 0 heard again, 0 to come, 0 failed" in out
        code, out, _ = run(*again, "--model", MODEL, "--look", "--format", "json")
        assert (code, json.loads(out)["differences"]) == (0, [])
        code, _, err = run(*again, "--model", MODEL, "--channel", "@nobody")
        assert (code, "no such channel here" in err) == (3, True)


async def _begin(folder: Folder) -> None:
    store = await Store.open(ready_sqlite(folder.data), folder.data / "media")
    await store.close()
