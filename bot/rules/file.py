"""A file of rules as it was read, with what the next reading of it can take over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bot.rules.head import Head
from bot.rules.lists import Shelf
from bot.rules.rule import Rule
from bot.rules.scope import Options
from bot.rules.tree import Tree


class Made(NamedTuple):
    """A rule as it was made from a piece, and what the lists stood for that it names."""

    rule: Rule
    # Lines from the beginning of the piece to that of the rule.
    below: int
    lists: Mapping[str, Tree]

    def moved(self, line: int) -> "Made":
        """The same where the piece begins in line `line` of the file."""
        return Made(self.rule.at(line + self.below), self.below, self.lists)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What the rules of a file were made from."""

    head: Head
    watchlist: str
    # The lists of other files, and those with the file's own on top.
    shared: Shelf
    lists: Shelf
    defaults: Options
    # By the text of the piece.
    made: Mapping[str, Made]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """One file of rules."""

    name: str
    watchlist: str
    rules: tuple[Rule, ...]
    source: Source | None = field(default=None, repr=False, compare=False)
