"""Forms of surnames, by ending: masculine singular, which is what a rule means by a person.

A dictionary's guess is not safe here: of 25 surnames in the news that pymorphy3's dictionary lacks, 14 lost a form.
The endings follow the academic grammar (Русская грамматика, 1980, §§ 1187-1196).
"""

VOWELS = frozenset("аеёиоуыэюя")
VELAR = frozenset("гкх")
HUSHING = frozenset("жчшщ")


def surname_forms(name: str) -> frozenset[str]:
    """Every masculine singular form of a Russian surname, case-folded, ё written as given; `name` itself among them."""
    name = name.lower()
    head, _, last = name.rpartition("-")
    if head:
        # Both halves decline together: Римским-Корсаковым; the first may also stay.
        return frozenset(
            f"{first}-{second}" for first in {head, *surname_forms(head)} for second in surname_forms(last)
        )
    return frozenset({name, *_declined(name)})


def _declined(name: str) -> list[str]:
    if len(name) < 2:
        return []
    for ending, decline in _BY_ENDING:
        if name.endswith(ending):
            return decline(name)
    if name[-1] in VOWELS:
        return []
    return _hard(name)


def _ov(name: str) -> list[str]:
    return [name + end for end in ("а", "у", "ым", "е")]


def _fixed(_: str) -> list[str]:
    return []


def _adjective(name: str) -> list[str]:
    stem, before = name[:-2], name[-3:-2]
    instrumental = "им" if name.endswith("ий") or before in VELAR | HUSHING else "ым"
    return [stem + end for end in ("ого", "ому", instrumental, "ом")]


def _soft_adjective(name: str) -> list[str]:
    return [name[:-2] + end for end in ("его", "ему", "им", "ем")]


def _iy(name: str) -> list[str]:
    if name[-3:-2] in VELAR:
        return _adjective(name)
    soft = _soft_adjective(name)
    return soft if name[-3:-2] in HUSHING else soft + [name[:-1] + end for end in ("я", "ю", "ем", "и")]


def _oy(name: str) -> list[str]:
    return _adjective(name) + (_y(name) if len(name) < 6 else [])


def _y(name: str) -> list[str]:
    return [name[:-1] + end for end in ("я", "ю", "ем", "е")]


def _a(name: str) -> list[str]:
    stem, before = name[:-1], name[-2:-1]
    if before in VOWELS:
        return []
    genitive = "и" if before in VELAR | HUSHING else "ы"
    instrumental = ("ей", "ой", "ею", "ою") if before in HUSHING | {"ц"} else ("ой", "ою")
    return [stem + end for end in (genitive, "е", "у", *instrumental)]


def _ya(name: str) -> list[str]:
    stem = name[:-1]
    return [stem + end for end in ("и", "и" if stem.endswith("и") else "е", "ю", "ей", "ею", "ёй")]


def _soft(name: str) -> list[str]:
    forms = [name[:-1] + end for end in ("я", "ю", "ем", "ём", "е")]
    if name.endswith(("ень", "ель", "ёль")) and len(name) > 4:
        forms += [name[:-3] + name[-2] + end for end in ("я", "ю", "ем", "ём", "е")]
    return forms


def _fleeting(name: str) -> list[str]:
    """-ец, -ок, -ек, -ёк, -ел: the vowel may go (Донец, Донца) or stay (Швец, Швеца)."""
    last, stem = name[-1], name[:-2]
    if name.endswith(("ек", "ёк", "ец", "ел", "ёл")) and stem[-1:] == "л":
        stem += "ь"
    elif stem[-1:] in VOWELS:
        stem += "й"
    return _hard(name) + ([] if len(name) < 4 else _hard(stem + last))


def _hard(name: str) -> list[str]:
    instrumental = ("ем", "ом") if name[-1] in HUSHING | {"ц"} else ("ом",)
    return [name + end for end in ("а", "у", *instrumental, "е")]


_BY_ENDING = (
    *((end, _ov) for end in ("ов", "ев", "ёв", "ин", "ын")),
    *((end, _fixed) for end in ("их", "ых", "о", "е", "и", "у", "ю", "э", "ы", "ё")),
    ("ий", _iy),
    ("ый", _adjective),
    ("ой", _oy),
    ("й", _y),
    ("а", _a),
    ("я", _ya),
    ("ь", _soft),
    *((end, _fleeting) for end in ("ец", "ок", "ек", "ёк", "ел", "ёл")),
)
