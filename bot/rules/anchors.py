"""The paths of all terms, each kept under the forms of one of its slots, the rarest among the rules: its anchor.

The symbols of a text (its words and their other readings) are intersected with the anchors, and only paths all of whose
slots the text can meet are walked. So the cost follows the text, not the number of rules.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Self

from bot.rules.lexicon import SHORTEST_PREFIX, Lexicon
from bot.rules.slots import Compiled, Path, Skip, Slot

# A term, the number of one of its paths, and that path, as they are kept: an object of its own.
Entry = tuple[Compiled, int, Path]


class Anchors:
    """Immutable: `changed` gives other ones, at the cost of a copy."""

    def __init__(self) -> None:
        self._anchored: dict[str, tuple[Entry, ...]] = {}
        # Paths of prefixes alone, by the first one; and how those prefixes begin, each with its longest.
        self._prefixed: dict[str, tuple[Entry, ...]] = {}
        self._begun: dict[str, int] = {}

    def changed(self, gone: Iterable[Compiled], new: Iterable[Compiled], lexicon: Lexicon) -> Self:
        """Without the paths of some terms, and with those of others; `lexicon` tells which of their slots are rare."""
        other = type(self)()
        other._anchored = self._anchored.copy()
        other._prefixed = self._prefixed.copy()
        for term in gone:
            other._remove(term)
        for term in new:
            for number, path in enumerate(term.paths):
                other._add((term, number, path), lexicon)
        for prefix in other._prefixed:
            head = prefix[:SHORTEST_PREFIX]
            other._begun[head] = max(len(prefix), other._begun.get(head, 0))
        return other

    def alive(self, symbols: AbstractSet[str], fresh: AbstractSet[str] | None = None) -> list[Entry]:
        """The paths all of whose slots are met by some symbol of the text, and one of them by one of `fresh`, if given."""
        met: dict[int, Entry] = {}
        others: dict[int, Entry] = {}
        for symbol in self._anchored.keys() & symbols:
            kept = met if fresh is None or symbol in fresh else others
            for entry in self._anchored[symbol]:
                kept[id(entry)] = entry
        if self._begun:
            for symbol in [symbol for symbol in symbols if symbol[:SHORTEST_PREFIX] in self._begun]:
                kept = met if fresh is None or symbol in fresh else others
                for entry in self._beginning(symbol):
                    kept[id(entry)] = entry
        if fresh is not None:
            for key, entry in others.items():
                slots = entry[2].slots
                if key not in met and len(slots) > 1 and any(_meets(slot, fresh) for slot in slots):
                    met[key] = entry
        return [entry for entry in met.values() if len(entry[2].slots) == 1 or _may_stand(entry[2], symbols)]

    def _beginning(self, symbol: str) -> Iterator[Entry]:
        """The entries that wait for a word which begins as this one does."""
        longest = min(len(symbol), self._begun[symbol[:SHORTEST_PREFIX]])
        for length in range(SHORTEST_PREFIX, longest + 1):
            yield from self._prefixed.get(symbol[:length], ())

    def _add(self, entry: Entry, lexicon: Lexicon) -> None:
        # Most forms belong to one path, which then holds one tuple for all of them.
        alone = (entry,)
        for kept, key in self._places(entry[2], lexicon):
            kept[key] = (*kept[key], entry) if key in kept else alone

    def _places(self, path: Path, lexicon: Lexicon) -> Iterator[tuple[dict[str, tuple[Entry, ...]], str]]:
        """Where a new path is kept."""
        slots = [slot for slot in path.slots if slot.forms]
        if not slots:
            prefix = path.slots[0].prefix
            yield self._prefixed, prefix
            return

        def commonest(slot: Slot) -> int:
            return max(map(lexicon.count, slot.forms))

        for form in (slots[0] if len(slots) == 1 else min(slots, key=commonest)).forms:
            yield self._anchored, form

    def _remove(self, term: Compiled) -> None:
        """What was rare when it was added may be common now, so all its slots are asked."""
        for path in term.paths:
            for slot in path.slots:
                for form in slot.forms:
                    _without(self._anchored, form, term)
                if slot.prefix:
                    _without(self._prefixed, slot.prefix, term)


def _may_stand(path: Path, symbols: AbstractSet[str]) -> bool:
    return all(not slot.forms or not slot.forms.keys().isdisjoint(symbols) for slot in path.slots)


def _meets(slot: Slot, symbols: AbstractSet[str]) -> bool:
    # What may stand between a number and its unit is no symbol.
    if slot.skip is Skip.MILITARY or not slot.forms.keys().isdisjoint(symbols):
        return True
    return bool(slot.prefix) and any(symbol.startswith(slot.prefix) for symbol in symbols)


def _without(kept: dict[str, tuple[Entry, ...]], key: str, term: Compiled) -> None:
    if (entries := kept.get(key)) is None:
        return
    left = tuple(entry for entry in entries if entry[0] != term)
    if left:
        kept[key] = left
    else:
        del kept[key]
