"""Units that share one noun: `41-я и 2-я армии`, `35-ю, 36-ю и 5-ю армии`, `сорок первая и вторая армии`."""

from collections.abc import Sequence

from bot.rules.numbers import HALVES, ORDINAL_SUFFIXES, number_words
from bot.rules.words import Reading

_AND = frozenset("и й і та да или або and or".split())
# Digits of a unit's number; a longer one is none.
_LONGEST_NUMBER = 4


def next_in_list(reading: Reading, at: int) -> tuple[int, bool] | None:
    """Whether the list that begins with an ordinal goes on at token `at` with another one.

    Gives the token behind that, and whether the list may end there: `5-й, 58-я армия` has no `and`, so it is none yet.
    """
    words = reading.words
    closed = words[at] in _AND
    if not closed and "," not in reading.gaps[at]:
        return None
    behind = _ordinal(reading, at + closed)
    return None if behind is None else (behind, closed)


def _ordinal(reading: Reading, at: int) -> int | None:
    """The token behind an ordinal that stands at `at`, in digits (`2-я`) or in words (`тридцать шестая`)."""
    words = reading.words
    if at + 1 >= len(words) or not reading.together(at):
        return None
    if words[at].isdigit():
        is_one = len(words[at]) <= _LONGEST_NUMBER and words[at + 1] in ORDINAL_SUFFIXES and reading.tight(at + 1)
        return at + 2 if is_one and reading.closes(at + 1) else None
    return _spelt(words, at)


def _spelt(words: Sequence[str], at: int) -> int | None:
    """The same in words: the first ordinal ends the number."""
    known = number_words()
    for _ in range(4):
        if at >= len(words):
            return None
        parted = words[at] in HALVES and at + 1 < len(words)
        word = known.get(words[at] + words[at + 1] if parted else words[at])
        at += 1 + parted
        if word is None or word.ordinal:
            return at if word else None
    return None
