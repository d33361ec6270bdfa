"""Every symbol that some rule asks for, and by how many slots."""

import sys
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, KeysView, Sequence
from typing import Self

# Letters by which the longer symbols are known to begin.
HEAD = 4
# Letters that every prefix has.
SHORTEST_PREFIX = 3

_LAST = chr(sys.maxunicode)


class Lexicon:
    """Immutable: `changed` gives another one, at the cost of a copy."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._heads: Counter[str] = Counter()
        # All by length, sorted, for words with letters starred out.
        self._by_length: dict[int, Sequence[str]] = {}
        # The letters that they are written with, and perhaps some that they were.
        self._letters: frozenset[str] = frozenset()
        # How long those are that begin alike; kept once it was asked for.
        self._lengths: dict[str, Sequence[int]] = {}

    @property
    def symbols(self) -> KeysView[str]:
        """All of them."""
        return self._counts.keys()

    def count(self, symbol: str) -> int:
        """How many slots ask for it."""
        return self._counts.get(symbol, 0)

    @property
    def heads(self) -> KeysView[str]:
        """The first `HEAD` letters of those that have as many."""
        return self._heads.keys()

    def beginning(self, run: str) -> list[str]:
        """Those of `HEAD` or more letters that a run of letters begins with, the shortest first."""
        head = run[:HEAD]
        if head not in self._lengths:
            self._lengths[head] = [length for length in sorted(self._by_length) if self._has(head, length)]
        lengths = self._lengths[head]
        return [run[:length] for length in lengths if length <= len(run) and run[:length] in self._counts]

    def _has(self, begin: str, length: int) -> bool:
        some = self._by_length[length]
        return (at := bisect_left(some, begin)) < len(some) and some[at].startswith(begin)

    def has_longer(self, word: str, length: int) -> bool:
        """Whether a symbol of `length` or more letters begins with this word."""
        if len(word) >= HEAD and word[:HEAD] not in self._heads:
            return False
        return any(letters >= length and self._has(word, letters) for letters in self._by_length)

    def alike(self, mask: str) -> list[str]:
        """The symbols that fit a mask: letters, and a star for each that is hidden, at most half of them."""
        begin, _, rest = mask.partition("*")
        if "*" not in rest:
            return sorted([word for letter in self._letters if (word := f"{begin}{letter}{rest}") in self._counts])
        head, *others = mask[:HEAD].split("*")
        begins = [begin]
        if len(others) == 1:
            begins = sorted(self._heads.keys() & {head + letter + others[0] for letter in self._letters})
        some = self._by_length.get(len(mask), ())
        end = rest.rpartition("*")[2]
        return [
            symbol
            for begin in begins
            for symbol in some[bisect_left(some, begin) : bisect_right(some, begin + _LAST)]
            if symbol.endswith(end) and _fits(symbol, mask)
        ]

    def changed(self, gone: Iterable[str], new: Iterable[str]) -> Self:
        """With the symbols of some slots less (each was there) and of others more."""
        other = type(self)()
        counts = other._counts = self._counts.copy()
        other._heads = self._heads.copy()
        added, removed = [], []
        for symbol in new:
            if symbol not in counts:
                added.append(symbol)
            counts[symbol] = counts.get(symbol, 0) + 1
        for symbol in gone:
            counts[symbol] -= 1
            if not counts[symbol]:
                del counts[symbol]
                removed.append(symbol)
        other._heads.update(symbol[:HEAD] for symbol in added if len(symbol) >= HEAD)
        other._heads.subtract(symbol[:HEAD] for symbol in removed if len(symbol) >= HEAD)
        other._heads = +other._heads
        other._letters = self._letters.union(filter(str.isalpha, set("".join(added))))
        other._by_length = _sorted(self._by_length, added, frozenset(removed))
        return other


def _fits(symbol: str, mask: str) -> bool:
    return all(one == meant or (one == "*" and meant.isalpha()) for one, meant in zip(mask, symbol, strict=True))


def _sorted(
    before: dict[int, Sequence[str]], added: Iterable[str], removed: frozenset[str]
) -> dict[int, Sequence[str]]:
    fresh: defaultdict[int, list[str]] = defaultdict(list)
    for symbol in added:
        fresh[len(symbol)].append(symbol)
    after = dict(before)
    for length in fresh.keys() | set(map(len, removed)):
        kept = (symbol for symbol in before.get(length, ()) if symbol not in removed)
        # New ones that are gone again at once are in `removed` too.
        after[length] = sorted([*kept, *(symbol for symbol in fresh[length] if symbol not in removed)])
    return after
