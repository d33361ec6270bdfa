"""Which model or server `transcribe`, `speech eval` and `speech doctor` have hear, by the speech section alone."""

import io
import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from bot.cli import cli
from bot.cli.guard import guard
from bot.config import ENVIRONMENT
from tests.configured import CLOSED_PORT
from tests.speech.conftest import MODEL, RECORDINGS
from tests.speech.server import KEY
from tests.speech.server import MODEL as SERVED
from tests.speech.wer import words_of

pytestmark = pytest.mark.slow

NOTE = RECORDINGS / "voice_000.ogg"
WORDS = "Товарищи офицеры и солдаты, я обращаюсь к вам честно."


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it, as the working folder and the home."""
    for name in (*ENVIRONMENT, "EARSHOT_CONFIG", "XDG_CACHE_HOME", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command, which runs in this process."""
    out, err = io.BytesIO(), io.BytesIO()
    with (
        redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)),
        redirect_stderr(io.TextIOWrapper(err, "utf-8", write_through=True)),
    ):
        code = guard(cli, [*map(str, arguments)])
        return code, out.getvalue().decode(), err.getvalue().decode()


def configure(folder: Path, text: str) -> Path:
    file = folder / "earshot.yaml"
    file.write_text(text, "utf-8")
    return file


def served(folder: Path, address: str, shape: str = "speaches", more: str = "") -> str:
    """Where the server is said to be; its key in a file."""
    (folder / "key").write_text(f"{KEY}\n", "utf-8")
    configure(
        folder,
        f"speech:\n  model: {MODEL}\n  compute_type: int8\n  server:\n    url: {address}/{shape}\n"
        f"    model: {SERVED}\n    api_key_file: key\n{more}",
    )
    return address.removeprefix("http://")


def transcribed(*arguments: object) -> tuple[str, str]:
    """The model of the one transcript that comes out, and what was said on stderr."""
    code, out, err = run("transcribe", NOTE, "--format", "json", *arguments)
    assert code == 0, err
    (one,) = json.loads(out)
    assert set(words_of(WORDS)) & set(words_of(one["text"]))
    return one["model"], err


def test_transcribe_has_the_server_hear(alone: Path, address: str) -> None:
    """The rest of the file may be missing; the line says who hears, and the key is in no output."""
    host = served(alone, address)
    model, err = transcribed()
    assert model == f"{SERVED}@{host}"
    assert f"heard by {SERVED} on the server {host}; settings: the speech section of {alone}/earshot.yaml" in err
    assert KEY not in err


def test_a_model_that_is_named_is_of_this_machine(alone: Path, address: str) -> None:
    """--model goes before the server, and `server` is the server by name."""
    host = served(alone, address)
    model, err = transcribed("--model", MODEL)
    assert model.startswith(f"{MODEL.name} ")
    assert f"heard by {MODEL} on this machine" in err
    assert transcribed("--model", "server")[0] == f"{SERVED}@{host}"


def test_a_server_by_name_must_be_set(alone: Path) -> None:
    """With a configuration without one, and without any configuration."""
    code, _, err = run("transcribe", NOTE, "--model", "server")
    assert (code, "--model server: no speech.server is set" in err) == (3, True)
    configure(alone, f"speech: {{model: {MODEL}}}\n")
    code, _, err = run("transcribe", NOTE, "--model", "server")
    assert (code, f"no speech.server is set in {alone}/earshot.yaml" in err) == (3, True)


def test_a_server_that_is_away(alone: Path) -> None:
    """One line, exit code 7, no traceback; the same from all three."""
    served(alone, f"http://127.0.0.1:{CLOSED_PORT}")
    (alone / "notes").mkdir()
    shutil.copyfile(NOTE, alone / "notes/a.ogg")
    (alone / "notes/a.txt").write_text(WORDS, "utf-8")
    for arguments in (["transcribe", NOTE], ["speech", "eval", "notes"], ["speech", "doctor"]):
        code, out, err = run(*arguments)
        assert (code, out) == (7, "")
        assert "cannot be reached" in err
        assert "speech.server.url" in err
        assert "Traceback" not in err


def test_a_server_with_another_key(alone: Path, address: str) -> None:
    """It refuses, and the line says what to set."""
    served(alone, address, "401")
    code, _, err = run("transcribe", NOTE)
    assert code == 7
    assert "api_key_file" in err
    assert KEY not in err


def test_eval_names_server_and_model(alone: Path, address: str) -> None:
    """The server is scored beside a model of this machine, in the table and as JSON; it has no mode of ours."""
    host = served(alone, address)
    (alone / "notes").mkdir()
    shutil.copyfile(NOTE, alone / "notes/a.ogg")
    (alone / "notes/a.txt").write_text(WORDS, "utf-8")
    code, out, _ = run("speech", "eval", "notes", "--model", "server", "--model", MODEL, "--json")
    assert code == 0
    server, local = json.loads(out)["results"]
    assert (server["model"], server["server"], server["mode"]) == (SERVED, host, None)
    assert (local["model"], local["server"], local["mode"]) == (str(MODEL), None, "exact")
    assert all(one["wer"] < 0.5 for one in (server, local))
    code, out, err = run("speech", "eval", "notes")
    assert code == 0
    assert any(SERVED in line and host in line for line in out.splitlines()), out
    assert f"on the server {host}" in err
    code, _, err = run("speech", "eval", "notes", "--mode", "fitted")
    assert code == 2
    assert "a speech server has no --mode" in " ".join(err.split())


def test_doctor_times_the_server(alone: Path, address: str) -> None:
    """The server that is set is timed, as JSON and in words; --model times this machine."""
    host = served(alone, address)
    code, out, err = run("speech", "doctor", "--json")
    assert code == 0
    read = json.loads(out)
    assert (read["server"], read["model"]) == (f"{address}/speaches", SERVED)
    assert read["measured"]["sound_seconds"] == pytest.approx(25, abs=1)
    assert read["measured"]["together"] == 4
    assert read["measured"]["times_real_time"] > 0
    assert f"on the server {host}" in err
    code, out, _ = run("speech", "doctor")
    assert code == 0
    assert f"{address}/speaches answers, with {SERVED}" in " ".join(out.split())
    assert "times real time" in " ".join(out.split())
    code, out, _ = run("speech", "doctor", "--model", MODEL, "--json")
    assert (code, json.loads(out)["model"]["name"]) == (0, str(MODEL))


ELSEWHERE_WRONG = {
    "nothing else": "",
    "a wrong telegram section": "telegram: {api_id: none, colour: red}\n",
    "an unknown section": "weather: fine\n",
    "a missing secret": "telegram: {api_id: 1, api_hash_file: gone}\n",
    "no rules, no channels": "rules_folder: nowhere\nchannels_file: nowhere.yaml\n",
    "a wrong database": "database: mysql://x\n",
}


@pytest.mark.parametrize("case", ELSEWHERE_WRONG)
def test_what_is_wrong_elsewhere_stops_nobody(alone: Path, case: str) -> None:
    """The speech section alone is read: what has nothing to do with speech may be wrong or missing."""
    configure(alone, f"speech: {{model: {MODEL}, compute_type: int8, language: ru}}\n{ELSEWHERE_WRONG[case]}")
    model, err = transcribed()
    assert model.startswith(MODEL.name)
    assert f"settings: the speech section of {alone}/earshot.yaml" in err


SPEECH_WRONG = {
    "an unknown key": ("speech: {modell: small}\n", "earshot.yaml:1: speech.modell: there is no such key"),
    "a wrong value": ("telegram: {}\nspeech:\n  beam_size: 0\n", "earshot.yaml:3: speech.beam_size"),
    "no section": ("speech: small\n", "earshot.yaml:1: speech:"),
    "a name with a slip": ("speach: {model: small}\n", "earshot.yaml:1: speach: there is no such key; did you mean"),
    "no YAML": ("speech: {model\n", "not valid YAML"),
    "no phrases": ("speech: {boilerplate_file: gone.json}\n", "gone.json"),
    "no key file": (
        "speech:\n  server: {url: http://x, model: y, api_key_file: gone}\n",
        "earshot.yaml:2: speech.server.api_key_file",
    ),
    "another data folder": ("data_folder: [1]\n", "earshot.yaml:1: data_folder"),
}


@pytest.mark.parametrize("case", SPEECH_WRONG)
def test_a_wrong_speech_section_is_one_clear_line(alone: Path, case: str) -> None:
    """File, line and key; nothing is transcribed by other settings than those that were meant."""
    text, told = SPEECH_WRONG[case]
    configure(alone, text)
    code, out, err = run("transcribe", NOTE)
    assert (code, out) == (3, "")
    assert told in " ".join(err.split())
    assert "Traceback" not in err


def test_an_empty_file_is_defaults(alone: Path) -> None:
    """As is one without a speech section: the model named on the command line is heard with them."""
    configure(alone, "")
    assert "the speech section of" in transcribed("--model", MODEL)[1]


def test_without_a_configuration_defaults_are_taken_and_said(alone: Path) -> None:
    """One line on stderr."""
    _, err = transcribed("--model", MODEL)
    assert "settings: defaults, as there is no earshot.yaml here" in " ".join(err.split())


def test_nothing_is_announced_for_files_that_are_not_there(alone: Path) -> None:
    """The files are looked at first: no model is fetched, and none is said to be, for what cannot be read."""
    code, out, err = run("transcribe", "gone.ogg", alone)
    assert (code, out) == (1, "")
    assert "refused (missing) gone.ogg" in err
    assert "refused (folder)" in err
    assert "fetching" not in err
    assert "heard by" not in err
    assert not (alone / ".cache").exists()
