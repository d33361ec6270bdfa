"""Forms of place names, in both languages and in Latin letters."""

from functools import lru_cache

from bot.rules.forms.assemble import folded, is_cyrillic, merged, name_forms, plain
from bot.rules.forms.dictionary import grammemes, parses
from bot.rules.forms.latin import latin_spellings, ukrainian_spellings
from bot.rules.forms.slavic import UKRAINIAN, to_russian, to_ukrainian
from bot.rules.slots import Form, Reason

_VELAR = "гкхжчшщ"
# Before -і in Ukrainian: Юріївка, Юріївці.
_SOFTENED = {"г": "з", "к": "ц", "х": "с"}
_SHORTEST_LATIN = 4


@lru_cache(50_000)
def place(name: str) -> dict[str, Form]:
    """The forms of one word of a place name."""
    if not is_cyrillic(name):
        return plain([name], Reason.EXACT)
    lower = name.lower()
    ukrainian = bool(UKRAINIAN & set(lower)) or lower.endswith("ськ")
    russian_names = to_russian(lower) if ukrainian else {lower}
    ukrainian_names = {lower} if ukrainian else to_ukrainian(lower)
    russian = {form for one in russian_names for form in (*_russian(one), *_lexeme(one, "ru"))}
    other = {form for one in ukrainian_names for form in (*_ukrainian(one), *_lexeme(one, "uk"))}
    latin = {one for name in russian_names for one in latin_spellings(name)}
    latin |= {one for name in ukrainian_names for one in ukrainian_spellings(name)}
    return merged(
        name_forms(russian | {lower}, name),
        name_forms(other, name),
        plain((one for one in latin if len(one) >= _SHORTEST_LATIN), Reason.TRANSLITERATED),
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
            return [stem + end for end in ("ов", "ам", "ами", "ах")] + [stem]
        case "е" | "э" | "у" | "ю":
            return []
    forms = [name + end for end in ("а", "у", "ом", "е")]
    if name.endswith(("ов", "ев", "ин", "ын")):
        forms.append(name + "ым")
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
            return [stem + "и", soft + "і", stem + "у", stem + "ою", stem + "ої"]
        case "я":
            return [stem + end for end in ("і", "ї", "ю", "ею", "єю")]
        case "о":
            return [stem + end for end in ("а", "у", "ом", "і")]
        case "ь":
            return [stem + end for end in ("я", "ю", "ем", "і")]
        case "и" | "і":
            return [stem + end for end in ("ів", "ам", "ами", "ах")] + [stem]
        case "й" | "е" | "у" | "ю":
            return []
    forms = [name + end for end in ("а", "у", "ом", "ові", "і", "им")]
    if name.endswith("ів"):
        forms += [name[:-2] + "ов" + end for end in ("а", "у", "ом", "і", "им")]
    return forms
