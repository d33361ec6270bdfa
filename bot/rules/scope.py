"""Severity and scope: the keys that a rule and the `defaults` of its file share."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.model import Kind, Severity, Source
from bot.rules import shape
from bot.rules.place import Place
from bot.rules.rule import Names, Scope
from bot.rules.slots import Reason
from bot.rules.yaml_lines import Table, Value

_WHERE = ("channels", "categories", "kinds", "forwarded_from", "min_word_probability")
_HANDLE = re.compile(r"@?([A-Za-z][A-Za-z0-9_]{3,31})")
_MARKED_ID = re.compile(r"-100\d{5,15}")
_CATEGORY = re.compile(r"[\w -]{1,64}")
EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Options:
    """How loudly a rule speaks, and where it looks."""

    severity: Severity = Severity.MEDIUM
    scope: Scope = EVERYWHERE


def options(table: Table, base: Options, place: Place) -> Options:
    """The options of a rule (or of the defaults) on top of `base`. Raises `RuleError`."""
    entries = table.entries
    severity, scope = base.severity, base.scope
    if "severity" in entries:
        severity = shape.choice(entries["severity"], "severity", Severity, place)
    if "where" in entries:
        scope = _where(shape.table(entries["where"], "where", _WHERE, place), scope, place)
    if "fields" in entries:
        scope = replace(scope, fields=_fields(entries["fields"], place))
    if "accept" in entries or "refuse" in entries:
        scope = replace(scope, reasons=_reasons(table, place))
    return Options(severity, scope)


def canonical(scope: Scope) -> list[object]:
    """The scope as plain sorted values, for a digest."""
    parts = (scope.channels, scope.categories, scope.forwarded_from)
    names = [sorted(part) for names in parts for part in (names.only, names.never)]
    return [
        *names,
        sorted(scope.kinds or ()),
        sorted(scope.fields or ()),
        scope.min_word_probability,
        sorted(scope.reasons or ()),
    ]


def _where(table: Table, scope: Scope, place: Place) -> Scope:
    entries = table.entries
    if "channels" in entries:
        scope = replace(scope, channels=_names(entries["channels"], "where.channels", _channel, place))
    if "categories" in entries:
        scope = replace(scope, categories=_names(entries["categories"], "where.categories", _category, place))
    if "forwarded_from" in entries:
        names = _names(entries["forwarded_from"], "where.forwarded_from", _channel, place)
        scope = replace(scope, forwarded_from=names)
    if "kinds" in entries:
        items = shape.listing(entries["kinds"], "where.kinds", place)
        scope = replace(scope, kinds=frozenset(shape.choice(item, "where.kinds", Kind, place) for item in items))
    if "min_word_probability" in entries:
        least = shape.share(entries["min_word_probability"], "where.min_word_probability", place)
        scope = replace(scope, min_word_probability=least)
    return scope


def _fields(value: Value, place: Place) -> frozenset[Source]:
    fields = {shape.choice(item, "fields", Source, place) for item in shape.listing(value, "fields", place)}
    # An analyst's "text" is what stands in the post, under a picture too.
    return frozenset(fields | {Source.CAPTION} if Source.TEXT in fields else fields)


def _reasons(table: Table, place: Place) -> frozenset[Reason]:
    if "accept" in table.entries and "refuse" in table.entries:
        raise place.at(table.lines["refuse"]).error(
            "give `accept` or `refuse`, not both: what is not accepted is refused."
        )
    key = "accept" if "accept" in table.entries else "refuse"
    items = shape.listing(table.entries[key], key, place)
    named = frozenset(shape.choice(item, key, Reason, place) for item in items)
    if key == "accept":
        return named
    if not (left := frozenset(Reason) - named):
        raise place.at(table.lines[key]).error("`refuse` names every reason, so that nothing could match.")
    return left


def _names(value: Value, what: str, read: Callable[[str, str, Place], str], place: Place) -> Names:
    only: set[str] = set()
    never: set[str] = set()
    for item in shape.listing(value, what, place):
        word = shape.text(item, what, place)
        (never if word.startswith("!") else only).add(read(word.removeprefix("!"), what, place.at(item.line)))
    return Names(only=frozenset(only), never=frozenset(never))


def _channel(word: str, what: str, place: Place) -> str:
    if handle := _HANDLE.fullmatch(word):
        return handle[1].casefold()
    if not _MARKED_ID.fullmatch(word):
        raise place.error(
            f"{what}: `{word}` is neither a handle ('@name' in quotes: 4 to 32 letters, digits, _) nor a marked "
            "id as -1001234567890."
        )
    return word


def _category(word: str, what: str, place: Place) -> str:
    if not _CATEGORY.fullmatch(word):
        raise place.error(f"{what}: `{word}` is not a category; use the words of channels.yaml, as milblogger.")
    return word.casefold()
