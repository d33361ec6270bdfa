"""What the text around a hit must show, for forms that are also something else. Asked only of hits."""

from bot.rules.forms.context import fits
from bot.rules.forms.dictionary import grammemes, is_feminine_first_name, is_name, parses
from bot.rules.lattice import Edge
from bot.rules.military import is_size
from bot.rules.slots import Form, Guard, Reason
from bot.rules.words import Reading

# A rank may be followed by one of these, and only then by the name.
_RANKS = tuple(
    "генерал полковник подполковник майор капитан лейтенант сержант прапорщик маршал адмирал комбриг комбат комдив "
    "командир командующ командарм министр президент депутат сенатор губернатор начальник начштаб военкор блогер товарищ "
    "господин командувач капітан старшин підполковник міністр солдат рядов боец бойца general colonel major captain "
    "lieutenant commander minister".split()
)
_LATINS = frozenset(
    "yelena elena olga irina maria mariya anna natalia natalya svetlana tatiana tatyana yulia julia ekaterina oksana iryna "
    "olena larisa lyudmila valentina galina marina daria darya alina victoria".split()
)
_AFTER_ORDINAL, _NOT_MEASURE, _LAST_SIZE = int(Guard.AFTER_ORDINAL), int(Guard.NOT_MEASURE), int(Guard.LAST_SIZE)
_MASCULINE, _FEMININE, _CONTEXT = int(Guard.MASCULINE), int(Guard.FEMININE), int(Guard.CONTEXT)
_UPPER, _LOWER, _CAPITAL = int(Guard.UPPER), int(Guard.LOWER), int(Guard.CAPITAL)
_WRITTEN = _UPPER | _LOWER | _CAPITAL


def allows(form: Form, reading: Reading, edge: Edge, *, speech: bool, ordinal: bool, told: bool = False) -> bool:
    """Whether the text around `edge` shows what the form's guard asks for.

    `ordinal`: a place in a row stands before it. `told`: the phrase that it is a word of says which meaning it has.
    """
    # As a plain number: the operators of an enumeration cost more than the questions.
    guard = int(form.guard)
    if guard & _AFTER_ORDINAL and not ordinal:
        return False
    if guard & _NOT_MEASURE and edge.first and reading.words[edge.first - 1].isdigit():
        return False
    if guard & _LAST_SIZE and _before_size(reading, edge):
        return False
    if guard & _WRITTEN and not _written(guard, reading, edge, speech=speech):
        return False
    if guard & _MASCULINE and _after_woman(reading, edge):
        return False
    if guard & _FEMININE and _after_man(reading, edge):
        return False
    return told or not guard & _CONTEXT or _meant(form, reading, edge)


def _before_size(reading: Reading, edge: Edge) -> bool:
    after = edge.last + 1
    return after < len(reading.words) and reading.near(after) and is_size(reading.words[after])


def _written(guard: int, reading: Reading, edge: Edge, *, speech: bool) -> bool:
    """Capitals and small letters."""
    written = reading.original(edge.first, edge.last)
    letters = written if written.isalpha() else "".join(filter(str.isalpha, written))
    if guard & _UPPER and not speech and not letters.isupper():
        return False
    if guard & _LOWER and not letters.islower():
        return False
    return not guard & _CAPITAL or letters[:1].isupper() or _is_meant(reading, edge) or _after_rank(reading, edge)


def _is_meant(reading: Reading, edge: Edge) -> bool:
    """`п у т и н`, `#путин`: whoever spells a word or makes it a hashtag means a name."""
    spelled = edge.reason is Reason.GLUED and edge.last - edge.first + 1 == len(edge.symbol)
    return spelled or reading.gaps[edge.first].endswith("#")


def _after_rank(reading: Reading, edge: Edge) -> bool:
    """`генерал-майор попов`, `командир роты попов`: a rank right before, or two words before, no verb between."""
    *further, before = reading.words[max(0, edge.first - 2) : edge.first] or [""]
    if before.startswith(_RANKS):
        return True
    return any(word.startswith(_RANKS) for word in further) and not any(
        "VERB" in grammemes(one) for one in parses(before)
    )


def _after_woman(reading: Reading, edge: Edge) -> bool:
    before = reading.words[max(0, edge.first - 2) : edge.first]
    return any(is_feminine_first_name(word) or word in _LATINS for word in before[-1:]) or (
        len(before) == 2 and before[1].endswith(("на", "ны", "не", "ной")) and is_feminine_first_name(before[0])
    )


def _after_man(reading: Reading, edge: Edge) -> bool:
    """`генерала Захарова`, `Ивана Захарова`: a man in a case that the woman's name is not in."""
    if not edge.first:
        return False
    men = [grammemes(one) for one in parses(reading.words[edge.first - 1]) if "anim" in grammemes(one)]
    return bool(men) and all("masc" in one and "nomn" not in one for one in men)


def _meant(form: Form, reading: Reading, edge: Edge) -> bool:
    """Whether an everyday word has the meaning that the analyst asks for."""
    original = reading.original(edge.first, edge.last).lower()
    if "ё" in original and (written := parses(original)) and not any(one.normal_form in form.lemmas for one in written):
        return False
    before = reading.words[edge.first - 1] if edge.first and reading.together(edge.first) else ""
    if before and original[:1] != reading.original(edge.first, edge.last)[:1] and is_name(edge.symbol, form.lemmas):
        return True
    after = edge.last + 1
    behind = reading.words[after] if after < len(reading.words) and reading.together(after) else ""
    return fits(form.lemmas, edge.symbol, before, behind)
