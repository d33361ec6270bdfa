"""Recordings with what is said in them: a folder of audio files with texts of the same name, or with a manifest."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ConfigError

SUFFIXES = frozenset(
    {".ogg", ".oga", ".opus", ".mp3", ".wav", ".flac", ".m4a", ".mp4", ".mov", ".mkv", ".mka", ".webm"}
)
# As data sets call them: ours, Common Voice's, NeMo's, LibriSpeech's on Hugging Face.
_FILE_KEYS = ("file", "path", "audio_filepath", "audio")
_TEXT_KEYS = ("text", "sentence", "transcript", "transcription")
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A recording, what is said in it, and in which language where that is known."""

    path: Path
    text: str
    language: str | None = None


def read_references(folder: Path) -> list[Reference]:
    """The recordings of `folder` by manifest.json (a list of objects) or manifest.tsv (with a header), else by *.txt.

    Raises ConfigError for a folder without any, a recording without its text, and a manifest that names what is not there.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: is no folder; name one with recordings and what is said in them")
    for name, read in (("manifest.json", _json_rows), ("manifest.tsv", _tsv_rows)):
        if (folder / name).is_file():
            return _listed(folder, name, read(folder / name))
    return _beside(folder)


def recordings_in(folder: Path) -> list[Path]:
    """The audio files of `folder`, by name; ConfigError when there are none."""
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not found:
        raise ConfigError(f"{folder}: no recordings in it (*.ogg, *.mp3, *.wav, *.flac, *.m4a, ...)")
    return found


def _beside(folder: Path) -> list[Reference]:
    found = recordings_in(folder)
    if mute := [path.name for path in found if not path.with_suffix(".txt").is_file()]:
        raise ConfigError(f"{folder}: no text beside {_some(mute)}; write what is said into a .txt of the same name")
    return [Reference(path=path, text=_text(path.with_suffix(".txt"))) for path in found]


def _listed(folder: Path, name: str, rows: Iterable[Mapping[str, object]]) -> list[Reference]:
    found = []
    for number, row in enumerate(rows, start=1):
        file, text = (
            next((row[key] for key in keys if row.get(key) is not None), None) for keys in (_FILE_KEYS, _TEXT_KEYS)
        )
        if not isinstance(file, str) or not isinstance(text, str):
            raise ConfigError(
                f"{folder / name}: entry {number}: expected a file ({_FILE_KEYS[0]}) and a text ({_TEXT_KEYS[0]})"
            )
        language = row.get("language")
        found.append(
            Reference(
                path=folder / file, text=text, language=language if isinstance(language, str) and language else None
            )
        )
    if missing := [str(one.path.relative_to(folder)) for one in found if not one.path.is_file()]:
        raise ConfigError(
            f"{folder / name}: names {_some(missing)}, which {'is' if len(missing) == 1 else 'are'} not there"
        )
    if not found:
        raise ConfigError(f"{folder / name}: lists nothing")
    return found


def _json_rows(path: Path) -> list[Mapping[str, object]]:
    try:
        rows = json.loads(_text(path))
    except ValueError as error:
        raise ConfigError(f"{path}: no JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ConfigError(f'{path}: expected a list of objects, as [{{"file": "a.ogg", "text": "..."}}]')
    return rows


def _tsv_rows(path: Path) -> list[Mapping[str, object]]:
    return [dict(row) for row in csv.DictReader(io.StringIO(_text(path)), delimiter="\t", quoting=csv.QUOTE_NONE)]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
