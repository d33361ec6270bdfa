"""AND, OR, NOT and parentheses: one grammar for query strings and for conditions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NoReturn

from bot.rules.place import Place
from bot.rules.tree import AtLeast, Leaf, Near, Term, Tree, all_of, any_of, negate

MAX_DEPTH = 40
MAX_DISTANCE = 50

Kind = Literal["operand", "and", "or", "not", "near", "(", ")", "end"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a query string or condition: `text` as written, `distance` of a NEAR."""

    kind: Kind
    text: str
    distance: int = 0


class Grammar:
    """Recursive descent over pieces. NEAR binds closest, then NOT, AND, OR; `a NOT b` means `a AND NOT b`."""

    def __init__(self, pieces: list[Piece], operand: Callable[[Piece], Tree], place: Place) -> None:
        self._pieces = [*pieces, Piece("end", "")]
        self._operand = operand
        self._place = place
        self._index = 0
        self._depth = 0

    def parse(self) -> Tree:
        """The tree of all pieces. Raises `RuleError`."""
        tree = self._either()
        if self._next.kind == ")":
            self._fail("there is a `)` too many; remove it or open it with `(`.")
        if self._next.kind != "end":
            self._fail_between()
        return tree

    @property
    def _next(self) -> Piece:
        return self._pieces[self._index]

    def _take(self, *kinds: Kind) -> Piece | None:
        piece = self._next
        if piece.kind not in kinds:
            return None
        self._index += 1
        return piece

    def _fail(self, text: str) -> NoReturn:
        raise self._place.error(text)

    def _fail_between(self) -> NoReturn:
        left, right = self._pieces[self._index - 1].text, self._next.text
        for piece in (left, right):
            if piece.upper() in ("AND", "OR", "NOT") and not piece.isupper():
                self._fail(f"operators are written in capitals: {piece.upper()} instead of `{piece}`.")
        self._fail(
            f"between `{left}` and `{right}` an operator is missing: write AND, OR or NEAR/5, "
            "or put words that belong together in double quotes as a phrase."
        )

    def _either(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"parentheses are nested more than {MAX_DEPTH} deep; move parts into `terms` or `select`.")
        children = [self._both()]
        while self._take("or"):
            children.append(self._both())
        self._depth -= 1
        return any_of(children)

    def _both(self) -> Tree:
        children = [self._negation()]
        while self._take("and") or self._next.kind == "not":
            children.append(self._negation())
        return all_of(children)

    def _negation(self) -> Tree:
        absent = False
        while self._take("not"):
            absent = not absent
        tree = self._near()
        return negate(tree) if absent else tree

    def _near(self) -> Tree:
        left = self._primary()
        if not (near := self._take("near")):
            return left
        right = self._primary()
        if self._next.kind == "near":
            self._fail("NEAR joins two sides only; write (a NEAR/5 b) AND (b NEAR/5 c).")
        if not 0 <= near.distance <= MAX_DISTANCE:
            self._fail(f"{near.text}: the number of words between may be 0 to {MAX_DISTANCE}.")
        return Near(self._side(left, near), self._side(right, near), near.distance)

    def _side(self, tree: Tree, near: Piece) -> tuple[Term, ...]:
        match tree:
            case Leaf(term, absent=False):
                return (term,)
            case AtLeast(1, children):
                return tuple(term for child in children for term in self._side(child, near))
        self._fail(f"on each side of {near.text} may stand one term, or terms joined by OR in parentheses.")

    def _primary(self) -> Tree:
        if self._take("("):
            tree = self._either()
            if not self._take(")"):
                if self._next.kind == "end":
                    self._fail("a `(` is not closed; add `)`.")
                self._fail_between()
            return tree
        if piece := self._take("operand"):
            return self._operand(piece)
        before = self._pieces[self._index - 1].text if self._index else ""
        if self._next.kind == "end" and not before:
            self._fail("it is empty; write at least one term.")
        self._fail(f"a term is expected {f'after `{before}`' if before else f'before `{self._next.text}`'}.")
