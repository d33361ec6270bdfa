"""Words one slip away from a form: `Гарасимов` for `Герасимов`, where a rule asks for it with `~1`.

Only words that no dictionary knows are tried: without that, 500 surnames found 45 % more hits, all of them false. A form
and a word are at edit distance 1 exactly when taking one letter out of each can make them equal (SymSpell).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bot.rules.forms.dictionary import is_word
from bot.rules.lattice import Edge
from bot.rules.slots import Reason
from bot.rules.words import Reading

SHORTEST = 5


class Fuzzy:
    """The forms of all slots that allow a slip."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = frozenset(form for form in forms if len(form) >= SHORTEST and form.isalpha())
        self._by_rest: defaultdict[str, list[str]] = defaultdict(list)
        for form in self._forms:
            for rest in {form, *_rests(form)}:
                self._by_rest[rest].append(form)

    def edges(self, reading: Reading) -> Iterator[Edge]:
        """The words of a text that may be a slip for a form."""
        if not self._forms:
            return
        near = {word: forms for word in reading.vocabulary if len(word) >= SHORTEST - 1 and (forms := self._near(word))}
        for i, word in enumerate(reading.words) if near else ():
            for form in near.get(word, ()):
                yield Edge(i, i, form, Reason.FUZZY)

    def _near(self, word: str) -> list[str]:
        if word in self._forms:
            return []
        rests = {word, *_rests(word)} & self._by_rest.keys()
        if not rests or is_word(word):
            return []
        forms = {form for rest in rests for form in self._by_rest[rest]}
        return [form for form in forms if abs(len(form) - len(word)) <= 1 and _one_slip(form, word)]


@lru_cache(65536)
def _rests(word: str) -> frozenset[str]:
    return frozenset(word[:i] + word[i + 1 :] for i in range(len(word)))


def _one_slip(one: str, other: str) -> bool:
    """Edit distance of exactly 1, the first letter kept: slips are rarely made there, other words often differ there."""
    if one[0] != other[0]:
        return False
    prefix = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if len(one) == len(other):
        return one[prefix + 1 :] == other[prefix + 1 :]
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[prefix + 1 :] == shorter[prefix:]
