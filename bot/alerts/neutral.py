"""Text of strangers made harmless to show: what people wrote stays readable, what would act on the reader does not.

Three things are taken from it. *Hidden characters* (bidi overrides and isolates, zero-width and other ignorable code
points, controls, lone surrogates, towers of combining marks) can turn a line around, hide words or cover the line
above. *Line breaks* can start a line that looks like ours. *Links* that Telegram would make by itself out of plain
text (addresses, `t.me/`, `@names`, `/commands`) are defanged the way security reports do it: `hxxps://evil[.]example`,
`[@]name`, `[/]stop`.
"""

import unicodedata
from dataclasses import dataclass
from itertools import accumulate, pairwise

import regex

# Prepended marks are rare and would swallow the character of ours that follows.
_HIDDEN = regex.compile(
    r"[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}\p{Grapheme_Cluster_Break=Prepend}]"
)
_BLANK = regex.compile(r"[\s\p{Z}\p{Cc}\u2800]")
_PICTURE = regex.compile(r"[\p{Extended_Pictographic}\p{Emoji_Modifier}\uFE0F]")
# What would join the character before it, be that one of ours.
_MARK = regex.compile(r"[\p{M}\p{Grapheme_Cluster_Break=Extend}\p{Grapheme_Cluster_Break=SpacingMark}]")
_STACKING = regex.compile(r"[\p{Mn}\p{Me}]")
_GRAPHEME = regex.compile(r"\X")
_JOINER = "\u200d"
_SELECTORS = "\ufe0e\ufe0f"
# More marks than this on one letter are drawn over the lines around it; Vietnamese, Hebrew and IPA need fewer.
_MARKS = 4
# UTF-16 units of one grapheme; the longest emoji in use, a kiss with two skin tones, has 15.
_GRAPHEME_UNITS = 32

# Group `x` is the one code point to replace; what Telegram links is in TDLib's MessageEntity.cpp.
_LINKS = (
    (regex.compile(r"(?i)(?<![\p{L}])h(?P<x>t)tp(?=s?:)"), "x"),
    (regex.compile(r"(?i)(?<![\p{L}])h[tx](?P<x>t)p(?=s?:)"), "x"),
    (regex.compile(r"(?i)(?<=[\p{L}\p{N}])(?<!(?<!\p{L})https?)(?P<x>:)(?=//)"), "[:]"),
    (regex.compile(r"(?<=[\w\-])(?P<x>[.。．｡])(?=[^\W\d_]{2}|xn--)"), "[.]"),
    (regex.compile(r"(?<=\d)(?P<x>[.])(?=\d+\.\d+\.\d+(?!\d))"), "[.]"),
    (regex.compile(r"(?P<x>@)(?=\w)"), "[@]"),
    (regex.compile(r"(?<![\w/<>\]])(?P<x>/)(?=[A-Za-z0-9_])"), "[/]"),
)

_OPEN, _CLOSE = "\u2068", "\u2069"  # FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE (UAX 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """Harmless text and the way back to the original."""

    text: str
    # Code point `i` of the original begins at `offsets[i]` of `text`; one more than the original has code points.
    offsets: tuple[int, ...]
    # How many characters that one does not see were left out.
    hidden: int


def neutralise(original: str) -> Clean:
    """Make a stranger's text one harmless line, keeping track of where each code point went."""
    atoms = _visible(original)
    hidden = sum(1 for kept, char in zip(atoms, original, strict=True) if not kept and not _BLANK.match(char))
    hidden += _flatten(atoms)
    _defang(atoms)
    offsets = tuple(accumulate(map(len, atoms), initial=0))
    return Clean(text="".join(atoms), offsets=offsets, hidden=hidden)


def plain(original: str) -> str:
    """The harmless text alone, for titles, names and other short data, without blanks around it."""
    return neutralise(original).text.strip()


def visible(original: str) -> str:
    """Our own text, which may hold data: hidden characters go, line breaks and links stay."""
    return "\n".join("".join(_visible(line)).rstrip() for line in original.split("\n"))


def units(text: str) -> int:
    """Length as Telegram counts it, in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def borders(text: str) -> list[int]:
    """Offsets at which `text` may be cut without splitting what a reader sees as one character; ends included."""
    return [0, *(found.end() for found in _GRAPHEME.finditer(text))]


def clip(text: str, limit: int) -> str:
    """`text` cut on a grapheme border to at most `limit` UTF-16 units, with an ellipsis when something was cut."""
    if units(text) <= limit:
        return text
    room, end = limit - 1, 0
    for start, stop in pairwise(borders(text)):
        room -= units(text[start:stop])
        if room < 0:
            break
        end = stop
    return text[:end].rstrip() + "…"


def isolated(text: str) -> str:
    """`text` wrapped so that right-to-left script in it cannot move what stands beside it on the line."""
    if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in text):
        return f"{_OPEN}{text}{_CLOSE}"
    return text


def _visible(original: str) -> list[str]:
    """One string per code point of the original: itself, one space for a run of blanks, or nothing."""
    atoms: list[str] = []
    shown = ""
    marks = 0
    for index, char in enumerate(original):
        if _BLANK.match(char):
            atom = "" if shown == " " else " "
        elif _HIDDEN.match(char):
            atom = char if _holds_emoji(original, index, shown) else ""
        elif _MARK.match(char) and shown in ("", " "):
            atom = ""
        else:
            marks = marks + 1 if _STACKING.match(char) else 0
            atom = "" if marks > _MARKS else char
        atoms.append(atom)
        shown = atom or shown
    return atoms


def _holds_emoji(original: str, index: int, shown: str) -> bool:
    """Whether this joiner or variation selector is part of an emoji, rather than something hidden."""
    char = original[index]
    if char == _JOINER:
        return bool(_PICTURE.match(shown)) and bool(_PICTURE.match(original, index + 1))
    return char in _SELECTORS and bool(shown) and shown not in (" ", _JOINER, *_SELECTORS)


def _flatten(atoms: list[str]) -> int:
    """Reduce graphemes of absurd length, which no cut could fit, to their first code point; return how many fell."""
    places = [index for index, atom in enumerate(atoms) if atom]
    fallen = 0
    for start, stop in pairwise(borders("".join(atoms))):
        if stop - start > 1 and units("".join(atoms[place] for place in places[start:stop])) > _GRAPHEME_UNITS:
            for place in places[start + 1 : stop]:
                atoms[place] = ""
            fallen += stop - start - 1
    return fallen


def _defang(atoms: list[str]) -> None:
    """Replace, in place, the code points that make Telegram see a link. Every atom is one code point or nothing."""
    places = [index for index, atom in enumerate(atoms) if atom]
    text = "".join(atoms)
    for pattern, replacement in _LINKS:
        for found in pattern.finditer(text):
            atoms[places[found.start("x")]] = replacement
