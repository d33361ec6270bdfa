"""Names with digits: Т-90М, Х-101, Су-34. Their letters are written in either alphabet."""

from functools import lru_cache

from bot.rules.forms.assemble import folded, plain
from bot.rules.forms.latin import latin_spellings
from bot.rules.lookalike import CYRILLIC, LATIN, to_cyrillic, to_latin
from bot.rules.slots import Form, Reason

_BY_SOUND = {
    "a": "а", "b": "б", "c": "ц", "d": "д", "e": "е", "f": "ф", "g": "г", "h": "х", "i": "и", "k": "к", "l": "л",
    "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "z": "з",
}  # fmt: skip


@lru_cache(50_000)
def letters(part: str) -> dict[str, Form]:
    """The spellings of the letters of a code: as written, drawn alike, and by sound."""
    text = folded(part)
    spellings: set[str] = set()
    if text and CYRILLIC.issuperset(text):
        spellings = {*latin_spellings(text), to_latin(text)}
    elif text and LATIN.issuperset(text):
        spellings = {to_cyrillic(text), "".join(_BY_SOUND.get(char, "") for char in text)}
    return {**plain((one for one in spellings if one), Reason.LOOK_ALIKE), text: Form(Reason.EXACT)}
