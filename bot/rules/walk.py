"""Walking a path through the lattice of a text."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.rules.guards import allows
from bot.rules.lattice import LONGEST, Edge
from bot.rules.military import is_attribute
from bot.rules.numbers import ORDINAL_SUFFIXES
from bot.rules.slots import BOLDNESS, Form, Guard, Path, Reason, Skip, Slot
from bot.rules.words import Reading

# Edges looked at beyond the first, for one path in one text, and looks at the words around forms with several meanings.
# An honest text needs some dozens; what lies behind the first is not found, and after the second such forms count as
# they are.
MAX_STEPS = 1_000
MAX_LOOKS = 100

_PATRONYMIC = re.compile(
    r"(?:[оеє]вич|йович|ич|ovich|evich|ovych)(?:а|у|ем|ом|е|і|еві|em)?$"
    r"|(?:[оеєі]вн|[їи]вн|ичн|ovn|evn|ivn)(?:а|ы|и|е|у|ой|ою|і|a|y)$"
)
_PREFIXED = Form(Reason.PREFIX)
# Whisper's slip: пятьдесят восемь я армия.
_SPOKEN_SUFFIXES = frozenset(("я", "ая", "й"))


class Ground:
    """A text to walk on. `steps` counts the edges looked at, over all paths."""

    def __init__(self, reading: Reading, extra: Iterable[Edge], *, speech: bool) -> None:
        self.reading = reading
        self.speech = speech
        self.steps = 0
        self._allowed: dict[tuple[int, int, int, bool], bool] = {}
        self._looks = 0
        self._extra: defaultdict[int, list[Edge]] = defaultdict(list)
        for edge in extra:
            self._extra[edge.first].append(edge)

    def edges(self, first: int) -> Iterator[Edge]:
        """What can be read from token `first` on."""
        yield Edge(first, first, self.reading.words[first], Reason.EXACT)
        yield from self._extra.get(first, ())

    def allows(self, form: Form, edge: Edge, *, ordinal: bool) -> bool:
        """Whether the text around the edge shows what the form's guard asks for; asked once for each place."""
        key = id(form), edge.first, edge.last, ordinal
        if key not in self._allowed:
            looks = Guard.CONTEXT in form.guard
            self._looks += looks
            self._allowed[key] = (looks and self._looks > MAX_LOOKS) or allows(
                form, self.reading, edge, speech=self.speech, ordinal=ordinal
            )
        return self._allowed[key]

    def with_suffix(self, edge: Edge) -> Edge | None:
        """A number with the ordinal suffix behind it: `58-я`, `58th`, `пятьдесят восемь я`."""
        last = edge.last + 1
        if edge.ordinal or not edge.symbol.isdigit() or last >= len(self.reading.words):
            return None
        suffix = self.reading.words[last]
        if edge.reason is Reason.NUMBER_WORDS:
            fits = suffix in _SPOKEN_SUFFIXES and self.reading.together(last)
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


@dataclass(slots=True)
class _Step:
    """How far a walk has come: the edge that met the last slot, the boldest reason so far, what was read."""

    edge: Edge
    reason: Reason
    symbols: tuple[str, ...]


def walk(ground: Ground, path: Path, starts: Iterable[Edge]) -> Iterator[Way]:
    """The ways from each of `starts`, edges that may meet the first slot, in order; the plainest to each end.

    A path takes at most `MAX_STEPS`, so that no text and no rule can make the walk long.
    """
    limit = ground.steps + MAX_STEPS
    for start in starts:
        if ground.steps > limit:
            return
        if not ground.reading.opens(start.first):
            continue
        reached = _plainest(
            _Step(edge, _bolder(edge.reason, form.reason), (edge.symbol,))
            for edge, form in _met(ground, path.slots[0], start, ordinal=False)
        )
        for slot in path.slots[1:]:
            if not reached or ground.steps > limit:
                break
            reached = _plainest(_onward(ground, slot, reached))
        else:
            yield from (_way(ground, start.first, step) for step in reached if ground.reading.closes(step.edge.last))


def _onward(ground: Ground, slot: Slot, reached: list[_Step]) -> Iterator[_Step]:
    """One slot further, from everywhere that was reached."""
    for step in reached:
        for at in _reach(ground, slot, step.edge.last):
            for candidate in ground.edges(at):
                ground.steps += 1
                for edge, form in _met(ground, slot, candidate, ordinal=step.edge.ordinal):
                    bolder = _bolder(step.reason, _bolder(edge.reason, form.reason))
                    yield _Step(edge, bolder, (*step.symbols, edge.symbol))


def _plainest(steps: Iterable[_Step]) -> list[_Step]:
    """Of the steps that end alike, the one with the plainest reason: so their number is bounded by the gap."""
    best: dict[tuple[int, bool], _Step] = {}
    for step in steps:
        key = step.edge.last, step.edge.ordinal
        if key not in best or BOLDNESS[step.reason] < BOLDNESS[best[key].reason]:
            best[key] = step
    return list(best.values())


def _way(ground: Ground, first: int, step: _Step) -> Way:
    bold = BOLDNESS[step.reason] > BOLDNESS[Reason.REGEX]
    return Way(first, step.edge.last, step.reason, " ".join(step.symbols) if bold else "")


def _met(ground: Ground, slot: Slot, edge: Edge, *, ordinal: bool) -> Iterator[tuple[Edge, Form]]:
    """The edge, also with its ordinal suffix, when it meets the slot and the text around allows it."""
    form = slot.forms.get(edge.symbol)
    if form is None:
        if slot.prefix and edge.reason is not Reason.NUMBER_WORDS and edge.symbol.startswith(slot.prefix):
            yield edge, _PREFIXED
        return
    if edge.reason is Reason.FUZZY and not slot.fuzzy:
        return
    if form.guard and not ground.allows(form, edge, ordinal=ordinal):
        return
    yield edge, form
    # The letters behind the number of a code are no suffix: Т-90М is another tank than Т-90.
    if not slot.tight and (longer := ground.with_suffix(edge)) is not None:
        yield longer, form


def _reach(ground: Ground, slot: Slot, last: int) -> Iterator[int]:
    """Where the next slot may stand."""
    reading = ground.reading
    for at in range(last + 1, min(last + 2 + slot.gap, len(reading.words))):
        if slot.tight and not reading.joined(at, speech=ground.speech):
            return
        if at > last + 1 and not _skippable(slot, reading.words[at - 1]):
            return
        if not reading.together(at):
            return
        yield at


def _skippable(slot: Slot, word: str) -> bool:
    match slot.skip:
        case Skip.ANY:
            return True
        case Skip.MILITARY:
            refused = slot.without and word.startswith(slot.without)
            return len(word) <= LONGEST and not refused and is_attribute(word)
        case Skip.PATRONYMIC:
            return len(word) == 1 or _PATRONYMIC.search(word) is not None
    return False


def _bolder(one: Reason, other: Reason) -> Reason:
    return one if BOLDNESS[one] >= BOLDNESS[other] else other
