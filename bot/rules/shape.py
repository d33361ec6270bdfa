"""The shape of rule files: what must be a mapping, a list, a word or a number, said clearly where it is not."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from bot.rules.place import Place, suggest
from bot.rules.yaml_lines import QUOTE, Listing, Scalar, Table, Value

E = TypeVar("E", bound=StrEnum)


def table(value: Value, what: str, known: Iterable[str] | None, place: Place) -> Table:
    """A mapping; with `known`, one that has no other keys."""
    if not isinstance(value, Table):
        raise place.at(value.line).error(f"{what} must be a mapping (`key: value` lines), but is {_kind(value)}.")
    names = value.entries if known is None else known
    for key in value.entries:
        if key not in names:
            raise place.at(value.lines[key]).error(f"{what} has an unknown key `{key}`.{suggest(key, names)}")
    return value


def text(value: Value, what: str, place: Place) -> str:
    """A word or line of text."""
    here = place.at(value.line)
    if not isinstance(value, Scalar):
        raise here.error(f"{what} must be text, but is {_kind(value)}. {QUOTE}")
    if value.empty:
        raise here.error(f"{what} is empty. If text follows, it begins with `#`, a comment to YAML: use single quotes.")
    return value.text.strip()


def line(value: Value, what: str, limit: int, place: Place) -> str:
    """Text of one line and bounded length."""
    found = text(value, what, place)
    if len(found) > limit or not found.isprintable():
        raise place.at(value.line).error(f"{what} must be one line of at most {limit} printable characters.")
    return found


def listing(value: Value, what: str, place: Place) -> tuple[Value, ...]:
    """A list with at least one item; a single text counts as a list of one."""
    if isinstance(value, Table):
        raise place.at(value.line).error(f"{what} must be a list, but is {_kind(value)}. {QUOTE}")
    items = value.items if isinstance(value, Listing) else (value,)
    if not items:
        raise place.at(value.line).error(f"{what} is an empty list; give at least one item or leave the key out.")
    return items


def choice(value: Value, what: str, kind: type[E], place: Place) -> E:
    """One word of an enumeration."""
    word = text(value, what, place)
    known = [member.value for member in kind]
    if word not in known:
        raise place.at(value.line).error(f"{what} cannot be `{word}`.{suggest(word, known)}")
    return kind(word)


def share(value: Value, what: str, place: Place) -> float:
    """A number from 0 to 1."""
    word = text(value, what, place)
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise place.at(value.line).error(f"{what} must be a number from 0 to 1, as 0.6, but is `{word}`.")
    return number


def _kind(value: Value) -> str:
    if isinstance(value, Table):
        return f"a mapping (`{next(iter(value.entries), '')}: ...`)"
    if isinstance(value, Listing):
        return "a list"
    return "empty" if value.empty else f"the text `{value.text[:40]}`"
