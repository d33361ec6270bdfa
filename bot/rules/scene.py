"""One reading of a text with what stands in it for the rules: where their slots can be met, and what their paths find.

Terms that ask for the same word share what is found of it: a hostile text repeats one word that stands in many rules.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from bot.rules.lattice import Edge
from bot.rules.slots import BOLDNESS, Path, Reason, Skip, Slot
from bot.rules.tree import Found
from bot.rules.walk import Ground, Way, walk
from bot.rules.words import Reading


class Scene:
    """`live`: the words that may be symbols; `extra`: other readings; `plain`: the reading whose words are counted."""

    def __init__(
        self,
        reading: Reading,
        live: AbstractSet[str],
        extra: Sequence[Edge],
        symbols: AbstractSet[str],
        *,
        field: int,
        plain: Reading,
        speech: bool,
    ) -> None:
        self._reading = reading
        self._plain = plain
        self._field = field
        self._symbols = symbols
        self._ground = Ground(reading, extra, speech=speech)
        self._by_symbol: dict[str, list[Edge]] = {symbol: [] for symbol in symbols}
        for i, word in enumerate(reading.words):
            if word in live:
                self._by_symbol[word].append(Edge(i, i, word, Reason.EXACT))
        for edge in extra:
            self._by_symbol[edge.symbol].append(edge)
        self._standing: dict[tuple[str, ...], _Standing] = {}
        # What single words find, by symbol and by what their forms ask for.
        self._found: dict[tuple[object, ...], list[Found]] = {}

    def found(self, paths: Iterable[Path]) -> list[Found]:
        """What some paths find; at one place the plainest."""
        parts: list[list[Found]] = []
        for path in paths:
            if len(path.slots) == 1:
                parts += self._singly(path)
            elif starts := self._starts(path):
                parts.append(self._placed(walk(self._ground, path, starts)))
        parts = [part for part in parts if part]
        return parts[0] if len(parts) == 1 else merged(parts)

    def _singly(self, path: Path) -> Iterator[list[Found]]:
        """What a path of one slot finds, symbol by symbol."""
        slot = path.slots[0]
        for symbol in self._meeting(slot):
            form = slot.forms.get(symbol)
            asked = (form.reason, form.guard.value, form.lemmas) if form else ()
            key = symbol, slot.fuzzy, asked
            if key not in self._found:
                self._found[key] = self._placed(walk(self._ground, path, self._by_symbol[symbol]))
            yield self._found[key]

    def _meeting(self, slot: Slot) -> list[str]:
        met = slot.forms.keys() & self._symbols
        if not slot.prefix:
            return list(met)
        return [*met, *(symbol for symbol in self._symbols - met if symbol.startswith(slot.prefix))]

    def _stands(self, slot: Slot) -> "_Standing":
        key = tuple(self._meeting(slot))
        if key not in self._standing:
            self._standing[key] = _Standing([edge for symbol in key for edge in self._by_symbol[symbol]])
        return self._standing[key]

    def _starts(self, path: Path) -> list[Edge]:
        """Where a path may begin: the edges that meet its first slot and have one for the second near behind."""
        first, second = (self._stands(slot) for slot in path.slots[:2])
        gap = path.slots[1].gap
        if path.slots[1].skip is Skip.MILITARY:
            # A list of numbers of any length may stand between.
            return [edge for edge in first.edges if edge.last < second.ordered[-1]]
        if len(second.places) * (gap + 1) < len(first.ends):
            ends = first.ends.keys() & {end for place in second.places for end in range(place - gap, place + 1)}
        else:
            ends = {end for end in first.ends if second.stands_within(end, end + gap)}
        return [edge for end in sorted(ends) for edge in first.ends[end]]

    def _placed(self, ways: Iterable[Way]) -> list[Found]:
        best: dict[tuple[int, int], Way] = {}
        for way in ways:
            place = way[:2]
            if place not in best or BOLDNESS[way.reason] < BOLDNESS[best[place].reason]:
                best[place] = way
        return [self._hit(*way) for way in best.values()]

    def _hit(self, first: int, last: int, reason: Reason, meant: str) -> Found:
        reading = self._reading
        start, end = reading.span(first, last)
        form = meant or reading.form(first, last)
        if reading is self._plain:
            return Found(self._field, start, end, first, last, form, reason)
        return placed(self._field, start, end, self._plain, form, reason)


class _Standing:
    """The edges that may meet a slot."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.edges = edges

    @cached_property
    def places(self) -> dict[int, None]:
        """Where they begin."""
        return {edge.first: None for edge in self.edges}

    @cached_property
    def ordered(self) -> list[int]:
        """The same in order."""
        return sorted(self.places)

    def stands_within(self, first: int, last: int) -> bool:
        """Whether one begins at these tokens, or between them."""
        if first == last:
            return first in self.places
        at = bisect_left(self.ordered, first)
        return at < len(self.ordered) and self.ordered[at] <= last

    @cached_property
    def ends(self) -> dict[int, list[Edge]]:
        """By the token behind them; that of a number may have its suffix before it."""
        behind: dict[int, list[Edge]] = {}
        for edge in self.edges:
            for end in (edge.last + 1, edge.last + 2) if edge.symbol.isdigit() else (edge.last + 1,):
                behind.setdefault(end, []).append(edge)
        return behind


def merged(parts: Iterable[Sequence[Found]]) -> list[Found]:
    """Several finds as one; at one place the plainest."""
    best: dict[tuple[int, int], Found] = {}
    for part in parts:
        for found in part:
            place = found[1:3]
            if place not in best or BOLDNESS[found.reason] < BOLDNESS[best[place].reason]:
                best[place] = found
    return list(best.values())


def placed(field: int, start: int, end: int, plain: Reading, form: str, reason: Reason) -> Found:
    """What was found apart from the words of the plain reading, with their numbers."""
    first = max(bisect_right(plain.places, start) - 1, 0)
    return Found(field, start, end, first, max(bisect_left(plain.places, end) - 1, first), form, reason)
