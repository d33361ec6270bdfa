"""Forms of Ukrainian surnames, by ending: masculine singular (Український правопис, 2019, §§ 93-97)."""

import re

HUSHING = frozenset("жчшщ")
# Before -і: нога, нозі.
_SOFTENED = {"г": "з", "к": "ц", "х": "с"}


def ukrainian_surname_forms(name: str) -> frozenset[str]:
    """Every masculine singular form of a Ukrainian surname, case-folded; `name` itself among them."""
    name = name.lower()
    head, _, last = name.rpartition("-")
    if head:
        pairs = ((first, second) for first in {head, *ukrainian_surname_forms(head)}
                 for second in ukrainian_surname_forms(last))  # fmt: skip
        return frozenset(f"{first}-{second}" for first, second in pairs)
    return frozenset({name, *_declined(name)})


def _declined(name: str) -> list[str]:
    if len(name) < 2:
        return []
    if name.endswith("ий"):
        soft = name[-3] in "нщчжш" and name.endswith(("ній",))
        return [name[:-2] + end for end in (("ього", "ьому", "ім") if soft else ("ого", "ому", "им", "ім"))]
    if name.endswith("ой"):
        return [name[:-2] + end for end in ("ого", "ому", "им", "ім")]
    if name.endswith("ій"):
        return [name[:-2] + end for end in ("ього", "ьому", "ім")] + [
            name[:-1] + end for end in ("я", "ю", "єві", "єм", "ї")
        ]
    if name.endswith(("ов", "ев", "єв", "ин", "ін", "їн")):
        return [name + end for end in ("а", "у", "ові", "им", "ом", "і")]
    if name.endswith(("ів", "їв")):
        return [stem + end for stem in (name, *_opened(name)) for end in ("а", "у", "ові", "им", "ом", "і")]
    if name.endswith("о"):
        return [name[:-1] + end for end in ("а", "у", "ові", "ом", "і")]
    if name[-1] in "еиіуюєї":
        return []
    if name.endswith(("ець", "єць")):
        return [
            stem + "ц" + end for stem in _without_vowel(name[:-3], name[-3]) for end in ("я", "ю", "еві", "ем", "і")
        ]
    if name.endswith("й"):
        return [name[:-1] + end for end in ("я", "ю", "єві", "єм", "ї")]
    if name.endswith("ь"):
        stems = (name[:-1], *_opened(name[:-1]), *([name[:-3] + name[-2]] if name[-3] in "еі" else []))
        return [stem + end for stem in stems for end in ("я", "ю", "еві", "ем", "і")]
    if name.endswith("а"):
        stem = name[:-1]
        before_i = stem[:-1] + _SOFTENED.get(stem[-1], stem[-1])
        return [stem + "и", before_i + "і", stem + "у", stem + ("ею" if stem[-1] in HUSHING else "ою"), stem + "о"]
    if name.endswith("я"):
        stem = name[:-1]
        return [stem + end for end in (("ї", "ю", "єю") if stem[-1] in "аеиіоу" else ("і", "ю", "ею"))]
    forms = _hard(name)
    for stem in (*_opened(name), *([name[:-2] + name[-1]] if name.endswith(("ок", "ек", "ел", "ер")) else [])):
        forms += _hard(stem)
    # Бондар, Кобзар: soft where people bear a trade's name.
    return forms + ([name + end for end in ("я", "ю", "еві", "ем")] if name.endswith(("ар", "яр", "ир")) else [])


def _opened(name: str) -> list[str]:
    """і of a closed syllable is о or е in an open one: Сокіл, Сокола; Павлів, Павлова."""
    found = re.fullmatch(r"(.+)([ії])([бвгґджзклмнпрстфхцчшщ])", name)
    if not found:
        return []
    head, vowel, last = found.groups()
    return [head + other + last for other in ("єе" if vowel == "ї" else "ое")]


def _without_vowel(stem: str, vowel: str) -> list[str]:
    """The stem before -ць: Кравець, Кравця; Заєць, Зайця; Швець, Шевця."""
    if vowel == "є":
        return [stem + "й"]
    if stem.endswith("л"):
        return [stem + "ь"]
    return (
        [stem[0] + "е" + stem[1:], stem + "е"]
        if len(stem) == 2
        else [stem, *([stem + "й"] if stem[-1:] in "аоуеи" else [])]
    )


def _hard(name: str) -> list[str]:
    dative, instrumental = ("еві", "ем") if name[-1] in HUSHING else ("ові", "ом")
    return [name + end for end in ("а", "у", dative, instrumental, "і")]
