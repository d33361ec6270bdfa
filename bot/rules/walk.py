"""Walking a path through the lattice of a text."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bot.rules.guards import allows
from bot.rules.lattice import LONGEST, Edge
from bot.rules.military import is_attribute
from bot.rules.numbers import ORDINAL_SUFFIXES
from bot.rules.serial import next_in_list
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
_REGEX = BOLDNESS[Reason.REGEX]


class Ground:
    """A text to walk on. `steps` counts the edges looked at, over all paths."""

    def __init__(self, reading: Reading, extra: Iterable[Edge], *, speech: bool) -> None:
        self.reading = reading
        self.words = reading.words
        self.speech = speech
        self.steps = 0
        gaps = reading.gaps[1:-1]
        # Tokens with nothing between them and the one before: no match begins there, or ends right before them.
        self.inner = frozenset(i for i, gap in enumerate(gaps, 1) if not gap) if "" in gaps else frozenset()
        self._together: dict[int, bool] = {}
        self._allowed: dict[tuple[int, tuple[str, ...], str, int, int, bool, bool], bool] = {}
        self._looks = 0
        self._extra: defaultdict[int, list[Edge]] = defaultdict(list)
        for edge in extra:
            self._extra[edge.first].append(edge)

    def edges(self, first: int) -> Iterable[Edge]:
        """What can be read from token `first` on."""
        exact = Edge(first, first, self.words[first], Reason.EXACT)
        return (exact, *self._extra[first]) if first in self._extra else (exact,)

    def together(self, index: int) -> bool:
        """`Reading.together`, asked once for each token."""
        if (known := self._together.get(index)) is None:
            known = self._together[index] = self.reading.together(index)
        return known

    def allows(self, form: Form, edge: Edge, *, ordinal: bool, told: bool) -> bool:
        """Whether the text around the edge shows what the form's guard asks for; asked once for each place.

        `told`: a word of the same phrase stands beside it, which says which of its meanings it has where it stands as
        the analyst wrote it: `рота стрелков` is no `рот стрелок`.
        """
        told = told and form.reason is Reason.EXACT
        key = form.guard.value, form.lemmas, edge.symbol, edge.first, edge.last, ordinal, told
        if (known := self._allowed.get(key)) is None:
            looks = not told and bool(int.__and__(form.guard, Guard.CONTEXT))
            self._looks += looks
            known = self._allowed[key] = (looks and self._looks > MAX_LOOKS) or allows(
                form, self.reading, edge, speech=self.speech, ordinal=ordinal, told=told
            )
        return known

    def with_suffix(self, edge: Edge) -> Edge | None:
        """The edge of a number with the ordinal suffix behind it: `58-я`, `58th`, `пятьдесят восемь я`."""
        last = edge.last + 1
        if edge.ordinal or last >= len(self.words):
            return None
        suffix = self.words[last]
        if edge.reason is Reason.NUMBER_WORDS:
            fits = suffix in _SPOKEN_SUFFIXES and self.together(last)
        else:
            fits = suffix in ORDINAL_SUFFIXES and self.reading.tight(last) and last + 1 not in self.inner
        return Edge(edge.first, last, edge.symbol, edge.reason, ordinal=True) if fits else None


class Way(NamedTuple):
    """A path walked: tokens `first` to `last`, the boldest reason on it; `form` where it is not what stands there."""

    first: int
    last: int
    reason: Reason
    form: str = ""


class _Step(NamedTuple):
    """How far a walk has come: the last token read, whether it was an ordinal, the boldest reason, what was read."""

    last: int
    ordinal: bool
    reason: Reason
    symbols: tuple[str, ...]


def walk(ground: Ground, path: Path, starts: Iterable[Edge]) -> Iterable[Way]:
    """The ways from each of `starts`, edges that may meet the first slot, in order; the plainest to each end.

    A path takes at most `MAX_STEPS`, so that no text and no rule can make the walk long.
    """
    return _alone(ground, path.slots[0], starts) if len(path.slots) == 1 else _along(ground, path, starts)


def _along(ground: Ground, path: Path, starts: Iterable[Edge]) -> Iterator[Way]:
    """The ways of a path of several slots."""
    limit = ground.steps + MAX_STEPS
    first, *others = path.slots
    inner, told = ground.inner, not others[0].gap
    for start in starts:
        if ground.steps > limit:
            return
        if start.first in inner:
            continue
        reached = [
            _Step(edge.last, edge.ordinal, _bolder(edge.reason, form.reason), (edge.symbol,))
            for edge, form in _met(ground, first, start, told=told)
        ]
        for slot in others:
            if not reached or ground.steps > limit:
                break
            reached = _onward(ground, slot, reached)
        else:
            yield from (
                _way(start.first, last, reason, symbols)
                for last, _, reason, symbols in reached
                if last + 1 not in inner
            )


def _alone(ground: Ground, slot: Slot, starts: Iterable[Edge]) -> list[Way]:
    """The ways of a path of one slot."""
    inner, found = ground.inner, []
    for start in starts:
        if start.first in inner:
            continue
        for edge, form in _met(ground, slot, start):
            if edge.last + 1 not in inner:
                reason = _bolder(edge.reason, form.reason)
                meant = edge.symbol if BOLDNESS[reason] > _REGEX else ""
                found.append(Way(edge.first, edge.last, reason, meant))
    return found


def _onward(ground: Ground, slot: Slot, reached: list[_Step]) -> list[_Step]:
    """One slot further, from everywhere that was reached; of those that end alike the plainest.

    So the number of steps is bounded by the gap.
    """
    best: dict[tuple[int, bool], _Step] = {}
    for step in reached:
        for at in _reach(ground, slot, step):
            for candidate in ground.edges(at):
                ground.steps += 1
                for edge, form in _met(ground, slot, candidate, ordinal=step.ordinal, told=at == step.last + 1):
                    reason = _bolder(step.reason, _bolder(edge.reason, form.reason))
                    key = edge.last, edge.ordinal
                    if key not in best or BOLDNESS[reason] < BOLDNESS[best[key].reason]:
                        best[key] = _Step(*key, reason, (*step.symbols, edge.symbol))
    return list(best.values())


def _way(first: int, last: int, reason: Reason, symbols: tuple[str, ...]) -> Way:
    return Way(first, last, reason, " ".join(symbols) if BOLDNESS[reason] > _REGEX else "")


def _met(
    ground: Ground, slot: Slot, edge: Edge, *, ordinal: bool = False, told: bool = False
) -> tuple[tuple[Edge, Form], ...]:
    """The edge, also with its ordinal suffix, when it meets the slot and the text around allows it."""
    form = slot.forms.get(edge.symbol)
    if form is None:
        prefixed = slot.prefix and edge.reason is not Reason.NUMBER_WORDS and edge.symbol.startswith(slot.prefix)
        return ((edge, _PREFIXED),) if prefixed else ()
    if edge.reason is Reason.FUZZY and not slot.fuzzy:
        return ()
    if form.guard and not ground.allows(form, edge, ordinal=ordinal, told=told):
        return ()
    # The letters behind the number of a code are no suffix: Т-90М is another tank than Т-90.
    if not slot.tight and edge.symbol.isdigit() and (longer := ground.with_suffix(edge)) is not None:
        return (edge, form), (longer, form)
    return ((edge, form),)


def _reach(ground: Ground, slot: Slot, step: _Step) -> Iterable[int]:
    """Where the next slot may stand."""
    at = step.last + 1
    if at >= len(ground.words):
        return ()
    if slot.tight:
        return (at,) if ground.reading.joined(at, speech=ground.speech) and ground.together(at) else ()
    if not slot.gap:
        return (at,) if ground.together(at) else ()
    return _across(ground, slot, at, ordinal=step.ordinal)


def _across(ground: Ground, slot: Slot, at: int, *, ordinal: bool) -> Iterator[int]:
    """From token `at` on, over the words that may stand between; those of a list of numbers do not count."""
    left, in_list, words = slot.gap, True, ground.words
    while at < len(words) and ground.together(at):
        if in_list:
            yield at
        further = next_in_list(ground.reading, at) if ordinal and slot.skip is Skip.MILITARY else None
        if further is not None:
            at, in_list = further
        elif left and _skippable(slot, words[at]):
            left, at = left - 1, at + 1
        else:
            return


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
    return one if one is other or BOLDNESS[one] >= BOLDNESS[other] else other
