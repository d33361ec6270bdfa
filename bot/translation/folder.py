"""What a folder must hold to be a translation model, and in which of two shapes.

*OPUS-MT*, as CTranslate2's converter leaves it: the weights beside `source.spm` and `target.spm`.
*Argos*: the unpacked `.argosmodel` package, `sentencepiece.model` for both sides and the weights below `model/`.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from bot.errors import ModelMissing

WEIGHTS = "model.bin"
_CONFIG = "config.json"
_VOCABULARIES = (("shared_vocabulary",), ("source_vocabulary", "target_vocabulary"))
# What model.bin begins with (ctranslate2/specs/model_spec.py): its version, then the name of the architecture.
_TRANSFORMER = b"TransformerSpec\0"
_LATEST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFolder:
    """Where the parts of a model are."""

    # As it is named beside a translation.
    name: str
    # With model.bin, config.json and the vocabularies.
    weights: Path
    # SentencePiece models.
    source: Path
    target: Path
    # Whether the end of the sentence is to be written behind what the model reads.
    end_mark: bool


def check_folder(language: str, folder: Path) -> ModelFolder:
    """The parts of the model in `folder`, which is to read `language`. Raise ModelMissing, with what to do, when it is none.

    Only what the files are is looked at; whether the library takes them shows when it loads them.
    """
    if not folder.is_dir():
        raise _missing(language, f"there is no such folder: {folder}")
    if (folder / "model").is_dir() or (folder / "sentencepiece.model").exists():
        return _argos(language, folder)
    weights = _weights(language, folder, folder)
    return ModelFolder(
        name=folder.name,
        weights=folder,
        source=_file(language, folder, "source.spm"),
        target=_file(language, folder, "target.spm"),
        # Marian's converter has the library write it, that for Transformers does not.
        end_mark=not weights.get("add_source_eos", False),
    )


def _argos(language: str, folder: Path) -> ModelFolder:
    pieces = _file(language, folder, "sentencepiece.model")
    _weights(language, folder, folder / "model")
    metadata = folder / "metadata.json"
    if metadata.exists():
        about = _json(language, metadata)
        pair = (about.get("from_code"), about.get("to_code"))
        if pair != (language, "en"):
            raise _missing(language, f"{metadata} is of a model from {pair[0]} to {pair[1]}, not from {language} to en")
    return ModelFolder(name=folder.name, weights=folder / "model", source=pieces, target=pieces, end_mark=False)


def _weights(language: str, folder: Path, place: Path) -> dict[str, object]:
    """What config.json says, once all files of the library are seen to be there."""
    name = f"{place.relative_to(folder)}/" if place != folder else ""
    weights = _file(language, folder, f"{name}{WEIGHTS}")
    config = _json(language, _file(language, folder, f"{name}{_CONFIG}"))
    if not any(all(_has(place, part) for part in parts) for parts in _VOCABULARIES):
        expected = " or ".join(" and ".join(f"{name}{part}.json" for part in parts) for parts in _VOCABULARIES)
        raise _missing(language, f"{folder} lacks {expected}")
    _check_header(language, weights)
    return config


def _check_header(language: str, weights: Path) -> None:
    try:
        with weights.open("rb") as file:
            begin = file.read(6 + len(_TRANSFORMER))
    except OSError as error:
        raise _missing(language, f"{weights} cannot be read: {error.strerror}") from error
    version, length = struct.unpack("<IH", begin[:6]) if len(begin) >= 6 else (0, 0)
    if not 0 < version < _LATEST or not begin[6:].isascii():
        raise _missing(language, f"{weights} is no CTranslate2 model")
    if (length, begin[6:]) != (len(_TRANSFORMER), _TRANSFORMER):
        kind = begin[6 : 6 + length].split(b"\0")[0].decode("ascii")
        raise _missing(
            language, f"{weights} is a CTranslate2 model of another kind ({kind}): expected a translation model"
        )


def _has(place: Path, stem: str) -> bool:
    return any((place / f"{stem}.{ending}").is_file() for ending in ("json", "txt"))


def _file(language: str, folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise _missing(language, f"{folder} lacks {name}")
    return folder / name


def _json(language: str, file: Path) -> dict[str, object]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _missing(language, f"{file} is no JSON file") from error
    if not isinstance(found, dict):
        raise _missing(language, f"{file}: expected a JSON object")
    return found


def _missing(language: str, what: str) -> ModelMissing:
    return ModelMissing(
        f"translation.models.{language}: {what}. Expected an OPUS-MT model in CTranslate2 format (config.json, model.bin, "
        "its vocabularies, source.spm, target.spm), which `ct2-transformers-converter --model "
        f"Helsinki-NLP/opus-mt-{language}-en --output_dir opus-mt-{language}-en --copy_files source.spm target.spm "
        "--quantization int8` makes; or an unpacked Argos package (sentencepiece.model, model/). See docs/translation.md"
    )
