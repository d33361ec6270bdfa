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
    r"(?:(?<=[hH])[tT]{2}[pP][sS]?://|(?<=[wW])[wW]{2}\.|(?<=[tT])[gG]://|(?<=[tT])(?<!\w.)\.[mM][eE]/)[^\s<>«»\"]+"
    r"|(?<=@)(?<![\w@].)[A-Za-z][A-Za-z0-9_]{3,31}(?![\w\u0300-\u036f]))"
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


# Nearly every post has no other characters, and no joiner behind a word; then folding is `lower` and a few replacements.
_STRANGE = re.compile("[^\x00-\x7f\u0410-\u044f\u0401\u0451\u0404\u0406\u0407\u0454\u0456\u0457\u0490\u0491«»“”„…–—•№\u00a0"
                       "\u2600-\u27bf\U0001f300-\U0001faff]"
                       rf"(?:(?<![{_JOINERS}])|(?<=[\w\u0300-\u036f'’-].))")  # fmt: skip


def _fold(original: str, source: str, *, split: bool) -> Folded:
    if not split and not _STRANGE.search(source):
        text = source.lower().replace("ё", "е").replace("\ufe0f", " ").replace("\u200d", " ").replace("`", "'")
        return Folded(original, text, range(len(text)), range(1, len(text) + 1), everyday=True)
    odd = _TABLE.odd_of(set(source))
    if any(joiner in source for joiner in _JOINERS) and (split or _JOINED.search(source)):
        odd.update(_JOINERS)
    humps = {found.end() for found in _HUMP.finditer(source)} if split else set()
    if odd or humps:
        return _fold_oddly(original, source, odd, humps, split=split)
    text = source.translate(_TABLE)
    return Folded(original, text, range(len(text)), range(1, len(text) + 1))


def _fold_oddly(original: str, source: str, odd: set[str], humps: set[int], *, split: bool) -> Folded:
    """Each character by itself, then those mended that are odd or that a hump is before."""
    pieces = list(map(_TABLE.__getitem__, map(ord, source)))
    # By place: where what stands there ends, when marks follow it.
    longer: dict[int, int] = {}
    for i in humps:
        pieces[i] = " " + pieces[i]
    before, base = -2, -1
    for i in [i for i, char in enumerate(source) if char in odd]:
        # The last character that is drawn: right before, or before the odd ones that are not.
        base = base if i == before + 1 and not pieces[before] else i - 1
        before = i
        if is_hidden(source[i]):
            pieces[i] = " " if split else ""
        elif base >= 0 and is_mark(source[i]):
            drawn = pieces[base]
            pieces[base] = drawn[:-1] + _LETTERS.get(drawn[-1] + source[i], drawn[-1])
            longer[base] = i + 1
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
    return Folded(original, text, starts, ends)
