"""In which language a post is written, as far as its letters tell. Pure.

Russian and Ukrainian have letters that the other lacks, and no longer text does without them. Where no such letter
stands, or the text is in a third language written in Cyrillic, the channel's own language decides.
"""

import re
import unicodedata
from collections.abc import Collection

from bot.model import CYRILLIC

# Ы, Э, Ъ, Ё against І, Ї, Є, Ґ.
_RUSSIAN = re.compile("[ыэъё]")
_UKRAINIAN = re.compile("[іїєґ]")
_CYRILLIC = re.compile("[\u0400-\u052f]")
_THIRD = CYRILLIC - {"ru", "uk"}
_LETTER = re.compile(r"[^\W\d_]")


def language_of(text: str, *, hint: str | None, models: Collection[str]) -> str | None:
    """The language among `models` (ISO 639-1) that the text is written in; None: there is nothing to translate from.

    `hint`: the channel's language. A text with fewer Cyrillic letters than others is left alone.
    """
    # Folded, so that й and ї are one letter each however they were typed.
    folded = unicodedata.normalize("NFC", text).casefold()
    cyrillic = len(_CYRILLIC.findall(folded))
    if not cyrillic or 2 * cyrillic < len(_LETTER.findall(folded)):
        return None
    found = _by_letters(folded, hint) or (hint if hint in models else None) or _likeliest(models)
    return found if found in models else None


def _by_letters(folded: str, hint: str | None) -> str | None:
    """None where the letters do not tell: of which there are as many of one kind as of the other, or none."""
    if hint in _THIRD:
        # Belarusian has ы and і, Bulgarian ъ, Kazakh ы and і: they tell nothing there.
        return hint
    russian, ukrainian = len(_RUSSIAN.findall(folded)), len(_UKRAINIAN.findall(folded))
    if russian == ukrainian:
        return None
    return "ru" if russian > ukrainian else "uk"


def _likeliest(models: Collection[str]) -> str | None:
    """The only one; of several Russian, which does without letters of its own more often than Ukrainian does."""
    return next(iter(models)) if len(models) == 1 else "ru"
