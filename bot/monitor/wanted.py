"""Which indexed words a post must hold for a rule to be worth trying on it: a rule's tree as a wish to the store. Pure.

A wish finds every post whose words are written as the rule's forms are, apart, glued to a number (58ОА) or with an
apostrophe inside (Слов'янськ), and numbers in words by their last word. Posts that hide their words are not found.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, pairwise, product

from bot.rules.numbers import number_words
from bot.rules.slots import Compiled, Path, Slot
from bot.rules.tree import AtLeast, Leaf, Near, Term, Tree
from bot.store import Every, Holds, Some, Wish

# Ways of writing slots together are written out while they are no more than this.
_MOST_GLUED = 600
_MOST_BORDERS = 3
# A word one slip away is looked for by its beginning.
_SHORTEST_BEGINNING = 3
_BEFORE_APOSTROPHE = frozenset("бпвмфркгдзсж")
_AFTER_APOSTROPHE = frozenset("яюєї")


def wish_of(tree: Tree) -> Wish | None:
    """What a post must hold for the tree to be true; None when nothing can be asked of the index."""
    match tree:
        case Leaf(_, absent=True) | Near(absent=True):
            return None
        case Leaf(term):
            return _term(term)
        case Near(left, right):
            return _every([_some(map(_term, left)), _some(map(_term, right))])
        case AtLeast(count, children):
            wishes = [wish_of(child) for child in children]
            if count == len(wishes):
                return _every(wishes)
            # As many as need not be asked for may be true: if those suffice, nothing can be asked.
            free = sum(wish is None for wish in wishes)
            return None if free >= count else _some(wish for wish in wishes if wish is not None)


def _every(wishes: Iterable[Wish | None]) -> Wish | None:
    found = tuple(wish for wish in wishes if wish is not None)
    return (found[0] if len(found) == 1 else Every(found)) if found else None


def _some(wishes: Iterable[Wish | None]) -> Wish | None:
    found = tuple(dict.fromkeys(wishes))
    if not found or None in found:
        return None
    return found[0] if len(found) == 1 else Some(tuple(wish for wish in found if wish is not None))


def _term(term: Term) -> Wish | None:
    if not isinstance(term, Compiled):
        return None
    return _some(map(_path, term.paths))


def _path(path: Path) -> Wish | None:
    """Any way of writing the slots: apart, or together where a number meets letters."""
    return _some(_every(map(_run, runs)) for runs in _runs(path.slots))


def _runs(slots: Sequence[Slot]) -> Iterator[list[Sequence[Slot]]]:
    borders = [at for at, (one, other) in enumerate(pairwise(slots), start=1) if _numeric(one) != _numeric(other)]
    together = borders if len(borders) <= _MOST_BORDERS else []
    always = [at for at in range(1, len(slots)) if at not in together]
    for count in range(len(together) + 1):
        for parted in combinations(together, count):
            cuts = [0, *sorted([*always, *parted]), len(slots)]
            yield [slots[start:end] for start, end in pairwise(cuts)]


def _numeric(slot: Slot) -> bool:
    return bool(slot.forms) and all(form.isdigit() for form in slot.forms)


def _run(slots: Sequence[Slot]) -> Wish | None:
    if len(slots) == 1:
        return _some(_words(slots[0]))
    count = 1
    for slot in slots:
        count *= len(slot.forms) + bool(slot.prefix)
    if count > _MOST_GLUED:
        return _some(_holds(form, begins=True) for form in slots[0].forms)
    choices = product(*([*slot.forms, *([slot.prefix] if slot.prefix else [])] for slot in slots))
    return _some(_holds("".join(choice), begins=bool(slots[-1].prefix)) for choice in choices)


def _words(slot: Slot) -> Iterator[Wish | None]:
    if slot.prefix:
        yield _holds(slot.prefix, begins=True)
    for form in slot.forms:
        if form.isdigit():
            # Also 58-я, written 58я.
            yield _holds(form, begins=True)
            yield from (_holds(word) for word in _last_words(int(form)))
        elif slot.fuzzy and len(form) > _SHORTEST_BEGINNING:
            yield _holds(form[: max(_SHORTEST_BEGINNING, len(form) // 2)], begins=True)
        else:
            yield _holds(form)
            yield from _with_apostrophe(form)


def _holds(word: str, *, begins: bool = False) -> Wish | None:
    return Holds(word, begins) if word.isalnum() else None


def _last_words(number: int) -> list[str]:
    """The words with which the number can end: восьмой, восемь and the like for 58."""
    hundred = number % 100
    sizes = (hundred if 10 <= hundred < 20 else number % 10, hundred, number % 1000, min(number, 1000))
    last = next((size for size in sizes if size), 0)
    return [word for word, meaning in number_words().items() if meaning.value == last]


def _with_apostrophe(form: str) -> Iterator[Wish | None]:
    """The index takes an apostrophe for a border between words, the rules take it for nothing."""
    for at, (one, other) in enumerate(pairwise(form), start=1):
        if one in _BEFORE_APOSTROPHE and other in _AFTER_APOSTROPHE:
            yield _every((_holds(form[:at]), _holds(form[at:])))
