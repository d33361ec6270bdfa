"""What a model invents out of silence and noise, so that it can be told from speech (`earshot speech harvest`)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import ConfigError, ModelMissing
from bot.speech.models import ensure_model, fingerprint
from bot.speech.settings import SpeechSettings
from bot.speech.sound.noise import RATE, Samples, clips
from bot.speech.truth.boilerplate import Phrase, fold, load_phrases, write_phrases

LANGUAGES = ("ru", "uk", "en")
# A phrase that comes once may be anything; one that comes again is a habit.
LEAST_TIMES = 2

# The texts of the segments that a model hears in samples (16 kHz mono), in the language that it is told.
Listen = Callable[[Samples, str], Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What came of it. `seconds` of noise were heard in each language; `segments` came out of it."""

    phrases: tuple[Phrase, ...]
    clips: int
    seconds: float
    segments: int


def harvest(
    listen: Listen,
    *,
    seconds: float,
    seed: int,
    model: str,
    languages: Sequence[str] = LANGUAGES,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Harvest:
    """Play made noise of about `seconds` to a model in each language, and keep what it writes down twice or more.

    A phrase that a segment says over and over counts once for the segment. `model`: its name and fingerprint, kept with
    each phrase. `progress` is told the seconds of each clip when it is heard in one language.
    """
    counts = {language: Counter[str]() for language in languages}
    spellings: dict[tuple[str, str], Counter[str]] = {}
    played = heard = 0
    length = 0.0
    for clip in clips(seconds, seed):
        played += 1
        length += len(clip.samples) / RATE
        for language in languages:
            for text in listen(clip.samples, language):
                heard += 1
                spelt = once(text)
                if folded := fold(spelt):
                    counts[language][folded] += 1
                    spellings.setdefault((language, folded), Counter())[spelt] += 1
            progress(len(clip.samples) / RATE)
    phrases = tuple(
        Phrase(
            text=spellings[language, folded].most_common(1)[0][0],
            language=language,
            source="harvested",
            model=model,
            heard=times,
        )
        for language in languages
        for folded, times in counts[language].most_common()
        if times >= LEAST_TIMES
    )
    return Harvest(phrases=phrases, clips=played, seconds=length, segments=heard)


def once(text: str) -> str:
    """The text without its repetitions, when it is nothing but one run of words over and over."""
    words = text.split()
    folded = [fold(word) for word in words]
    for length in range(1, len(words) // 2 + 1):
        if all(folded[place] == folded[place % length] for place in range(len(words))):
            return " ".join(words[:length])
    return " ".join(words)


def merge(old: Iterable[Phrase], new: Iterable[Phrase]) -> list[Phrase]:
    """The phrases of `old` in their order, then what `new` adds. One that both have stays as it is, with the newer count
    where the same model made it up again."""
    kept = {(phrase.language, fold(phrase.text)): phrase for phrase in old}
    for phrase in new:
        name = phrase.language, fold(phrase.text)
        before = kept.setdefault(name, phrase)
        if before.model == phrase.model:
            kept[name] = replace(before, heard=phrase.heard)
    return list(kept.values())


class Shelf:
    """The file that a harvest goes to; what cannot be read or written is told before the model works for minutes."""

    def __init__(self, path: Path) -> None:
        """ConfigError when the folder is not there, or when the file exists and is no file of phrases."""
        if not path.parent.is_dir():
            raise ConfigError(f"the phrases cannot go to {path}: there is no folder {path.parent}; make it first")
        self._path = path
        self._old = load_phrases(path) if path.exists() else []

    def add(self, phrases: Iterable[Phrase]) -> int:
        """Write the file anew with `phrases` in it; how many it did not have. ConfigError when it cannot be written."""
        merged = merge(self._old, phrases)
        draft = self._path.with_name(self._path.name + ".new")
        try:
            draft.write_text(write_phrases(merged), "utf-8")
            draft.replace(self._path)
        except OSError as error:
            raise ConfigError(f"the phrases cannot be written to {self._path}: {error.strerror}") from error
        return len(merged) - len(self._old)


async def open_listener(settings: SpeechSettings, languages: Sequence[str] = LANGUAGES) -> tuple[Listen, str]:
    """The model of `settings` with everything off that keeps it from inventing, and its name with its fingerprint.

    It is fetched if need be. ModelMissing when that fails or it cannot be loaded, ConfigError when it does not know one
    of `languages`.
    """
    folder = await ensure_model(settings.model, settings.models_folder)
    name = f"{settings.model.rstrip('/').rpartition('/')[2]} {await asyncio.to_thread(fingerprint, folder)}"
    return await asyncio.to_thread(_listener, folder, settings, languages), name


def _listener(folder: Path, settings: SpeechSettings, languages: Sequence[str]) -> Listen:
    # Seconds, and hundreds of megabytes: not for those who only read phrases.
    from faster_whisper import WhisperModel

    try:
        model = WhisperModel(
            str(folder), device=settings.device, compute_type=settings.compute_type, cpu_threads=settings.cores
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelMissing(f"the speech model in {folder} cannot be loaded: {error}") from error
    if unknown := sorted(set(languages) - set(model.supported_languages)):
        known = model.supported_languages
        raise ConfigError(
            f"the speech model in {folder} does not know {', '.join(unknown)}; its languages are {' '.join(known)}"
        )

    def listen(samples: Samples, language: str) -> list[str]:
        found, _ = model.transcribe(
            samples,
            language=language,
            beam_size=settings.beam_size,
            temperature=0.0,
            vad_filter=False,
            condition_on_previous_text=False,
            compression_ratio_threshold=None,
            log_prob_threshold=None,
            no_speech_threshold=None,
        )
        return [segment.text.strip() for segment in found]

    return listen
