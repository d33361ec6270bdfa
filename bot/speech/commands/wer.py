"""Word and character error rates: edits that turn what was heard into what was said, by what was said. Pure.

Before counting, a text is normalised: Unicode NFC, lower case, ё as е, punctuation as blanks, and one blank between words.
Numbers stay as they stand: "58" for "пятьдесят восьмая" is two errors, of which the references should know. A hyphen and
an apostrophe within a word are punctuation like any other: "кто-то" is two words in both texts.
"""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """Edits against units that were said: words of one text, or of many together."""

    edits: int
    said: int

    @property
    def rate(self) -> float:
        """Edits per unit; more than 1 when more was invented than said, infinite when nothing was said."""
        if not self.said:
            return float("inf") if self.edits else 0.0
        return self.edits / self.said

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(edits=self.edits + other.edits, said=self.said + other.said)


def words_of(text: str) -> list[str]:
    """The normalised words of a text."""
    plain = unicodedata.normalize("NFC", text).lower().replace("ё", "е")
    return [part for word in _WORD.findall(plain) for part in word.split("_") if part]


def word_errors(said: str, heard: str) -> Errors:
    """By words."""
    reference = words_of(said)
    return Errors(edits=distance(reference, words_of(heard)), said=len(reference))


def character_errors(said: str, heard: str) -> Errors:
    """By characters, the blanks between words counted too."""
    reference = " ".join(words_of(said))
    return Errors(edits=distance(reference, " ".join(words_of(heard))), said=len(reference))


def total(errors: Iterable[Errors]) -> Errors:
    """Of all texts together: a long one counts more than a short one."""
    return sum(errors, Errors(edits=0, said=0))


def distance(said: Sequence[Hashable], heard: Sequence[Hashable]) -> int:
    """Levenshtein's: insertions, deletions and substitutions count one each. An hour of speech takes seconds."""
    numbers: dict[Hashable, int] = {}
    reference, other = ([numbers.setdefault(unit, len(numbers)) for unit in units] for units in (said, heard))
    units = np.array(other, np.int64)
    places = np.arange(len(units) + 1)
    row = places
    for number, unit in enumerate(reference, start=1):
        above = np.minimum(row[1:] + 1, row[:-1] + (units != unit))
        # What is inserted after a place costs one more for each: a running minimum, the slope taken off.
        row = np.minimum.accumulate(np.concatenate([[number], above]) - places) + places
    return int(row[-1])
