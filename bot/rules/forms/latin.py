"""Latin spellings of Cyrillic names, without accents, as news and officials write them; nominative only.

Each table is a standard, applied whole: mixing letters of several would make spellings that nobody uses. BGN/PCGN 1947 and
1965, ICAO Doc 9303, the Russian passports of 1997, ISO 9 and the scholarly way without their accents, the Ukrainian
government's table of 2010 (https://zakon.rada.gov.ua/laws/show/55-2010-п).
"""

from itertools import product

_SAME = dict(zip("абвгдзклмнопрстуфэґ", "abvgdzklmnoprstufeg", strict=True)) | {"ъ": "", "ь": "", "’": "", "'": ""}
_BGN = _SAME | {"е": "e", "ё": "e", "ж": "zh", "и": "i", "й": "y", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh",
                "щ": "shch", "ы": "y", "ю": "yu", "я": "ya", "і": "i", "ї": "yi", "є": "ye"}  # fmt: skip
_ICAO = _BGN | {"й": "i", "ю": "iu", "я": "ia", "ї": "i", "є": "ie"}
_SCHOLARLY = _BGN | {"ж": "z", "й": "j", "х": "h", "ц": "c", "ч": "c", "ш": "s", "щ": "sc", "ю": "ju", "я": "ja",
                     "ї": "ji", "є": "je"}  # fmt: skip
_UKRAINIAN = _ICAO | {"г": "h", "и": "y"}
_UKRAINIAN_BGN = _BGN | {"г": "h", "и": "y"}

_VOWELS = frozenset("аеёиоуыэюяіїє")
# -ий, -ый, -ой as people write them.
_ENDINGS = {"ий": ("iy", "y", "ii", "i", "yi", "yy"), "ый": ("yy", "y", "yi", "iy"), "ой": ("oy", "oi", "oj")}


def latin_spellings(name: str) -> frozenset[str]:
    """Spellings of a Russian name in lower case; with its Ukrainian spelling, call it for that one too."""
    return frozenset(
        spelling
        for table in (_BGN, _ICAO, _SCHOLARLY)
        for spelling in (*_spell(name.lower(), table), *_iotated(name.lower(), table))
    )


def ukrainian_spellings(name: str) -> frozenset[str]:
    """Spellings of a Ukrainian name in lower case."""
    lower = name.lower().replace("зг", "зgх")
    return frozenset(
        spelling.replace("gkh", "gh").replace("gх", "gh")
        for table in (_UKRAINIAN, _UKRAINIAN_BGN)
        for spelling in (*_spell(lower, table), *_initial(lower, table))
    )


def _spell(name: str, table: dict[str, str]) -> list[str]:
    ending = next((end for end in _ENDINGS if name.endswith(end)), "")
    stem = "".join(table.get(char, char) for char in name.removesuffix(ending))
    return [stem + end for end in _ENDINGS.get(ending, ("",))]


def _iotated(name: str, table: dict[str, str]) -> list[str]:
    """BGN: е and ё are ye and yo at the start of a word, after vowels and after signs."""
    marked = [char in "её" and (i == 0 or name[i - 1] in _VOWELS | {"ь", "ъ", "й"}) for i, char in enumerate(name)]
    yo = [char == "ё" for char in name]
    if not any(marked) and not any(yo):
        return []
    j = table["й"] if table["й"] != "i" else "i"
    options = [
        (f"{j}o", f"{j}e") if char == "ё" and marked[i] else ("yo", "io", "e", "o") if char == "ё" else
        (f"{j}e",) if marked[i] else (char,)
        for i, char in enumerate(name)
    ]  # fmt: skip
    return [spelling for choice in product(*options) for spelling in _spell("".join(choice), table)]


def _initial(name: str, table: dict[str, str]) -> list[str]:
    """2010: the iotated letters are ye, yi, yu, ya, y at the start of a word."""
    first = {"є": "ye", "ї": "yi", "ю": "yu", "я": "ya", "й": "y"}.get(name[:1])
    return [] if first is None else [first + spelling for spelling in _spell(name[1:], table)]
