"""Forms of place names, in both languages and in Latin letters."""

import re
from functools import lru_cache

from bot.rules.forms.assemble import folded, is_cyrillic, merged, name_forms, plain
from bot.rules.forms.dictionary import grammemes, parses
from bot.rules.forms.latin import latin_spellings, ukrainian_spellings
from bot.rules.forms.slavic import UKRAINIAN, place_in_russian, place_in_ukrainian
from bot.rules.slots import Form, Guard, Reason

_VELAR = "гкхжчшщ"
# Before -і in Ukrainian: Юріївка, Юріївці.
_SOFTENED = {"г": "з", "к": "ц", "х": "с"}
_SHORTEST_LATIN = 4
# Places that are everyday words in English: without a capital they are none.
_EVERYDAY = frozenset(
    "nice reading split bath mobile orange deal sandwich buffalo phoenix male lens rugby cork hull".split()
)


@lru_cache(50_000)
def place(name: str, *, several: bool = False) -> dict[str, Form]:
    """The forms of one word of a place name; `several`: of a name of several words."""
    if not is_cyrillic(name):
        return plain([name], Reason.EXACT, Guard.CAPITAL if folded(name) in _EVERYDAY and not several else Guard.NONE)
    lower = name.lower()
    ukrainian = bool(UKRAINIAN & set(lower)) or lower.endswith(("ськ", "цьк"))
    # Суми, Роботине: letters that both alphabets have; the name may be of either.
    russian_names = place_in_russian(lower) if ukrainian or not parses(lower) else frozenset()
    russian_names |= frozenset() if ukrainian else {lower}
    ukrainian_names = frozenset({lower}) if ukrainian or parses(lower, "uk") else frozenset()
    ukrainian_names |= frozenset() if ukrainian else place_in_ukrainian(lower)
    russian = {form for one in russian_names for form in (one, *_russian(one), *_lexeme(one, "ru"))}
    other = {form for one in ukrainian_names for form in (one, *_ukrainian(one), *_lexeme(one, "uk"))}
    latin = {one for name in russian_names for one in latin_spellings(name)}
    latin |= {one for name in ukrainian_names for one in ukrainian_spellings(name)}
    return merged(
        name_forms(russian | {lower}, name),
        name_forms(other, name),
        plain((one for one in latin if several or len(one) >= _SHORTEST_LATIN), Reason.TRANSLITERATED),
    )


def _lexeme(name: str, language: str) -> set[str]:
    """What the dictionary says of a place that it knows."""
    for parse in parses(folded(name), language) or parses(name, language):
        if "Geox" in grammemes(parse) and parse.normal_form.replace("ё", "е") == folded(name):
            return {form.word for form in parse.lexeme}
    return set()


def _russian(name: str) -> list[str]:
    for ending, endings in _RUSSIAN_ADJECTIVES.items():
        if name.endswith(ending) and len(name) > len(ending) + 2:
            return [name.removesuffix(ending) + end for end in endings]
    stem, last = name[:-1], name[-1:]
    match last:
        case "а":
            return [stem + end for end in ("и" if stem[-1:] in _VELAR else "ы", "е", "у", "ой", "ою", "ей")]
        case "я":
            return [stem + end for end in ("и", "е", "ю", "ей", "ею")]
        case "о":
            return [stem + end for end in ("а", "у", "ом", "е")]
        case "ь":
            return [stem + end for end in ("я", "ю", "ем", "е", "и")] + [name + "ю"]
        case "й":
            return [stem + end for end in ("я", "ю", "ем", "е")]
        case "ы" | "и":
            return [stem + end for end in ("ов", "ам", "ами", "ах")] + _bare(stem)
        case "е":
            return [stem + end for end in ("я", "ю", "ем")] if stem[-1:] in "льнрж" else []
        case "э" | "у" | "ю":
            return []
    forms = [name + end for end in ("а", "у", "ом", "е")]
    if name.endswith(("ов", "ев", "ин", "ын")):
        forms += [name + end for end in ("ым", "ого", "ому")]
    if name.endswith("ец"):
        forms += [name[:-2] + "ц" + end for end in ("а", "у", "ом", "ем", "е")]
    return forms


_RUSSIAN_ADJECTIVES = {
    "ское": ("ского", "скому", "ским", "ском"),
    "цкое": ("цкого", "цкому", "цким", "цком"),
    "ое": ("ого", "ому", "ым", "им", "ом"),
    "ее": ("его", "ему", "им", "ем"),
    "ая": ("ой", "ую", "ою"),
    "яя": ("ей", "юю", "ею"),
    "ые": ("ых", "ым", "ыми"),
    "ие": ("их", "им", "ими"),
    "ый": ("ого", "ому", "ым", "ом"),
    "ий": ("ого", "ому", "им", "ом", "его", "ему", "ем"),
}


def _bare(stem: str) -> list[str]:
    """The genitive plural: Сум, Черкасс; Крынок, Ровенек with a vowel put in."""
    if stem[-1:] not in "кц" or len(stem) < 3 or stem[-2] in _VOWELS:
        return [stem]
    return [stem, stem[:-1].rstrip("ьй") + ("е" if stem[-2] in "жчшщьй" or stem[-1] == "ц" else "о") + stem[-1]]


_VOWELS = "аеёиоуыэюяіїє"


def _ukrainian(name: str) -> list[str]:
    if name.endswith("ий"):
        return [name[:-2] + end for end in ("ого", "ому", "им", "ім")]
    if name.endswith("е") and len(name) > 4:
        return [name[:-1] + end for end in ("ого", "ому", "им", "ім")]
    if name.endswith("ськ") or name.endswith("цьк"):
        return [name + end for end in ("а", "у", "ом", "ові")]
    stem, last = name[:-1], name[-1:]
    match last:
        case "а":
            soft = stem[:-1] + _SOFTENED.get(stem[-1:], stem[-1:])
            return [stem + "и", soft + "і", stem + "у", stem + "ою", stem + "ої", stem + "ій"]
        case "я":
            return [stem + end for end in ("і", "ї", "ю", "ею", "єю")]
        case "о":
            return [stem + end for end in ("а", "у", "ом", "і")]
        case "ь":
            soft_stems = (stem, *_opened(stem), *([stem[:-2] + stem[-1]] if stem[-2:-1] in "еі" else []))
            return [one + end for one in soft_stems for end in ("я", "ю", "ем", "і", "ї")]
        case "и" | "і":
            return [stem + end for end in ("ів", "ам", "ами", "ах", "ям", "ями", "ях")] + _bare(stem)
        case "й":
            return [stem + end for end in ("я", "ю", "єм", "єві", "ї")]
        case "е" | "у" | "ю":
            return []
    forms = [name + end for end in ("а", "у", "ом", "ові", "і", "им")]
    if last in _SOFTENED:
        forms.append(stem + _SOFTENED[last] + "і")
    if name.endswith("ець"):
        forms += [name[:-3] + "ц" + end for end in ("я", "ю", "ем", "і")]
    open_stems = _opened(name)
    return forms + [stem + end for stem in open_stems for end in ("а", "у", "ом", "ові", "і", "им", "ого", "ому")]


def _opened(name: str) -> list[str]:
    """і of a closed syllable is о or е in an open one: Харків, Харкова; Київ, Києва; Ріг, Рогу."""
    found = re.fullmatch(r"(.+)([ії])([бвгґджзклмнпрстфхцчшщ])", name)
    if not found:
        return []
    head, vowel, last = found.groups()
    return [
        head + other + one for other in ("єе" if vowel == "ї" else "ое") for one in (last, _SOFTENED.get(last, last))
    ]
