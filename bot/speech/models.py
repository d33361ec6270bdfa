"""Where a speech model lies, and how one comes to lie there."""

import asyncio
import hashlib
import os
import re
import sys
from difflib import get_close_matches
from pathlib import Path

import structlog

from bot.errors import ModelMissing
from bot.speech.settings import SpeechSettings

log = structlog.get_logger()

# What faster-whisper 1.2.1 takes for a name, and the Hugging Face repository that it means.
KNOWN_MODELS = {
    "tiny.en": "Systran/faster-whisper-tiny.en",
    "tiny": "Systran/faster-whisper-tiny",
    "base.en": "Systran/faster-whisper-base.en",
    "base": "Systran/faster-whisper-base",
    "small.en": "Systran/faster-whisper-small.en",
    "small": "Systran/faster-whisper-small",
    "medium.en": "Systran/faster-whisper-medium.en",
    "medium": "Systran/faster-whisper-medium",
    "large-v1": "Systran/faster-whisper-large-v1",
    "large-v2": "Systran/faster-whisper-large-v2",
    "large-v3": "Systran/faster-whisper-large-v3",
    "large": "Systran/faster-whisper-large-v3",
    "distil-large-v2": "Systran/faster-distil-whisper-large-v2",
    "distil-medium.en": "Systran/faster-distil-whisper-medium.en",
    "distil-small.en": "Systran/faster-distil-whisper-small.en",
    "distil-large-v3": "Systran/faster-distil-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
_FILES = ("config.json", "model.bin", "tokenizer.json")
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")
_PROGRESS_SECONDS = 5.0
_FINGERPRINT_DIGITS = 12


def find_model(settings: SpeechSettings) -> str:
    """Where the model is, in words, without fetching it; ModelMissing when it is nowhere and never will be."""
    folder = locate_model(settings.model, settings.models_folder)
    if folder is None:
        return f"{settings.model} will be fetched into {settings.models_folder} at the first start"
    return f"{settings.model} in {folder}"


def locate_model(model: str, models_folder: Path) -> Path | None:
    """The folder that holds `model` (a name, an `owner/name` or a folder); None when it has yet to be fetched.

    Raises ModelMissing when `model` is a folder that is not there or lacks files, or no model that anybody knows.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        if missing := _missing(folder):
            raise ModelMissing(f"the speech model folder {folder} lacks {', '.join(missing)}")
        return folder
    repository = _repository(model)
    if repository is None:
        raise ModelMissing(_unknown(model))
    places = (models_folder / model, *_snapshots(models_folder, repository))
    return next((place for place in places if place.is_dir() and not _missing(place)), None)


async def ensure_model(model: str, models_folder: Path) -> Path:
    """The folder that holds `model`, fetched from Hugging Face if need be; ModelMissing when that fails."""
    if folder := locate_model(model, models_folder):
        return folder
    await _fetch(model, models_folder)
    if folder := locate_model(model, models_folder):
        return folder
    raise ModelMissing(_by_hand(model, models_folder, "what was fetched is not complete"))


def fingerprint(folder: Path) -> str:
    """The first digits of the SHA-256 of the weights: a name can be given to other weights, this cannot."""
    with (folder / "model.bin").open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_FINGERPRINT_DIGITS]


def _missing(folder: Path) -> list[str]:
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if not any((folder / name).is_file() for name in _VOCABULARIES):
        missing.append(" or ".join(_VOCABULARIES))
    return missing


def _repository(model: str) -> str | None:
    return KNOWN_MODELS.get(model) or (model if _REPOSITORY.fullmatch(model) else None)


def _snapshots(models_folder: Path, repository: str) -> list[Path]:
    """Folders in which Hugging Face's cache keeps `repository`, newest first."""
    cache = models_folder / f"models--{repository.replace('/', '--')}" / "snapshots"
    return sorted(cache.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True)


def _unknown(model: str) -> str:
    close = get_close_matches(model, KNOWN_MODELS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"names are {', '.join(KNOWN_MODELS)}"
    return f"the speech model {model!r} is neither a folder that exists nor a known name; {hint}"


def _by_hand(model: str, models_folder: Path, reason: str) -> str:
    return (
        f"the speech model {model!r} is not in {models_folder} and could not be fetched: {reason}. To place it by hand, "
        f"download {', '.join(_FILES)}, preprocessor_config.json (if there is one) and {' or '.join(_VOCABULARIES)} from "
        f"https://huggingface.co/{_repository(model)}/tree/main into the folder {models_folder / model}; "
        f"or put them anywhere and set speech.model to that folder"
    )


async def _fetch(model: str, models_folder: Path) -> None:
    """Run faster-whisper's loader in a process of its own: the daemon need not carry its libraries."""
    await asyncio.to_thread(models_folder.mkdir, parents=True, exist_ok=True)
    log.info("speech.fetching", model=model, repository=_repository(model), folder=str(models_folder))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot.speech.fetch", model, str(models_folder)),
        env={name: value for name, value in os.environ.items() if not name.startswith("EARSHOT_")},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    watch = asyncio.create_task(_report_progress(model, models_folder))
    try:
        _, errors = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    finally:
        watch.cancel()
    if process.returncode != 0:
        lines = errors.decode(errors="replace").strip().splitlines()
        raise ModelMissing(_by_hand(model, models_folder, lines[-1] if lines else "the loader was killed"))
    log.info("speech.fetched", model=model)


async def _report_progress(model: str, models_folder: Path) -> None:
    while True:
        await asyncio.sleep(_PROGRESS_SECONDS)
        megabytes = await asyncio.to_thread(_megabytes, models_folder)
        log.info("speech.fetching", model=model, megabytes=megabytes)


def _megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) // 1_000_000
