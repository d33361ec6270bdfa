"""Words one slip away from a form: `Гарасимов` for `Герасимов`, where a rule asks for it with `~1`.

Only words that no dictionary knows are tried: without that, 500 surnames found 45 % more hits, all of them false. A form
and a word are at edit distance 1 exactly when taking one letter out of each can make them equal (SymSpell).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from bot.rules.forms.dictionary import is_word
from bot.rules.lattice import Edge
from bot.rules.slots import Reason
from bot.rules.words import Reading

SHORTEST = 5
# Words remembered; bounded, for a hostile channel can invent words for ever.
_MAX_REMEMBERED = 200_000


class Fuzzy:
    """The forms of all slots that allow a slip."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = frozenset(form for form in forms if len(form) >= SHORTEST and form.isalpha())
        self._longest = max(map(len, self._forms), default=0) + 1
        self._by_rest: defaultdict[str, list[str]] = defaultdict(list)
        for form in self._forms:
            for rest in {form, *_rests(form)}:
                self._by_rest[rest].append(form)
        # Words met in texts: those near no form, and the forms that the others are near.
        self._far: set[str] = set()
        self._known: dict[str, tuple[str, ...]] = {}

    def edges(self, reading: Reading) -> Iterator[Edge]:
        """The words of a text that may be a slip for a form."""
        if not self._forms:
            return
        near = {word: forms for word in reading.vocabulary - self._far if (forms := self._remembered(word))}
        for i, word in enumerate(reading.words) if near else ():
            for form in near.get(word, ()):
                yield Edge(i, i, form, Reason.FUZZY)

    def _remembered(self, word: str) -> tuple[str, ...]:
        forms = self._known.get(word)
        if forms is None:
            if len(self._far) + len(self._known) > _MAX_REMEMBERED:
                self._far.clear()
                self._known.clear()
            forms = self._near(word)
            if forms:
                self._known[word] = forms
            else:
                self._far.add(word)
        return forms

    def _near(self, word: str) -> tuple[str, ...]:
        if not SHORTEST - 1 <= len(word) <= self._longest or word in self._forms:
            return ()
        rests = {word, *_rests(word)} & self._by_rest.keys()
        forms = {form for rest in rests for form in self._by_rest[rest] if _one_slip(form, word)}
        return tuple(sorted(forms)) if forms and not is_word(word) else ()


def _rests(word: str) -> frozenset[str]:
    return frozenset(word[:i] + word[i + 1 :] for i in range(len(word)))


def _one_slip(one: str, other: str) -> bool:
    """Edit distance of exactly 1, the first letter kept: slips are rarely made there, other words often differ there."""
    if one[0] != other[0] or abs(len(one) - len(other)) > 1:
        return False
    prefix = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    if len(one) == len(other):
        return one[prefix + 1 :] == other[prefix + 1 :]
    longer, shorter = (one, other) if len(one) > len(other) else (other, one)
    return longer[prefix + 1 :] == shorter[prefix:]
