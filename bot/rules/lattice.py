"""The lattice of a text: its words, and the other readings that some of them have.

Most texts have none, so every reading has a cheap test before it that a plain text fails. What is found is an edge: tokens
`first` to `last`, read as one symbol, for a reason. Every reading takes time linear in the text, whatever stands in it.
"""

import re
from collections.abc import Iterable, Iterator, KeysView, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import NamedTuple

from bot.rules.lexicon import HEAD, Lexicon
from bot.rules.lookalike import CYRILLIC, LATIN, without_digits
from bot.rules.numbers import HALVES, find_numbers, number_parts, number_words
from bot.rules.sieve import Sieve
from bot.rules.slots import Reason
from bot.rules.words import Reading, is_near

# No form is longer.
LONGEST = 40
_SHORTEST_PART = 3
_SHORTEST_GLUED = 6
_LONGEST_PARTED = 6
# A post with more starred words is no honest one: different ones, each of which costs a look at many forms, and all.
_MAX_MASKS = 30
_MAX_MASKED = 200
_SINGLE = CYRILLIC | LATIN
# Between the letters of a word: nothing, or a sign that stands for a letter.
_DRAWN_SIGNS = frozenset({"", "@", "$"})
_NUMBER_WORDS = number_parts()

_MASK = re.compile(r"(?<![^\W_])[^\W\d_]++(?:\*++[^\W\d_]*+)++")
# Signs that part no words in honest writing: emoji, symbols; not spaces, ASCII, quotes and dashes.
_SIGN = r"[^\w\s\x00-\x7f«»“”„‘’‚‹›…–—·•№©®™°±×÷‐‑\ufe0f]"
_BROKEN = r"[-‐‑\u00ac][^\S\n]*+\n\s*+"
# What no parting begins with: nearly every gap of an honest text is told by that.
_NO_PARTING = frozenset(' .,:;!?\n\x00\u00a0()"«»—–…#/')
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


# Where the words of a text stand, by the words.
Places = Mapping[str, Sequence[int]]
# What disguises in one text mean, by what stands there: its readings share most of them, and each costs a search.
Meant = dict[str, Sequence[str]]


def edges(reading: Reading, live: Places, sieve: Sieve, meant: Meant | None = None) -> Iterator[Edge]:
    """The other readings of a text whose symbol some rule asks for; what stands there as it is, is not among them.

    `live`: where those of its words stand that the sieve holds back. `meant`: kept for the other readings of the text.
    """
    meant = {} if meant is None else meant
    lexicon, kinds = sieve.lexicon, set(reading.gaps[1:-1])
    wanted = lexicon.symbols
    if live:
        yield from _look_alikes(live, sieve.hidden)
        if numbers := _NUMBER_WORDS.intersection(live):
            yield from _numbers(reading, _ordered(live, numbers), wanted)
        if halves := sieve.halves.intersection(live):
            yield from _glued(reading, _ordered(live, halves), wanted)
        if len(singles := _SINGLE.intersection(live)) >= HEAD - 1:
            yield from _spaced(reading, _ordered(live, singles), lexicon, meant)
    if not kinds.isdisjoint(_DRAWN_SIGNS):
        yield from _with_digits(reading, wanted)
    if "*" in reading.text:
        yield from _masked(reading, lexicon, meant)
    if parts := {gap for gap in kinds if gap and gap[0] not in _NO_PARTING and _PARTING.fullmatch(gap)}:
        yield from _parted(reading, parts, lexicon)


def _ordered(live: Places, words: Iterable[str]) -> list[int]:
    """Where these words stand."""
    return sorted(i for word in words for i in live[word])


def _look_alikes(live: Places, hidden: Mapping[str, Iterable[str]]) -> Iterator[Edge]:
    for word, places in live.items():
        for symbol in hidden.get(word, ()):
            for i in places:
                yield Edge(i, i, symbol, Reason.LOOK_ALIKE)


def _numbers(reading: Reading, places: Iterable[int], wanted: KeysView[str]) -> Iterator[Edge]:
    """Numbers in words, which stand at these places; none runs over the end of a sentence."""
    words, end = reading.words, 0
    for first in places:
        # Nothing but the first half of a word that an apostrophe parts.
        if first < end or (words[first] in HALVES and "".join(words[first : first + 2]) not in number_words()):
            continue
        end = first + 1
        while end < len(words) and (words[end] in _NUMBER_WORDS or words[end] == "and") and reading.together(end):
            end += 1
        for number in find_numbers(words[first:end]):
            if (symbol := str(number.value)) in wanted:
                at = first + number.first, first + number.last
                yield Edge(*at, symbol, Reason.NUMBER_WORDS, ordinal=number.ordinal)


def _glued(reading: Reading, places: Iterable[int], wanted: KeysView[str]) -> Iterator[Edge]:
    """A word that was parted, `контр батарейная`; at these places stand first halves."""
    words = reading.words
    for i in places:
        if i + 1 == len(words) or (pair := words[i] + words[i + 1]) not in wanted or len(pair) < _SHORTEST_GLUED:
            continue
        if min(len(words[i]), len(words[i + 1])) >= _SHORTEST_PART and _SLIT.fullmatch(reading.gaps[i + 1]):
            yield Edge(i, i + 1, pair, Reason.GLUED)


def _spaced(reading: Reading, places: Sequence[int], lexicon: Lexicon, meant: Meant) -> Iterator[Edge]:
    """`Ш о й г у`, `Ш.о.й.г.у`, `Ш🔥о🔥й🔥г🔥у`: runs of single letters, which stand at these places, read as one word."""
    words, gaps, heads = reading.words, reading.gaps, lexicon.heads
    near = {gap: is_near(gap) for gap in set(gaps)}
    # Which of these places a run begins at, by their numbers.
    begins = [k for k, i in enumerate(places) if not k or places[k - 1] != i - 1 or not near[gaps[i]]]
    for begin, end in zip(begins, (*begins[1:], len(places)), strict=True):
        start = places[begin]
        run = "".join(words[start : start + end - begin])
        for first in [first for first in range(len(run) - HEAD + 1) if run[first : first + HEAD] in heads]:
            ahead = run[first : first + LONGEST]
            if ahead not in meant:
                meant[ahead] = lexicon.beginning(ahead)
            for symbol in meant[ahead]:
                yield Edge(start + first, start + first + len(symbol) - 1, symbol, Reason.GLUED)


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


def _masked(reading: Reading, lexicon: Lexicon, meant: Meant) -> Iterator[Edge]:
    """`ш*йгу`: a star for each letter, at most half of them."""
    asked: set[str] = set()
    for found in islice(_MASK.finditer(reading.text), _MAX_MASKED):
        mask = found.group()
        if mask not in asked:
            if len(mask) > LONGEST or mask.count("*") * 2 > len(mask) or len(asked) >= _MAX_MASKS:
                continue
            asked.add(mask)
            if mask not in meant:
                meant[mask] = lexicon.alike(mask)
        for symbol in meant[mask]:
            yield Edge(*reading.between(found.start(), found.end()), symbol, Reason.LOOK_ALIKE)


def _parted(reading: Reading, parts: AbstractSet[str], lexicon: Lexicon) -> Iterator[Edge]:
    """Words parted by the end of a line, by a sign in their middle, or by an apostrophe: `Шой-⏎гу`, `Шой🔥гу`, `п'ять`.

    `parts`: what stands between two tokens and may be such a parting.
    """
    words, gaps, wanted, heads = reading.words, reading.gaps, lexicon.symbols, lexicon.heads
    parting = [gap in parts for gap in gaps]
    parting[-1] = False
    # By token, whether it is a letter set apart like the one before it.
    letters = [len(word) == 1 for word in words]
    within = [*map(all, zip(parting, letters, [False, *letters], strict=False)), False]
    for i in [i for i, parted in enumerate(parting[1:]) if parted and not within[i]]:
        word, last, most = words[i], i, i + _LONGEST_PARTED
        while last < most and parting[last + 1] and len(word) <= LONGEST:
            last += 1
            part, gap = words[last], gaps[last]
            if gap == "'":
                if part == "s":
                    break  # The missile's warhead is no missiles.
            elif part.isdigit() and word.isdigit():
                break  # Signs part numbers.
            word += part
            if len(word) >= HEAD and word[:HEAD] not in heads:
                break
            # No word ends amid letters set apart, but a spaced one (`_spaced`).
            if word in wanted and not within[last + 1]:
                yield Edge(i, last, word, Reason.EXACT if gap == "'" else Reason.GLUED)
