"""A name in the other East Slavic spelling: Сырский and Сирський, Бердянск and Бердянськ."""

from itertools import product

_SKY = (("ский", "ський"), ("цкий", "цький"), ("ская", "ська"), ("ское", "ське"), ("ск", "ськ"), ("цк", "цьк"))
UKRAINIAN = frozenset("ґєії")
MAX = 16


def to_ukrainian(name: str) -> frozenset[str]:
    """Likely Ukrainian spellings of a Russian name, lower case. Real renamings (Угледар, Вугледар) need an alias."""
    name = name.lower()
    for russian, ukrainian in _SKY:
        if name.endswith(russian):
            stem, end = name.removesuffix(russian), ukrainian
            break
    else:
        stem, end = name, ""
        if name.endswith(("ый", "ой")):
            stem, end = name[:-2], "ий"
    options = [_options(stem, i) for i in range(len(stem))]
    spelled = ("".join(choice) + end for choice in _some(options))
    return frozenset(spelled)


def to_russian(name: str) -> frozenset[str]:
    """Likely Russian spellings of a Ukrainian name, lower case."""
    name = name.lower().replace("’", "").replace("'", "").replace("ʼ", "")
    end = ""
    for russian, ukrainian in _SKY:
        if name.endswith(ukrainian):
            name, end = name.removesuffix(ukrainian), russian
            break
    else:
        if name.endswith("ий"):
            return frozenset(stem + ending for stem in _russian(name[:-2]) for ending in ("ый", "ий", "ой"))
    return frozenset(stem + end for stem in _russian(name))


def _russian(stem: str) -> list[str]:
    table = {"і": ("и", "е", "о"), "ї": ("и",), "є": ("е",), "ґ": ("г",), "и": ("и", "ы"), "е": ("е", "э")}
    return ["".join(choice) for choice in _some([table.get(char, (char,)) for char in stem])]


def _options(stem: str, i: int) -> tuple[str, ...]:
    char, before = stem[i], stem[i - 1] if i else ""
    match char:
        case "ы":
            return ("и",)
        case "и":
            return ("ї", "і") if before in "аеёиоуыэюя" and before else ("и", "і") if i else ("і", "и")
        case "э":
            return ("е",)
        case "ё":
            return ("йо", "ьо") if i else ("йо",)
        case "е":
            return ("е", "є") if not before or before in "аеёиоуыэюяь" else ("е", "і") if len(stem) < 8 else ("е",)
        case "ъ":
            return ("'", "’", "")
    return (char,)


def _some(options: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """All choices; of too many, those that differ from the first in one place."""
    count = 1
    for option in options:
        count *= len(option)
    if count <= MAX:
        return list(product(*options))
    first = tuple(option[0] for option in options)
    single = [first[:i] + (other,) + first[i + 1 :] for i, option in enumerate(options) for other in option[1:]]
    return [first, *single]
