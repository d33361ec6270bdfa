"""A text to walk on: where the words that rules ask for stand, and what stands around them."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from operator import methodcaller

from bot.rules.guards import allows
from bot.rules.lattice import Edge, Places
from bot.rules.lexicon import SHORTEST_PREFIX
from bot.rules.numbers import ORDINAL_SUFFIXES
from bot.rules.slots import Form, Guard, Reason, Skip, Slot
from bot.rules.words import Reading

# Looks at the words around forms with several meanings; after so many such forms count as they are.
MAX_LOOKS = 100
# Places of a word that does not stand there as it is: disguised, parted, or a number in words.
MAX_DISGUISED = 200

# Whisper's slip: пятьдесят восемь я армия.
_SPOKEN_SUFFIXES = frozenset(("я", "ая", "й"))
_CONTEXT = int(Guard.CONTEXT)
# Places that are looked up one by one.
_FEW = 20


class Standing:
    """The edges that may meet a slot."""

    def __init__(self, edges: Sequence[Edge]) -> None:
        self.edges = edges
        # By the token that they begin with.
        self.places: dict[int, list[Edge]] = {}
        for edge in edges:
            self.places.setdefault(edge.first, []).append(edge)
        # By the token behind them, and the keys of `places` in order: made when they are first asked for.
        self._ends: dict[int, list[Edge]] = {}
        self._ordered: list[int] = []

    @property
    def ends(self) -> dict[int, list[Edge]]:
        """By the token behind them; a number may have its suffix before it."""
        if not self._ends:
            for edge in self.edges:
                for end in (edge.last + 1, edge.last + 2) if edge.symbol.isdigit() else (edge.last + 1,):
                    self._ends.setdefault(end, []).append(edge)
        return self._ends

    def within(self, first: int, last: int) -> bool:
        """Whether one begins at these tokens, or between them."""
        if first == last:
            return first in self.places
        if not self._ordered:
            self._ordered = sorted(self.places)
        at = bisect_left(self._ordered, first)
        return at < len(self._ordered) and self._ordered[at] <= last

    def before(self, slot: Slot, following: "Standing") -> Sequence[Edge]:
        """Those behind which one for the next slot may be in reach, in order."""
        if not slot.gap and len(following.places) < _FEW:
            return [edge for place in sorted(following.places) for edge in self.ends.get(place, ())]
        if slot.skip is Skip.MILITARY:
            # A list of numbers of any length may stand between.
            last = max(following.places, default=0)
            return sorted(edge for edge in self.edges if edge.last < last)
        if len(following.places) * (slot.gap + 1) < len(self.ends):
            reach = {end for place in following.places for end in range(place - slot.gap, place + 1)}
            ends = sorted(self.ends.keys() & reach)
        else:
            ends = sorted(end for end in self.ends if following.within(end, end + slot.gap))
        return [edge for end in ends for edge in self.ends[end]]


class Ground:
    """A text to walk on. `steps` counts the edges looked at, over all paths."""

    def __init__(
        self,
        reading: Reading,
        extra: Iterable[Edge] = (),
        *,
        speech: bool = False,
        live: Places | None = None,
    ) -> None:
        """`extra`: other readings of its words; `live`: where those stand that may be symbols, by default all."""
        self.reading = reading
        self.words = reading.words
        self.speech = speech
        self.steps = 0
        gaps = reading.gaps[1:-1]
        # Tokens with nothing between them and the one before: no match begins there, or ends right before them.
        self.inner = frozenset(i for i, gap in enumerate(gaps, 1) if not gap) if "" in gaps else frozenset()
        # By symbol: the tokens that are it as they stand, and the edges that are read as it.
        self.exact: Places = reading.where(reading.vocabulary) if live is None else live
        self.others: dict[str, list[Edge]] = {}
        for edge in extra:
            others = self.others.setdefault(edge.symbol, [])
            if len(others) < MAX_DISGUISED:
                others.append(edge)
        self.symbols = self.exact.keys() | self.others.keys()
        self._standing: dict[tuple[str, ...], Standing] = {}
        self._together: dict[int, bool] = {}
        self._allowed: dict[tuple[object, ...], bool] = {}
        self._looks = 0

    def meeting(self, slot: Slot) -> list[str]:
        """The symbols of the text that meet a slot, in order."""
        met = slot.forms.keys() & self.symbols
        if slot.prefix:
            met.update(filter(methodcaller("startswith", slot.prefix), self._begun[slot.prefix[:SHORTEST_PREFIX]]))
        return sorted(met) if len(met) > 1 else list(met)

    @cached_property
    def _begun(self) -> defaultdict[str, list[str]]:
        """The symbols, by how they begin."""
        begun = defaultdict[str, list[str]](list)
        for symbol in self.symbols:
            begun[symbol[:SHORTEST_PREFIX]].append(symbol)
        return begun

    def standing(self, slot: Slot) -> Standing:
        """Where the symbols that meet a slot stand."""
        key = tuple(self.meeting(slot))
        if key not in self._standing:
            exact = [Edge(i, i, symbol, Reason.EXACT) for symbol in key for i in self.exact.get(symbol, ())]
            self._standing[key] = Standing([*exact, *(edge for symbol in key for edge in self.others.get(symbol, ()))])
        return self._standing[key]

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
        key = int(form.guard), form.lemmas, edge.symbol, edge.first, edge.last, ordinal, told
        if (known := self._allowed.get(key)) is None:
            looks = not told and bool(int(form.guard) & _CONTEXT)
            self._looks += looks
            known = self._allowed[key] = (looks and self._looks > MAX_LOOKS) or allows(
                form, self.reading, edge, speech=self.speech, ordinal=ordinal, told=told
            )
        return known

    def admits(self, form: Form, index: int, symbol: str) -> bool:
        """The same for a word by itself that stands there as it is."""
        guard = int(form.guard)
        if guard & _CONTEXT:
            self._looks += 1
            if self._looks > MAX_LOOKS:
                return True
        return allows(form, self.reading, Edge(index, index, symbol, Reason.EXACT), speech=self.speech, ordinal=False)

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
