"""Forms of everyday words, with what each needs where it is also another word."""

from functools import lru_cache
from typing import Any

from bot.rules.forms.assemble import folded, is_cyrillic, merged, plain
from bot.rules.forms.dictionary import analyzer, grammemes, parses
from bot.rules.forms.places import place
from bot.rules.forms.slavic import UKRAINIAN
from bot.rules.forms.surnames import surname_forms
from bot.rules.slots import Dropped, Form, Guard, Reason

# A form that is mostly something else is not taken.
LEAST_SHARE = 0.08
_MEASURES = frozenset("мин сек час км м г т кг л га".split())
_LOAN_ENDINGS = ("а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах", "и", "ей")
_VOWELS = "aeiou"


@lru_cache(50_000)
def word_forms(word: str) -> tuple[dict[str, Form], tuple[Dropped, ...]]:
    """(forms, dropped) of one written word of a rule."""
    if not is_cyrillic(word):
        return merged(plain([word], Reason.EXACT), plain(_english(folded(word)), Reason.INFLECTED)), ()
    lower = folded(word)
    dropped: list[Dropped] = []
    parts = [plain([word], Reason.EXACT)]
    known = False
    for language in ("ru", "uk"):
        if language == "ru" and UKRAINIAN & set(lower):
            continue
        lexemes = _lexemes(word, language)
        known |= bool(lexemes)
        for parse in lexemes:
            parts.append(_checked(parse, language, dropped))
    if not known:
        parts += _unknown(word)
    return merged(*parts[1:], parts[0]) if len(parts) > 1 else parts[0], tuple(dict.fromkeys(dropped))


def _lexemes(word: str, language: str) -> list[Any]:
    """The words that an analyst may mean: those whose dictionary form it is, else the likeliest."""
    found = parses(word.lower(), language) or parses(folded(word), language)
    chosen: dict[tuple[str, str], Any] = {}
    for parse in found:
        if folded(parse.normal_form) == folded(word):
            chosen.setdefault((parse.normal_form, str(parse.tag.POS)), parse)
    return list(chosen.values()) or list(found[:1])


def _checked(parse: Any, language: str, dropped: list[Dropped]) -> dict[str, Form]:
    forms = {}
    for one in parse.lexeme:
        text = folded(one.word)
        guard = _guard(text, parse, language)
        if guard is None:
            dropped.append(Dropped(text, f"is mostly another word ({_other(text, parse, language)})"))
        else:
            reason = Reason.EXACT if text == folded(parse.word) else Reason.INFLECTED
            forms[text] = Form(reason, guard)
    return forms


def _guard(text: str, lexeme: Any, language: str) -> Guard | None:
    """What a form needs; None when it is not to be taken. A form without a rival needs nothing."""
    if text in _MEASURES and text != folded(lexeme.normal_form):
        return Guard.NOT_MEASURE
    readings = parses(text, language)
    mine = sum(one.score for one in readings if one.normal_form == lexeme.normal_form)
    total = sum(one.score for one in readings) or 1.0
    if not readings or mine / total > 0.6:
        return Guard.NONE
    rivals = [one for one in readings if one.normal_form != lexeme.normal_form]
    if any("VERB" in grammemes(one) for one in rivals) and mine / total < LEAST_SHARE:
        return Guard.NOT_VERB
    nominative = any({"NOUN", "nomn", "sing"} <= grammemes(one) for one in rivals)
    plural = any({"plur", "gent"} <= grammemes(one) for one in readings if one.normal_form == lexeme.normal_form)
    if nominative and plural:
        return Guard.COUNTED
    return Guard.NONE if mine / total >= LEAST_SHARE else None


def _other(text: str, lexeme: Any, language: str) -> str:
    return next(one.normal_form for one in parses(text, language) if one.normal_form != lexeme.normal_form)


def _unknown(word: str) -> list[dict[str, Form]]:
    """A word that no dictionary has: a loanword, a new name, or slang. Its endings are guessed, generously."""
    lower = word.lower()
    guessed: set[str] = set()
    for parse in analyzer("ru").parse(lower)[:1]:
        guessed.update(form.word for form in parse.lexeme)
    if lower[-1:] not in "аеёиоуыэюяьй":
        guessed.update(lower + ending for ending in _LOAN_ENDINGS)
    parts = [plain(guessed, Reason.INFLECTED)]
    if word[:1].isupper():
        parts += [plain(surname_forms(lower), Reason.INFLECTED)]
        parts += [{text: form for text, form in place(word).items() if is_cyrillic(text)}]
    return parts


def _english(word: str) -> list[str]:
    """Plurals and the regular forms of verbs; `'s` is a word of its own for the lattice."""
    if not word.isalpha() or not word.isascii() or len(word) < 3:
        return []
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return [word + "es", word + "ed", word + "ing"]
    if word.endswith("y") and word[-2] not in _VOWELS:
        return [word[:-1] + "ies", word[:-1] + "ied", word + "ing"]
    if word.endswith("e"):
        return [word + "s", word + "d", word[:-1] + "ing"]
    forms = [word + "s", word + "ed", word + "ing"]
    if len(word) <= 5 and word[-1] not in _VOWELS + "wxy" and word[-2] in _VOWELS and word[-3] not in _VOWELS:
        forms += [word + word[-1] + "ed", word + word[-1] + "ing"]
    return forms
