"""How posts and the user's words become comparable tokens. Pure; both engines are given the same tokens.

A token is a run of letters and digits, folded: NFKC, lower case, ё as е, without stress marks and zero-width
characters. It keeps its place in the original text, so that marks are exact.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.errors import StoreError

# Combining marks and zero-width characters belong to the word they stand in (a way to hide words from filters).
_INSIDE = "\u0300-\u036f\u0483-\u0487\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff"
_WORD = re.compile(rf"[^\W_]+(?:[{_INSIDE}]+[^\W_]+)*[\u0300-\u036f]*")
_ASKED = re.compile(r'(?P<no>-?)"(?P<phrase>[^"]*)"?|(?P<minus>-?)(?P<word>[^\s"]+)')
# PostgreSQL takes lexemes of up to 2,046 bytes; nobody searches for longer words.
_LONGEST = 255
_MOST_TERMS = 100


@dataclass(frozen=True, slots=True)
class Token:
    """A folded word, which stands at `text[start:end]`."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand side by side; the last may go on (`prefix`); or must not be there (`exclude`)."""

    words: tuple[str, ...]
    prefix: bool = False
    exclude: bool = False


def words(text: str) -> list[str]:
    """The words of a text, in order, without their places."""
    return [word for found in _WORD.findall(text) if (word := fold(found))]


def tokens(text: str) -> Iterator[Token]:
    """The words of a text, in order."""
    for found in _WORD.finditer(text):
        word = fold(found.group())
        if word:
            yield Token(word, found.start(), found.end())


@lru_cache(maxsize=4_096)
def fold(word: str) -> str:
    """One word as it is compared; empty when nothing comparable is left."""
    if not word.isascii():
        word = unicodedata.normalize("NFKC", word).casefold().replace("ё", "е")
        if not word.isalnum():
            word = "".join(letter for letter in word if letter.isalnum())
    return word.lower()[:_LONGEST]


def parse_query(words: str) -> tuple[Term, ...]:
    """What the user asks for: words, "a phrase", -without, begin*. Anything else is data.

    Raise StoreError for more than 100 terms.
    """
    terms = []
    for found in _ASKED.finditer(words):
        asked = found["phrase"] if found["phrase"] is not None else found["word"]
        folded = tuple(token.word for token in tokens(asked))
        if folded:
            prefix = found["phrase"] is None and asked.endswith("*")
            terms.append(Term(folded, prefix=prefix, exclude=bool(found["no"] or found["minus"])))
    if len(terms) > _MOST_TERMS:
        raise StoreError(f"A search takes at most {_MOST_TERMS} words; these are {len(terms)}")
    return tuple(terms)


def marks(text: str, terms: Sequence[Term]) -> list[tuple[int, int, Term]]:
    """Where the wanted terms stand in `text`: (start, end, term), in order of start."""
    found = []
    words = list(tokens(text))
    # By their first words, which only a beginning leaves open: few terms are tried at each word.
    known: dict[str, list[Term]] = {}
    beginnings: list[Term] = []
    for term in terms:
        if not term.exclude:
            is_open = term.prefix and len(term.words) == 1
            (beginnings if is_open else known.setdefault(term.words[0], [])).append(term)
    for position, token in enumerate(words):
        for term in known.get(token.word, []) + beginnings:
            if _stands(words, position, term):
                found.append((token.start, words[position + len(term.words) - 1].end, term))
    return found


def _stands(words: Sequence[Token], position: int, term: Term) -> bool:
    here = words[position : position + len(term.words)]
    if len(here) < len(term.words):
        return False
    *full, last = term.words
    if any(token.word != word for token, word in zip(here, full, strict=False)):
        return False
    return here[-1].word.startswith(last) if term.prefix else here[-1].word == last


def excerpt(
    text: str, hits: Sequence[tuple[int, int]], *, length: int = 200
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """About `length` characters around the first hit, cut on word borders, with the hits that lie inside.

    A cut is shown as `…`. The pairs are offsets into the excerpt.
    """
    first, end = hits[0]
    start, stop = _window(text, first, end, length)
    head, tail = ("…" if start else ""), ("…" if stop < len(text) else "")
    shift = len(head) - start
    inside = tuple((left + shift, right + shift) for left, right in visible(text, hits, length=length))
    return head + text[start:stop] + tail, inside


def visible(text: str, hits: Sequence[tuple[int, int]], *, length: int = 200) -> list[tuple[int, int]]:
    """Those of the hits that `excerpt` shows, as offsets into `text`; overlapping ones are one."""
    start, stop = _window(text, *hits[0], length)
    return [(left, right) for left, right in _merged(hits) if left >= start and right <= stop]


def _window(text: str, first: int, end: int, length: int) -> tuple[int, int]:
    if len(text) <= length:
        return 0, len(text)
    start = max(0, min(first - length // 3, len(text) - length))
    stop = max(end, start + length)
    # Move inwards to a word border, but never into the hit.
    if start:
        start = next((at for at in range(start, first) if text[at - 1].isspace() and not text[at].isspace()), first)
    if stop < len(text):
        stop = next((at for at in range(stop, end, -1) if text[at].isspace()), stop)
    return start, stop


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
