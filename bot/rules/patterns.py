"""Analysts' regular expressions, on RE2: scanned in linear time, whatever the expression and whatever the post.

RE2 knows only ASCII in `\\b`, `\\w`, `\\d` and `\\s`, so these are rewritten to Unicode classes. RE2 has no word border
for Unicode: `\\b` is taken at the beginning and the end of the expression, or of one of its top-level alternatives.
An expression sees the text as it was posted (not folded); case is ignored.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import re2

from bot.rules.place import Place

# Characters of an expression; instructions of its compiled program; matches looked for in one field.
MAX_LENGTH = 500
MAX_PROGRAM = 40_000
MAX_FOUND = 200

_WORD = r"\pL\pN\pM_"
_CLASSES = {"w": _WORD, "d": r"\p{Nd}", "s": r"\s\pZ"}
_NEGATED = {"W": f"[^{_WORD}]", "D": r"\P{Nd}", "S": r"[^\s\pZ]"}
_REFUSED = {
    "B": "`\\B` is not supported",
    "C": "`\\C` would cut letters in two",
    "Q": "`\\Q` is not supported: escape the signs one by one",
}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression. `text` is the term as written, with its slashes."""

    text: str
    expression: str
    compiled: Any = field(compare=False, repr=False)
    groups: tuple[int, ...] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"/{self.expression}/"

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Spans in `text`, in order, without overlap; the first `MAX_FOUND`."""
        data = _encoded(text)
        counted, chars = 0, 0
        for start, end in self._bytes(data):
            first = chars + len(data[counted:start].decode())
            counted, chars = end, first + len(data[start:end].decode())
            yield first, chars

    def _bytes(self, data: bytes) -> Iterator[tuple[int, int]]:
        """The same in UTF-8, which is what RE2 reads: handed a `str`, it encodes the text anew for every search."""
        position = 0
        for _ in range(MAX_FOUND):
            found = self.compiled.search(data, position)
            if found is None:
                return
            start, end = next(found.span(group) for group in self.groups if found.start(group) >= 0)
            if start < end:
                yield start, end
            position = max(end, _next(data, found.start()))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def _next(data: bytes, position: int) -> int:
    """Where the character after the one at `position` begins."""
    position += 1
    while position < len(data) and data[position] & 0xC0 == 0x80:
        position += 1
    return position


def compile_pattern(text: str, expression: str, place: Place) -> Pattern:
    """Rewrite and compile. Raises `RuleError` with the reason when RE2, or a limit, does not take it."""
    if not expression:
        raise place.error("`//` is an empty regular expression; write what to look for between the slashes.")
    if len(expression) > MAX_LENGTH:
        raise place.error(f"the regular expression has {len(expression)} characters; at most {MAX_LENGTH} are allowed.")
    alternatives = [_framed(part, number) for number, part in enumerate(_alternatives(expression, text, place))]
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        compiled = re2.compile("|".join(alternatives), options)
    except re2.error as error:
        raise place.error(f"RE2 cannot take {text}: {_reason(error)}") from None
    if compiled.programsize > MAX_PROGRAM:
        raise place.error(f"{text} is too large once compiled; use smaller repetitions than {{n}} of `\\w` or `.`.")
    groups = tuple(index for name, index in compiled.groupindex.items() if name.startswith("earshot"))
    pattern = Pattern(text, expression, compiled, groups)
    if any(_matches_nothing(compiled, groups, sample) for sample in ("", "x")):
        raise place.error(
            f"{text} also matches an empty piece of text, so it would fire on every post; require a letter."
        )
    return pattern


def _matches_nothing(compiled: Any, groups: tuple[int, ...], sample: str) -> bool:
    found = compiled.search(sample)
    return found is not None and any(
        found.start(group) >= 0 and found.start(group) == found.end(group) for group in groups
    )


def _reason(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    words = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
    if re.search(r"\(\?(<?[=!]|x)", words):
        return f"{words}. Look-around is not possible in linear time; write AND, NOT or NEAR/n between terms instead."
    if re.search(r"escape sequence: \\\d", words):
        return f"{words}. Back-references are not possible in linear time; spell the repetition out."
    return f"{words}."


def _framed(body: str, number: int) -> str:
    """One alternative, its `\\b` at either end turned into a neighbour that is not reported."""
    before, after = "", ""
    if body.startswith("\\b"):
        before, body = f"(?:^|[^{_WORD}])", body[2:]
    if body.endswith("\\b"):
        after, body = f"(?:$|[^{_WORD}])", body[:-2]
    return f"{before}(?P<earshot{number}>{body}){after}"


def _alternatives(expression: str, text: str, place: Place) -> list[str]:
    """Split at the top-level `|`, with classes rewritten and `\\b` left only where an alternative begins or ends."""
    parts, current, depth, in_class, i = [], "", 0, False, 0
    while i < len(expression):
        char = expression[i]
        if char == "\\" and i + 1 < len(expression):
            current += _escape(expression[i + 1], in_class=in_class, text=text, place=place)
            i += 2
            continue
        if in_class:
            in_class = char != "]" or current.endswith(("[", "[^"))
        elif char == "[":
            in_class = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        elif char == "|" and depth == 0:
            parts.append(current)
            current, i = "", i + 1
            continue
        current += char
        i += 1
    parts.append(current)
    for part in parts:
        if "\\b" in part.removeprefix("\\b").removesuffix("\\b").replace("\\\\", ""):
            raise place.error(
                f"in {text}, `\\b` may stand only at the beginning or end of the expression, or of an alternative "
                "outside parentheses: RE2 knows no other word border for Cyrillic."
            )
    return parts


def _escape(letter: str, *, in_class: bool, text: str, place: Place) -> str:
    if letter in _REFUSED:
        raise place.error(f"in {text}, {_REFUSED[letter]}.")
    if letter in _CLASSES:
        return _CLASSES[letter] if in_class else f"[{_CLASSES[letter]}]"
    if letter in _NEGATED:
        if in_class and letter != "D":
            raise place.error(f"in {text}, `\\{letter}` cannot stand inside [...]; write `[^...]` instead.")
        return _NEGATED[letter]
    return "\\" + letter
