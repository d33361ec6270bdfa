"""What the text around a hit must show, for forms that are also something else. Asked only of hits."""

from bot.rules.forms.dictionary import grammemes, is_feminine_first_name, parses
from bot.rules.lattice import Edge
from bot.rules.numbers import number_words
from bot.rules.slots import Guard
from bot.rules.words import Reading

_RANKS = tuple(
    "генерал полковник подполковник майор капитан лейтенант сержант прапорщик маршал адмирал комбриг комбат комдив "
    "командир командующ командарм министр президент депутат сенатор губернатор начальник начштаб военкор блогер товарищ "
    "господин командувач полковник генерал капітан начальник міністр general colonel major captain lieutenant commander "
    "minister".split()
)
# A rank may be followed by one of these, and only then by the name.
_LATINS = frozenset("yelena elena olga irina maria mariya anna natalia natalya svetlana tatiana tatyana yulia julia ekaterina "
                    "oksana iryna olena larisa lyudmila valentina galina marina daria darya alina victoria".split())  # fmt: skip
_COUNTING = frozenset("много мало несколько сколько столько двух трех четырех пяти шести семи восьми десяти двадцати обоих "
                      "десятки сотни пара остатки подразделений бойцов".split())  # fmt: skip


def allows(guard: Guard, reading: Reading, edge: Edge, *, speech: bool, ordinal: bool) -> bool:
    """Whether the text around `edge` shows what the guard asks for. `ordinal`: a place in a row stands before it."""
    if Guard.AFTER_ORDINAL in guard and not ordinal:
        return False
    if Guard.UPPER in guard and not speech and not _letters(reading, edge).isupper():
        return False
    before = reading.words[edge.first - 1] if edge.first else ""
    if Guard.CAPITAL in guard and not (_letters(reading, edge)[:1].isupper() or _after_rank(reading, edge)):
        return False
    if Guard.MASCULINE in guard and _after_woman(reading, edge):
        return False
    if Guard.NOT_MEASURE in guard and before.isdigit():
        return False
    if Guard.COUNTED in guard and not _counted(before):
        return False
    return not (Guard.NOT_VERB in guard and _before_infinitive(reading, edge))


def _letters(reading: Reading, edge: Edge) -> str:
    return "".join(char for char in reading.original(edge.first, edge.last) if char.isalpha())


def _after_rank(reading: Reading, edge: Edge) -> bool:
    """`генерал-майор попов`, `командующий армией генерал попов`: a rank right before, or two words before."""
    return any(word.startswith(_RANKS) for word in reading.words[max(0, edge.first - 2) : edge.first])


def _after_woman(reading: Reading, edge: Edge) -> bool:
    before = reading.words[max(0, edge.first - 2) : edge.first]
    return any(is_feminine_first_name(word) or word in _LATINS for word in before[-1:]) or (
        len(before) == 2 and before[1].endswith(("на", "ны", "не", "ной")) and is_feminine_first_name(before[0])
    )


def _counted(before: str) -> bool:
    return before.isdigit() or before in number_words() or before in _COUNTING or before.endswith(("ых", "их"))


def _before_infinitive(reading: Reading, edge: Edge) -> bool:
    after = reading.words[edge.last + 1 : edge.last + 3]
    return any("INFN" in grammemes(parse) for word in after for parse in parses(word))
