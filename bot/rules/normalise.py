"""Folding: what counts as the same writing, with the way back to the original text.

A letter is folded to lower case and to its plain form (`Ё` to `е`, bold, circled and full-width letters to letters,
accents dropped, but й, ї and ў kept). Characters that nobody sees (zero-width, soft hyphen, direction marks,
variation selectors) are removed. Addresses and @mentions are blanked: they are no words. Every folded character
remembers which original characters it stands for.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, compress

import regex

# Stands where an address or a mention was; no phrase crosses it.
BARRIER = "\x00"
# Characters whose folding is remembered.
_CACHED = 20_000

# One set of first characters lets the scan skip to them; each look-behind then sees that character and one more.
ADDRESS = re.compile(
    r"[hHwWtT@](?:"
    r"(?:(?<=[hH])[tT]{2}[pP][sS]?://|(?<=[wW])[wW]{2}\.|(?<=[tT])[gG]://|(?<=[tT])(?<![\w\u0300-\u036f].)\.[mM][eE]/)"
    r"[^\s<>«»\"]+"
    r"|(?<=@)(?<![\w@\u0300-\u036f].)[A-Za-z][A-Za-z0-9_]{3,31}(?![\w\u0300-\u036f]))"
)
_LETTERS = {"и\u0306": "й", "і\u0308": "ї", "у\u0306": "ў"}
_APOSTROPHES = dict.fromkeys("’‘ʼʹ′`´", "'")
# White letters on a black disc or square, which Unicode does not fold.
_BADGES = {chr(first + i): chr(ord("a") + i) for first in (0x1F150, 0x1F170) for i in range(26)}
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
# Emoji are full of these two: they get the fast path as long as they do not follow a word.
_JOINERS = "\ufe0f\u200d"
_JOINED = re.compile(rf"[{_JOINERS}](?<=[\w\u0300-\u036f'’-].)")
_HIDDEN = r"\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
# Possessive and without overlap: a text of nothing but variation selectors takes linear time.
_HIDDEN_IN_WORD = regex.compile(rf"(?V1)[\p{{L}}\p{{N}}_][\p{{M}}--[{_HIDDEN}]]*+[{_HIDDEN}][\p{{M}}{_HIDDEN}]*+\w")
# A hump of everyday letters.
_EVERYDAY_HUMP = re.compile(r"[A-ZА-ЯЁЄІЇҐ](?<=[a-zа-яёєіїґ].)")
_HUMP = regex.compile(r"\p{Ll}\p{M}*(?=\p{Lu})")
# Quick and never missing a hump: a letter not known to be small, inside a word.
_PERHAPS_HUMP = re.compile(r"[^\W\d_a-zß-öø-ÿа-џґ](?<=[\w\u0300-\u036f].)")


@lru_cache(_CACHED)
def is_hidden(char: str) -> bool:
    """A character that shows nothing: format characters, variation selectors, fillers."""
    return (
        unicodedata.category(char) == "Cf" or char in _FILLERS or "\ufe00" <= char <= "\ufe0f" or char >= "\U000e0100"
    )


@lru_cache(_CACHED)
def is_mark(char: str) -> bool:
    """A combining mark that is drawn on the character before it."""
    return unicodedata.category(char) in ("Mn", "Me")


@lru_cache(_CACHED)
def fold_char(char: str) -> str:
    """The folded form of one character that is neither hidden nor a mark; one or more characters."""
    if char in _APOSTROPHES:
        return _APOSTROPHES[char]
    if char in _BADGES:
        return _BADGES[char]
    wide = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    if unicodedata.category(char) == "No":
        return " "  # A footnote sign or an exponent is no part of the word before it.
    plain = "".join(_drop_marks(wide))
    # Only letters unfold to several: `…`, `№` and `™` are signs, not spellings.
    return plain if len(plain) == 1 or (plain.isalpha() and char.isalpha()) else char


def _drop_marks(decomposed: str) -> list[str]:
    out: list[str] = []
    for char in decomposed:
        if not is_mark(char):
            out.append(char)
        elif out:
            out[-1] = _LETTERS.get(out[-1] + char, out[-1])
    return out


class _Table(dict[int, str]):
    """`str.translate` table, filled as characters are met; hidden characters and marks fold to nothing.

    `odd` holds those met that do not fold to exactly one character.
    """

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(map(ord, _JOINERS), " "))
        self.odd: set[str] = set()

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = "" if is_hidden(char) or is_mark(char) else fold_char(char)
        if len(folded) != 1:
            self.odd.add(char)
        self[code] = folded
        return folded

    def odd_of(self, chars: set[str]) -> set[str]:
        """Those of them that are odd."""
        for char in chars:
            self[ord(char)]
        return chars & self.odd


_TABLE = _Table()


@dataclass(frozen=True, slots=True)
class Folded:
    """A reading of `original`. `text[i]` stands for `original[starts[i]:ends[i]]`."""

    original: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    # Nothing but everyday letters, digits and signs: what is a word can be told faster.
    everyday: bool = False
    # Where in the original, in order, words are parted that the plain reading does not part.
    breaks: Sequence[int] = ()


def fold(original: str, *, split: bool = False) -> Folded:
    """Fold a text. With `split`, hidden characters inside words and humps (`StormShadow`) part words."""
    return _fold(original, _blank(original), split=split)


def readings(original: str) -> Iterator[Folded]:
    """The text as it stands, and once more with its words parted where a hidden character or a hump allows it."""
    source = _blank(original)
    plain = _fold(original, source, split=False)
    yield plain
    # A hidden character inside a word has sent the text down the slow path.
    hidden = not isinstance(plain.starts, range) and _HIDDEN_IN_WORD.search(source)
    humped = _EVERYDAY_HUMP.search(source) if plain.everyday else _PERHAPS_HUMP.search(source) and _HUMP.search(source)
    if hidden or humped:
        yield _fold(original, source, split=True)


def _blank(original: str) -> str:
    if "@" not in original and "/" not in original and "www" not in original.lower():
        return original
    return ADDRESS.sub(lambda found: BARRIER * len(found.group()), original)


# What nearly every post is made of: its folding is `lower` and a few replacements.
_EVERYDAY = (
    "\x00-\x7f\u0410-\u044f\u0401\u0451\u0404\u0406\u0407\u0454\u0456\u0457\u0490\u0491«»“”„…–—•№\u00a0"
    "\u2600-\u27bf\U0001f300-\U0001faff"
)
_NOT_EVERYDAY = re.compile(f"[^{_EVERYDAY}]")
# The same, joiners that follow no word aside.
_STRANGE = re.compile(rf"[^{_EVERYDAY}](?:(?<![{_JOINERS}])|(?<=[\w\u0300-\u036f'’-].))")


def _fold(original: str, source: str, *, split: bool) -> Folded:
    if not split and not _STRANGE.search(source):
        text = _fold_everyday(source)
        return Folded(original, text, range(len(text)), range(1, len(text) + 1), everyday=True)
    chars = set(source)
    odd = _TABLE.odd_of(chars)
    if not chars.isdisjoint(_JOINERS) and (split or _JOINED.search(source)):
        odd.update(_JOINERS)
    everyday = all(map(is_hidden, odd)) and not _NOT_EVERYDAY.search("".join(chars.difference(odd, _JOINERS)))
    humps = _humps(source, everyday=everyday) if split else set()
    if everyday:
        return _fold_around(original, source, odd, humps, split=split)
    if odd or humps:
        return _fold_oddly(original, source, odd, humps, split=split)
    text = source.translate(_TABLE)
    return Folded(original, text, range(len(text)), range(1, len(text) + 1))


def _humps(source: str, *, everyday: bool) -> set[int]:
    """The capitals inside words."""
    if everyday:
        return {found.start() for found in _EVERYDAY_HUMP.finditer(source)}
    return {found.end() for found in _HUMP.finditer(source)}


def _fold_everyday(source: str) -> str:
    return source.lower().replace("ё", "е").replace("\ufe0f", " ").replace("\u200d", " ").replace("`", "'")


def _fold_around(original: str, source: str, hidden: set[str], humps: set[int], *, split: bool) -> Folded:
    """What stands between hidden characters and humps at once; all else in the text is everyday."""
    folded = _fold_everyday(source)
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    places = {i for i, char in enumerate(source) if char in hidden} if hidden else set()
    breaks = sorted(places | humps)
    for i in (*breaks, len(source)):
        parts.append(folded[at:i])
        starts += range(at, i)
        ends += range(at + 1, i + 1)
        at = i + 1 if i in places else i
        if split and i < len(source):
            parts.append(" ")
            starts.append(i)
            ends.append(i + 1)
    return Folded(original, "".join(parts), starts, ends, everyday=True, breaks=breaks)


def _fold_oddly(original: str, source: str, odd: set[str], humps: set[int], *, split: bool) -> Folded:
    """Each character by itself, then those mended that marks are drawn on or that are humps."""
    hidden = {char for char in odd if is_hidden(char)}
    shown = " " if split else ""
    folded = map(_TABLE.__getitem__, map(ord, source))
    pieces = [shown if char in hidden else piece for char, piece in zip(source, folded, strict=True)]
    for i in humps:
        pieces[i] = " " + pieces[i]
    # By place: where what stands there ends, when marks follow it.
    longer = _draw_marks(source, pieces, {char for char in odd - hidden if is_mark(char)})
    text = "".join(pieces)
    starts = list(compress(range(len(pieces)), pieces))
    if len(starts) < len(text):
        # Some stand for several.
        starts = [i for i, piece in enumerate(pieces) for _ in piece]
    ends = [i + 1 for i in starts]
    if longer:
        lasts = list(accumulate(map(len, pieces)))
        for i, end in longer.items():
            ends[lasts[i] - 1] = end
    breaks = sorted(humps.union(i for i, char in enumerate(source) if char in hidden)) if split else ()
    return Folded(original, text, starts, ends, breaks=breaks)


def _draw_marks(source: str, pieces: list[str], marks: set[str]) -> dict[int, int]:
    """Draw each mark on the last character that shows before it; where those end then, by their places."""
    longer: dict[int, int] = {}
    base, before = -1, -1
    for i in [i for i, char in enumerate(source) if char in marks] if marks else ():
        place = i - 1
        # Behind the mark before this one, so that each place is passed once.
        while place > before and not pieces[place]:
            place -= 1
        base, before = (place if place > before else base), i
        if base >= 0:
            drawn = pieces[base]
            if (letter := _LETTERS.get(drawn[-1] + source[i])) is not None:
                pieces[base] = drawn[:-1] + letter
            longer[base] = i + 1
    return longer
