"""One reading of a text with what stands in it for the rules: where their slots can be met, and what their paths find.

Terms that ask for the same word share what is found of it: a hostile text repeats one word that stands in many rules.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from bot.rules.ground import Ground
from bot.rules.slots import BOLDNESS, Path, Reason, Slot
from bot.rules.tree import Found
from bot.rules.walk import Way, alone, walk
from bot.rules.words import Reading


class Scene:
    """`plain`: the reading whose words are counted."""

    def __init__(self, ground: Ground, *, field: int, plain: Reading) -> None:
        self._ground = ground
        self._reading = ground.reading
        self._plain = plain
        self.field = field
        # What single words find, by symbol and by what their forms ask for.
        self._found: dict[tuple[object, ...], list[Found]] = {}

    def found(self, paths: Iterable[Path]) -> list[Found]:
        """What some paths find; at one place the plainest."""
        parts: list[list[Found]] = []
        for path in paths:
            if len(path.slots) == 1:
                parts += self._singly(path.slots[0])
            else:
                parts.append(self._placed(walk(self._ground, path)))
        parts = [part for part in parts if part]
        return parts[0] if len(parts) == 1 else merged(parts)

    def _singly(self, slot: Slot) -> Iterator[list[Found]]:
        """What a path of one slot finds, symbol by symbol."""
        for symbol in self._ground.meeting(slot):
            form = slot.forms.get(symbol)
            key = symbol, slot.fuzzy, *((form.reason, int(form.guard), form.lemmas) if form else ())
            if key not in self._found:
                self._found[key] = self._placed(alone(self._ground, slot, symbol))
            yield self._found[key]

    def _placed(self, ways: list[Way]) -> list[Found]:
        if not ways:
            return []
        if len(ways) > 1 and len({way[:2] for way in ways}) < len(ways):
            best: dict[tuple[int, int], Way] = {}
            for way in ways:
                place = way[:2]
                if place not in best or BOLDNESS[way.reason] < BOLDNESS[best[place].reason]:
                    best[place] = way
            ways = list(best.values())
        return [self._found_at(way) for way in ways]

    def _found_at(self, way: Way) -> Found:
        reading, (first, last, reason, form) = self._reading, way
        begin, end = reading.span(first, last)
        form = form or (reading.words[first] if first == last else reading.form(first, last))
        if reading is not self._plain:
            # By number, the word of the plain reading that a word stands in.
            places = self._plain.places
            last = max(bisect_right(places, reading.place(last)) - 1, 0)
            first = max(bisect_right(places, begin) - 1, 0)
        return Found(self.field, begin, end, first, last, form, reason)


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
