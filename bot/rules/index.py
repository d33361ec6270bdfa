"""All terms of all rules, found in one pass over a text.

Each path is kept under the forms of one of its slots, the rarest among the rules: its anchor. The symbols of a text (its
words and their other readings) are intersected with the anchors, and only paths all of whose slots the text can meet are
walked. So the cost follows the text, not the number of rules. Regular expressions are scanned one by one.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from bot.model import Source
from bot.rules.addresses import Locator, Locators
from bot.rules.fuzzy import Fuzzy
from bot.rules.lattice import Edge, Lexicon, edges
from bot.rules.patterns import Pattern
from bot.rules.rule import Field
from bot.rules.slots import BOLDNESS, Compiled, Path, Reason, Slot
from bot.rules.tree import Found, Term
from bot.rules.walk import Ground, Way, walk
from bot.rules.words import Reading, form_of, read

# A term's path, as it is kept: equal only to itself.
Entry = tuple[Compiled, Path]


class Index:
    """Compiled once from the terms; `find` is pure."""

    def __init__(self, terms: Iterable[Term]) -> None:
        every = tuple(dict.fromkeys(terms))
        self._patterns = tuple(term for term in every if isinstance(term, Pattern))
        self._locators = Locators(term for term in every if isinstance(term, Locator))
        entries = [(term, path) for term in every if isinstance(term, Compiled) for path in term.paths]
        slots = [slot for _, path in entries for slot in path.slots]
        count = Counter(form for slot in slots for form in slot.forms)
        self._anchored: defaultdict[str, list[Entry]] = defaultdict(list)
        # Paths of prefixes alone, by the first one's length.
        self._prefixed: defaultdict[int, defaultdict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for entry in entries:
            self._add(entry, count)
        self._lexicon = Lexicon.of(count)
        self._anchors = frozenset(self._anchored)
        self._fuzzy = Fuzzy({form for slot in slots if slot.fuzzy for form in slot.forms})

    def _add(self, entry: Entry, count: Counter[str]) -> None:
        slots = [slot for slot in entry[1].slots if slot.forms]
        if not slots:
            prefix = entry[1].slots[0].prefix
            self._prefixed[len(prefix)][prefix].append(entry)
            return
        anchor = slots[0] if len(slots) == 1 else min(slots, key=lambda slot: max(count[form] for form in slot.forms))
        for form in anchor.forms:
            self._anchored[form].append(entry)

    def find(self, field: Field, number: int) -> Iterator[Found]:
        """Every hit in field number `number`; word numbers are those of the plain reading."""
        text = field.text
        plain, *others = read(text)
        # A transcript has no capitals to go by.
        speech = field.source is Source.TRANSCRIPT
        seen: set[tuple[Term, int, int]] = set()
        for found in self._walked(plain, number, plain, speech):
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
        entries = self._alive(symbols)
        if not entries:
            return
        ground = Ground(reading, extra, speech=speech)
        starts = _Starts(reading, extra, symbols, [path.slots[0] for _, path in entries])
        best: dict[tuple[Compiled, int, int], Way] = {}
        for term, path in entries:
            for way in walk(ground, path, starts.of(path.slots[0])):
                place = (term, way.first, way.last)
                if place not in best or BOLDNESS[way.reason] < BOLDNESS[best[place].reason]:
                    best[place] = way
        for (term, first, last), way in best.items():
            start, end = reading.span(first, last)
            form = way.form or reading.form(first, last)
            if reading is plain:
                yield Found(field, start, end, first, last, term, form, way.reason)
            else:
                yield _placed(field, start, end, plain, term, form, way.reason)

    def _alive(self, symbols: set[str]) -> list[Entry]:
        """The paths all of whose slots are met by some symbol of the text."""
        entries: dict[int, Entry] = {}
        for symbol in symbols & self._anchors:
            entries.update((id(entry), entry) for entry in self._anchored[symbol])
        for length, prefixes in self._prefixed.items():
            for symbol in symbols:
                if len(symbol) >= length and (begun := prefixes.get(symbol[:length])):
                    entries.update((id(entry), entry) for entry in begun)
        return [
            entry
            for entry in entries.values()
            if len(entry[1].slots) == 1
            or not any(slot.forms and slot.forms.keys().isdisjoint(symbols) for slot in entry[1].slots)
        ]


class _Starts:
    """Where in a text paths may begin: the edges that meet their first slots."""

    def __init__(self, reading: Reading, extra: Iterable[Edge], symbols: set[str], slots: Iterable[Slot]) -> None:
        self._symbols = symbols
        self._by_symbol: dict[str, list[Edge]] = {symbol: [] for slot in slots for symbol in self._meeting(slot)}
        for i, word in enumerate(reading.words):
            if word in self._by_symbol:
                self._by_symbol[word].append(Edge(i, i, word, Reason.EXACT))
        for edge in extra:
            if edge.symbol in self._by_symbol:
                self._by_symbol[edge.symbol].append(edge)

    def _meeting(self, slot: Slot) -> Iterator[str]:
        yield from slot.forms.keys() & self._symbols
        if slot.prefix:
            yield from (symbol for symbol in self._symbols if symbol.startswith(slot.prefix))

    def of(self, slot: Slot) -> Iterator[Edge]:
        """The edges that may meet a slot, in order where they are of one symbol."""
        for symbol in self._meeting(slot):
            yield from self._by_symbol[symbol]


def _placed(field: int, start: int, end: int, plain: Reading, term: Term, form: str, reason: Reason) -> Found:
    """A hit of another reading, with the word numbers of the plain one."""
    first = max(bisect_right(plain.places, start) - 1, 0)
    return Found(field, start, end, first, max(bisect_left(plain.places, end) - 1, first), term, form, reason)
