"""Forms of everyday words, with what each needs where it is also another word."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bot.rules.forms.assemble import folded, is_cyrillic, merged, plain
from bot.rules.forms.dictionary import NAMES, analyzer, grammemes, is_word, parses
from bot.rules.forms.english import inflections
from bot.rules.forms.places import place
from bot.rules.forms.slavic import UKRAINIAN
from bot.rules.forms.surnames import surname_forms
from bot.rules.forms.ukrainian import ukrainian_surname_forms
from bot.rules.lookalike import CAPITALS, to_cyrillic
from bot.rules.slots import Dropped, Form, Guard, Reason

# A form that is mostly something else is taken only where the words around it say so.
LEAST_SHARE = 0.08
# Readings rarer than this are no rivals.
_RARE = 0.02
_MEASURES = frozenset("мин сек час км м г т кг л га".split())
_LOAN_ENDINGS = {
    "ru": ("а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах", "и", "ей"),
    "uk": ("а", "у", "ові", "ом", "і", "и", "ів", "ам", "ами", "ах"),
}
_VOWELS = "аеёиоуыэюяіїє"
_ALIKE = CAPITALS | {"s", "j"}

Forms = dict[str, Form]


@lru_cache(50_000)
def word_forms(word: str, *, verbs: bool = True) -> tuple[Forms, tuple[Dropped, ...]]:
    """(forms, dropped) of one written word of a rule, which is always among its forms.

    `verbs`: an English word may be a verb (shelled, shelling).
    """
    if not is_cyrillic(word):
        others = plain(inflections(folded(word), verbs=verbs), Reason.INFLECTED)
        return merged(plain([word], Reason.EXACT), others, drawn_alike(folded(word))), ()
    lexemes = [(parse, language) for language in ("ru", "uk") for parse in _lexemes(word, language)]
    lemmas = tuple({parse.normal_form: None for parse, _ in lexemes})
    forms, dropped = _inflected(word, lexemes, lemmas)
    if not any(language == "ru" for _, language in lexemes) or len(forms) == 1:
        forms = merged(forms if lexemes else plain([word], Reason.EXACT), *_guessed(word, lemmas))
    forms = merged(forms, _without_hook(forms), _mixed(forms))
    written = folded(word)
    if written not in forms:
        # What stands in the rule is found, be it mostly another word (банка, of a bank) or a call (брате).
        forms[written] = Form()
    return forms, tuple(one for one in dropped if one.form != written)


def kept_although(word: str) -> str:
    """Why a word of a rule would be dropped if it did not stand there (`is mostly another word (банк)`); else empty."""
    lexemes = [(parse, language) for language in ("ru", "uk") for parse in _lexemes(word, language)]
    _, dropped = _inflected(word, lexemes, tuple({parse.normal_form: None for parse, _ in lexemes}))
    return next((one.reason for one in dropped if one.form == folded(word)), "")


def drawn_alike(word: str) -> Forms:
    """A Latin abbreviation written in Cyrillic letters that are drawn the same: НІМАR... as `АТАСМЅ`."""
    alike = to_cyrillic(word) if 2 < len(word) < 9 and _ALIKE.issuperset(word) else ""
    return {alike: Form(Reason.LOOK_ALIKE, Guard.UPPER)} if alike else {}


def _lexemes(word: str, language: str) -> list[Any]:
    """The words that an analyst may mean: those whose dictionary form it is, else the likeliest."""
    lower = word.lower().translate(_APOSTROPHES)
    if language == "ru" and UKRAINIAN & set(lower):
        return []
    found = parses(lower, language) or parses(folded(word), language)
    chosen = {
        (parse.normal_form, parse.methods_stack[0][2]): parse
        for parse in reversed(found)
        if folded(parse.normal_form) == folded(word)
    }
    if chosen or not found:
        return list(chosen.values())
    # Not a dictionary form (снят): the likeliest words that have it.
    likeliest = {parse.normal_form: parse for parse in reversed(found) if parse.score > found[0].score / 2}
    return list(likeliest.values())


_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼʹ′`´", "'"))


def _inflected(word: str, lexemes: list[tuple[Any, str]], lemmas: tuple[str, ...]) -> tuple[Forms, tuple[Dropped, ...]]:
    forms: Forms = {}
    dropped: list[Dropped] = []
    words = (one.word for parse, _ in lexemes for one in parse.lexeme if "voct" not in one.tag.grammemes)
    for text in dict.fromkeys(map(folded, words)):
        guard = _guard(text, lemmas)
        if guard is None:
            dropped.append(Dropped(text, f"is mostly another word ({_other(text, lemmas)})"))
        else:
            reason = Reason.EXACT if text == folded(word) else Reason.INFLECTED
            forms[text] = Form(reason, guard, lemmas if Guard.CONTEXT in guard else ())
    return forms, tuple(dropped)


def _guard(text: str, lemmas: tuple[str, ...]) -> Guard | None:
    """What a form needs; None when it is not to be taken. A form without a rival needs nothing."""
    if text in _MEASURES and text not in lemmas:
        return Guard.NOT_MEASURE
    rivals = list(_rivals(text, lemmas))
    if not rivals:
        return Guard.NONE
    readings = parses(text)
    mine = sum(one.score for one in readings if one.normal_form in lemmas)
    total = sum(one.score for one in readings) or 1.0
    if readings and 0 < mine / total < LEAST_SHARE and not any(one.tag.POS in ("VERB", "INFN") for one in rivals):
        return None
    return Guard.CONTEXT


def _rivals(text: str, lemmas: tuple[str, ...]) -> Iterator[Any]:
    """Other everyday words that the form may be."""
    for language in ("ru", "uk"):
        readings = parses(text, language)
        if any(one.normal_form in lemmas for one in readings):
            yield from (
                one
                for one in readings
                if one.normal_form not in lemmas and one.score > _RARE and not NAMES & grammemes(one)
            )


def _other(text: str, lemmas: tuple[str, ...]) -> str:
    return next((str(one.normal_form) for one in _rivals(text, lemmas)), "")


def _guessed(word: str, lemmas: tuple[str, ...]) -> list[Forms]:
    """Forms of a word that the dictionary lacks: a loanword, a new name, or slang. Guessed generously.

    Ukrainian guesses that are words of their own are left out: its dictionary is the larger, and few of them are meant.
    """
    lower = word.lower()
    ukrainian = not UKRAINIAN.isdisjoint(lower)
    if ukrainian and lemmas:
        return []
    parts = [{text: form for text, form in _endings(lower, "uk").items() if not is_word(text)}]
    if not ukrainian:
        parts.append(_endings(lower, "ru"))
    if word[:1].isupper():
        names = ukrainian_surname_forms(lower) if ukrainian else surname_forms(lower)
        parts += [plain(names, Reason.INFLECTED)]
        parts += [{text: form for text, form in place(word).items() if is_cyrillic(text)}]
    if not lemmas:
        return parts
    return [{text: form for text, form in part.items() if not is_word(text)} for part in parts]


def _endings(lower: str, language: str) -> Forms:
    """What the dictionary makes of the likeliest word that it has, and the endings of loanwords."""
    guessed = {form.word for parse in analyzer(language).parse(lower)[:1] for form in parse.lexeme}
    if lower[-1:] not in _VOWELS + "йь":
        guessed.update(lower + ending for ending in _LOAN_ENDINGS[language])
    return plain(guessed, Reason.INFLECTED)


def _without_hook(forms: Forms) -> Forms:
    """ґ is also written г."""
    return {text.replace("ґ", "г"): form for text, form in forms.items() if "ґ" in text}


def _mixed(forms: Forms) -> Forms:
    """Russian words with the Ukrainian и at their end, as people near the front write: взрыви."""
    mixed = {text[:-1] + "и": form for text, form in forms.items() if text.endswith("ы")}
    return {text: Form(Reason.INFLECTED, form.guard, form.lemmas) for text, form in mixed.items() if not is_word(text)}
