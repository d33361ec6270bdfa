"""Walking a path through the lattice of a text."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.rules.guards import allows
from bot.rules.lattice import Edge
from bot.rules.military import is_attribute
from bot.rules.numbers import ORDINAL_SUFFIXES
from bot.rules.slots import BOLDNESS, Form, Path, Reason, Skip, Slot
from bot.rules.words import Reading

_PATRONYMIC = re.compile(r"(?:[оеє]вич|ович|йович|ич|ovich|evich|ovych)(?:а|у|ем|ом|е|і|еві|em)?$")
_PREFIXED = Form(Reason.PREFIX)
# Whisper's slip: пятьдесят восемь я армия.
_SPOKEN_SUFFIXES = frozenset(("я", "ая", "й"))


class Ground:
    """A text to walk on."""

    def __init__(self, reading: Reading, extra: Iterable[Edge], *, speech: bool) -> None:
        self.reading = reading
        self.speech = speech
        self._extra: defaultdict[int, list[Edge]] = defaultdict(list)
        for edge in extra:
            self._extra[edge.first].append(edge)

    def edges(self, first: int) -> Iterator[Edge]:
        """What can be read from token `first` on."""
        words = self.reading.words
        if first < len(words):
            yield Edge(first, first, words[first], Reason.EXACT)
            yield from self._extra.get(first, ())

    def with_suffix(self, edge: Edge) -> Edge | None:
        """A number with the ordinal suffix behind it: `58-я`, `58th`, `пятьдесят восемь я`."""
        last = edge.last + 1
        if edge.ordinal or not edge.symbol.isdigit() or last >= len(self.reading.words):
            return None
        suffix = self.reading.words[last]
        if edge.reason is Reason.NUMBER_WORDS:
            fits = suffix in _SPOKEN_SUFFIXES
        else:
            fits = suffix in ORDINAL_SUFFIXES and self.reading.tight(last) and self.reading.closes(last)
        return Edge(edge.first, last, edge.symbol, edge.reason, ordinal=True) if fits else None


@dataclass(frozen=True, slots=True)
class Way:
    """A path walked: tokens `first` to `last`, the boldest reason on it; `form` where it is not what stands there."""

    first: int
    last: int
    reason: Reason
    form: str = ""


def walk(ground: Ground, path: Path, start: Edge) -> Iterator[Way]:
    """Every way from `start`, which meets the first slot."""
    if ground.reading.opens(start.first):
        for edge, form in _met(ground, path.slots[0], start, ordinal=False):
            yield from _onward(ground, path, 1, start.first, edge, _bolder(edge.reason, form.reason), ())


def _onward(
    ground: Ground, path: Path, number: int, first: int, edge: Edge, reason: Reason, read: tuple[str, ...]
) -> Iterator[Way]:
    read = (*read, edge.symbol)
    if number == len(path.slots):
        if ground.reading.closes(edge.last):
            yield Way(first, edge.last, reason, " ".join(read) if BOLDNESS[reason] > BOLDNESS[Reason.REGEX] else "")
        return
    slot = path.slots[number]
    for at in _reach(ground, slot, edge.last):
        for candidate in ground.edges(at):
            for next_edge, form in _met(ground, slot, candidate, ordinal=edge.ordinal):
                bolder = _bolder(reason, _bolder(next_edge.reason, form.reason))
                yield from _onward(ground, path, number + 1, first, next_edge, bolder, read)


def _met(ground: Ground, slot: Slot, edge: Edge, *, ordinal: bool) -> Iterator[tuple[Edge, Form]]:
    """The edge, also with its ordinal suffix, when it meets the slot and the text around allows it."""
    form = slot.forms.get(edge.symbol)
    if form is None:
        if slot.prefix and edge.reason is not Reason.NUMBER_WORDS and edge.symbol.startswith(slot.prefix):
            yield edge, _PREFIXED
        return
    if edge.reason is Reason.FUZZY and not slot.fuzzy:
        return
    if form.guard and not allows(form.guard, ground.reading, edge, speech=ground.speech, ordinal=ordinal):
        return
    yield edge, form
    if (longer := ground.with_suffix(edge)) is not None:
        yield longer, form


def _reach(ground: Ground, slot: Slot, last: int) -> Iterator[int]:
    """Where the next slot may stand."""
    reading = ground.reading
    for at in range(last + 1, min(last + 2 + slot.gap, len(reading.words))):
        if slot.tight and not reading.joined(at):
            return
        if at > last + 1 and not _skippable(slot.skip, reading.words[at - 1]):
            return
        if not reading.together(at):
            return
        yield at


def _skippable(skip: Skip, word: str) -> bool:
    match skip:
        case Skip.ANY:
            return True
        case Skip.MILITARY:
            return is_attribute(word)
        case Skip.PATRONYMIC:
            return len(word) == 1 or _PATRONYMIC.search(word) is not None
    return False


def _bolder(one: Reason, other: Reason) -> Reason:
    return max(one, other, key=BOLDNESS.__getitem__)
