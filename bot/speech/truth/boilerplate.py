"""Phrases that Whisper invents where nobody speaks: the credits and farewells of the subtitles that it learned from.

They come confident and fluent, so no figure of the decoder tells them from speech; only their text does. A data file
lists them (`data/boilerplate.json` comes with Earshot; `earshot speech harvest` makes one for a model).
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from bot.errors import ConfigError

# Language of phrases that belong to none.
ANY = "*"
# In a phrase: one to three words, whatever they are (a name with its initials).
BLANK = "*"
_BLANK_WORDS = 3
# A phrase is nearly said when one letter in so many is another: names of subtitlers come out in many spellings.
_LETTERS_PER_SLIP = 10
_KEYS = frozenset({"text", "language", "source", "model", "heard", "from"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One invented phrase. `language`: Whisper's code, `*` for any."""

    text: str
    language: str
    # `known`: from published lists. `harvested`: out of noise, by a model of ours.
    source: Literal["known", "harvested"]
    # Name and fingerprint of the model that made it up, and how often; only of a harvested one.
    model: str = ""
    heard: int = 0
    # Where a known one is published.
    published: str = ""


class Phrasebook:
    """Phrases to hold segments against."""

    def __init__(self, phrases: Iterable[Phrase]) -> None:
        self.phrases = tuple(phrases)
        self._plain: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
        self._open: list[tuple[str, tuple[str, ...]]] = []
        for phrase in self.phrases:
            words = tuple(_pattern(phrase.text))
            if BLANK in words:
                self._open.append((phrase.language, words))
            elif words:
                self._plain[len(words)].append((phrase.language, " ".join(words)))

    def is_boilerplate(self, text: str, language: str | None) -> bool:
        """Whether the whole of `text` is such phrases, (nearly) word for word, once or over and over; or no words at all.

        Phrases count in every language, for Whisper invents them in any; but one of a single word only in its own.
        A sentence that merely contains one does not: somebody may have said it.
        """
        words = fold(text).split()
        if not words:
            return bool(text.strip())
        reached = {0}
        for start in range(len(words)):
            if start in reached:
                reached |= {start + length for length in self._lengths(words[start:], language)}
        return len(words) in reached

    def _lengths(self, words: Sequence[str], language: str | None) -> set[int]:
        """Of how many words the phrases are that `words` begin with."""
        found = set()
        for length, phrases in self._plain.items():
            if length > len(words):
                continue
            said = " ".join(words[:length])
            if any(_counts(spoken, length, language) and _nearly(said, phrase) for spoken, phrase in phrases):
                found.add(length)
        for _, pattern in self._open:
            found |= _open_lengths(pattern, words)
        return found


def is_boilerplate(text: str, language: str | None) -> bool:
    """Whether `text` is boilerplate by the phrases that come with Earshot; see `Phrasebook.is_boilerplate`."""
    return shipped().is_boilerplate(text, language)


@lru_cache(1)
def shipped() -> Phrasebook:
    """The phrases that come with Earshot."""
    place = files("bot.speech.truth") / "data" / "boilerplate.json"
    return Phrasebook(read_phrases("boilerplate.json", place.read_text("utf-8")))


@cache
def load_book(path: Path | None) -> Phrasebook:
    """The phrases that come with Earshot, and those in the file at `path`. ConfigError when it cannot be used."""
    return Phrasebook([*shipped().phrases, *load_phrases(path)]) if path else shipped()


def load_phrases(path: Path) -> list[Phrase]:
    """The phrases in the file at `path`; ConfigError when it cannot be read or holds something else."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ConfigError(f"the boilerplate file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the boilerplate file {path} is not UTF-8: byte {error.start} is {error.reason}") from error
    return read_phrases(str(path), text)


def read_phrases(name: str, text: str) -> list[Phrase]:
    """The phrases in the JSON `text` of the file `name`; ConfigError with line or key, and what was expected."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{name}:{error.lineno}: not valid JSON: {error.msg}") from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deep to be a list of phrases") from error
    rows = data.get("phrases") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise ConfigError(f'{name}: expected an object with a list under "phrases": {{"phrases": [...]}}')
    return [_phrase(f"{name}: phrases[{number}]", row) for number, row in enumerate(rows)]


def write_phrases(phrases: Iterable[Phrase]) -> str:
    """The file that holds `phrases`, one a line; `read_phrases` reads it again."""
    lines = ",\n".join("    " + json.dumps(_row(phrase), ensure_ascii=False) for phrase in phrases)
    return f'{{\n  "phrases": [\n{lines}\n  ]\n}}\n' if lines else '{\n  "phrases": []\n}\n'


def fold(text: str) -> str:
    """Words alone, in one spelling: case, punctuation, ё and compatibility forms of letters make no difference."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain).split())


def _pattern(text: str) -> list[str]:
    """A phrase's words, folded, with its blanks."""
    return [part for word in text.split() for part in ([BLANK] if word == BLANK else fold(word).split())]


def _counts(spoken: str, length: int, language: str | None) -> bool:
    return length > 1 or language is None or spoken in (ANY, language)


@lru_cache(4096)
def _nearly(said: str, phrase: str) -> bool:
    """Whether two folded texts are equal, but for a slip in every ten letters."""
    slips = len(phrase) // _LETTERS_PER_SLIP
    if said == phrase:
        return True
    return abs(len(said) - len(phrase)) <= slips and _distance(said, phrase, slips) <= slips


def _distance(one: str, other: str, most: int) -> int:
    """Edit distance; some number above `most` as soon as it is above that."""
    row = list(range(len(other) + 1))
    for place, letter in enumerate(one, 1):
        above, row = row, [place]
        for number, against in enumerate(other, 1):
            row.append(min(above[number] + 1, row[-1] + 1, above[number - 1] + (letter != against)))
        if min(row) > most:
            break
    return min(row) if min(row) > most else row[-1]


def _open_lengths(pattern: Sequence[str], words: Sequence[str]) -> set[int]:
    """How many of `words`, from the first, a phrase with blanks can stand for."""
    reached = {0}
    for part in pattern:
        if part == BLANK:
            reached = {start + more for start in reached for more in range(1, _BLANK_WORDS + 1)}
        else:
            reached = {start + 1 for start in reached if start < len(words) and words[start] == part}
    return {length for length in reached if length <= len(words)}


def _phrase(where: str, row: Any) -> Phrase:
    if not isinstance(row, dict):
        raise ConfigError(f'{where}: expected an object as {{"text": "...", "language": "ru", "source": "known"}}')
    if unknown := sorted(set(row) - _KEYS):
        raise ConfigError(f"{where}: {unknown[0]!r} is not a key of a phrase; known: {', '.join(sorted(_KEYS))}")
    text, source = _text(where, row, "text"), _text(where, row, "source")
    words = _pattern(text)
    if all(word == BLANK for word in words):
        raise ConfigError(f"{where}.text: {text!r} has no word of its own: everything would be boilerplate")
    if source not in ("known", "harvested"):
        raise ConfigError(f"{where}.source: must be known or harvested, not {source!r}")
    heard = row.get("heard", 0)
    if not isinstance(heard, int) or isinstance(heard, bool) or heard < 0:
        raise ConfigError(f"{where}.heard: must be a whole number, how often it was heard, not {heard!r}")
    return Phrase(
        text=text,
        language=_text(where, row, "language"),
        source="known" if source == "known" else "harvested",
        model=_text(where, row, "model", must=source == "harvested"),
        heard=heard,
        published=_text(where, row, "from", must=False),
    )


def _text(where: str, row: Mapping[str, Any], key: str, *, must: bool = True) -> str:
    value = row.get(key, "")
    if not isinstance(value, str) or (must and not value.strip()):
        raise ConfigError(f"{where}.{key}: must be text{'' if key in row else ', and is not there'}")
    return value


def _row(phrase: Phrase) -> dict[str, str | int]:
    row: dict[str, str | int] = {
        "text": phrase.text,
        "language": phrase.language,
        "source": phrase.source,
        "model": phrase.model,
        "heard": phrase.heard,
        "from": phrase.published,
    }
    return {key: value for key, value in row.items() if value}
