"""The boolean layer: what a rule asks for, and which hits make it true.

A tree is kept in negation normal form: NOT stands at the leaves alone. So a tree that is false without any hit can
become true only through a hit on a term that is wanted, and that hit is its proof.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bot.rules.addresses import Locator
from bot.rules.patterns import Pattern
from bot.rules.slots import Compiled, Reason

Term = Compiled | Pattern | Locator


class Found(NamedTuple):
    """Where in a field something was found: span in the original text, its first and last word by number.

    Several terms may share one: it does not say whose it is.
    """

    field: int
    start: int
    end: int
    first: int
    last: int
    form: str
    reason: Reason = Reason.EXACT


Hits = Sequence[Found]
Lookup = Callable[[Term], Hits]
# What makes a tree true, term by term.
Proof = list[tuple[Term, Hits]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A term, or its absence."""

    term: Term
    absent: bool = False

    def __str__(self) -> str:
        return f"{'NOT ' if self.absent else ''}[{self.term}]"


@dataclass(frozen=True, slots=True)
class Near:
    """A term of `left` and one of `right` in one field, with at most `distance` words between, in either order."""

    left: tuple[Term, ...]
    right: tuple[Term, ...]
    distance: int
    absent: bool = False

    def __str__(self) -> str:
        left, right = (" ".join(f"[{term}]" for term in side) for side in (self.left, self.right))
        return f"{'NOT ' if self.absent else ''}({left} NEAR/{self.distance} {right})"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """`count` of the children: 1 is OR, all of them is AND."""

    count: int
    children: tuple["Tree", ...]

    def __str__(self) -> str:
        return f"{self.count} of ({', '.join(map(str, self.children))})"


Tree = Leaf | Near | AtLeast


def any_of(children: list[Tree]) -> Tree:
    """OR."""
    return children[0] if len(children) == 1 else AtLeast(1, tuple(children))


def all_of(children: list[Tree]) -> Tree:
    """AND."""
    return children[0] if len(children) == 1 else AtLeast(len(children), tuple(children))


def negate(tree: Tree) -> Tree:
    """NOT, pushed down to the leaves: fewer than `count` of n means n - count + 1 that do not hold."""
    match tree:
        case Leaf(term, absent):
            return Leaf(term, not absent)
        case Near(left, right, distance, absent):
            return Near(left, right, distance, not absent)
        case AtLeast(count, children):
            return AtLeast(len(children) - count + 1, tuple(negate(child) for child in children))


def terms(tree: Tree, *, wanted_only: bool = False) -> Iterator[Term]:
    """The terms of a tree, in order; only those that can make it true, if asked."""
    match tree:
        case AtLeast(_, children):
            for child in children:
                yield from terms(child, wanted_only=wanted_only)
        case Leaf(term, absent) if not (absent and wanted_only):
            yield term
        case Near(left, right, _, absent) if not (absent and wanted_only):
            yield from left
            yield from right
        case _:
            return


def evaluate(tree: Tree, lookup: Lookup) -> Proof | None:
    """The hits that make the tree true, term by term (none, for an absence), or None when it is false.

    `lookup` is asked for no more terms than need be: a term may be looked for when it is first asked for.
    """
    if isinstance(tree, AtLeast):
        return _all(tree.children, lookup) if tree.count == len(tree.children) else _counted(tree, lookup)
    found = _near(tree, lookup) if isinstance(tree, Near) else _standing(tree, lookup)
    if tree.absent:
        return None if found else []
    return found or None


def _standing(leaf: Leaf, lookup: Lookup) -> Proof:
    hits = lookup(leaf.term)
    return [(leaf.term, hits)] if hits else []


def _all(children: Sequence[Tree], lookup: Lookup) -> Proof | None:
    """What may refuse a post is asked first: where it does, nothing else need be looked for."""
    parts: dict[int, Proof] = {}
    for first in (True, False):
        for number, child in enumerate(children):
            if _refuses(child) is first:
                if (part := evaluate(child, lookup)) is None:
                    return None
                if part:
                    parts[number] = part
    return [one for number in sorted(parts) for one in parts[number]]


def _refuses(tree: Tree) -> bool:
    """Whether a tree asks for an absence; its first leaf tells, as this only says when it is asked."""
    while isinstance(tree, AtLeast):
        tree = tree.children[0]
    return tree.absent


def _counted(tree: AtLeast, lookup: Lookup) -> Proof | None:
    held, proof = 0, []
    for child in tree.children:
        # A list has hundreds of terms, and few of them stand in a post.
        if isinstance(child, Leaf) and not child.absent:
            if hits := lookup(child.term):
                held += 1
                proof.append((child.term, hits))
        elif (part := evaluate(child, lookup)) is not None:
            held += 1
            proof += part
    return proof if held >= tree.count else None


def _near(near: Near, lookup: Lookup) -> Proof:
    """The hits of both sides that have a neighbour on the other side, by term; a word is not its own neighbour."""
    left = {term.text: (term, hits) for term in near.left if (hits := lookup(term))}
    right = {term.text: (term, hits) for term in near.right if (hits := lookup(term))} if left else {}
    if not right:
        return []
    beside_left, beside_right = _Places(left.values()), _Places(right.values())
    distance = near.distance
    proof: Proof = []
    for text, (term, hits) in (left | right).items():
        held = [
            hit
            for hit in hits
            if (text in left and beside_right.near(hit, distance))
            or (text in right and beside_left.near(hit, distance))
        ]
        if held:
            proof.append((term, held))
    return proof


class _Places:
    """Where hits begin and end, as numbers of words over all fields."""

    def __init__(self, proof: Iterable[tuple[Term, Hits]]) -> None:
        every = [hit for _, hits in proof for hit in hits]
        self._firsts = sorted({hit.field << _FIELD | hit.first for hit in every})
        self._lasts = sorted({hit.field << _FIELD | hit.last for hit in every})

    def near(self, hit: Found, distance: int) -> bool:
        """Whether one of them has at most so many words between it and this hit: only the nearest are looked at."""
        first, last = hit.field << _FIELD | hit.first, hit.field << _FIELD | hit.last
        behind = bisect_right(self._firsts, last)
        if behind < len(self._firsts) and self._firsts[behind] <= last + distance + 1:
            return True
        before = bisect_left(self._lasts, first) - 1
        return before >= 0 and self._lasts[before] >= first - distance - 1


# More words than any field has, and more than any distance: those of two fields are never near.
_FIELD = 32
