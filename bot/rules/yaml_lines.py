"""YAML with line numbers: a safe reader that refuses what is legal in YAML but a mistake in a rule file.

Refused are duplicate keys, anchors and aliases, tags, several documents, and a `#word` that YAML would silently
drop as a comment. A scalar is kept as written, so that `no`, `58` or `2023-07-12` are words like any other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import yaml

from bot.rules.place import Place

QUOTE = (
    "Text that contains `: ` or ` #`, or begins with one of \" ' * & ! @ % [ {, must stand in single quotes, "
    "for example: match: '\"Storm Shadow\" OR удар'."
)

_PLAIN_TAGS = "tag:yaml.org,2002:"
_NULL = _PLAIN_TAGS + "null"
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


# Reading YAML is slow (60 kB in 0.3 s), and when one file changes the others are read again.
@lru_cache(512)
def load(file: str, text: str) -> Value:
    """Read one YAML document. Raises `RuleError` with file, line and what to do."""
    reader = _Reader(file, text)
    try:
        return reader.read()
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


class _Composer(yaml.SafeLoader):
    """PyYAML's composer, stopped at the first anchor or alias: they make `*` and `&` eat text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            problem = f"`{sign}{event.anchor}` is read as a YAML {'alias' if sign == '*' else 'anchor'}, not as text"
            raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
        return super().compose_node(parent, index)


class _Reader:
    """Turns PyYAML's nodes of one file into ours."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._text = text

    def read(self) -> Value:
        composer = _Composer(self._text)
        try:
            root = composer.get_single_node()
        finally:
            composer.dispose()
        return Scalar(1, "", empty=True) if root is None else self._value(root)

    def _value(self, node: yaml.Node) -> Value:
        line = node.start_mark.line + 1
        if not node.tag.startswith(_PLAIN_TAGS):
            raise Place(self._file, line).error(f"`{node.tag}` begins with `!`, which YAML reads as a tag. {QUOTE}")
        if isinstance(node, yaml.MappingNode):
            return self._table(node, line)
        if isinstance(node, yaml.SequenceNode):
            return Listing(line, tuple(self._value(item) for item in node.value))
        text = str(node.value)
        # `style` is None where no quotes stand.
        if getattr(node, "style", None) is None:
            self._check_comment(node, line)
        return Scalar(line, text, empty=node.tag == _NULL or not text.strip())

    def _table(self, node: yaml.MappingNode, line: int) -> Table:
        entries: dict[str, Value] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            here = Place(self._file, key.start_mark.line + 1)
            if not isinstance(key, yaml.ScalarNode) or key.tag == _NULL:
                raise here.error("a key must be a word followed by `:`.")
            name = str(key.value)
            if name in entries:
                raise here.error(f"the key `{name}` is already given in line {lines[name]}; keep one of the two.")
            lines[name] = here.line
            entries[name] = self._value(value)
        return Table(line, entries, lines)

    def _check_comment(self, node: yaml.Node, line: int) -> None:
        if not (lost := _LOST.match(self._text, node.end_mark.index)):
            return
        word = lost.group().strip() + self._text[lost.end() :].split("\n", 1)[0].split(" ", 1)[0]
        raise Place(self._file, line).error(
            f"everything from `{word}` on is a comment to YAML. Put the whole text in single quotes, "
            "or a space after `#` if a comment is meant."
        )
