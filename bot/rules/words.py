"""Words and the gaps between them, the same for rules and for texts."""

import re
from bisect import bisect_left
from collections.abc import Set as AbstractSet
from functools import cached_property
from itertools import accumulate

from bot.rules.normalise import BARRIER, Folded, fold, readings

_TOKEN = re.compile(r"([^\W\d_]+|\d+)")
# The same for a text of everyday characters, in two thirds of the time.
_EVERYDAY_TOKEN = re.compile("([a-zа-яіїєґ]+|[0-9]+)")
_TIGHT = re.compile(r"[-‐‑‒–—−'_]?")
_STOP = re.compile(r"[.!?…]\W*\s")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_SPACES = (" ", "\u00a0")
# `с 300 бойцами` is no С-300.
_PREPOSITIONS = frozenset("свкоу")
# `ген. Попов`: a full stop after so few letters ends an abbreviation, not a sentence.
_ABBREVIATION = 4
# English sentences often end in words that short: `by air. Defence officials`.
_ENGLISH = frozenset(
    "gen col ltc maj capt cpt lt sgt pvt brig adm cdr div bde regt bn mr mrs ms dr jr sr st no vs pres gov sen rep min dep "
    "ref ft mt etc al art fig dept".split()
)


class Reading:
    """A folded text as tokens, runs of letters or of digits: the ground on which words and phrases are looked for."""

    def __init__(self, folded: Folded) -> None:
        self._folded = folded
        # A gap, a token, a gap, a token, ..., a gap.
        self._parts = (_EVERYDAY_TOKEN if folded.everyday else _TOKEN).split(folded.text)
        # The words in order, and each once.
        self.words: list[str] = self._parts[1::2]
        self.vocabulary = set(self.words)

    @property
    def text(self) -> str:
        """The folded text."""
        return self._folded.text

    @cached_property
    def gaps(self) -> list[str]:
        """What stands before each token, and after the last one, folded."""
        return self._parts[::2]

    @cached_property
    def _starts(self) -> list[int]:
        """Where each token begins in the folded text."""
        return list(accumulate(map(len, self._parts)))[:-1:2]

    @cached_property
    def places(self) -> list[int]:
        """Where each token begins in the original text."""
        starts = self._folded.starts
        return self._starts if isinstance(starts, range) else [starts[start] for start in self._starts]

    def place(self, index: int) -> int:
        """Where one token begins in the original text."""
        return self._folded.starts[self._starts[index]]

    def between(self, start: int, end: int) -> tuple[int, int]:
        """The first and the last token within [start, end) of the folded text."""
        return bisect_left(self._starts, start), bisect_left(self._starts, end) - 1

    def where(self, words: AbstractSet[str]) -> dict[str, list[int]]:
        """Where these words stand, by the words, in the order of the text."""
        places: dict[str, list[int]] = {}
        for i, word in enumerate(self.words) if words else ():
            if word in words:
                if word in places:
                    places[word].append(i)
                else:
                    places[word] = [i]
        return places

    def near_breaks(self, before: int, after: int) -> set[int]:
        """The tokens beside which the plain reading does not part words, with so many before and after each."""
        near: set[int] = set()
        for place in self._folded.breaks:
            token = bisect_left(self._starts, bisect_left(self._folded.starts, place))
            near.update(range(token - 1 - before, token + 1 + after))
        return near

    def original(self, first: int, last: int) -> str:
        """Tokens `first` to `last` as they stand in the original text."""
        start, end = self.span(first, last)
        return self._folded.original[start:end]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where tokens `first` to `last` stand in the original text."""
        end = self._starts[last] + len(self.words[last]) - 1
        return self._folded.starts[self._starts[first]], self._folded.ends[end]

    def form(self, first: int, last: int) -> str:
        """Tokens `first` to `last` as one line, whatever stands between them."""
        return " ".join(self.words[first : last + 1])

    def opens(self, index: int) -> bool:
        """Whether a match may begin here: not inside `58ОА` or `Т90М`."""
        return index == 0 or self._parts[2 * index] != ""

    def closes(self, index: int) -> bool:
        """Whether a match may end here."""
        return index + 1 == len(self.words) or self._parts[2 * index + 2] != ""

    def tight(self, index: int) -> bool:
        """Whether a token and the one before it are one written word: nothing, a hyphen or an apostrophe between."""
        return _TIGHT.fullmatch(self._parts[2 * index]) is not None

    def joined(self, index: int, *, speech: bool = False) -> bool:
        """Like `tight`, or with one space between: people write Т-90, Т90 and Т 90, but `58 я` is not 58-я.

        `speech`: a transcript, whose spaces say nothing.
        """
        if self._parts[2 * index] not in _SPACES:
            return self.tight(index)
        before = self.words[index - 1]
        if before in _PREPOSITIONS and not speech and not self._capital(index - 1):
            return False
        return speech or not before.isdigit() or self._capital(index)

    def together(self, index: int) -> bool:
        """Whether a phrase may run from the token before to this one: no sentence ends, no address stands between."""
        gap = self._parts[2 * index]
        if gap in (" ", "-", ", "):
            return True
        if not self.near(index):
            return False
        stop = _STOP.match(gap.lstrip("\"'»”)"))
        if stop is None or not self._capital(index):
            return True
        return gap.startswith(". ") and _is_abbreviation(self.words[index - 1]) and not self._counted(index - 1)

    def near(self, index: int) -> bool:
        """Whether no blank line and no address stands between the token before and this one."""
        gap = self._parts[2 * index]
        return gap == " " or is_near(gap)

    def _counted(self, index: int) -> bool:
        """Whether a token is a number, or the end of one: `№ 150. Дивизия`, `finished 1st. Brigade`."""
        return self.words[index].isdigit() or (index > 0 and self.words[index - 1].isdigit() and self.tight(index))

    def _capital(self, index: int) -> bool:
        return self._folded.original[self.place(index)].isupper()


def _is_abbreviation(word: str) -> bool:
    """Whether a full stop behind a word may leave the sentence open."""
    return len(word) <= _ABBREVIATION and (len(word) == 1 or not word.isascii() or word in _ENGLISH)


def is_near(gap: str) -> bool:
    """Whether neither a blank line nor an address is in what stands between two tokens."""
    return BARRIER not in gap and _BLANK_LINE.search(gap) is None


def read(text: str) -> tuple[Reading, ...]:
    """All readings of a text; the first is the plain one."""
    return tuple(Reading(folded) for folded in readings(text))


def form_of(text: str) -> str:
    """The form of a piece of text: its words folded and joined by one space; without words, what is left of it."""
    reading = Reading(fold(text))
    if reading.words:
        return reading.form(0, len(reading.words) - 1)
    return " ".join(fold(text).text.replace(BARRIER, " ").split())
