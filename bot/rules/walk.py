"""Walking a path through the lattice of a text."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from bot.rules.between import across
from bot.rules.ground import Ground, Standing, bits
from bot.rules.lattice import Edge
from bot.rules.slots import BOLDNESS, Form, Guard, Path, Reason, Skip, Slot

# Places looked at beyond the first slot, for one path in one text. An honest text needs some dozens; what lies behind
# the first is not found.
MAX_STEPS = 500
# Places of one path of several slots in one text; further ones are not looked for.
MAX_WAYS = 100

# How a word came about that only its beginning was asked of.
PREFIXED = Form(Reason.PREFIX)
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
    form, inner = slot.forms.get(symbol, PREFIXED), ground.inner
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
    standings = [ground.standing(slot) for slot in path.slots]
    if not _possible(path, standings):
        return []
    if (ways := _plainly(ground, path, standings)) is not None:
        return ways
    first, second = path.slots[:2]
    others = list(zip(path.slots[1:], standings[1:], strict=True))
    limit, inner, told = ground.steps + MAX_STEPS, ground.inner, not second.gap
    found: list[Way] = []
    for start in standings[0].before(second, standings[1]):
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


def _possible(path: Path, standings: Sequence[Standing]) -> bool:
    """Whether edges for all slots stand so near to each other that the path may be walked somewhere; most may not."""
    reach = standings[0].behind
    for slot, standing in zip(path.slots[1:], standings[1:], strict=True):
        begins = standing.begins
        # A list of numbers of any length may stand before a unit.
        if not (slot.gap and slot.skip is Skip.MILITARY):
            for _ in range(slot.gap):
                reach |= reach << 1
            begins &= reach
        if not begins:
            return False
        # Behind words that stand there as they are; other edges may be longer.
        reach = begins << 1 if standing.plain else standing.behind
    return True


def _plainly(ground: Ground, path: Path, standings: Sequence[Standing]) -> list[Way] | None:
    """The ways of words that stand side by side as they are, and ask for nothing around them; None for other paths."""
    starts, slots = standings[0].begins, path.slots
    for number, (slot, standing) in enumerate(zip(slots, standings, strict=True)):
        if not standing.plain or (number and (slot.gap or slot.tight)) or _guarded(slot, standing):
            return None
        starts &= standing.begins >> number
    # So often that the walk might be given up.
    if starts.bit_count() * len(slots) > MAX_STEPS:
        return None
    found: list[Way] = []
    for first in bits(starts):
        last = first + len(slots) - 1
        if (
            first in ground.inner
            or last + 1 in ground.inner
            or not all(map(ground.together, range(first + 1, last + 1)))
        ):
            continue
        symbols = tuple(ground.words[first : last + 1])
        forms = (slot.forms.get(symbol, PREFIXED) for slot, symbol in zip(slots, symbols, strict=True))
        found.append(_way(first, last, max((form.reason for form in forms), key=BOLDNESS.__getitem__), symbols))
        if len(found) >= MAX_WAYS:
            break
    return found


def _guarded(slot: Slot, standing: Standing) -> bool:
    """Whether a form that stands there asks for something around it."""
    return any(slot.forms.get(symbol, PREFIXED).guard is not Guard.NONE for symbol in standing.symbols)


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
        return ((edge, PREFIXED),) if prefixed else ()
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
    if slot.skip is not Skip.MILITARY and not standing.within(at, at + slot.gap):
        return ()
    if slot.tight:
        return (at,) if ground.reading.joined(at, speech=ground.speech) and ground.together(at) else ()
    if not slot.gap:
        return (at,) if ground.together(at) else ()
    return across(ground, slot, at, ordinal=step.ordinal)


def _bolder(one: Reason, other: Reason) -> Reason:
    return one if one is other or BOLDNESS[one] >= BOLDNESS[other] else other
