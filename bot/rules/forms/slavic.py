"""A name in the other East Slavic spelling: Сырский and Сирський, Бердянск and Бердянськ."""

from itertools import product

_SKY = (("ский", "ський"), ("цкий", "цький"), ("ская", "ська"), ("ское", "ське"), ("ск", "ськ"), ("цк", "цьк"))
# Endings of places that part for real: Харьков and Харків, Авдеевка and Авдіївка, Степное and Степне.
_PLACE_ENDINGS = (
    ("еевка", "іївка"), ("ьевка", "ївка"), ("аевка", "аївка"), ("оевка", "оївка"), ("овка", "івка"), ("евка", "івка"),
    ("рьков", "рків"), ("ьков", "ьків"), ("аев", "аїв"), ("иев", "иїв"), ("ов", "ів"), ("ев", "ів"),
    ("овцы", "івці"), ("цы", "ці"), ("ово", "ове"), ("ево", "еве"), ("ино", "ине"), ("ое", "е"), ("ье", "я"),
    ("ая", "а"), ("ые", "і"), ("ый", "ий"), ("сса", "са"), ("ы", "и"),
)  # fmt: skip
_PLACE_ENDINGS_BACK = (
    ("іївка", "еевка"), ("ївка", "ьевка"), ("аївка", "аевка"), ("оївка", "оевка"), ("івка", "овка"), ("івка", "евка"),
    ("рків", "рьков"), ("аїв", "аев"), ("иїв", "иев"), ("ів", "ов"), ("ів", "ев"), ("івці", "овцы"), ("ці", "цы"),
    ("ове", "ово"), ("еве", "ево"), ("ине", "ино"), ("не", "ное"), ("на", "ная"), ("ка", "кая"), ("си", "ссы"),
    ("и", "ы"),
)  # fmt: skip
# Names that no rule of letters leads to.
_PAIRS = (
    ("харьков", "харків"), ("киев", "київ"), ("николаев", "миколаїв"), ("днепр", "дніпро"), ("одесса", "одеса"),
    ("угледар", "вугледар"), ("запорожье", "запоріжжя"), ("ровно", "рівне"), ("северодонецк", "сєвєродонецьк"),
    ("счастье", "щастя"), ("горловка", "горлівка"), ("еленовка", "оленівка"), ("красногоровка", "красногорівка"),
    ("новогродовка", "новогродівка"), ("орехов", "оріхів"), ("энергодар", "енергодар"), ("змеиный", "зміїний"),
    ("селидово", "селидове"), ("волчанск", "вовчанськ"), ("александровка", "олександрівка"), ("алексеевка", "олексіївка"),
    ("николаевка", "миколаївка"), ("никополь", "нікополь"), ("житомир", "житомир"), ("кременчуг", "кременчук"),
    ("белая", "біла"), ("белый", "білий"), ("острог", "острог"), ("каменское", "кам'янське"), ("каменка", "кам'янка"),
    ("черкассы", "черкаси"), ("ивано", "івано"), ("бровары", "бровари"), ("борисполь", "бориспіль"),
    ("тернополь", "тернопіль"), ("ирпень", "ірпінь"), ("мирноград", "мирноград"), ("рог", "ріг"), ("яр", "яр"),
    ("белгород", "бєлгород"),
)  # fmt: skip
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
        elif name.endswith("ец"):
            stem, end = name[:-2], "ець"
    options = [_options(stem, i) for i in range(len(stem))]
    spelled = ("".join(choice) + end for choice in _some(options))
    return frozenset(spelled)


def place_in_ukrainian(name: str) -> frozenset[str]:
    """Likely Ukrainian names of a place with a Russian name, lower case."""
    known = {ukrainian for russian, ukrainian in _PAIRS if russian == name}
    return frozenset(known) or to_ukrainian(name) | {
        stem + end
        for russian, end in _PLACE_ENDINGS
        if name.endswith(russian) and len(name) > len(russian) + 1
        for stem in to_ukrainian(name.removesuffix(russian))
    }


def place_in_russian(name: str) -> frozenset[str]:
    """Likely Russian names of a place with a Ukrainian name, lower case."""
    bare = name.replace("’", "'").replace("ʼ", "'")
    known = {russian for russian, ukrainian in _PAIRS if ukrainian == bare}
    return frozenset(known) or to_russian(name) | {
        stem + end
        for ukrainian, end in _PLACE_ENDINGS_BACK
        if bare.endswith(ukrainian) and len(bare) > len(ukrainian) + 1
        for stem in to_russian(bare.removesuffix(ukrainian))
    }


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
            endings = ("ий",) if name[-3:-2] in "гкх" else ("ый", "ий", "ой")
            return frozenset(stem + ending for stem in _russian(name[:-2]) for ending in endings)
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
            return ("е", "йо", "ьо") if i else ("йо",)
        case "е":
            if before == "ь":
                return ("є", "йо")
            return ("е", "є") if not before or before in "аеёиоуыэюя" else ("е", "і")
        case "ь" if stem[i + 1 : i + 2] in ("е", "ё"):
            return ("ь", "")
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
    single = [(*first[:i], other, *first[i + 1 :]) for i, option in enumerate(options) for other in option[1:]]
    return [first, *single]
