"""All terms of all rules, found in one pass over a text.

Words and phrases are walked from their anchors (see `anchors`); regular expressions are scanned one by one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import Self, TypeVar

from bot.model import Source
from bot.rules.addresses import Locator, Locators
from bot.rules.anchors import Anchors
from bot.rules.finds import Finds
from bot.rules.fuzzy import Fuzzy
from bot.rules.ground import Ground
from bot.rules.lattice import Edge, Meant, Places, edges
from bot.rules.lexicon import Lexicon
from bot.rules.patterns import Pattern
from bot.rules.rule import Field
from bot.rules.scene import Scene, placed
from bot.rules.sieve import Sieve
from bot.rules.slots import Compiled, Path, Reason, Slot
from bot.rules.tree import Found, Term
from bot.rules.words import Reading, form_of, read

T = TypeVar("T", Pattern, Locator, Compiled)


class Index:
    """Immutable; `find` is pure, and `changed` gives another index at the cost of a copy."""

    def __init__(self) -> None:
        self._lexicon = Lexicon()
        # How many slots ask for words that begin so.
        self._prefixes: Counter[str] = Counter()
        self._sieve = Sieve(self._lexicon)
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
        other._prefixes = _counted(self._prefixes, _prefixes(less), _prefixes(more))
        other._sieve = Sieve(other._lexicon, other._prefixes)
        other._anchors = self._anchors.changed(less, more, other._lexicon)
        other._patterns = _exchanged(self._patterns, gone, (term for term in new if isinstance(term, Pattern)))
        other._locating = _exchanged(self._locating, gone, (term for term in new if isinstance(term, Locator)))
        other._locators = Locators(other._locating)
        other._loose = _exchanged(self._loose, gone, filter(_is_loose, more))
        same = other._loose == self._loose
        other._fuzzy = self._fuzzy if same else Fuzzy(_symbols(slot for slot in _slots(other._loose) if slot.fuzzy))
        return other

    def find(self, fields: Sequence[Field]) -> Finds:
        """The hits in some fields, by the texts of the terms; word numbers are those of a field's plain reading."""
        finds = Finds()
        for number, field in enumerate(fields):
            plain, *others = read(field.text)
            # A transcript has no capitals to go by.
            speech = field.source is Source.TRANSCRIPT
            meant: Meant = {}
            for reading in (plain, *others):
                live = reading.where(self._sieve.words(reading.vocabulary))
                extra = [*edges(reading, live, self._sieve, meant), *self._fuzzy.edges(reading)]
                symbols = live.keys() | {edge.symbol for edge in extra} if extra else live.keys()
                fresh = None if reading is plain else _fresh(reading, live, extra)
                if paths := self._alive(symbols, fresh):
                    ground = Ground(reading, extra, speech=speech, live=live)
                    finds.await_paths(Scene(ground, field=number, plain=plain), paths)
            for text, found in self._scanned(field, number, plain):
                finds.add(text, found)
        return finds

    def _scanned(self, field: Field, number: int, plain: Reading) -> Iterator[tuple[str, Found]]:
        """What regular expressions and addresses find."""
        text, forms = field.text, dict[str, str]()
        for pattern in self._patterns:
            for start, end in pattern.find(text):
                form = forms.get(piece := text[start:end]) or forms.setdefault(piece, form_of(piece))
                yield pattern.text, placed(number, start, end, plain, form, Reason.REGEX)
        if self._locators:
            for address, locator, reason in self._locators.find(text, field.entities):
                yield locator.text, placed(number, address.start, address.end, plain, address.value, reason)

    def _alive(self, symbols: AbstractSet[str], fresh: AbstractSet[str] | None) -> dict[str, list[Path]]:
        """The paths that these symbols may meet, by the texts of their terms: walked when their term is asked for.

        `fresh`: the symbols one of which has to meet them, if not any will do.
        """
        alive = self._anchors.alive(symbols, fresh) if symbols else ()
        # In the order of the term, whatever order a set has in this process: of two forms at one place the first counts.
        paths: dict[str, list[Path]] = {}
        for term, _, path in sorted(alive, key=_NUMBER):
            paths.setdefault(term.text, []).append(path)
        return paths


_NUMBER = itemgetter(1)
# A word hangs on two words before it and on one behind it, as guards ask for: so it is at one before a changed word, or
# at two behind it.
_BEFORE, _AFTER = 1, 2


def _fresh(reading: Reading, live: Places, extra: Iterable[Edge]) -> set[str]:
    """The symbols of another reading that stand where it is not the plain one, or next to that.

    What matches without one of them is found in the plain reading: there words are glued, so gaps are no longer.
    """
    near = reading.near_breaks(_BEFORE, _AFTER)
    words = {word for i in near if 0 <= i < len(reading.words) and (word := reading.words[i]) in live}
    return words.union(edge.symbol for edge in extra if not near.isdisjoint(range(edge.first, edge.last + 1)))


def _slots(terms: Iterable[Compiled]) -> Iterator[Slot]:
    return (slot for term in terms for path in term.paths for slot in path.slots)


def _symbols(slots: Iterable[Slot]) -> Iterator[str]:
    return (form for slot in slots for form in slot.forms)


def _prefixes(terms: Iterable[Compiled]) -> Iterator[str]:
    return (slot.prefix for slot in _slots(terms) if slot.prefix)


def _counted(before: Counter[str], gone: Iterable[str], new: Iterable[str]) -> Counter[str]:
    after = before + Counter(new)
    after.subtract(gone)
    return +after


def _is_loose(term: Compiled) -> bool:
    return any(slot.fuzzy for slot in _slots((term,)))


def _exchanged(before: dict[T, None], gone: AbstractSet[Term], new: Iterable[T]) -> dict[T, None]:
    return {term: None for term in before if term not in gone} | dict.fromkeys(new)
