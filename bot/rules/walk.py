"""Walking a path through the lattice of a text."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from bot.rules.ground import Ground, Standing
from bot.rules.lattice import LONGEST, Edge
from bot.rules.military import is_attribute
from bot.rules.serial import next_in_list
from bot.rules.slots import BOLDNESS, Form, Path, Reason, Skip, Slot

# Places looked at beyond the first slot, for one path in one text. An honest text needs some dozens; what lies behind
# the first is not found.
MAX_STEPS = 500
# Places of one path of several slots in one text; further ones are not looked for.
MAX_WAYS = 100

_PATRONYMIC = re.compile(
    r"(?:[оеє]вич|йович|ич|ovich|evich|ovych)(?:а|у|ем|ом|е|і|еві|em)?$"
    r"|(?:[оеєі]вн|[їи]вн|ичн|ovn|evn|ivn)(?:а|ы|и|е|у|ой|ою|і|a|y)$"
)
_PREFIXED = Form(Reason.PREFIX)
_REGEX = BOLDNESS[Reason.REGEX]


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


def walk(ground: Ground, path: Path) -> list[Way]:
    """The ways of a path through a text; of several slots the first `MAX_WAYS`, the plainest to each end.

    A path takes at most `MAX_STEPS`, so that no text and no rule can make the walk long.
    """
    if len(path.slots) > 1:
        return _along(ground, path)
    slot = path.slots[0]
    return [way for symbol in ground.meeting(slot) for way in alone(ground, slot, symbol)]


def alone(ground: Ground, slot: Slot, symbol: str) -> list[Way]:
    """The ways of a path of one slot that a symbol meets, wherever it stands."""
    form, inner = slot.forms.get(symbol, _PREFIXED), ground.inner
    if symbol.isdigit():
        exact = [Edge(i, i, symbol, Reason.EXACT) for i in ground.exact.get(symbol, ())]
        return list(_read_as(ground, slot, [*exact, *ground.others.get(symbol, ())]))
    found = []
    for i in ground.exact.get(symbol, ()):
        if i not in inner and i + 1 not in inner and (not form.guard or ground.admits(form, i, symbol)):
            found.append(Way(i, i, form.reason))
    if symbol in ground.others:
        found += _read_as(ground, slot, ground.others[symbol])
    return found


def _read_as(ground: Ground, slot: Slot, edges: Iterable[Edge]) -> Iterator[Way]:
    """The same for edges that may take several tokens."""
    for start in edges:
        if start.first in ground.inner:
            continue
        for edge, form in _met(ground, slot, start):
            if edge.last + 1 not in ground.inner:
                yield _way(edge.first, edge.last, _bolder(edge.reason, form.reason), (edge.symbol,))


def _along(ground: Ground, path: Path) -> list[Way]:
    """The ways of a path of several slots."""
    first, second = path.slots[:2]
    following = ground.standing(second)
    starts = ground.standing(first).before(second, following)
    if not starts:
        return []
    others = [(second, following), *((slot, ground.standing(slot)) for slot in path.slots[2:])]
    limit, inner, told = ground.steps + MAX_STEPS, ground.inner, not second.gap
    found: list[Way] = []
    for start in starts:
        if ground.steps > limit or len(found) >= MAX_WAYS:
            break
        if start.first in inner:
            continue
        reached = [
            _Step(edge.last, edge.ordinal, _bolder(edge.reason, form.reason), (edge.symbol,))
            for edge, form in _met(ground, first, start, told=told)
        ]
        for slot, standing in others:
            if not reached or ground.steps > limit:
                break
            reached = _onward(ground, slot, standing, reached)
        else:
            for last, _, reason, symbols in reached:
                if last + 1 not in inner:
                    found.append(_way(start.first, last, reason, symbols))
    return found


def _onward(ground: Ground, slot: Slot, standing: Standing, reached: list[_Step]) -> list[_Step]:
    """One slot further, from everywhere that was reached; of those that end alike the plainest.

    So the number of steps is bounded by the gap.
    """
    best: dict[tuple[int, bool], _Step] = {}
    places, seen = standing.places, set()
    if len(reached) > 1:
        reached = sorted(reached, key=_boldness)
    for step in reached:
        for at in _reach(ground, slot, standing, step):
            # A plainer way has been here; right behind a word more may be told of its meaning.
            if slot.skip is Skip.ANY and at > step.last + 1:
                if at in seen:
                    continue
                seen.add(at)
            ground.steps += 1
            for candidate in places.get(at, ()):
                for edge, form in _met(ground, slot, candidate, ordinal=step.ordinal, told=at == step.last + 1):
                    reason = _bolder(step.reason, _bolder(edge.reason, form.reason))
                    key = edge.last, edge.ordinal
                    if key not in best or BOLDNESS[reason] < BOLDNESS[best[key].reason]:
                        best[key] = _Step(*key, reason, (*step.symbols, edge.symbol))
    return list(best.values())


def _boldness(step: _Step) -> int:
    return BOLDNESS[step.reason]


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


def _reach(ground: Ground, slot: Slot, standing: Standing, step: _Step) -> Iterable[int]:
    """Where the next slot may stand."""
    at = step.last + 1
    if slot.skip is Skip.MILITARY:
        # `Мира 72, бригада скорой`: no unit, unless a list goes on.
        if not step.ordinal and not ground.speech and "," in ground.reading.gaps[at]:
            return ()
    elif not standing.within(at, at + slot.gap):
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
