"""Recordings with what is said in them, as people keep them."""

import json
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.speech.commands.references import read_references, recordings_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings; nobody looks inside."""
    for name in ("a.ogg", "b.MP3"):
        (tmp_path / name).write_bytes(b"-")
    return tmp_path


def test_texts_beside_the_recordings(folder: Path) -> None:
    """a.txt belongs to a.ogg; what is neither is passed over, and so is a byte order mark."""
    (folder / "a.txt").write_text("\ufeffслово", "utf-8")
    (folder / "b.txt").write_text("другое", "utf-8")
    (folder / "notes.md").write_text("-")
    assert [(one.path.name, one.text) for one in read_references(folder)] == [("a.ogg", "слово"), ("b.MP3", "другое")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("manifest.json", json.dumps([{"file": "a.ogg", "text": "слово", "language": "ru"}])),
        ("manifest.json", json.dumps([{"audio_filepath": "a.ogg", "transcript": "слово", "language": "ru"}])),
        ("manifest.tsv", "path\tsentence\tlanguage\na.ogg\tслово\tru\n"),
    ],
)
def test_a_manifest_goes_first(folder: Path, name: str, content: str) -> None:
    """It lists what counts, in the words of the usual data sets."""
    (folder / name).write_text(content, "utf-8")
    (one,) = read_references(folder)
    assert (one.path, one.text, one.language) == (folder / "a.ogg", "слово", "ru")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", "слово", "no text beside b.MP3; write what is said into a .txt"),
        ("manifest.json", "{", "manifest.json: no JSON"),
        ("manifest.json", "{}", "expected a list of objects"),
        ("manifest.json", "[]", "lists nothing"),
        ("manifest.json", '[{"file": "a.ogg"}]', "entry 1: expected a file (file) and a text (text)"),
        ("manifest.json", '[{"file": "c.ogg", "text": ""}]', "names c.ogg, which is not there"),
        ("manifest.tsv", "a.ogg\tслово\n", "lists nothing"),
        ("manifest.tsv", "file\ttext\na.ogg\n", "entry 1: expected a file"),
    ],
)
def test_what_is_missing_is_named(folder: Path, name: str, content: str, told: str) -> None:
    """An error rate over half of the recordings would be a wrong one."""
    (folder / name).write_text(content, "utf-8")
    with pytest.raises(ConfigError) as refused:
        read_references(folder)
    assert told in str(refused.value)


def test_bytes_that_are_no_text(folder: Path) -> None:
    """The file and the byte are named."""
    (folder / "manifest.json").write_bytes(b"[\xff]")
    with pytest.raises(ConfigError, match=r"manifest\.json: not UTF-8 text \(byte 1\)"):
        read_references(folder)


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    """Nothing to do is an error, as is a folder that is not there."""
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(ConfigError, match="no recordings in it"):
            recordings_in(folder)
    with pytest.raises(ConfigError, match="is no folder"):
        read_references(tmp_path / "gone")
