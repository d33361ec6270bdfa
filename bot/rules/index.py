"""All terms of all rules, found in one pass over a text.

Words and phrases are walked from their anchors (see `anchors`); regular expressions are scanned one by one.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Self, TypeVar

from bot.model import Source
from bot.rules.addresses import Locator, Locators
from bot.rules.anchors import Anchors
from bot.rules.fuzzy import Fuzzy
from bot.rules.lattice import Edge, edges
from bot.rules.lexicon import Lexicon
from bot.rules.patterns import Pattern
from bot.rules.rule import Field
from bot.rules.slots import BOLDNESS, Compiled, Path, Reason, Slot
from bot.rules.tree import Found, Term
from bot.rules.walk import Ground, Way, walk
from bot.rules.words import Reading, form_of, read

T = TypeVar("T", Pattern, Locator, Compiled)


class Index:
    """Immutable; `find` is pure, and `changed` gives another index at the cost of a copy."""

    def __init__(self) -> None:
        self._lexicon = Lexicon()
        self._anchors = Anchors()
        self._patterns: dict[Pattern, None] = {}
        self._locators = Locators(())
        self._locating: dict[Locator, None] = {}
        # Terms that allow a slip.
        self._loose: dict[Compiled, None] = {}
        self._fuzzy = Fuzzy(())

    def changed(self, gone: AbstractSet[Term], new: Collection[Term]) -> Self:
        """Without some terms (each was there), and with others (none was)."""
        other = type(self)()
        less = [term for term in gone if isinstance(term, Compiled)]
        more = [term for term in new if isinstance(term, Compiled)]
        other._lexicon = self._lexicon.changed(_symbols(_slots(less)), _symbols(_slots(more)))
        other._anchors = self._anchors.changed(less, more, other._lexicon)
        other._patterns = _exchanged(self._patterns, gone, (term for term in new if isinstance(term, Pattern)))
        other._locating = _exchanged(self._locating, gone, (term for term in new if isinstance(term, Locator)))
        other._locators = Locators(other._locating)
        other._loose = _exchanged(self._loose, gone, filter(_is_loose, more))
        same = other._loose == self._loose
        other._fuzzy = self._fuzzy if same else Fuzzy(_symbols(slot for slot in _slots(other._loose) if slot.fuzzy))
        return other

    def find(self, field: Field, number: int) -> Iterator[Found]:
        """Every hit in field number `number`; word numbers are those of the plain reading."""
        text = field.text
        plain, *others = read(text)
        # A transcript has no capitals to go by.
        speech = field.source is Source.TRANSCRIPT
        seen: set[tuple[Term, int, int]] = set()
        for found in self._walked(plain, number, plain, speech):
            if others:
                seen.add((found.term, found.start, found.end))
            yield found
        for other in others:
            for found in self._walked(other, number, plain, speech):
                if (found.term, found.start, found.end) not in seen:
                    yield found
        forms: dict[str, str] = {}
        for pattern in self._patterns:
            for start, end in pattern.find(text):
                form = forms.get(piece := text[start:end]) or forms.setdefault(piece, form_of(piece))
                yield _placed(number, start, end, plain, pattern, form, Reason.REGEX)
        if self._locators:
            for address, locator, reason in self._locators.find(text, field.entities):
                yield _placed(number, address.start, address.end, plain, locator, address.value, reason)

    def _walked(self, reading: Reading, field: int, plain: Reading, speech: bool) -> Iterator[Found]:
        extra = [*edges(reading, self._lexicon), *self._fuzzy.edges(reading)]
        symbols = reading.vocabulary.union(edge.symbol for edge in extra) if extra else reading.vocabulary
        entries = self._anchors.alive(symbols)
        if not entries:
            return
        ground = Ground(reading, extra, speech=speech)
        starts = _Starts(reading, extra, symbols, (path.slots[0] for _, path in entries))
        paths: dict[Compiled, list[Path]] = {}
        for term, path in entries:
            paths.setdefault(term, []).append(path)
        for term, some in paths.items():
            best: dict[tuple[int, int], Way] = {}
            for path in some:
                for way in walk(ground, path, starts.of(path.slots[0])):
                    place = way[:2]
                    if place not in best or BOLDNESS[way.reason] < BOLDNESS[best[place].reason]:
                        best[place] = way
            for first, last, reason, meant in best.values():
                start, end = reading.span(first, last)
                form = meant or reading.form(first, last)
                if reading is plain:
                    yield Found(field, start, end, first, last, term, form, reason)
                else:
                    yield _placed(field, start, end, plain, term, form, reason)


class _Starts:
    """Where in a text paths may begin: the edges that meet their first slots."""

    def __init__(
        self, reading: Reading, extra: Iterable[Edge], symbols: AbstractSet[str], slots: Iterable[Slot]
    ) -> None:
        # By slot: what it may be met by.
        self._meeting = {id(slot): _meeting(slot, symbols) for slot in slots}
        self._by_symbol: dict[str, list[Edge]] = {symbol: [] for some in self._meeting.values() for symbol in some}
        for i, word in enumerate(reading.words):
            if word in self._by_symbol:
                self._by_symbol[word].append(Edge(i, i, word, Reason.EXACT))
        for edge in extra:
            if edge.symbol in self._by_symbol:
                self._by_symbol[edge.symbol].append(edge)

    def of(self, slot: Slot) -> Iterator[Edge]:
        """The edges that may meet a slot, in order where they are of one symbol."""
        for symbol in self._meeting[id(slot)]:
            yield from self._by_symbol[symbol]


def _meeting(slot: Slot, symbols: AbstractSet[str]) -> list[str]:
    met = slot.forms.keys() & symbols
    return [*met, *(symbol for symbol in symbols if symbol.startswith(slot.prefix))] if slot.prefix else list(met)


def _placed(field: int, start: int, end: int, plain: Reading, term: Term, form: str, reason: Reason) -> Found:
    """A hit of another reading, with the word numbers of the plain one."""
    first = max(bisect_right(plain.places, start) - 1, 0)
    return Found(field, start, end, first, max(bisect_left(plain.places, end) - 1, first), term, form, reason)


def _slots(terms: Iterable[Compiled]) -> Iterator[Slot]:
    return (slot for term in terms for path in term.paths for slot in path.slots)


def _symbols(slots: Iterable[Slot]) -> Iterator[str]:
    return (form for slot in slots for form in slot.forms)


def _is_loose(term: Compiled) -> bool:
    return any(slot.fuzzy for slot in _slots((term,)))


def _exchanged(before: dict[T, None], gone: AbstractSet[Term], new: Iterable[T]) -> dict[T, None]:
    return {term: None for term in before if term not in gone} | dict.fromkeys(new)
