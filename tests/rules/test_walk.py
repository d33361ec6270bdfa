"""Paths walked through a text: gaps, skips, tight slots, ordinals, suffixes, borders, limits."""

import pytest

from bot.rules import ground as ground_of
from bot.rules.ground import Ground
from bot.rules.lattice import Edge
from bot.rules.slots import Form, Guard, Path, Reason, Skip, Slot
from bot.rules.walk import MAX_STEPS, MAX_WAYS, Way, walk
from bot.rules.words import read


def slot(forms: str, **more: object) -> Slot:
    """A slot of these forms, all as they stand."""
    return Slot({form: Form() for form in forms.split()}, **more)  # type: ignore[arg-type]


def ways(text: str, *slots: Slot, extra: tuple[Edge, ...] = (), speech: bool = False) -> list[Way]:
    """The ways of a path of these slots through the plain reading."""
    reading = read(text)[0]
    return list(walk(Ground(reading, extra, speech=speech), Path(slots)))


def places(text: str, *slots: Slot, speech: bool = False) -> list[tuple[int, int]]:
    """Their first and last tokens."""
    return [(way.first, way.last) for way in ways(text, *slots, speech=speech)]


def test_the_words_of_a_path_stand_side_by_side_and_in_order() -> None:
    """Without a gap nothing may stand between; the sentence may not end there."""
    path = slot("взрыв"), slot("склад")
    assert places("взрыв склад, взрыв, склад и склад взрыв", *path) == [(0, 1), (2, 3)]
    for text in ("взрыв на склад", "Взрыв. Склад", "взрыв\n\nсклад", "взрыв t.me/x склад"):
        assert places(text, *path) == [], text


@pytest.mark.parametrize(("between", "reached"), [("", True), ("и ", True), ("и не ", True), ("и не на ", False)])
def test_a_gap_lets_so_many_words_stand_between(between: str, reached: bool) -> None:
    """Up to two, whatever they are."""
    path = slot("взрыв"), slot("склад", gap=2, skip=Skip.ANY)
    assert bool(places(f"взрыв {between}склад", *path)) is reached


def test_a_sentence_ends_a_gap() -> None:
    """What may stand between is of the same sentence."""
    path = slot("взрыв"), slot("склад", gap=5, skip=Skip.ANY)
    assert places("взрыв слышали. Другой склад", *path) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("58 гвардейская армия", True),
        ("58 отдельная гвардейская общевойсковая армия", True),
        ("58 красная армия", False),
        ("58 танковая армия", False),
        ("58 гв отд гв армия", False),
    ],
)
def test_between_a_units_number_and_noun_only_its_attributes_stand(text: str, found: bool) -> None:
    """At most three here, none of a branch that the unit is not of."""
    gap = 3 if "отд гв" not in text else 2
    path = slot("58"), slot("армия", gap=gap, skip=Skip.MILITARY, without=("танков",))
    assert bool(places(text, *path)) is found


@pytest.mark.parametrize(("between", "found"), [("Иванович", True), ("И", True), ("Ивановна", True), ("сам", False)])
def test_between_first_name_and_surname_a_patronymic_may_stand(between: str, found: bool) -> None:
    """Or its initial; no other word."""
    path = slot("иван"), slot("попов", gap=1, skip=Skip.PATRONYMIC)
    assert bool(places(f"Иван {between} Попов", *path)) is found


def test_a_tight_slot_is_written_together_with_the_one_before() -> None:
    """With a hyphen, with nothing or with one space; a small letter behind a digit and a space is another word."""
    path = slot("т"), slot("90", tight=True), slot("м", tight=True)
    assert places("Т-90М", *path) == places("Т90-М", *path) == places("Т 90 М", *path) == [(0, 2)]
    assert places("т 90, м", *path) == places("Т 90 м", *path) == places("Т - 90М", *path) == []
    assert places("т 90 м", *path, speech=True) == [(0, 2)]


def test_no_match_begins_or_ends_inside_digits_and_letters_written_together() -> None:
    """58ОА is not 58, and Х-1011 not Х-101."""
    assert places("58ОА 158 58", slot("58")) == [(3, 3)]
    assert places("АБ1 1АБ", slot("аб")) == []
    assert places("Т-90МС", slot("т"), slot("90", tight=True)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("58-я", [(0, 0), (0, 1)]),
        ("58я", [(0, 1)]),
        ("58th", [(0, 1)]),
        ("58 я", [(0, 0)]),
        ("58-е1", [(0, 0)]),
        ("58-ку", [(0, 0)]),
    ],
)
def test_a_number_takes_its_ordinal_suffix_with_it(text: str, found: list[tuple[int, int]]) -> None:
    """Only a suffix, only written together, and only where it ends."""
    assert places(text, slot("58")) == found


def test_a_plural_noun_needs_an_ordinal_before_it() -> None:
    """58-я армий, but not 58 армий."""
    nouns = Slot({"армий": Form(Reason.INFLECTED, Guard.AFTER_ORDINAL)}, gap=1, skip=Skip.MILITARY)
    assert places("58-й армий", slot("58"), nouns) == [(0, 2)]
    assert places("58 армий", slot("58"), nouns) == []
    spoken = Edge(0, 1, "58", Reason.NUMBER_WORDS, ordinal=True)
    assert [way.reason for way in ways("пятьдесят восьмой армий", slot("58"), nouns, extra=(spoken,))] == [
        "number-words"
    ]


def test_a_spoken_number_may_have_its_suffix_apart() -> None:
    """Whisper writes `пятьдесят восемь я армия`."""
    spoken = Edge(0, 1, "58", Reason.NUMBER_WORDS)
    [way] = ways("пятьдесят восемь я армия", slot("58"), slot("армия"), extra=(spoken,))
    assert way == Way(0, 3, Reason.NUMBER_WORDS, "58 армия")


def test_the_boldest_reason_on_a_way_is_told_and_the_plainest_way_to_an_end_is_taken() -> None:
    """Of two readings of one word the plainer one counts."""
    alike, glued = Edge(1, 1, "склад", Reason.LOOK_ALIKE), Edge(1, 1, "склад", Reason.GLUED)
    path = Slot({"взрыва": Form(Reason.INFLECTED)}), slot("склад")
    assert ways("взрыва cклад", *path, extra=(glued, alike)) == [Way(0, 1, Reason.LOOK_ALIKE, "взрыва склад")]
    assert ways("взрыва склад", *path, extra=(glued, alike)) == [Way(0, 1, Reason.INFLECTED)]


def test_a_slip_counts_only_where_the_slot_allows_one() -> None:
    """Edges of one term's ~1 do not help another term."""
    slip = Edge(0, 0, "хаймарс", Reason.FUZZY)
    assert ways("хаймерс", slot("хаймарс"), extra=(slip,)) == []
    assert ways("хаймерс", slot("хаймарс", fuzzy=True), extra=(slip,)) == [Way(0, 0, Reason.FUZZY, "хаймарс")]


def test_a_prefix_is_no_number_in_words() -> None:
    """`500*` asks for digits that stand there."""
    spoken = Edge(0, 0, "500", Reason.NUMBER_WORDS)
    assert ways("пятьсот 5001", Slot({}, "500"), extra=(spoken,)) == [Way(1, 1, Reason.PREFIX)]


def test_a_path_takes_a_bounded_number_of_steps() -> None:
    """A text of one word and a phrase of that word with wide gaps, whose end is missing: the walk gives up soon."""
    path = [slot("взрыв"), *(slot("взрыв", gap=20, skip=Skip.ANY) for _ in range(3)), slot("склад")]
    ground = Ground(read("взрыв " * 680 + "и склад")[0])
    assert walk(ground, Path(tuple(path))) == []
    # What the last slot looks at may go over it: 21 places from each of a bounded number of steps.
    assert MAX_STEPS < ground.steps < 4 * MAX_STEPS


def test_a_phrase_is_found_in_its_first_places() -> None:
    """Of very many the first ones, in reading order; each place costs the walk of it alone."""
    found = places("взрыв дом " * 300, slot("взрыв"), slot("дом"))
    assert found == [(2 * i, 2 * i + 1) for i in range(MAX_WAYS)]
    assert places("взрыв взрыв " * 300 + "взрыв дом", slot("взрыв"), slot("дом")) == [(600, 601)]


def test_each_path_has_its_own_steps() -> None:
    """What one path took is not taken from the next one."""
    ground = Ground(read("взрыв " * 300 + "склад дом")[0])
    wide = Path((slot("взрыв"), *(slot("взрыв", gap=20, skip=Skip.ANY) for _ in range(5))))
    list(walk(ground, wide))
    assert [way[:2] for way in walk(ground, Path((slot("склад"), slot("дом"))))] == [(300, 301)]


def test_after_very_many_looks_at_neighbours_a_form_counts_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that repeats a word with two meanings is cut short: more is found then, not less."""
    became = Slot({"стали": Form(Reason.INFLECTED, Guard.CONTEXT, ("сталь",))})
    assert places("они стали строить. " * 3, became) == []
    monkeypatch.setattr(ground_of, "MAX_LOOKS", 2)
    assert places("они стали строить. " * 3, became) == [(7, 7)]


LISTS = [
    # text, number, found
    ("41-я и 2-я армии", "41", [(0, 5)]),
    ("35-ю, 36-ю и 5-ю армии", "35", [(0, 7)]),
    ("35-ю, 36-ю и 5-ю армии", "36", [(2, 7)]),
    ("41-я гвардейская и 2-я армии", "41", [(0, 6)]),
    ("41-я, 2-я армии", "41", []),
    ("41-я и армии", "41", []),
    ("41-я и 2 армии", "41", []),
    ("41-я и 2-я бригада армии", "41", []),
    ("41-я и 20001-я армии", "41", []),
    ("41 и 2-я армии", "41", []),
    ("41-я и вторая армии", "41", [(0, 4)]),
    ("41-я и тридцать шестая армии", "41", [(0, 5)]),
    ("41-я и дев'ята армии", "41", [(0, 5)]),
    ("41-я и два армии", "41", []),
]


@pytest.mark.parametrize(("text", "number", "found"), LISTS)
def test_units_of_a_list_share_its_noun(text: str, number: str, found: list[tuple[int, int]]) -> None:
    """From an ordinal on, over further ordinals joined by commas and a last `and`, to the noun of them all."""
    assert places(text, slot(number), slot("армии", gap=5, skip=Skip.MILITARY)) == found


def test_a_word_is_told_by_its_phrase_only_beside_it_and_as_written() -> None:
    """Neighbours are asked again where other words stand between, and of forms that the analyst did not write."""
    became = Form(Reason.EXACT, Guard.CONTEXT, ("сталь",))
    path = slot("они"), Slot({"стали": became}, gap=1, skip=Skip.ANY)
    assert places("они стали строить", *path) == [(0, 1)]
    assert places("они все стали строить", *path) == []
    inflected = Slot({"стали": Form(Reason.INFLECTED, Guard.CONTEXT, ("сталь",))})
    assert places("они стали строить", slot("они"), inflected) == []
