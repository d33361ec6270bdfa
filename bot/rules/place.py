"""Where in the rule files something stands, so that every error can say so."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.errors import RuleError


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a rule file (from 1), and the rule it belongs to once that is known."""

    file: str
    line: int
    rule: str | None = None

    def at(self, line: int) -> "Place":
        """The same rule, another line."""
        return replace(self, line=line)

    def error(self, text: str) -> RuleError:
        """The error that the user reads: file, line, rule, then `text`."""
        rule = f"rule {self.rule}: " if self.rule else ""
        return RuleError(f"{self.file}:{self.line}: {rule}{text}")


def suggest(word: str, known: Iterable[str]) -> str:
    """` Did you mean ...?` for a near miss, and what there is: the tail of an error about an unknown name."""
    names = sorted(known)
    close = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    meant = f" Did you mean `{close[0]}`?" if close else ""
    return f"{meant} Known: {', '.join(names) or 'none'}."
