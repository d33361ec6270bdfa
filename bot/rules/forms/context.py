"""Which of its meanings a word has where it stands: `рот` of companies or a mouth, `стали` of steel or became.

A small judge, not a tagger: each reading that the dictionary gives weighs as often as it occurs (the square root, for the
words of war are rare in the dictionary's corpus), times what the words right before and after it say. Asked only of hits.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import sqrt

from bot.rules.forms.dictionary import NAMES, grammemes, parses
from bot.rules.numbers import number_words

# A reading that the dictionary's corpus never showed.
_UNSEEN = 0.01
# How much likelier another meaning must be for a hit to be refused: a missed post costs more than a false one.
_CLEARLY = 1.5

_CASES = frozenset("nomn gent datv accs ablt loct gen2 loc2".split())
_GOVERNS = {
    "gent": "без из от для у против после до около среди возле из-за кроме вместо вокруг ради від з із для без до біля",
    "datv": "к ко по благодаря вопреки завдяки",
    "accs": "в во на за про через под сквозь о об у по в під",
    "ablt": "с со над под перед за между з із зі над під між перед",
    "loct": "в во на о об при по у",
    "loc2": "в во на у",
}  # fmt: skip
_PREPOSITIONS: dict[str, frozenset[str]] = {
    word: frozenset(case for case, words in _GOVERNS.items() if word in words.split())
    for words in _GOVERNS.values()
    for word in words.split()
}
_QUANTITIES = frozenset("много мало немало несколько сколько столько больше меньше десятки сотни тысячи пара десяток сотня "
                        "багато мало кілька декілька скільки стільки більше менше десятки сотні тисячі".split())  # fmt: skip
_ABSENT = frozenset("нет нету больше немає нема більше".split())
_FINITE = frozenset({"VERB", "PRTS"})
_INFINITIVE = frozenset({"INFN", "infn"})
_QUALIFIERS = frozenset({"ADJF", "PRTF"})
_GENDERS = frozenset({"masc", "femn", "neut"})

Grammemes = frozenset[str]


@lru_cache(20_000)
def fits(lemmas: Sequence[str], word: str, before: str, after: str) -> bool:
    """Whether a folded word is likely one of the lemmas, between these two words (empty: a sentence begins or ends)."""
    mine = {language for language in ("ru", "uk") if any(one.normal_form in lemmas for one in parses(word, language))}
    judges = mine.intersection(_languages(before, after)) or mine
    return not mine or any(_likely(lemmas, word, before, after, language) for language in judges)


def _languages(before: str, after: str) -> tuple[str, ...]:
    """The language that knows the neighbours; both where they do not tell."""
    known = {
        language: sum(bool(parses(word, language)) for word in (before, after) if word) for language in ("ru", "uk")
    }
    if known["ru"] == known["uk"]:
        return ("ru", "uk")
    return (max(known, key=known.__getitem__),)


def _likely(lemmas: Sequence[str], word: str, before: str, after: str, language: str) -> bool:
    mine, other = 0.0, 0.0
    for parse in parses(word, language):
        weight = sqrt(max(parse.score, _UNSEEN)) * _after(grammemes(parse), after, language)
        weight *= _before(grammemes(parse), before, language)
        if parse.normal_form in lemmas:
            mine = max(mine, weight)
        elif not NAMES & grammemes(parse):
            other = max(other, weight)
    # A form that this language does not have is judged by no rival of it.
    return mine > 0 and other <= mine * _CLEARLY


def _before(own: Grammemes, word: str, language: str) -> float:
    """What the word before says: the likeliest of what it can be."""
    if not word:
        return 0.5 if "gent" in own else 1.0
    if word in _PREPOSITIONS:
        return 5.0 if own & _PREPOSITIONS[word] else 0.1
    number = number_words().get(word)
    if word.isdigit() or word in _QUANTITIES or (number and not number.ordinal):
        return 8.0 if "gent" in own else 0.3
    readings = [grammemes(one) for one in parses(word, language) if one.score > 0.05]
    return max((_after_reading(own, one) for one in readings), default=1.0)


def _after_reading(own: Grammemes, before: Grammemes) -> float:
    verb = bool(own & (_FINITE | _INFINITIVE))
    if before & _QUALIFIERS:
        return 0.4 if verb else 6.0 if _agree(own, before) else 0.2
    if "NUMR" in before:
        return 8.0 if "gent" in own else 0.3
    if "NOUN" in before:
        if own & NAMES:
            return 4.0 if own & before & _CASES else 0.4  # генерал Белоусов
        if verb:
            return 3.0 if "nomn" in before and _of_one_subject(own, before) else 0.6
        return 4.0 if "gent" in own else 0.4
    if "NPRO" in before:
        return (4.0 if "nomn" in before and _of_one_subject(own, before) else 1.0) if verb else 0.4
    if before & (_FINITE | _INFINITIVE | {"GRND"}):
        if verb:
            return 1.5 if own & _INFINITIVE else 0.2
        return 2.0 if "accs" in own else 0.4 if "gent" in own else 1.0
    return 1.0


def _after(own: Grammemes, word: str, language: str) -> float:
    """What the word after says."""
    if word in _ABSENT and "gent" in own:
        return 4.0  # полка больше нет
    verb = bool(own & _FINITE) and not own & _INFINITIVE
    readings = [grammemes(one) for one in parses(word, language) if one.score > 0.05] if word else []
    if not readings:
        return 0.6 if verb else 1.0
    if any(one & _INFINITIVE for one in readings):
        return 4.0 if verb else 1.0
    if all(one & _FINITE for one in readings):
        return 0.2 if verb else 1.5
    if own & _INFINITIVE and any("accs" in one for one in readings):
        return 4.0
    return 1.0


def _agree(own: Grammemes, adjective: Grammemes) -> bool:
    """Whether an adjective belongs to a noun: same case and number, and gender in the singular."""
    if not own & adjective & _CASES or not _same_number(own, adjective):
        return False
    return "plur" in own or not (own & _GENDERS and adjective & _GENDERS) or bool(own & adjective & _GENDERS)


def _of_one_subject(verb: Grammemes, subject: Grammemes) -> bool:
    """Whether a verb may say what the subject does: same number, and gender in the past."""
    genders = verb & _GENDERS, subject & _GENDERS
    return _same_number(verb, subject) and (not all(genders) or bool(genders[0] & genders[1]))


def _same_number(one: Grammemes, other: Grammemes) -> bool:
    """Ukrainian does not name the singular, so only the plural is asked for."""
    return ("plur" in one) == ("plur" in other)
