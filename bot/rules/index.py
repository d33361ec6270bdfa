"""All terms of all rules, found in one pass over a text.

The words of a text are intersected with the first words of the terms; only terms whose first word is there are
compared further. So the cost follows the text, not the number of rules. Regular expressions are scanned one by one.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bot.rules.patterns import Pattern
from bot.rules.terms import Term, Wording
from bot.rules.tree import Found
from bot.rules.words import Reading, form_of, read

Roots = dict[str, list[Wording]]

_WORDS_KEPT = 4_096


class Index:
    """Compiled once from the terms; `find` is pure."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._words: Roots = defaultdict(list)
        # Prefixes by their length.
        self._prefixes: dict[int, Roots] = defaultdict(lambda: defaultdict(list))
        self._patterns: list[Pattern] = []
        # Texts share most of their words: what begins with one is looked up once.
        self._begun = lru_cache(maxsize=_WORDS_KEPT)(self._look_up)
        for term in dict.fromkeys(terms):
            if isinstance(term, Pattern):
                self._patterns.append(term)
            elif (first := term.steps[0]).prefix:
                self._prefixes[len(first.token)][first.token].append(term)
            else:
                self._words[first.token].append(term)

    def find(self, text: str, field: int) -> Iterator[Found]:
        """Every hit in the text of field number `field`; word numbers are those of the plain reading."""
        plain, *others = read(text)
        seen = set()
        for term, first, last in self._wordings(plain):
            start, end = plain.span(first, last)
            seen.add((term, start, end))
            yield Found(field, start, end, first, last, term, plain.form(first, last))
        if not others and not self._patterns:
            return
        starts = [plain.span(i, i)[0] for i in range(len(plain.tokens))]
        for other in others:
            for term, first, last in self._wordings(other):
                start, end = other.span(first, last)
                if (term, start, end) not in seen:
                    yield _found(field, start, end, starts, term, other.form(first, last))
        for pattern in self._patterns:
            for start, end in pattern.find(text):
                yield _found(field, start, end, starts, pattern, form_of(text[start:end]))

    def _wordings(self, reading: Reading) -> Iterator[tuple[Wording, int, int]]:
        roots = self._touched(reading.vocabulary)
        if not roots:
            return
        for first, token in enumerate(reading.tokens):
            for wording in roots.get(token.text, ()):
                last = first + len(wording.steps) - 1
                if _stands(wording, reading, first, last):
                    yield wording, first, last

    def _touched(self, vocabulary: set[str]) -> Roots:
        """The wordings that may begin with each word of the text."""
        return {token: begun for token in vocabulary if (begun := self._begun(token))}

    def _look_up(self, token: str) -> list[Wording]:
        begun = [*self._words.get(token, ())]
        for length, prefixes in self._prefixes.items():
            begun += prefixes.get(token[:length], ())
        return begun


def _stands(wording: Wording, reading: Reading, first: int, last: int) -> bool:
    if last >= len(reading.tokens) or not reading.opens(first) or not reading.closes(last):
        return False
    for i, step in enumerate(wording.steps[1:], first + 1):
        token = reading.tokens[i].text
        if not (token.startswith(step.token) if step.prefix else token == step.token):
            return False
        if not (reading.tight(i) if step.tight else reading.opens(i) and reading.together(i)):
            return False
    return True


def _found(field: int, start: int, end: int, starts: list[int], term: Term, form: str) -> Found:
    first = max(bisect_right(starts, start) - 1, 0)
    return Found(field, start, end, first, max(bisect_left(starts, end) - 1, first), term, form)
