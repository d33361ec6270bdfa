"""The lattice of a text: its words, and the other readings that some of them have.

Most texts have none, so every reading has a cheap test before it that a plain text fails. What is found is an edge: tokens
`first` to `last`, read as one symbol, for a reason.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.rules.lookalike import CYRILLIC, LATIN, alternatives, without_digits
from bot.rules.numbers import find_numbers, number_words
from bot.rules.slots import Reason
from bot.rules.words import Reading

# Words whose letters hide nothing; bounded, for a hostile channel can invent words for ever.
_MAX_REMEMBERED = 200_000
_SHORTEST_PART = 3
_SHORTEST_GLUED = 6
_SPACED = 4
_LONGEST_SPACED = 40
_LONGEST_PARTED = 6
_SINGLE = CYRILLIC | LATIN
_NUMBER_WORDS = frozenset(number_words())

_STRETCHED = re.compile(r"([^\W\d_])\1\1")
# Each begins with its rarest part, so that a plain text is passed over quickly.
_DIGIT_AND_LETTER = re.compile(r"\d[^\W\d_]")
_DIGIT_INSIDE = re.compile(r"[^\W_]*[^\W\d_]\d+[^\W\d_][^\W_]*|(?<![^\W_])\d[^\W\d_]{2}[^\W_]*")
_MASK = re.compile(r"[^\W\d_]+(?:\*+[^\W\d_]*)+")
# Signs that part no words in honest writing: emoji, symbols; not spaces, ASCII, quotes and dashes.
_SIGN = r"[^\w\s\x00-\x7f«»“”„‘’‚‹›…–—·•№©®™°±×÷‐‑\ufe0f]"
_BROKEN = r"[-‐‑\u00ac]\s*\n\s*"
_SIGN_INSIDE = re.compile(rf"{_SIGN}(?<=[^\W\d_].)\ufe0f?[^\W\d_]")
_BROKEN_LINE = re.compile(rf"[-‐‑\u00ac](?<=[^\W\d_].)\s*\n\s*[^\W\d_]")
_PARTING = re.compile(rf"{_SIGN}\ufe0f?|{_BROKEN}|'")


@dataclass(frozen=True, slots=True)
class Edge:
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
        for token in vocabulary - self._plain - self._others.keys():
            if len(self._plain) + len(self._others) > _MAX_REMEMBERED:
                self._plain.clear()
                self._others.clear()
            if others := alternatives(token) if _suspicious(token) else frozenset():
                self._others[token] = others
            else:
                self._plain.add(token)
        return {token: self._others[token] for token in vocabulary & self._others.keys()}


def _suspicious(token: str) -> bool:
    return not (CYRILLIC.issuperset(token) or LATIN.issuperset(token)) or bool(
        _STRETCHED.search(token) or LATIN.issuperset(token) or not CYRILLIC.isdisjoint(set("іѕјїєґ") & set(token))
    )


_remembered = _Remembered()


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every symbol that some rule asks for."""

    symbols: frozenset[str]
    # The same by length, for words with letters starred out.
    by_length: Mapping[int, tuple[str, ...]]

    @classmethod
    def of(cls, symbols: Iterable[str]) -> "Lexicon":
        """A lexicon of these."""
        every = frozenset(symbols)
        by_length: defaultdict[int, list[str]] = defaultdict(list)
        for symbol in every:
            by_length[len(symbol)].append(symbol)
        return cls(every, {length: tuple(some) for length, some in by_length.items()})


def edges(reading: Reading, lexicon: Lexicon) -> Iterator[Edge]:
    """The other readings of a text whose symbol some rule asks for; what stands there as it is, is not among them."""
    wanted = lexicon.symbols
    words = reading.words
    yield from _look_alikes(words, reading.vocabulary, wanted)
    yield from _numbers(words, reading.vocabulary, wanted)
    yield from _glued(words, wanted)
    yield from _spaced(words, reading.vocabulary, wanted)
    text = reading.text
    if _DIGIT_AND_LETTER.search(text):
        yield from _with_digits(reading, wanted)
    if "*" in text and _MASK.search(text):
        yield from _masked(reading, lexicon)
    if "'" in text or ("\n" in text and _BROKEN_LINE.search(text)) or _SIGN_INSIDE.search(text):
        yield from _parted(reading, wanted)


def _look_alikes(words: Sequence[str], vocabulary: set[str], wanted: frozenset[str]) -> Iterator[Edge]:
    hidden = {
        token: meant for token, others in _remembered.among(vocabulary).items() if (meant := others & wanted)
    }
    if hidden:
        for i, token in enumerate(words):
            for symbol in hidden.get(token, ()):
                yield Edge(i, i, symbol, Reason.LOOK_ALIKE)


def _numbers(words: Sequence[str], vocabulary: set[str], wanted: frozenset[str]) -> Iterator[Edge]:
    if vocabulary.isdisjoint(_NUMBER_WORDS):
        return
    for number in find_numbers(words):
        symbol = str(number.value)
        if symbol in wanted:
            yield Edge(number.first, number.last, symbol, Reason.NUMBER_WORDS, ordinal=number.ordinal)


def _glued(words: Sequence[str], wanted: frozenset[str]) -> Iterator[Edge]:
    """A word that was parted: `контр батарейная`."""
    pairs = [left + right for left, right in zip(words, words[1:], strict=False)]
    for symbol in wanted.intersection(pairs):
        if len(symbol) < _SHORTEST_GLUED:
            continue
        for i, pair in enumerate(pairs):
            if pair == symbol and min(len(words[i]), len(words[i + 1])) >= _SHORTEST_PART:
                yield Edge(i, i + 1, symbol, Reason.GLUED)


def _spaced(words: Sequence[str], vocabulary: set[str], wanted: frozenset[str]) -> Iterator[Edge]:
    """`Ш о й г у`, `Ш.о.й.г.у`, `Ш🔥о🔥й🔥г🔥у`: runs of single letters read as one word."""
    if sum(map(_SINGLE.__contains__, vocabulary)) < _SPACED - 1:
        return
    start = 0
    while start < len(words):
        end = start
        while end < len(words) and words[end] in _SINGLE:
            end += 1
        if end - start >= _SPACED:
            yield from _within("".join(words[start:end]), start, wanted)
        start = max(end, start + 1)


def _within(run: str, start: int, wanted: frozenset[str]) -> Iterator[Edge]:
    """A preposition may stand before a spaced word, another word after it: every part of the run that is wanted."""
    for first in range(len(run) - _SPACED + 1):
        for last in range(first + _SPACED, min(len(run), first + _LONGEST_SPACED) + 1):
            if run[first:last] in wanted:
                yield Edge(start + first, start + last - 1, run[first:last], Reason.GLUED)


def _with_digits(reading: Reading, wanted: frozenset[str]) -> Iterator[Edge]:
    """`ш0йгу`."""
    for found in _DIGIT_INSIDE.finditer(reading.text):
        for symbol in without_digits(found.group()) & wanted:
            yield Edge(*reading.between(found.start(), found.end()), symbol, Reason.LOOK_ALIKE)


def _masked(reading: Reading, lexicon: Lexicon) -> Iterator[Edge]:
    """`ш*йгу`: a star for each letter, at most half of them."""
    for found in _MASK.finditer(reading.text):
        mask = found.group()
        if mask.count("*") * 2 > len(mask):
            continue
        fits = re.compile(mask.replace("*", "[^\\W\\d_]")).fullmatch
        for symbol in filter(fits, lexicon.by_length.get(len(mask), ())):
            yield Edge(*reading.between(found.start(), found.end()), symbol, Reason.LOOK_ALIKE)


def _parted(reading: Reading, wanted: frozenset[str]) -> Iterator[Edge]:
    """Words parted by the end of a line, by a sign in their middle, or by an apostrophe: `Шой-⏎гу`, `Шой🔥гу`, `п'ять`."""
    words = reading.words
    for i, word in enumerate(words[:-1]):
        last = i
        while last + 1 < len(words) and last - i < _LONGEST_PARTED and _PARTING.fullmatch(reading.gap(last + 1)):
            last += 1
            word += words[last]
            if word in wanted:
                yield Edge(i, last, word, Reason.EXACT if reading.gap(last) == "'" else Reason.GLUED)
