"""The speech section by itself: the same as in the whole configuration, and read where the rest is wrong."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from bot.app.hearing import SERVER, hearer_anywhere
from bot.config import ENVIRONMENT, load_config, load_speech, speech_of
from bot.errors import ConfigError
from bot.speech import LocalTranscriber
from bot.speech.remote.transcriber import RemoteTranscriber
from tests.configured import Folder, server_key

KEY = "sk-hidden-speech-key"
URL = "http://gpu:8000"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A configuration in which nothing is wrong, with a speech server; no secret in the environment."""
    for name in (*ENVIRONMENT, "EARSHOT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        folder = Folder(tmp_path / "earshot", stack, key=server_key())
    folder.write("secrets/speech-key", f"{KEY}\n")
    server = {"url": URL, "model": "a/model", "api_key_file": "secrets/speech-key"}
    folder.set("speech", server=server, model="small", max_minutes=7)
    folder.set(data_folder="elsewhere/data")
    return folder


@pytest.mark.parametrize("key", ["", "from the environment"])
def test_it_is_what_the_whole_configuration_says(folder: Folder, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Section, folder of the models and key, whether all is read or the section alone."""
    if key:
        monkeypatch.setenv("EARSHOT_SPEECH_KEY", key)
    file = folder.path / "earshot.yaml"
    whole, alone = speech_of(load_config(file)), load_speech(file)
    assert whole == alone
    assert alone.key is not None
    assert alone.key.get_secret_value() == (key or KEY)
    assert KEY not in repr(alone)


def test_what_is_wrong_elsewhere_is_not_read(folder: Folder) -> None:
    """The whole is refused, the section is not."""
    folder.set("telegram", api_id="none")
    folder.set(weather="fine", rules_folder="nowhere")
    with pytest.raises(ConfigError):
        load_config(folder.path / "earshot.yaml")
    assert load_speech(folder.path / "earshot.yaml").section.max_minutes == 7


@pytest.mark.parametrize(
    ("model", "opened", "named"),
    [
        (None, RemoteTranscriber, "a/model"),
        (SERVER, RemoteTranscriber, "a/model"),
        ("tiny", LocalTranscriber, "tiny"),
    ],
)
def test_who_hears(folder: Folder, model: str | None, opened: type, named: str) -> None:
    """The server that is set, unless a model of this machine is named."""
    hearer = hearer_anywhere(folder.path, model)
    assert isinstance(hearer.open(), opened)
    assert hearer.model == named
    assert hearer.origin == f"the speech section of {folder.path}/earshot.yaml"
    assert KEY not in repr(hearer)


def test_who_hears_without_a_server(folder: Folder) -> None:
    """The model of the section; a server by name must be set."""
    del folder.settings["speech"]["server"]
    folder.set()
    hearer = hearer_anywhere(folder.path)
    assert isinstance(hearer.open(), LocalTranscriber)
    assert (hearer.model, hearer.settings.models_folder) == ("small", folder.path / "elsewhere/data/models")
    with pytest.raises(ConfigError, match=r"--model server: no speech\.server is set in .*earshot\.yaml"):
        hearer_anywhere(folder.path, SERVER)


def test_without_a_configuration_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless one was asked for by name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("EARSHOT_CONFIG", raising=False)
    hearer = hearer_anywhere(None)
    assert (hearer.model, hearer.server) == ("small", None)
    assert hearer.settings.models_folder == tmp_path / "cache/earshot/models"
    assert hearer.origin.startswith("defaults")
    monkeypatch.setenv("EARSHOT_CONFIG", "nowhere.yaml")
    with pytest.raises(ConfigError, match="no such settings file"):
        hearer_anywhere(None)


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "telegram: {api_id: 1}\n"])
def test_a_file_without_the_section_is_defaults(tmp_path: Path, text: str) -> None:
    """As everywhere in the settings."""
    file = tmp_path / "earshot.yaml"
    file.write_text(text, "utf-8")
    config = load_speech(file)
    assert (config.section.model, config.key, config.data_folder) == ("small", None, tmp_path / "data")
