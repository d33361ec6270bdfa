"""The boolean layer: what a rule asks for, and which hits make it true.

A tree is kept in negation normal form: NOT stands at the leaves alone. So a tree that is false without any hit can
become true only through a hit on a term that is wanted, and that hit is its proof.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.rules.patterns import Pattern
from bot.rules.slots import Compiled, Reason

Term = Compiled | Pattern


@dataclass(frozen=True, slots=True)
class Found:
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


def evaluate(tree: Tree, lookup: Lookup) -> list[Found] | None:
    """The hits that make the tree true (none, for an absence), or None when it is false."""
    match tree:
        case Leaf(term, absent):
            found = lookup(term)
            return _held(found, absent)
        case Near(absent=absent):
            return _held(_near(tree, lookup), absent)
        case AtLeast(count, children):
            proofs = [proof for child in children if (proof := evaluate(child, lookup)) is not None]
            return [hit for proof in proofs for hit in proof] if len(proofs) >= count else None


def _held(found: list[Found], absent: bool) -> list[Found] | None:
    if absent:
        return None if found else []
    return found or None


def _near(near: Near, lookup: Lookup) -> list[Found]:
    """All hits of both sides that have a neighbour on the other side; a word is not its own neighbour."""
    left = [hit for term in near.left for hit in lookup(term)]
    right = sorted((hit for term in near.right for hit in lookup(term)), key=_position)
    if not left or not right:
        return []
    reach = near.distance + 1 + max(hit.last - hit.first for hit in right)
    held: dict[Found, None] = {}
    for hit in left:
        for other in right[bisect_left(right, (hit.field, hit.first - reach), key=_position) :]:
            if _position(other) > (hit.field, hit.last + near.distance + 1):
                break
            if _apart(hit, other, near.distance):
                held[hit] = held[other] = None
    return list(held)


def _position(hit: Found) -> tuple[int, int]:
    return hit.field, hit.first


def _apart(hit: Found, other: Found, distance: int) -> bool:
    between = max(other.first - hit.last, hit.first - other.last) - 1
    return 0 <= between <= distance
