"""Words and the gaps between them, the same for rules and for texts."""

import re
from functools import cached_property
from typing import NamedTuple

from bot.rules.normalise import BARRIER, Folded, fold, readings

_TOKEN = re.compile(r"[^\W\d_]+|\d+")
_TIGHT = re.compile(r"[-‐‑‒–—−'_]?")
_STOP = re.compile(r"[.!?…]\W*\s")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
# `ген. Попов`: a full stop after so few letters ends an abbreviation, not a sentence.
_ABBREVIATION = 4


class Token(NamedTuple):
    """A run of letters or of digits: `text` folded, `start` and `end` in the folded text."""

    text: str
    start: int
    end: int


class Reading:
    """A folded text as tokens: the ground on which words and phrases are looked for."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        self.vocabulary = set(_TOKEN.findall(folded.text))

    @cached_property
    def tokens(self) -> list[Token]:
        """The tokens in order; most texts hold no term and never need them."""
        return [Token(found.group(), *found.span()) for found in _TOKEN.finditer(self._folded.text)]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where tokens `first` to `last` stand in the original text."""
        return self._folded.starts[self.tokens[first].start], self._folded.ends[self.tokens[last].end - 1]

    def form(self, first: int, last: int) -> str:
        """Tokens `first` to `last` as one line, whatever stands between them."""
        return " ".join(token.text for token in self.tokens[first : last + 1])

    def opens(self, index: int) -> bool:
        """Whether a match may begin here: not inside `58ОА` or `Т90М`."""
        return index == 0 or self.tokens[index - 1].end < self.tokens[index].start

    def closes(self, index: int) -> bool:
        """Whether a match may end here."""
        return index + 1 == len(self.tokens) or self.opens(index + 1)

    def tight(self, index: int) -> bool:
        """Whether a token and the one before it are one written word: nothing, a hyphen or an apostrophe between."""
        return _TIGHT.fullmatch(self._folded.text, self.tokens[index - 1].end, self.tokens[index].start) is not None

    def together(self, index: int) -> bool:
        """Whether a phrase may run from the token before to this one: no sentence ends, no address stands between."""
        before, token = self.tokens[index - 1], self.tokens[index]
        gap = self._folded.text[before.end : token.start]
        if gap in (" ", "-", ", "):
            return True
        if BARRIER in gap or _BLANK_LINE.search(gap):
            return False
        stop = _STOP.match(gap.lstrip("\"'»”)"))
        if stop is None or not self._capital(token):
            return True
        return gap.startswith(". ") and len(before.text) <= _ABBREVIATION

    def _capital(self, token: Token) -> bool:
        return self._folded.original[self._folded.starts[token.start]].isupper()


def read(text: str) -> tuple[Reading, ...]:
    """All readings of a text; the first is the plain one."""
    return tuple(Reading(folded) for folded in readings(text))


def form_of(text: str) -> str:
    """The form of a piece of text: its words folded and joined by one space; without words, what is left of it."""
    reading = Reading(fold(text))
    if reading.tokens:
        return reading.form(0, len(reading.tokens) - 1)
    return " ".join(fold(text).text.replace(BARRIER, " ").split())
