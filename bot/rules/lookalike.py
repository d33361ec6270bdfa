"""Letters that look like others: a word written to slip past a filter, read as it is meant.

Tables of our own, after the confusables of Unicode (https://www.unicode.org/reports/tr39/), for folded letters. What the
folding (NFKC, accents off) already makes plain, such as bold or circled letters, is not here.
"""

import re
from collections.abc import Iterator
from itertools import groupby

CYRILLIC = frozenset("абвгдежзийклмнопрстуфхцчшщъыьэюяіїєґўјѕћђњљџ")
LATIN = frozenset("abcdefghijklmnopqrstuvwxyzß")

# Small and capital shapes: в is the small form of В, which looks like B.
_TO_CYRILLIC = {
    "a": "а", "b": "в", "c": "с", "e": "е", "h": "н", "i": "і", "j": "ј", "k": "к", "m": "м", "n": "п", "o": "о",
    "p": "р", "r": "г", "s": "ѕ", "t": "т", "u": "и", "w": "ш", "x": "х", "y": "у",
}  # fmt: skip
_TO_LATIN = {
    "а": "a", "в": "b", "с": "c", "е": "e", "н": "h", "і": "i", "ј": "j", "к": "k", "м": "m", "п": "n", "о": "o",
    "р": "p", "г": "r", "ѕ": "s", "т": "t", "и": "u", "х": "x", "у": "y", "ԁ": "d", "ԛ": "q", "ԝ": "w", "һ": "h",
}  # fmt: skip
# What a whole Latin word may be made of to be a Cyrillic abbreviation: capitals with the same drawing.
CAPITALS = frozenset("abcehikmoptxy")
_DIGITS = {"0": "о", "3": "з", "4": "ч", "6": "б", "@": "а", "$": "с"}
_DIGITS_LATIN = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "@": "a", "$": "s"}
# Greek, by the shape of either case.
_GREEK = str.maketrans("αβγδεηικλμοπρτυφχν", "авгденикл" + "мопртуфхn")
_DIGITS_DRAWN = str.maketrans(_DIGITS)
_DIGITS_DRAWN_LATIN = str.maketrans(_DIGITS_LATIN)
_CYRILLIC_DRAWN = str.maketrans(_TO_CYRILLIC)
_LATIN_DRAWN = str.maketrans(_TO_LATIN)
# By sound, where a word mixes alphabets: Каdыров.
_BY_SOUND = {
    "a": "а", "b": "б", "c": "с", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "k": "к", "l": "л", "m": "м",
    "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "ш", "x": "х", "y": "у", "z": "з",
}  # fmt: skip
_CYRILLIC_SOUND = str.maketrans(_BY_SOUND)
_LONGEST_ABBREVIATION = 6
# Cyrillic і and ѕ, ј are no letters of Russian: in a Russian word they stand for и, and с.
_RUSSIAN = str.maketrans({"і": "и", "ѕ": "с", "ј": "й", "ї": "и", "є": "е", "ґ": "г"})

# Of neither Russian nor Ukrainian: a word with one is Latin (`Ѕеа`), or spoilt.
_NO_LETTERS_HERE = frozenset("ѕј")

_STRETCH = 3
_STRETCHED = re.compile(r"([^\W\d_])\1\1")
# Cyrillic letters that Russian has not.
_FOREIGN = frozenset("іѕјїєґ")


def is_suspicious(token: str) -> bool:
    """Whether `alternatives` may know any: letters of another alphabet than the Russian, or three alike in a row."""
    return not CYRILLIC.issuperset(token) or not _FOREIGN.isdisjoint(token) or _STRETCHED.search(token) is not None


def alternatives(token: str) -> frozenset[str]:
    """Other words that a folded token may stand for by its letters: mixed alphabets, stretched letters."""
    found: set[str] = set()
    for spelling in _unstretched(token.translate(_GREEK)):
        found.add(spelling)
        found.update(_one_alphabet(spelling))
    found.discard(token)
    return frozenset(found)


def _unstretched(token: str) -> Iterator[str]:
    """The token, and with runs of three and more letters taken for one or for two."""
    yield token
    if not token.isalpha():
        return
    runs = [(char, len(list(run))) for char, run in groupby(token)]
    if any(length >= _STRETCH for _, length in runs):
        yield "".join(char * (1 if length >= _STRETCH else length) for char, length in runs)
        yield "".join(char * (2 if length >= _STRETCH else length) for char, length in runs)


def _one_alphabet(token: str) -> Iterator[str]:
    letters = set(token)
    latin, cyrillic = letters & LATIN, letters & CYRILLIC
    if latin and cyrillic:
        yield token.translate(_CYRILLIC_SOUND)
        if latin <= _TO_CYRILLIC.keys():
            yield (whole := token.translate(_CYRILLIC_DRAWN))
            yield whole.translate(_RUSSIAN)
            if "i" in latin:
                yield token.replace("i", "ї").translate(_CYRILLIC_DRAWN)
        if cyrillic <= _TO_LATIN.keys():
            yield token.translate(_LATIN_DRAWN)
    elif latin and latin <= CAPITALS and len(token) <= _LONGEST_ABBREVIATION:
        yield (whole := token.translate(_CYRILLIC_DRAWN))
        yield whole.translate(_RUSSIAN)
    elif letters & {"і", "ѕ", "ј", "ї", "є", "ґ"}:
        # Зеленській is Ukrainian, of a woman; no Зеленський.
        if not token.endswith("ькій"):
            yield token.translate(_RUSSIAN)
        if letters & _NO_LETTERS_HERE and cyrillic <= _TO_LATIN.keys():
            yield token.translate(_LATIN_DRAWN)


def to_cyrillic(word: str) -> str:
    """A Latin word drawn with Cyrillic letters; empty when one has no likeness."""
    return word.translate(_CYRILLIC_DRAWN) if _TO_CYRILLIC.keys() >= set(word) else ""


def to_latin(word: str) -> str:
    """A Cyrillic word drawn with Latin letters; empty when one has no likeness."""
    return word.translate(_LATIN_DRAWN) if _TO_LATIN.keys() >= set(word) else ""


def without_digits(chunk: str) -> frozenset[str]:
    """A word with digits for letters (`ш0йгу`) as it is meant; nothing where half or more of it are digits."""
    digits = sum(not char.isalpha() for char in chunk)
    if not digits or digits * 2 >= len(chunk):
        return frozenset()
    found = {chunk.translate(_DIGITS_DRAWN), chunk.translate(_DIGITS_DRAWN_LATIN)}
    whole = {word for word in found if word.isalpha()}
    return frozenset(whole | {other for word in whole for other in alternatives(word)})
