"""Every symbol that some rule asks for, and by how many slots."""

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, KeysView, Sequence
from typing import Self

# Letters by which the longer symbols are known to begin.
HEAD = 4
# Letters that every prefix has.
SHORTEST_PREFIX = 3


class Lexicon:
    """Immutable: `changed` gives another one, at the cost of a copy."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._heads: Counter[str] = Counter()
        # All by length, sorted, for words with letters starred out.
        self._by_length: dict[int, Sequence[str]] = {}

    @property
    def symbols(self) -> KeysView[str]:
        """All of them."""
        return self._counts.keys()

    def count(self, symbol: str) -> int:
        """How many slots ask for it."""
        return self._counts.get(symbol, 0)

    def begins(self, head: str) -> bool:
        """Whether a symbol of `HEAD` or more letters begins with these `HEAD`."""
        return head in self._heads

    def has_longer(self, word: str, length: int) -> bool:
        """Whether a symbol of `length` or more letters begins with this word."""
        if len(word) >= HEAD and word[:HEAD] not in self._heads:
            return False
        for letters, some in self._by_length.items():
            if letters >= length and (at := bisect_left(some, word)) < len(some) and some[at].startswith(word):
                return True
        return False

    def alike(self, mask: str) -> Iterator[str]:
        """The symbols that fit a mask: letters, and a star for each that is hidden."""
        begin = mask[: mask.index("*")]
        some = self._by_length.get(len(mask), ())
        fits = re.compile(mask.replace("*", "[^\\W\\d_]")).fullmatch
        for i in range(bisect_left(some, begin), len(some)):
            if not some[i].startswith(begin):
                return
            if fits(some[i]):
                yield some[i]

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
        other._by_length = _sorted(self._by_length, added, frozenset(removed))
        return other


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
