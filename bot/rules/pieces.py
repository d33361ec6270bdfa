"""A rule file is cut at its rules, by its lines alone, so that only what is new in it need be read as YAML.

    watchlist: front            the frame: everything but the rules
    rules:
      - id: a                   a piece: a rule, and what stands between it and the next one
        match: ракета
      - {id: b, match: дрон}    another piece

A line may look like the beginning of a rule and be the middle of a quoted text. Then a piece has an open quote, and is
no YAML by itself; so whoever reads a piece and finds anything wrong must read the file as a whole. What is read of
pieces that are all right is what is read of the file: YAML's scanner keeps nothing else from one line to the next.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import yaml

from bot.errors import RuleError
from bot.rules.yaml_lines import Listing, Scalar, Table, Value, load, load_part

# The line `rules:` with nothing but a comment behind it, and up to the first rule nothing but blank lines and comments.
_BEGIN = re.compile(r"^rules: *(?:#(?: .*)?)?\n(?: *(?:#.*)?\n)*(?P<indent> *)(?=- )", re.MULTILINE)
# What to YAML ends a line too; and a directive, which may say what the tags of the whole file mean.
_UNCERTAIN = ("\r", "\x85", "\u2028", "\u2029", "\n%")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The rules of a file as texts, each without the `begin` of its first line and the end of its last one.

    `lines`: where they begin, from 1.
    """

    begin: str
    texts: tuple[str, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """A file in parts. The frame has its keys in their lines, and `rules:` in line `line` with nothing under it."""

    frame: str
    line: int
    pieces: Pieces


def cut(text: str) -> Cut | None:
    """The file in parts; None where its lines do not tell what they are."""
    begin = _BEGIN.search(text)
    if begin is None or any(sign in text for sign in _UNCERTAIN) or text.startswith("%"):
        return None
    first, indent = begin.start("indent"), begin["indent"]
    # The line after the last rule: the next key of the file. One that is indented is none, so it is part of something.
    behind = _other_line(len(indent)).search(text, first - 1)
    end = behind.start() + 1 if behind else len(text)
    if text.startswith(" ", end):
        return None
    sign = f"{indent}- "
    texts = tuple(text[first + len(sign) : end].removesuffix("\n").split(f"\n{sign}"))
    # Only to a text in a block does it matter whether the last line has an end.
    if not text.endswith("\n", 0, end) and ("|" in texts[-1] or ">" in texts[-1]):
        return None
    lines = accumulate((one.count("\n") + 1 for one in texts), initial=text.count("\n", 0, first) + 1)
    blank = "\n" * text.count("\n", first, end) if behind else ""
    return Cut(
        frame=f"{text[:first]}{blank}{text[end:]}",
        line=text.count("\n", 0, begin.start()) + 1,
        pieces=Pieces(sign, texts, tuple(lines)[:-1]),
    )


def _other_line(indent: int) -> re.Pattern[str]:
    """A line indented no deeper than the rules that is neither blank, nor a comment, nor the first of a rule."""
    less = f" {{0,{indent - 1}}}- |" if indent else ""
    return re.compile(rf"\n(?:{less} {{0,{indent}}}(?:[^ #\n-]|-(?! )))")


def read_frame(file: str, parts: Cut) -> Table | None:
    """The keys of a file but for its rules; None where the file must be read as a whole."""
    try:
        frame = load(file, parts.frame)
    except RuleError:
        return None
    if not isinstance(frame, Table) or frame.lines.get("rules") != parts.line:
        return None
    under = frame.entries["rules"]
    return frame if isinstance(under, Scalar) and under.empty else None


def read_pieces(file: str, pieces: Pieces, wanted: Sequence[int]) -> Mapping[int, Value] | None:
    """The values of the pieces of these numbers (in order), by number; None where the file must be read as a whole."""
    values: dict[int, Value] = {}
    for run in _runs(wanted):
        text = "".join(f"{pieces.begin}{one}\n" for one in pieces.texts[run[0] : run[-1] + 1])
        try:
            part = load_part(file, text, pieces.lines[run[0]])
        except (RuleError, yaml.YAMLError, RecursionError):
            return None
        # Every rule begins a piece. As many of the one as of the other: no piece begins within a rule.
        if not isinstance(part, Listing) or len(part.items) != len(run):
            return None
        values.update(zip(run, part.items, strict=True))
    return values


def _runs(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    """Numbers that follow each other, together: they are read at once."""
    begin = 0
    for i in range(1, len(numbers) + 1):
        if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
            yield numbers[begin:i]
            begin = i
