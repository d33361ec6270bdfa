"""Lists of terms by name, used as $name: those of one file, and those that every file shares.

A list is compiled when a rule first uses it. The others are only read, which costs nothing worth mentioning, so that
a mistake in one is told whether it is used or not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.errors import RuleError
from bot.rules import shape, terms
from bot.rules.place import Place, suggest
from bot.rules.query import Lists, Make, parse_choice
from bot.rules.tree import Tree, any_of
from bot.rules.yaml_lines import Table, Value


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list as it stands in a file."""

    name: str
    value: Value
    place: Place


class Shelf:
    """Lists that a file can use: its own, and below them the shared ones."""

    def __init__(self, shared: "Shelf | None" = None, *, sources: Mapping[str, str] | None = None) -> None:
        """`sources`: the files that its lists are read from, {name: text}."""
        self._shared = shared
        self.sources = sources or {}
        self._lists: dict[str, NamedList] = {}
        self._compiled: dict[tuple[str, Make], Tree] = {}

    def add(self, table: Table, place: Place) -> Iterator[RuleError]:
        """Take the lists under a file's `terms`; yields an error for each name that is taken."""
        for name, value in table.entries.items():
            here = place.at(table.lines[name])
            if taken := self._find(name):
                where = f"{taken.place.file}:{taken.place.line}"
                yield here.error(f"the list `{name}` is already given in {where}; rename or remove one of the two.")
            else:
                self._lists[name] = NamedList(name, value, here)

    def check(self) -> Iterator[RuleError]:
        """What is wrong in the lists added here, one error for each list."""
        for name, one in self._lists.items():
            try:
                self._tree(name, one.place, (), terms.check)
            except RuleError as error:
                yield error

    def tree(self, name: str, place: Place) -> Tree:
        """The terms of a list, compiled, joined by OR. Raises `RuleError` at `place` when there is no such list."""
        return self._tree(name, place, (), terms.term)

    def checked(self, name: str, place: Place) -> Tree:
        """The same without forms, which are what takes long."""
        return self._tree(name, place, (), terms.check)

    def _tree(self, name: str, place: Place, trail: tuple[str, ...], make: Make) -> Tree:
        if name in trail:
            raise self._circle(trail[trail.index(name) :])
        if name not in self._lists:
            if self._shared is not None and name in self._shared:
                return self._shared._tree(name, place, trail, make)
            raise place.error(f"there is no list `{name}` under `terms`.{self._suggest(name)}")
        if (name, make) not in self._compiled:
            one = self._lists[name]

            def lookup(other: str, at: Place) -> Tree:
                return self._tree(other, at, (*trail, name), make)

            self._compiled[name, make] = alternatives(one.value, f"terms.{name}", one.place, lookup, make)
        return self._compiled[name, make]

    def _circle(self, names: tuple[str, ...]) -> RuleError:
        """Said in the same words wherever it was entered, so that it is told once."""
        first = min(names)
        turn = names.index(first)
        way = " -> ".join((*names[turn:], *names[:turn], first))
        return self._lists[first].place.error(f"the list `{first}` contains itself: {way}.")

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def _find(self, name: str) -> NamedList | None:
        return self._lists.get(name) or (self._shared._find(name) if self._shared else None)

    def _suggest(self, name: str) -> str:
        """A near miss among all lists; only a file's own are worth enumerating."""
        hint = suggest(name, {*self._lists, *(self._shared._lists if self._shared else ())})
        near, _, _ = hint.partition(" Known: ")
        own = ", ".join(sorted(self._lists)) or "none"
        return f"{near} Known: {own}{' in this file, and the shared ones' if self._shared and self._shared._lists else ''}."


def alternatives(value: Value, what: str, place: Place, lists: Lists, make: Make = terms.term) -> Tree:
    """The items of a list, joined by OR. Raises `RuleError`."""
    items = shape.listing(value, what, place)
    return any_of([parse_choice(shape.text(item, what, place), lists, place.at(item.line), make) for item in items])
