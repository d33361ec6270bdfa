"""Forms of women's surnames, Russian and Ukrainian: those that show the sex; all others that end so stay as they are."""

_NOUNS = ("ова", "ева", "ёва", "єва", "їва")
# Also men have these: Бузина, Малина.
_EITHER = ("ина", "ына", "іна", "їна")
_RUSSIAN = ("ой", "у", "ою")
_UKRAINIAN = ("ої", "ій", "у", "ою")


def is_feminine(name: str) -> bool:
    """Whether a surname in lower case is a woman's by its ending."""
    return len(name) > 4 and name.endswith((*_NOUNS, *_EITHER, "ская", "цкая", "ська", "цька", "ая"))


def feminine_forms(name: str) -> frozenset[str]:
    """The singular forms of a woman's surname in lower case: Захаровой, Захарової; Яровую. `name` itself among them."""
    stem = name[:-1]
    if name.endswith("ая"):
        return frozenset({name, *(name[:-2] + end for end in ("ой", "ую", "ою"))})
    forms = {name, *(stem + end for end in (*_RUSSIAN, *_UKRAINIAN))}
    if name.endswith(_EITHER):
        forms |= {stem + end for end in ("ы", "и", "е", "і")}
    return frozenset(forms)


def fixed_forms(name: str) -> frozenset[str]:
    """A woman's surname that does not change: Симоньян, Верещук; those in -а do."""
    if name.endswith("а"):
        stem = name[:-1]
        return frozenset({name, *(stem + end for end in ("ы", "и", "е", "і", "у", "ой", "ою"))})
    if name.endswith("я"):
        return frozenset({name, *(name[:-1] + end for end in ("и", "і", "е", "ю", "ей", "ею"))})
    return frozenset({name})
