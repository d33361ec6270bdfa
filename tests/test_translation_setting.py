"""`translation:` in earshot.yaml, through the command line: what is wrong is said with file, key, folder and a way out."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.app.translation import check_translation, translation_settings
from bot.cli import cli
from bot.cli.guard import guard
from bot.config import ENVIRONMENT, load_config
from bot.errors import ConfigError
from tests.configured import Folder, server_key
from tests.translation.models import as_argos, word_for_word

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def key() -> str:
    """One server key for all: making one takes a while."""
    return server_key()


@pytest.fixture
def folder(tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """A configuration in which nothing is wrong, with one rule and a model for Russian."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with ExitStack() as stack:
        folder = Folder(tmp_path / "earshot", stack, key=key)
        shutil.rmtree(folder.path / "rules")
        folder.write("rules/one.yaml", "rules:\n  - {id: one, title: One, match: attack}\n")
        word_for_word(folder.path / "models" / "ru-en", {"Да.": "Yes.", "Нет.": "No."})
        folder.set(translation={"models": {"ru": "models/ru-en"}})
        yield folder
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def said(folder: Folder, *arguments: str, capture: Capture) -> tuple[int, Any, str]:
    """Run `earshot ARGUMENTS --json` in this process: exit code, what it printed, standard error."""
    code = guard(cli, ["--config", str(folder.path), *arguments])
    found = capture.readouterr()
    return code, json.loads(found.out) if found.out else None, found.err


def test_check_names_the_models(folder: Folder, capsys: Capture) -> None:
    """They are loaded as the daemon loads them, and named by folder and weights."""
    as_argos(folder.path / "models" / "ru-en", folder.path / "models" / "translate-uk_en", source="uk")
    folder.set(translation={"models": {"ru": "models/ru-en", "uk": "models/translate-uk_en"}})
    _, found, _ = said(folder, "check", "--json", capture=capsys)
    (told,) = [one for one in found if one["what"] == "translation"]
    assert told["level"] == "ok", told
    assert told["text"].startswith("ru to en by ru-en "), told
    assert ", uk to en by translate-uk_en " in told["text"]


def test_without_the_section_nothing_is_started(folder: Folder) -> None:
    """It is absent by default."""
    del folder.settings["translation"]
    folder.set()
    assert translation_settings(load_config(folder.path / "earshot.yaml")) is None


def test_a_wrong_folder_keeps_the_daemon_from_starting(folder: Folder, capsys: Capture) -> None:
    """One line with file, key and folder, exit code 3; and `check` says the same."""
    (folder.path / "models" / "ru-en" / "target.spm").unlink()
    wrong = (
        f"earshot.yaml: translation.models.ru: {folder.path}/models/ru-en lacks target.spm. Expected an OPUS-MT model"
    )
    code, _, err = said(folder, "run", capture=capsys)
    assert (code, err.count("\n")) == (3, 1), err
    assert err.startswith(f"earshot: {wrong}"), err
    code, found, _ = said(folder, "check", "--json", capture=capsys)
    (told,) = [one for one in found if one["what"] == "translation"]
    assert (code, told["level"]) == (1, "error")
    assert told["text"].startswith(wrong)


async def test_weights_that_are_cut_off(folder: Folder) -> None:
    """Their beginning is right: the library says what is wrong, in its process."""
    weights = folder.path / "models" / "ru-en" / "model.bin"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(
        ConfigError, match=r"^earshot\.yaml: translation\.models\.ru: the model in .*/ru-en cannot be loaded: "
    ):
        await check_translation(load_config(folder.path / "earshot.yaml"))


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({}, "models"),
        ({"models": {}}, "at least 1"),
        ({"models": {"de": "models/de-en"}}, "de: expected languages that are written in Cyrillic (be, bg,"),
        ({"models": {"ru": "models/ru-en"}, "threads": 0}, "translation.threads"),
        ({"models": {"ru": "models/ru-en"}, "compute_type": "int4"}, "translation.compute_type"),
        ({"models": {"ru": "models/ru-en"}, "engine": "argos"}, "translation.engine"),
    ],
)
def test_a_wrong_section(folder: Folder, capsys: Capture, section: dict[str, Any], complaint: str) -> None:
    """One line with the key and what was expected."""
    folder.set(translation=None)
    folder.settings["translation"] = section
    folder.set()
    code, _, err = said(folder, "status", "--json", capture=capsys)
    assert (code, err.count("\n")) == (3, 1), err
    assert err.startswith("earshot: earshot.yaml:"), err
    assert complaint in err, err
