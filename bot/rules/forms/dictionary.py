"""The dictionaries behind the forms: pymorphy3 with OpenCorpora's Russian and the Ukrainian of VESUM.

Loaded on first use (0.1 s, 30 MB each). Asked when a rule is compiled, and of a text only about words that already hit.
"""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import pymorphy3

CACHED = 100_000
_MOSTLY = 0.6


@cache
def analyzer(language: str) -> Any:
    """pymorphy3's analyzer for `ru` or `uk`."""
    return pymorphy3.MorphAnalyzer(lang=language)


@lru_cache(CACHED)
def parses(word: str, language: str = "ru") -> tuple[Any, ...]:
    """What the word can be; guesses for words that the dictionary lacks are left out."""
    if not analyzer(language).word_is_known(word):
        return ()
    return tuple(analyzer(language).parse(word))


@lru_cache(CACHED)
def is_word(word: str) -> bool:
    """Whether a dictionary of either language has it; ё may be written е."""
    return any(analyzer(language).word_is_known(word) for language in ("ru", "uk"))


def grammemes(parse: Any) -> frozenset[str]:
    """The grammemes of a parse. Asking `in parse.tag` fails where both languages are loaded: they share a class."""
    return frozenset(parse.tag.grammemes)


# Poss: попов as an adjective (of a priest), which every surname in -ов has in this dictionary.
NAMES = frozenset({"Surn", "Name", "Patr", "Geox", "Orgn", "Trad", "Init", "Abbr", "Poss"})


@lru_cache(CACHED)
def is_common_word(word: str) -> bool:
    """Whether it is also an everyday word, not just a name: попов (of priests), орехов (of nuts), малюк (a child)."""
    return any(not NAMES & grammemes(parse) and parse.score > 0.02 for parse in parses(word)) or any(
        not NAMES & grammemes(parse) and _is_common(parse) for parse in parses(word, "uk")
    )


def _is_common(parse: Any) -> bool:
    """VESUM marks no places, and not every surname; but places have no plural, and other nouns mostly have one."""
    if parse.normal_form.endswith("енко"):
        return False
    if parse.tag.POS != "NOUN":
        return parse.tag.POS != "ADJF" or not parse.normal_form.endswith(("ів", "їв", "ов", "ев", "єв", "ин", "їн"))
    return "plur" in parse.tag.grammemes or any("plur" in one.tag.grammemes for one in parse.lexeme)


@lru_cache(CACHED)
def is_feminine_first_name(word: str) -> bool:
    """Whether it is a woman's first name or patronymic in any case: Елены, Ивановне."""
    if word.endswith(
        ("овна", "евна", "ична", "овны", "евны", "ичны", "овне", "евне", "ичне", "овной", "евной", "ичной")
    ):
        return True
    names = [
        [parse for parse in parses(word, language) if not grammemes(parse).isdisjoint(("Name", "Patr"))]
        for language in ("ru", "uk")
    ]
    return any(names) and all(map(_mostly_feminine, filter(None, names)))


def _mostly_feminine(parses: Sequence[Any]) -> bool:
    """Анастасия and Юлия are women, though the dictionary also has Анастасий and Юлий; Валерия may be of Валерий."""
    total: float = sum(parse.score for parse in parses)
    hers: float = sum(parse.score for parse in parses if "femn" in grammemes(parse))
    return hers >= _MOSTLY * total


@lru_cache(CACHED)
def is_ukrainian_surname(name: str) -> bool:
    """Whether the Ukrainian dictionary alone has it as a surname: Залужний, written with letters of both alphabets."""
    return not parses(name) and any("Surn" in grammemes(parse) for parse in parses(name, "uk"))


@lru_cache(CACHED)
def is_name(word: str, lemmas: tuple[str, ...]) -> bool:
    """Whether a word may be one of these lemmas as a name."""
    return any(one.normal_form in lemmas and NAMES & grammemes(one) for one in (*parses(word), *parses(word, "uk")))
