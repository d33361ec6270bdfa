"""When a rule speaks: as a rule when a post comes, else when something happens to it or to its channel.

on: posted            the default: when the post, or what is said in it, comes
on: deleted           when a post that matches is found deleted;  within: 10m  so soon after it was posted
on: edited            when an edit makes a post match;  removes: true  when an edit takes a word that matched out
on: deletion-burst    when many posts of a channel are deleted; has no `match`
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from bot.rules import shape
from bot.rules.place import Place
from bot.rules.yaml_lines import Table, Value

KEYS = ("on", "within", "removes")

_SPAN = re.compile(r"(\d{1,5})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class On(StrEnum):
    """What makes a rule look."""

    POSTED = "posted"
    EDITED = "edited"
    DELETED = "deleted"
    DELETION_BURST = "deletion-burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What makes a rule look, and what it asks of that."""

    on: On = On.POSTED
    # Of a deletion: found so soon after the post; None: whenever.
    within: timedelta | None = None
    # Of an edit: it takes a word that matched out of the post.
    removes: bool = False

    def canonical(self) -> list[object]:
        """As plain values, for a digest; nothing for what most rules have."""
        if self == POSTED:
            return []
        return [self.on.value, self.within.total_seconds() if self.within else None, self.removes]


POSTED = Trigger()


def read_trigger(table: Table, place: Place) -> Trigger:
    """The trigger of a rule. Raises `RuleError` for what does not go together."""
    entries = table.entries
    on = shape.choice(entries["on"], "on", On, place) if "on" in entries else On.POSTED
    for key, needed in (("within", On.DELETED), ("removes", On.EDITED)):
        if key in entries and on is not needed:
            raise place.at(table.lines[key]).error(f"`{key}` goes with on: {needed.value} alone.")
    for key in ("match", "select") if on is On.DELETION_BURST else ():
        if key in entries:
            raise place.at(table.lines[key]).error(f"on: {on.value} is about a channel and no post: leave `{key}` out.")
    return Trigger(
        on=on,
        within=_span(entries["within"], place) if "within" in entries else None,
        removes=_yes(entries["removes"], place) if "removes" in entries else False,
    )


def _span(value: Value, place: Place) -> timedelta:
    word = shape.text(value, "within", place)
    if not (found := _SPAN.fullmatch(word)) or not int(found[1]):
        raise place.at(value.line).error(f"within must be a time as 90s, 10m, 2h or 1d, but is `{word}`.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _yes(value: Value, place: Place) -> bool:
    word = shape.text(value, "removes", place).lower()
    if word not in ("true", "false"):
        raise place.at(value.line).error(f"removes must be true or false, but is `{word}`.")
    return word == "true"
