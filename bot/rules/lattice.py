"""The lattice of a text: its words, and the other readings that some of them have.

Most texts have none, so every reading has a cheap test before it that a plain text fails. What is found is an edge: tokens
`first` to `last`, read as one symbol, for a reason. Every reading takes time linear in the text, whatever stands in it.
"""

import re
from collections.abc import Iterable, Iterator, KeysView, Sequence
from itertools import pairwise
from typing import NamedTuple

from bot.rules.lexicon import HEAD, Lexicon
from bot.rules.lookalike import CYRILLIC, LATIN, alternatives, without_digits
from bot.rules.numbers import find_numbers, number_parts
from bot.rules.slots import Reason
from bot.rules.words import Reading

# Words whose letters hide nothing; bounded, for a hostile channel can invent words for ever.
_MAX_REMEMBERED = 200_000
# No form is longer.
LONGEST = 40
# Words of more letters are not looked into, stretched ones included.
_LONGEST_STRETCHED = 64
_SHORTEST_PART = 3
_SHORTEST_GLUED = 6
_LONGEST_PARTED = 6
# A post with more starred words is no honest one, and each costs a look at many forms.
_MAX_MASKS = 30
_SINGLE = CYRILLIC | LATIN
# Between the letters of a word: nothing, or a sign that stands for a letter.
_DRAWN_SIGNS = frozenset({"", "@", "$"})
_NUMBER_WORDS = number_parts()

_STRETCHED = re.compile(r"([^\W\d_])\1\1")
_MASK = re.compile(r"(?<![^\W_])[^\W\d_]++(?:\*++[^\W\d_]*+)++")
# Signs that part no words in honest writing: emoji, symbols; not spaces, ASCII, quotes and dashes.
_SIGN = r"[^\w\s\x00-\x7f«»“”„‘’‚‹›…–—·•№©®™°±×÷‐‑\ufe0f]"
_BROKEN = r"[-‐‑\u00ac][^\S\n]*+\n\s*+"
# Each begins with its rarest part, so that a plain text is passed over quickly.
_SIGN_INSIDE = re.compile(rf"{_SIGN}(?<=[^\W\d_].)\ufe0f?[^\W\d_]")
_BROKEN_LINE = re.compile(r"[-‐‑\u00ac](?<=[^\W\d_].)[^\S\n]*+\n\s*+[^\W\d_]")
_PARTING = re.compile(rf"{_SIGN}\ufe0f?|{_BROKEN}|'")
# Between two halves of a word that is written apart: контр батарейная.
_SLIT = re.compile(r"[ \u00a0\n'_/]|[ \u00a0]?[-‐‑‒–—−][ \u00a0]?")


class Edge(NamedTuple):
    """Tokens `first` to `last`, both included, read as `symbol`."""

    first: int
    last: int
    symbol: str
    reason: Reason
    # A number that stands for a place in a row: восьмой, not восемь.
    ordinal: bool = False


class _Remembered:
    """What the letters of a word hide, looked into once."""

    def __init__(self) -> None:
        self._plain: set[str] = set()
        self._others: dict[str, frozenset[str]] = {}

    def among(self, vocabulary: set[str]) -> dict[str, frozenset[str]]:
        """Those of the words that may stand for others, with these."""
        if new := vocabulary - self._plain - self._others.keys():
            self._look_into(new)
        return {token: self._others[token] for token in vocabulary & self._others.keys()}

    def _look_into(self, tokens: set[str]) -> None:
        if len(self._plain) + len(self._others) > _MAX_REMEMBERED:
            self._plain.clear()
            self._others.clear()
        for token in tokens:
            if len(token) > _LONGEST_STRETCHED:
                continue
            if others := alternatives(token) if _suspicious(token) else frozenset():
                self._others[token] = others
            else:
                self._plain.add(token)


def _suspicious(token: str) -> bool:
    return not CYRILLIC.issuperset(token) or not _FOREIGN.isdisjoint(token) or _STRETCHED.search(token) is not None


# Cyrillic letters that Russian has not.
_FOREIGN = frozenset("іѕјїєґ")

_remembered = _Remembered()


def edges(reading: Reading, lexicon: Lexicon) -> Iterator[Edge]:
    """The other readings of a text whose symbol some rule asks for; what stands there as it is, is not among them."""
    wanted = lexicon.symbols
    yield from _look_alikes(reading, wanted)
    if not reading.vocabulary.isdisjoint(_NUMBER_WORDS):
        yield from _numbers(reading, wanted)
    yield from _glued(reading, wanted)
    yield from _spaced(reading, lexicon)
    text, gaps = reading.text, reading.gaps
    if "" in gaps[1:-1] or "@" in gaps or "$" in gaps:
        yield from _with_digits(reading, wanted)
    if "*" in text:
        yield from _masked(reading, lexicon)
    if "'" in text or ("\n" in text and _BROKEN_LINE.search(text)) or _SIGN_INSIDE.search(text):
        yield from _parted(reading, wanted)


def _look_alikes(reading: Reading, wanted: KeysView[str]) -> Iterator[Edge]:
    hidden = {
        token: meant
        for token, others in _remembered.among(reading.vocabulary).items()
        if (meant := others & wanted)
    }  # fmt: skip
    if hidden:
        for i, token in enumerate(reading.words):
            for symbol in hidden.get(token, ()):
                yield Edge(i, i, symbol, Reason.LOOK_ALIKE)


def _numbers(reading: Reading, wanted: KeysView[str]) -> Iterator[Edge]:
    """Numbers in words; none runs over the end of a sentence."""
    words, first = reading.words, 0
    while first < len(words):
        end = first + 1
        if words[first] in _NUMBER_WORDS:
            while end < len(words) and (words[end] in _NUMBER_WORDS or words[end] == "and") and reading.together(end):
                end += 1
            for number in find_numbers(words[first:end]):
                if (symbol := str(number.value)) in wanted:
                    at = first + number.first, first + number.last
                    yield Edge(*at, symbol, Reason.NUMBER_WORDS, ordinal=number.ordinal)
        first = end


def _glued(reading: Reading, wanted: KeysView[str]) -> Iterator[Edge]:
    """A word that was parted: `контр батарейная`."""
    pairs = [left + right for left, right in pairwise(reading.words)]
    if wanted.isdisjoint(pairs):
        return
    for i, pair in enumerate(pairs):
        if pair not in wanted or len(pair) < _SHORTEST_GLUED:
            continue
        halves = reading.words[i : i + 2]
        if min(map(len, halves)) >= _SHORTEST_PART and _SLIT.fullmatch(reading.gaps[i + 1]):
            yield Edge(i, i + 1, pair, Reason.GLUED)


def _spaced(reading: Reading, lexicon: Lexicon) -> Iterator[Edge]:
    """`Ш о й г у`, `Ш.о.й.г.у`, `Ш🔥о🔥й🔥г🔥у`: runs of single letters read as one word."""
    if len(_SINGLE & reading.vocabulary) < HEAD - 1:
        return
    words, start = reading.words, 0
    wanted: dict[str, list[int]] = {}
    while start < len(words):
        end = start
        while end < len(words) and words[end] in _SINGLE and (end == start or reading.near(end)):
            end += 1
        if end - start >= HEAD:
            run = "".join(words[start:end])
            for first in range(len(run) - HEAD + 1):
                ahead = run[first : first + LONGEST]
                if ahead not in wanted:
                    wanted[ahead] = _begun(ahead, lexicon)
                for length in wanted[ahead]:
                    yield Edge(start + first, start + first + length - 1, ahead[:length], Reason.GLUED)
        start = max(end, start + 1)


def _begun(ahead: str, lexicon: Lexicon) -> list[int]:
    """How long the symbols are that a run of letters begins with: words may stand before and behind a spaced one."""
    if not lexicon.begins(ahead[:HEAD]):
        return []
    symbols = lexicon.symbols
    return [length for length in range(HEAD, len(ahead) + 1) if ahead[:length] in symbols]


def _with_digits(reading: Reading, wanted: KeysView[str]) -> Iterator[Edge]:
    """`ш0йгу`, `к@дыров`: letters and digits with nothing, or a sign drawn like a letter, between them."""
    gaps = reading.gaps
    meant: dict[str, Iterable[str]] = {}
    end = 0
    for second in [i for i in range(1, len(reading.words)) if gaps[i] in _DRAWN_SIGNS]:
        if second <= end:
            continue
        first = second - 1
        end = last = _last_drawn(gaps, second)
        chunk = reading.words[first] + "".join(gaps[i] + reading.words[i] for i in range(first + 1, last + 1))
        ends_in_digits = last == second and reading.words[last].isdigit()
        if ends_in_digits or len(chunk) > LONGEST:
            continue
        if chunk not in meant:
            meant[chunk] = without_digits(chunk) & wanted
        for symbol in meant[chunk]:
            yield Edge(first, last, symbol, Reason.LOOK_ALIKE)


def _last_drawn(gaps: Sequence[str], last: int) -> int:
    """The last token that nothing, or a sign drawn like a letter, parts from the one before; the last gap is no such."""
    while last + 2 < len(gaps) and gaps[last + 1] in _DRAWN_SIGNS:
        last += 1
    return last


def _masked(reading: Reading, lexicon: Lexicon) -> Iterator[Edge]:
    """`ш*йгу`: a star for each letter, at most half of them."""
    meant: dict[str, list[str]] = {}
    for found in _MASK.finditer(reading.text):
        mask = found.group()
        if mask not in meant:
            if len(mask) > LONGEST or mask.count("*") * 2 > len(mask) or len(meant) >= _MAX_MASKS:
                continue
            meant[mask] = list(lexicon.alike(mask))
        for symbol in meant[mask]:
            yield Edge(*reading.between(found.start(), found.end()), symbol, Reason.LOOK_ALIKE)


def _parted(reading: Reading, wanted: KeysView[str]) -> Iterator[Edge]:
    """Words parted by the end of a line, by a sign in their middle, or by an apostrophe: `Шой-⏎гу`, `Шой🔥гу`, `п'ять`."""
    words, gaps = reading.words, reading.gaps
    parts = {gap for gap in set(gaps) if gap != " " and _PARTING.fullmatch(gap)}
    parting = [gap in parts for gap in gaps]
    for i in range(len(words) - 1):
        word, last = words[i], i
        while last + 1 < len(words) and last - i < _LONGEST_PARTED and parting[last + 1] and len(word) <= LONGEST:
            last += 1
            if gaps[last] == "'" and words[last] == "s":
                break  # The missile's warhead is no missiles.
            word += words[last]
            if word in wanted:
                yield Edge(i, last, word, Reason.EXACT if gaps[last] == "'" else Reason.GLUED)
