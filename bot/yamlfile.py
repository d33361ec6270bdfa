"""YAML for people: every key and value knows its line, nothing is given twice, and errors say what to type."""

from collections.abc import Hashable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml

from bot.errors import ConfigError

Path = tuple[str | int, ...]

_QUOTING = "; a value that begins with one of \" * ! @ & % ` or holds ': ' or ' #' must stand in quotes: 'like this'"


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file. `lines` maps the path of each key and item to its line, from 1."""

    name: str
    data: Any
    lines: dict[Path, int]

    def at(self, path: Path) -> str:
        """`name:line` of the deepest part of `path` that is in the file."""
        for length in range(len(path), 0, -1):
            if (line := self.lines.get(path[:length])) is not None:
                return f"{self.name}:{line}"
        return self.name


def parse_yaml(name: str, text: str) -> YamlFile:
    """Parse `text`; ConfigError with file, line and remedy for bad YAML and for a key given twice."""
    lines: dict[Path, int] = {}
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return YamlFile(name, None, lines)
        loader = yaml.SafeLoader("")
        try:
            data = _construct(name, loader, node, (), lines)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise ConfigError(f"{where}: not valid YAML: {error.problem or error.context}{_QUOTING}") from error
    except yaml.reader.ReaderError as error:
        # Its own text has two lines and no line number.
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{name}:{line}: not valid YAML: it holds the control character U+{_code(error):04X}"
        ) from error
    except RecursionError as error:
        raise ConfigError(f"{name}: nested too deep, or a part of it contains itself") from error
    return YamlFile(name, data, lines)


def _construct(name: str, loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[Hashable, Any] = {}
        for key_node, value_node in node.value:
            key = _value(name, loader, key_node)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str | int):
                raise ConfigError(f"{name}:{line}: a key must be a word, not {key!r}")
            if key in result:
                raise ConfigError(f"{name}:{line}: {key!r} is given twice; keep one")
            lines[(*path, key)] = line
            result[key] = _construct(name, loader, value_node, (*path, key), lines)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_construct(name, loader, item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _value(name, loader, node)


def _value(name: str, loader: yaml.SafeLoader, node: yaml.Node) -> Any:
    try:
        return loader.construct_object(node, deep=True)
    except ValueError as error:
        # What YAML takes for a date or a number, and then is none: 2023-13-45.
        line = node.start_mark.line + 1
        raise ConfigError(
            f"{name}:{line}: {node.value[:40]!r} is not understood ({error}); quote it if it is text"
        ) from error


def _code(error: yaml.reader.ReaderError) -> int:
    return ord(error.character) if isinstance(error.character, str) else int(error.character)


def suggest(word: str, known: list[str]) -> str:
    """`; did you mean 'x'?` when one of `known` is close, else `; known: ...`."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"
