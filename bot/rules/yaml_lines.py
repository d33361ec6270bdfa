"""YAML with line numbers: a safe reader that refuses what is legal in YAML but a mistake in a rule file.

Refused are duplicate keys, anchors and aliases, tags, several documents, and a `#word` that YAML would silently
drop as a comment. A scalar is kept as written, so that `no`, `58` or `2023-07-12` are words like any other.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from bot.errors import RuleError
from bot.rules.place import Place

QUOTE = (
    "Text that contains `: ` or ` #`, or begins with one of \" ' * & ! @ % [ {, must stand in single quotes, "
    "for example: match: '\"Storm Shadow\" OR удар'."
)

_PLAIN_TAGS = "tag:yaml.org,2002:"
_NULL = _PLAIN_TAGS + "null"
_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
# libyaml's parser, ten times as fast, where PyYAML was built with it.
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LOST = re.compile(r"[ \t]+#\S")


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written, without its quotes; `empty` where nothing (or `null`, `~`) is written."""

    line: int
    text: str
    empty: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A YAML sequence."""

    line: int
    items: tuple["Value", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A YAML mapping with text keys; `lines` tells where each key stands."""

    line: int
    entries: Mapping[str, "Value"]
    lines: Mapping[str, int]


Value = Scalar | Listing | Table


def load(file: str, text: str) -> Value:
    """Read one YAML document. Raises `RuleError` with file, line and what to do."""
    try:
        return _Reader(file, text, _FAST).read()
    except (RuleError, yaml.YAMLError, RecursionError):
        # In its own words PyYAML says more of what is wrong than libyaml does.
        return _read(file, text)


def load_part(file: str, text: str, line: int) -> Value:
    """Read a part of a document that begins in line `line`. Raises what comes: only the whole tells what is wrong."""
    return _Reader(file, text, _FAST, line).read()


def _read(file: str, text: str) -> Value:
    try:
        return _Reader(file, text, yaml.SafeLoader).read()
    except yaml.reader.ReaderError as error:
        bad = ord(text[error.position])
        line = text.count("\n", 0, error.position) + 1
        raise Place(file, line).error(f"the character U+{bad:04X} cannot stand in YAML: remove it.") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Place(file, mark.line + 1 if mark else 1).error(_explain(error)) from None
    except RecursionError:
        raise Place(file, 1).error("lists and mappings are nested too deep; rule files need five levels.") from None


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = " ".join(str(error.problem or error.context or "cannot be read").split())
    if "'\\t'" in problem:
        return f"not valid YAML: {problem}. Indent with spaces, not with tabs."
    if "another document" in problem:
        return "a `---` begins a second document; put all rules of a file under one `rules:` or make two files."
    return f"not valid YAML: {problem}. {QUOTE}"


class _Reader:
    """Turns the events of one file into values, up to the first anchor or alias: they make `*` and `&` eat text."""

    def __init__(self, file: str, text: str, loader: Any, first_line: int = 1) -> None:
        self._file = file
        self._text = text
        self._first = first_line
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)

    def read(self) -> Value:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return Scalar(self._first, "", empty=True)
        root = self._value(next(self._events))
        next(self._events)
        if not isinstance(more := next(self._events), yaml.StreamEndEvent):
            raise yaml.MarkedYAMLError(problem="found another document", problem_mark=more.start_mark)
        return root

    def _value(self, event: Any) -> Value:
        line = event.start_mark.line + self._first
        if anchor := getattr(event, "anchor", None):
            sign, what = ("*", "alias") if isinstance(event, yaml.AliasEvent) else ("&", "anchor")
            problem = f"`{sign}{anchor}` is read as a YAML {what}, not as text"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        if event.tag and not event.tag.startswith(_PLAIN_TAGS):
            raise Place(self._file, line).error(f"`{event.tag}` begins with `!`, which YAML reads as a tag. {QUOTE}")
        if isinstance(event, yaml.MappingStartEvent):
            return self._table(line)
        if isinstance(event, yaml.SequenceStartEvent):
            return Listing(line, tuple(map(self._value, self._until(yaml.SequenceEndEvent))))
        if not event.style:
            self._check_comment(event, line)
        return Scalar(line, event.value, empty=_is_null(event) or not event.value.strip())

    def _until(self, end: type[yaml.Event]) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _table(self, line: int) -> Table:
        entries: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key in self._until(yaml.MappingEndEvent):
            here = Place(self._file, key.start_mark.line + self._first)
            if isinstance(key, yaml.AliasEvent) or key.anchor:
                self._value(key)
            if not isinstance(key, yaml.ScalarEvent) or _is_null(key):
                raise here.error("a key must be a word followed by `:`.")
            name = str(key.value)
            if name in entries:
                raise here.error(f"the key `{name}` is already given in line {lines[name]}; keep one of the two.")
            lines[name] = here.line
            entries[name] = self._value(next(self._events))
        return Table(line, entries, lines)

    def _check_comment(self, event: Any, line: int) -> None:
        if not (lost := _LOST.match(self._text, event.end_mark.index)):
            return
        word = lost.group().strip() + self._text[lost.end() :].split("\n", 1)[0].split(" ", 1)[0]
        raise Place(self._file, line).error(
            f"everything from `{word}` on is a comment to YAML. Put the whole text in single quotes, "
            "or a space after `#` if a comment is meant."
        )


def _is_null(event: Any) -> bool:
    """Whether nothing is written, or a word for it."""
    return event.tag == _NULL or (not event.tag and not event.style and event.value in _NOTHING)
