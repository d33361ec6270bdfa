"""A text to walk on: where the words that rules ask for stand, and what stands around them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property

from bot.rules.guards import allows
from bot.rules.lattice import Edge
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


class Standing:
    """The edges that may meet a slot. Places are bits of one number, so that whole texts are compared at once."""

    def __init__(self, ground: "Ground", symbols: Sequence[str]) -> None:
        self.symbols = symbols
        self._ground = ground
        # The tokens that an edge begins with, and those behind one; a number may have its suffix before them.
        self.begins = self.behind = 0
        for symbol in symbols:
            begins, behind = ground.marks(symbol)
            self.begins |= begins
            self.behind |= behind
        # Whether all are single words that stand there as they are, and no numbers.
        self.plain = not any(symbol in ground.others or symbol.isdigit() for symbol in symbols)

    @cached_property
    def edges(self) -> Sequence[Edge]:
        """Symbol by symbol: those that stand there as they are before the others."""
        exact, others = self._ground.exact, self._ground.others
        standing = [Edge(i, i, symbol, Reason.EXACT) for symbol in self.symbols for i in exact.get(symbol, ())]
        return [*standing, *(edge for symbol in self.symbols for edge in others.get(symbol, ()))]

    @cached_property
    def places(self) -> Mapping[int, Sequence[Edge]]:
        """By the token that they begin with."""
        places: dict[int, list[Edge]] = {}
        for edge in self.edges:
            places.setdefault(edge.first, []).append(edge)
        return places

    @cached_property
    def _ends(self) -> Mapping[int, Sequence[Edge]]:
        """By the token behind them; a number may have its suffix before it."""
        ends: dict[int, list[Edge]] = {}
        for edge in self.edges:
            for end in (edge.last + 1, edge.last + 2) if edge.symbol.isdigit() else (edge.last + 1,):
                ends.setdefault(end, []).append(edge)
        return ends

    def within(self, first: int, last: int) -> bool:
        """Whether one begins at these tokens, or between them."""
        return (self.begins >> first) & ((2 << (last - first)) - 1) != 0

    def before(self, slot: Slot, following: "Standing") -> Iterator[Edge]:
        """Those behind which one for the next slot may be in reach, in order."""
        if slot.gap and slot.skip is Skip.MILITARY:
            # A list of numbers of any length may stand between.
            last = following.begins.bit_length() - 1
            yield from sorted(edge for edge in self.edges if edge.last < last)
            return
        reach = following.begins
        for _ in range(slot.gap):
            reach |= reach >> 1
        for end in bits(self.behind & reach):
            yield from self._ends[end]


def bits(number: int) -> Iterator[int]:
    """The bits that are set in a number, the lowest first."""
    while number:
        lowest = number & -number
        yield lowest.bit_length() - 1
        number ^= lowest


class Ground:
    """A text to walk on. `steps` counts the edges looked at, over all paths."""

    def __init__(
        self,
        reading: Reading,
        extra: Iterable[Edge] = (),
        *,
        speech: bool = False,
        live: AbstractSet[str] | None = None,
    ) -> None:
        """`extra`: other readings of its words; `live`: those words that may be symbols, by default all."""
        self.reading = reading
        self.words = reading.words
        self.speech = speech
        self.steps = 0
        gaps = reading.gaps[1:-1]
        # Tokens with nothing between them and the one before: no match begins there, or ends right before them.
        self.inner = frozenset(i for i, gap in enumerate(gaps, 1) if not gap) if "" in gaps else frozenset()
        # By symbol: the tokens that are it as they stand, and the edges that are read as it.
        self.exact: dict[str, list[int]] = {}
        self.others: dict[str, list[Edge]] = {}
        live = reading.vocabulary if live is None else live
        for i, word in enumerate(self.words):
            if word in live:
                self.exact.setdefault(word, []).append(i)
        for edge in extra:
            others = self.others.setdefault(edge.symbol, [])
            if len(others) < MAX_DISGUISED:
                others.append(edge)
        self.symbols = self.exact.keys() | self.others.keys()
        # Of a slot's forms, by which object they are: paths that ask for the same word often share them.
        self._met: dict[int, list[str]] = {}
        self._standing: dict[tuple[str, ...], Standing] = {}
        self._marks: dict[str, tuple[int, int]] = {}
        self._together: dict[int, bool] = {}
        self._allowed: dict[tuple[object, ...], bool] = {}
        self._looks = 0

    def meeting(self, slot: Slot) -> list[str]:
        """The symbols of the text that meet a slot, in order."""
        if slot.prefix:
            begun = (symbol for symbol in self.symbols if symbol.startswith(slot.prefix))
            return sorted((slot.forms.keys() & self.symbols).union(begun))
        if (met := self._met.get(id(slot.forms))) is None:
            some = slot.forms.keys() & self.symbols
            met = self._met[id(slot.forms)] = sorted(some) if len(some) > 1 else list(some)
        return met

    def standing(self, slot: Slot) -> Standing:
        """Where the symbols that meet a slot stand."""
        key = tuple(self.meeting(slot))
        if (known := self._standing.get(key)) is None:
            known = self._standing[key] = Standing(self, key)
        return known

    def marks(self, symbol: str) -> tuple[int, int]:
        """The tokens that a symbol begins with, and those behind it, as bits of two numbers."""
        if (known := self._marks.get(symbol)) is not None:
            return known
        begins = behind = 0
        for i in self.exact.get(symbol, ()):
            begins |= 1 << i
        behind = begins << 1
        for edge in self.others.get(symbol, ()):
            begins |= 1 << edge.first
            behind |= 2 << edge.last
        if symbol.isdigit():
            behind |= behind << 1
        self._marks[symbol] = begins, behind
        return begins, behind

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
