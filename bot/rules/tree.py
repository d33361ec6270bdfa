"""The boolean layer: what a rule asks for, and which hits make it true.

A tree is kept in negation normal form: NOT stands at the leaves alone. So a tree that is false without any hit can
become true only through a hit on a term that is wanted, and that hit is its proof.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bot.rules.addresses import Locator
from bot.rules.patterns import Pattern
from bot.rules.slots import Compiled, Reason

Term = Compiled | Pattern | Locator


class Found(NamedTuple):
    """A term found in a field: span in the original text, and its first and last word by number."""

    field: int
    start: int
    end: int
    first: int
    last: int
    term: Term
    form: str
    reason: Reason = Reason.EXACT


Lookup = Callable[[Term], list[Found]]


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


def evaluate(tree: Tree, lookup: Lookup) -> list[list[Found]] | None:
    """The hits that make the tree true, term by term (none, for an absence), or None when it is false."""
    match tree:
        case Leaf(term, absent):
            return _held(lookup(term), absent)
        case Near(absent=absent):
            return _held(_near(tree, lookup), absent)
        case AtLeast(count, children):
            proofs = [proof for child in children if (proof := evaluate(child, lookup)) is not None]
            return [hits for proof in proofs for hits in proof] if len(proofs) >= count else None


def _held(found: list[Found], absent: bool) -> list[list[Found]] | None:
    if absent:
        return None if found else []
    return [found] if found else None


def _near(near: Near, lookup: Lookup) -> list[Found]:
    """All hits of both sides that have a neighbour on the other side; a word is not its own neighbour."""
    left = [hit for term in near.left for hit in lookup(term)]
    right = [hit for term in near.right for hit in lookup(term)] if left else []
    if not right:
        return []
    held = [*_neighbours(left, right, near.distance), *_neighbours(right, left, near.distance)]
    # One hit is one object, whatever sides it stands on.
    return list({id(hit): hit for hit in held}.values())


def _neighbours(hits: list[Found], others: list[Found], distance: int) -> Iterator[Found]:
    """The hits that have one of the others near: only the nearest on either side are looked at."""
    firsts = sorted((other.field, other.first) for other in others)
    lasts = sorted((other.field, other.last) for other in others)
    for hit in hits:
        behind = bisect_right(firsts, (hit.field, hit.last))
        before = bisect_left(lasts, (hit.field, hit.first)) - 1
        if (behind < len(firsts) and firsts[behind] <= (hit.field, hit.last + distance + 1)) or (
            before >= 0 and lasts[before] >= (hit.field, hit.first - distance - 1)
        ):
            yield hit
