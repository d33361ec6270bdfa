"""Which words of a text can mean anything to the rules at all. Most cannot, however they are read, and are remembered."""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from bot.rules.lexicon import SHORTEST_PREFIX, Lexicon
from bot.rules.lookalike import CYRILLIC, LATIN, alternatives, is_suspicious
from bot.rules.numbers import number_parts

# Words remembered; bounded, for a hostile channel can invent words for ever.
_MAX_REMEMBERED = 200_000
# Letters of longer words are not looked into, and they are not remembered.
_LONGEST = 64
_SHORTEST_PART = 3
_SHORTEST_GLUED = 6
_ALWAYS = CYRILLIC | LATIN | number_parts()


class Sieve:
    """Of one lexicon: `prefixes` are those of the rules, which it does not hold."""

    def __init__(self, lexicon: Lexicon, prefixes: Collection[str] = ()) -> None:
        self.lexicon = lexicon
        # Words that stand for symbols by their letters alone: what they are meant for.
        self.hidden: dict[str, tuple[str, ...]] = {}
        # Words that a symbol begins with, and three or more letters follow.
        self.halves: set[str] = set()
        self._heads = frozenset(prefix[:SHORTEST_PREFIX] for prefix in prefixes)
        self._idle: set[str] = set()
        self._live: set[str] = set()

    def words(self, vocabulary: set[str]) -> set[str]:
        """Those that may be a symbol, or a part of one, as they stand or otherwise read."""
        if len(self._idle) + len(self._live) > _MAX_REMEMBERED:
            for kept in (self._idle, self._live, self.halves, self.hidden):
                kept.clear()
        left = vocabulary - self._idle
        if not left <= self._live:
            left -= {word for word in left - self._live if not self._is_live(word)}
        return left

    def _is_live(self, word: str) -> bool:
        if len(word) > _LONGEST:
            return True
        live = self._looked_into(word)
        (self._live if live else self._idle).add(word)
        return live

    def _looked_into(self, word: str) -> bool:
        symbols: AbstractSet[str] = self.lexicon.symbols
        meant = alternatives(word) & symbols if is_suspicious(word) else None
        if meant:
            self.hidden[word] = tuple(sorted(meant))
        half = len(word) >= _SHORTEST_PART and self.lexicon.has_longer(
            word, max(_SHORTEST_GLUED, len(word) + _SHORTEST_PART)
        )
        if half:
            self.halves.add(word)
        return bool(meant) or half or word in symbols or word in _ALWAYS or word[:SHORTEST_PREFIX] in self._heads
