"""All terms of all rules, found in one pass over a text.

The symbols of a text (its words and their other readings) are intersected with the first slots of all paths; only paths
whose first slot is met are walked. So the cost follows the text, not the number of rules. Regular expressions are scanned
one by one.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from bot.rules.fuzzy import Fuzzy
from bot.rules.lattice import Edge, Lexicon, edges
from bot.rules.patterns import Pattern
from bot.rules.slots import BOLDNESS, Compiled, Path, Reason
from bot.rules.tree import Found, Term
from bot.rules.walk import Ground, Way, walk
from bot.rules.words import Reading, form_of, read

Roots = Mapping[str, list[tuple[Compiled, Path]]]


class Index:
    """Compiled once from the terms; `find` is pure."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._roots: dict[str, list[tuple[Compiled, Path]]] = defaultdict(list)
        # First slots that are prefixes, by their length.
        self._prefixes: dict[int, dict[str, list[tuple[Compiled, Path]]]] = defaultdict(lambda: defaultdict(list))
        self._patterns: list[Pattern] = []
        symbols: set[str] = set()
        fuzzy: set[str] = set()
        for term in dict.fromkeys(terms):
            if isinstance(term, Pattern):
                self._patterns.append(term)
                continue
            for path in term.paths:
                self._add(term, path)
                for slot in path.slots:
                    symbols.update(slot.forms)
                    fuzzy.update(slot.forms if slot.fuzzy else ())
        self._lexicon = Lexicon.of(symbols)
        self._first = frozenset(self._roots)
        self._fuzzy = Fuzzy(fuzzy)

    def _add(self, term: Compiled, path: Path) -> None:
        first = path.slots[0]
        if first.prefix:
            self._prefixes[len(first.prefix)][first.prefix].append((term, path))
        for form in first.forms:
            self._roots[form].append((term, path))

    def find(self, text: str, field: int, *, speech: bool = False) -> Iterator[Found]:
        """Every hit in the text of field number `field`; word numbers are those of the plain reading.

        `speech`: a transcript, which has no capitals to go by.
        """
        plain, *others = read(text)
        seen: set[tuple[Term, int, int]] = set()
        for found in self._walked(plain, field, plain, speech):
            seen.add((found.term, found.start, found.end))
            yield found
        for other in others:
            for found in self._walked(other, field, plain, speech):
                if (found.term, found.start, found.end) not in seen:
                    yield found
        for pattern in self._patterns:
            for start, end in pattern.find(text):
                yield _placed(field, start, end, plain, pattern, form_of(text[start:end]), Reason.REGEX)

    def _walked(self, reading: Reading, field: int, plain: Reading, speech: bool) -> Iterator[Found]:
        extra = [*edges(reading, self._lexicon), *self._fuzzy.edges(reading)]
        roots = self._touched(reading.vocabulary, extra)
        if not roots:
            return
        ground = Ground(reading, extra, speech=speech)
        best: dict[tuple[Compiled, int, int], Way] = {}
        for edge in _starts(reading, extra, roots):
            for term, path in roots[edge.symbol]:
                for way in walk(ground, path, edge):
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

    def _touched(self, vocabulary: set[str], extra: list[Edge]) -> Roots:
        """The paths that may begin with each symbol of the text."""
        symbols = vocabulary.union(edge.symbol for edge in extra) if extra else vocabulary
        roots = {symbol: self._roots[symbol] for symbol in symbols & self._first}
        for length, prefixes in self._prefixes.items():
            for symbol in symbols:
                if begun := prefixes.get(symbol[:length]) if len(symbol) >= length else None:
                    roots[symbol] = [*roots.get(symbol, ()), *begun]
        return roots


def _starts(reading: Reading, extra: Iterable[Edge], roots: Roots) -> Iterator[Edge]:
    for i, word in enumerate(reading.words):
        if word in roots:
            yield Edge(i, i, word, Reason.EXACT)
    yield from (edge for edge in extra if edge.symbol in roots)


def _placed(field: int, start: int, end: int, plain: Reading, term: Term, form: str, reason: Reason) -> Found:
    """A hit of another reading, with the word numbers of the plain one."""
    first = max(bisect_right(plain.places, start) - 1, 0)
    return Found(field, start, end, first, max(bisect_left(plain.places, end) - 1, first), term, form, reason)
