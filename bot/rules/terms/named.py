"""Terms that say what they name: people, places, units."""

from collections.abc import Callable
from functools import partial

from bot.rules.forms.assemble import folded, plain
from bot.rules.forms.dictionary import is_common_word, is_feminine_first_name
from bot.rules.forms.latin import latin_spellings
from bot.rules.forms.people import first_name, initials, surname
from bot.rules.forms.places import place as place_forms
from bot.rules.military import contradicting, echelon_of, needs_capitals, short_names
from bot.rules.normalise import fold
from bot.rules.numbers import find_numbers
from bot.rules.place import Place
from bot.rules.slots import Form, Guard, Path, Reason, Skip, Slot
from bot.rules.terms.written import joined, tokens
from bot.rules.words import Reading

EXAMPLES = {
    "person": 'person:"Иван Попов"',
    "place": "place:Бердянск",
    "unit": 'unit:"58-я армия"',
    "url": "url:t.me/rybar",
    "mention": "mention:rybar",
}
# Ростов-на-Дону, Порт-у-Пренс: inside a name these are no nouns.
_BETWEEN = frozenset("на над под при за у в під біля de of on upon".split())
# Adjectives between a unit's number and its noun.
_UNIT_GAP = 5


def person(body: str, text: str, place: Place) -> tuple[Path, ...]:
    """A surname alone; or one with its first name or initial before or behind it. Raises `RuleError`."""
    names = names_of(body, text, place)
    woman = len(names) > 1 and is_feminine_first_name(folded(names[0]))
    last = _hyphened(names[-1], partial(surname, woman=woman))
    if len(names) == 1:
        return (Path(last),)
    bare = (Slot({form: Form(one.reason) for form, one in last[0].forms.items()}), *last[1:])
    first, initial = Slot(first_name(names[0])), Slot(initials(names[0]))
    named = Slot(bare[0].forms, gap=1, skip=Skip.PATRONYMIC)
    return (
        Path((first, named, *bare[1:])),
        Path((initial, named, *bare[1:])),
        Path((*bare, first)),
        Path((*bare, initial)),
    )


def names_of(body: str, text: str, place: Place) -> list[str]:
    """A surname, or first name and surname. Raises `RuleError`."""
    names = [name.strip(".,") for name in body.split()]
    if any(not name.replace("-", "").replace("'", "").isalpha() for name in names) or not 0 < len(names) <= 3:
        raise place.error(f"{text}: expected a surname, or a first name and a surname, as {EXAMPLES['person']}.")
    return names


def _hyphened(name: str, forms_of: Callable[[str], dict[str, Form]]) -> tuple[Slot, ...]:
    parts = name.split("-")
    return tuple(Slot(forms_of(part), tight=number > 0) for number, part in enumerate(parts))


def place_name(body: str, text: str, place: Place) -> tuple[Path, ...]:
    """The words of a place's name, each in its forms. Raises `RuleError`."""
    pieces = [(number, *token) for name in body.split() for number, token in enumerate(tokens(name, text, place))]
    several = len(pieces) > 1
    # One name among the words (новая каховка) tells what is meant without capitals; красный лиман needs them.
    named = several and any(token.isalpha() and not is_common_word(token) for _, _, token in pieces)
    slots = []
    for number, written, token in pieces:
        forms = {token: Form()}
        if token in _BETWEEN and several:
            forms |= plain(latin_spellings(token), Reason.TRANSLITERATED)
        elif token.isalpha():
            forms = place_forms(written, several=several)
        if named:
            forms = {form: Form(one.reason, one.guard & ~Guard.CAPITAL) for form, one in forms.items()}
        slots.append(Slot(forms, tight=number > 0))
    return (Path(tuple(slots)), *joined(tuple(slots)))


def unit(body: str, text: str, place: Place) -> tuple[Path, ...]:
    """A number, then a size in full or abbreviated, with what a unit is besides between them. Raises `RuleError`."""
    reading = Reading(fold(body))
    numbers = [int(word) for word in reading.words if word.isdigit()] or [n.value for n in find_numbers(reading.words)]
    echelon = echelon_of(reading.words)
    if len(numbers) != 1 or echelon is None:
        raise place.error(
            f"{text}: expected a number and a size, as {EXAMPLES['unit']}; a unit without a number is a phrase."
        )
    number = Slot({str(numbers[0]): Form()})
    nouns = {form: Form(Reason.INFLECTED, Guard.AFTER_ORDINAL) for form in echelon.plural}
    nouns |= {
        form: Form(
            Reason.EXACT if form in reading.words else Reason.INFLECTED,
            Guard.LAST_SIZE if form == "army" else Guard.NONE,
        )
        for form in echelon.singular
    }
    short = {
        form: Form(Reason.EXACT, Guard.UPPER if needs_capitals(form) else Guard.NONE)
        for form in short_names(echelon, reading.words)
    }
    without = contradicting(reading.words)
    return tuple(
        Path((number, Slot(forms, gap=_UNIT_GAP, skip=Skip.MILITARY, without=without))) for forms in (nouns, short)
    )
