"""Numbers in words: `пятьдесят восьмой` is 58, as speech says it; Russian, Ukrainian and English.

A run of number words is read as one number, never as a part of a longer one: `сто пятьдесят восьмая` is 158.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

_RU_ENDINGS = "ый ой ая ое ые ого ой ому ую ым ом ых ыми ою".split()
_RU_SOFT = "ий ья ье ьи ьего ьей ьему ью ьим ьем ьих ьими".split()
_UK_ENDINGS = "ий а е і ого ої ому ій у им ою их ими ім".split()
_UK_SOFT = "ій я є і ього ьої ьому ю ім ьою іх іми".split()

_RU_STEMS = {
    1: "перв", 2: "втор", 4: "четверт", 5: "пят", 6: "шест", 7: "седьм", 8: "восьм", 9: "девят", 10: "десят",
    11: "одиннадцат", 12: "двенадцат", 13: "тринадцат", 14: "четырнадцат", 15: "пятнадцат", 16: "шестнадцат",
    17: "семнадцат", 18: "восемнадцат", 19: "девятнадцат", 20: "двадцат", 30: "тридцат", 40: "сороков",
    50: "пятидесят", 60: "шестидесят", 70: "семидесят", 80: "восьмидесят", 90: "девяност", 100: "сот", 200: "двухсот",
    300: "трехсот", 400: "четырехсот", 500: "пятисот", 600: "шестисот", 700: "семисот", 800: "восьмисот",
    900: "девятисот", 1000: "тысячн",
}  # fmt: skip
_RU_CARDINALS = {
    1: "один", 2: "два", 3: "три", 4: "четыре", 5: "пять", 6: "шесть", 7: "семь", 8: "восемь", 9: "девять",
    10: "десять", 11: "одиннадцать", 12: "двенадцать", 13: "тринадцать", 14: "четырнадцать", 15: "пятнадцать",
    16: "шестнадцать", 17: "семнадцать", 18: "восемнадцать", 19: "девятнадцать", 20: "двадцать", 30: "тридцать",
    40: "сорок", 50: "пятьдесят", 60: "шестьдесят", 70: "семьдесят", 80: "восемьдесят", 90: "девяносто", 100: "сто",
    200: "двести", 300: "триста", 400: "четыреста", 500: "пятьсот", 600: "шестьсот", 700: "семьсот", 800: "восемьсот",
    900: "девятьсот", 1000: "тысяча",
}  # fmt: skip
# Apostrophes are left out, as the lattice leaves them out.
_UK_STEMS = {
    1: "перш", 2: "друг", 4: "четверт", 5: "пят", 6: "шост", 7: "сьом", 8: "восьм", 9: "девят", 10: "десят",
    11: "одинадцят", 12: "дванадцят", 13: "тринадцят", 14: "чотирнадцят", 15: "пятнадцят", 16: "шістнадцят",
    17: "сімнадцят", 18: "вісімнадцят", 19: "девятнадцят", 20: "двадцят", 30: "тридцят", 40: "сороков",
    50: "пятдесят", 60: "шістдесят", 70: "сімдесят", 80: "вісімдесят", 90: "девяност", 100: "сот", 200: "двохсот",
    300: "трьохсот", 400: "чотирьохсот", 500: "пятисот", 600: "шестисот", 700: "семисот", 800: "восьмисот",
    900: "девятисот", 1000: "тисячн",
}  # fmt: skip
_UK_CARDINALS = {
    1: "один", 2: "два", 3: "три", 4: "чотири", 5: "пять", 6: "шість", 7: "сім", 8: "вісім", 9: "девять", 10: "десять",
    11: "одинадцять", 12: "дванадцять", 13: "тринадцять", 14: "чотирнадцять", 15: "пятнадцять", 16: "шістнадцять",
    17: "сімнадцять", 18: "вісімнадцять", 19: "девятнадцять", 20: "двадцять", 30: "тридцять", 40: "сорок",
    50: "пятдесят", 60: "шістдесят", 70: "сімдесят", 80: "вісімдесят", 90: "девяносто", 100: "сто", 200: "двісті",
    300: "триста", 400: "чотириста", 500: "пятсот", 600: "шістсот", 700: "сімсот", 800: "вісімсот", 900: "девятсот",
    1000: "тисяча",
}  # fmt: skip
_EN_CARDINALS = {
    1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine", 10: "ten",
    11: "eleven", 12: "twelve", 13: "thirteen", 14: "fourteen", 15: "fifteen", 16: "sixteen", 17: "seventeen",
    18: "eighteen", 19: "nineteen", 20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy",
    80: "eighty", 90: "ninety", 100: "hundred", 1000: "thousand",
}  # fmt: skip
_EN_ORDINALS = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}

# After digits: 58-я, 58-ма, 58th. After number words Whisper sometimes sets one apart: пятьдесят восемь я.
ORDINAL_SUFFIXES = frozenset(
    "я й ой ый ий ая ое ые ую ю го ого его му ому ему м ым им ом ем х ых их ми ыми е"
    " а га ша та тя ма ї ої ої і у ту му гу ша шу ти тої мої st nd rd th".split()
)


@dataclass(frozen=True, slots=True)
class NumberWord:
    """What one word says of a number. `ordinal`: восьмой, not восемь; it ends the number."""

    value: int
    ordinal: bool


@dataclass(frozen=True, slots=True)
class Number:
    """A number found in words: tokens `first` to `last`, both included."""

    first: int
    last: int
    value: int
    ordinal: bool


@cache
def number_words() -> dict[str, NumberWord]:
    """Every number word, folded and without apostrophes."""
    words: dict[str, NumberWord] = {}
    # Every ending with every stem: people near the front mix both languages in one word.
    for stems in (_RU_STEMS, _UK_STEMS):
        for value, stem in stems.items():
            words.update((stem + ending, NumberWord(value, True)) for ending in (*_RU_ENDINGS, *_UK_ENDINGS))
    words.update(("трет" + ending, NumberWord(3, True)) for ending in (*_RU_SOFT, *_UK_SOFT))
    for cardinals in (_RU_CARDINALS, _UK_CARDINALS, _EN_CARDINALS):
        words.update((word, NumberWord(value, False)) for value, word in cardinals.items())
    for value, word in _EN_CARDINALS.items():
        regular = word.removesuffix("y") + "ieth" if word.endswith("y") else word + "th"
        words[_EN_ORDINALS.get(value, regular)] = NumberWord(value, True)
    return words


# Where an apostrophe parts a number word into two tokens, its first half: п'ять, дев'яносто.
HALVES = frozenset({"п", "дев"})


@cache
def number_parts() -> frozenset[str]:
    """Every token that a number in words may be made of: whole words, and the two parts of those with an apostrophe."""
    known = number_words()
    tails = {word.removeprefix(half) for half in HALVES for word in known if word.startswith(half + "я")}
    return frozenset(known) | HALVES | tails


def find_numbers(tokens: Sequence[str]) -> list[Number]:
    """The longest runs of number words in a text, each read as one number; runs that make no sense are left out."""
    whole = _whole(tokens)
    found = _runs([word for _, word in whole])
    ends = [*(start for start, _ in whole[1:]), len(tokens)]
    return [Number(whole[one.first][0], ends[one.last] - 1, one.value, one.ordinal) for one in found]


def _whole(tokens: Sequence[str]) -> list[tuple[int, str]]:
    """Each word with the number of its first token; number words parted by an apostrophe are put together."""
    known = number_words()
    words: list[tuple[int, str]] = []
    skip = False
    for i, token in enumerate(tokens):
        if skip:
            skip = False
            continue
        skip = token in HALVES and i + 1 < len(tokens) and token + tokens[i + 1] in known
        words.append((i, token + tokens[i + 1] if skip else token))
    return words


def _runs(tokens: Sequence[str]) -> list[Number]:
    known = number_words()
    found: list[Number] = []
    i = 0
    while i < len(tokens):
        if tokens[i] not in known:
            i += 1
            continue
        number = _read(tokens, i, known)
        found.append(number)
        i = number.last + 1
    return found


def _read(tokens: Sequence[str], first: int, known: dict[str, NumberWord]) -> Number:
    """The number that begins at `first`: hundreds, tens and units may follow each other only downwards."""
    total, last, ordinal, limit = 0, first, False, 10_000
    for i in range(first, len(tokens)):
        word = known.get(tokens[i])
        if word is None and tokens[i] == "and" and total >= 100 and i + 1 < len(tokens) and tokens[i + 1] in known:
            continue
        if word is None or ordinal:
            break
        value = word.value
        if value in (100, 1000) and 0 < total < 100 and limit <= 10 and tokens[i] in _MULTIPLIERS:
            total, limit = total * value, value
        elif value < limit:
            total, limit = total + value, _below(value)
        else:
            break
        last, ordinal = i, word.ordinal
    return Number(first, last, total, ordinal)


# `two hundred`, `две тысячи`; сто and двести are words of their own.
_MULTIPLIERS = frozenset("hundred hundredth thousand thousandth тысяча тысячи тысяч тисяча тисячі тисяч".split())


def _below(value: int) -> int:
    """What may follow: after 100 or 200 less than 100, after 20 or 50 less than 10, after 8 or 15 nothing."""
    if value >= 1000:
        return 1000
    if value >= 100:
        return 100
    return 10 if value >= 20 else 1
