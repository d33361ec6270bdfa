"""From spellings to the forms of a slot: which language they are, how they came about, what they need."""

from collections.abc import Iterable

from bot.rules.forms.dictionary import is_common_word
from bot.rules.lookalike import CYRILLIC
from bot.rules.normalise import fold
from bot.rules.slots import Form, Guard, Reason

_FEMININE = ("ова", "ева", "ина", "ына", "єва", "їва", "іна", "їна")


def folded(word: str) -> str:
    """A word as the lattice has it: folded, apostrophes left out."""
    return fold(word).text.replace("'", "").strip()


def is_cyrillic(word: str) -> bool:
    """Whether it is written in Cyrillic letters alone, hyphens aside."""
    letters = folded(word).replace("-", "")
    return bool(letters) and CYRILLIC.issuperset(letters)


def merged(*parts: dict[str, Form]) -> dict[str, Form]:
    """All forms; of one that came about in two ways the plainer way, and the need only where both have it."""
    forms: dict[str, Form] = {}
    for part in parts:
        for text, form in part.items():
            known = forms.get(text)
            forms[text] = form if known is None else Form(known.reason, known.guard & form.guard, known.lemmas)
    return forms


def plain(words: Iterable[str], reason: Reason, guard: Guard = Guard.NONE) -> dict[str, Form]:
    """Forms that all came about so."""
    return {folded(word): Form(reason, guard) for word in words if word}


def name_forms(words: Iterable[str], base: str, *, sex: Guard = Guard.NONE, everyday: bool = False) -> dict[str, Form]:
    """Cyrillic forms of a name: those that are everyday words need a capital, those of both sexes what `sex` says.

    `everyday`: all are everyday words, however a dictionary spells them (білий, read letter by letter as билий).
    """
    forms = {}
    for word in map(folded, words):
        guard = Guard.CAPITAL if everyday or is_common_word(word) else Guard.NONE
        if word.endswith(_FEMININE):
            guard |= sex
        forms[word] = Form(Reason.EXACT if word == folded(base) else Reason.INFLECTED, guard)
    return forms
