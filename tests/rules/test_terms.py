"""Terms by themselves: the paths that each kind becomes, and what is refused."""

import pytest

from bot.errors import RuleError
from bot.rules.place import Place
from bot.rules.slots import Compiled, Guard, Path, Reason, Skip
from bot.rules.terms import check, term

HERE = Place("a.yaml", 7, "r")


def compiled(text: str) -> Compiled:
    """The term, which is one of words."""
    made = term(text, HERE)
    assert isinstance(made, Compiled)
    return made


def first_path(text: str) -> Path:
    """The plainest path of a term."""
    return compiled(text).paths[0]


def test_a_word_is_one_slot_of_all_its_forms() -> None:
    """What the analyst wrote is exact, the others are inflected."""
    [slot] = first_path("ракета").slots
    assert slot.forms["ракета"].reason is Reason.EXACT
    assert slot.forms["ракетами"].reason is Reason.INFLECTED
    assert not slot.fuzzy


def test_an_exact_word_has_no_other_form_and_a_prefix_none_at_all() -> None:
    """`=` and `*`."""
    assert {form for form, one in first_path("=ракета").slots[0].forms.items() if one.reason is Reason.EXACT} == {
        "ракета"
    }
    [slot] = first_path("ракет*").slots
    assert (slot.prefix, dict(slot.forms)) == ("ракет", {})


def test_a_slip_is_allowed_for_its_own_word_alone() -> None:
    """~1 inside a phrase."""
    assert [slot.fuzzy for slot in first_path('"контрбатарейная~1 борьба"').slots] == [True, False]


def test_a_phrase_is_a_slot_for_each_word_with_its_gap() -> None:
    """~n behind the quotes is between two words, not before the first."""
    slots = first_path('"снять с должности"~2').slots
    assert [(slot.gap, slot.skip) for slot in slots] == [(0, Skip.NONE), (2, Skip.ANY), (2, Skip.ANY)]
    assert [slot.gap for slot in first_path('"снять с должности"').slots] == [0, 0, 0]


def test_a_phrase_may_be_written_as_one_word() -> None:
    """StormShadow; not where words may stand between."""
    glued = compiled('"Storm Shadow"').paths[1].slots[0].forms["stormshadow"]
    assert glued.reason is Reason.GLUED
    assert len(compiled('"Storm Shadow"~1').paths) == 1


def test_a_code_is_tight() -> None:
    """Letters and digits of a code stand together; the gap of a phrase is before it, not inside."""
    slots = first_path('"новый Т-90М"~3').slots
    assert [(slot.tight, slot.gap) for slot in slots] == [(False, 0), (False, 3), (True, 0), (True, 0)]


def test_a_code_that_ends_in_digits_has_an_english_plural() -> None:
    """F-16s, in small letters alone."""
    plural = compiled("F-16").paths[-1].slots[-1]
    assert plural.forms["s"].guard is Guard.LOWER
    assert plural.tight


def test_a_persons_form_that_is_an_everyday_word_needs_a_capital() -> None:
    """Попов, of priests; not Поповым. With a first name beside it none is needed."""
    [slot] = first_path("person:Попов").slots
    assert slot.forms["попов"].guard & Guard.CAPITAL
    assert not slot.forms["поповым"].guard & Guard.CAPITAL
    _, last = first_path('person:"Иван Попов"').slots
    assert not last.forms["попов"].guard
    assert (last.gap, last.skip) == (1, Skip.PATRONYMIC)


def test_a_full_name_is_found_by_name_or_initial_before_or_behind() -> None:
    """Four paths, none of them the surname alone."""
    paths = compiled('person:"Иван Попов"').paths
    assert [["иван" in slot.forms or "и" in slot.forms for slot in path.slots] for path in paths] == [
        [True, False],
        [True, False],
        [False, True],
        [False, True],
    ]


def test_a_hyphened_surname_is_written_together() -> None:
    """Салтыков-Щедрин: each part in its forms, the second tight."""
    assert [slot.tight for slot in first_path("person:Салтыков-Щедрин").slots] == [False, True]


def test_of_a_places_words_one_name_spares_the_capitals() -> None:
    """Новая Каховка is told by Каховка; Красный Лиман is two everyday words."""
    guards = {
        name: any(
            one.guard & Guard.CAPITAL for slot in first_path(f'place:"{name}"').slots for one in slot.forms.values()
        )
        for name in ("Новая Каховка", "Красный Лиман")
    }
    assert guards == {"Новая Каховка": False, "Красный Лиман": True}


def test_a_unit_is_its_number_and_then_its_noun_or_abbreviation() -> None:
    """Attributes may stand between; plural nouns need an ordinal; other branches are refused."""
    full, short = compiled('unit:"90-я танковая дивизия"').paths
    assert [dict(path.slots[0].forms).keys() for path in (full, short)] == [{"90"}, {"90"}]
    noun = full.slots[1]
    assert (noun.skip, noun.gap) == (Skip.MILITARY, 5)
    assert noun.forms["дивизия"].reason is Reason.EXACT
    assert noun.forms["дивизий"].guard is Guard.AFTER_ORDINAL
    assert "мотострел" in noun.without
    assert "танков" not in noun.without
    assert {"тд", "гтд"} <= short.slots[1].forms.keys()
    assert "мсд" not in short.slots[1].forms


def test_a_units_number_may_be_spelt() -> None:
    """`пятьдесят восьмая армия` is the same unit as `58-я армия`."""
    assert first_path('unit:"пятьдесят восьмая армия"').slots[0].forms.keys() == {"58"}


def test_a_term_says_which_forms_were_not_taken() -> None:
    """For `earshot rules explain`."""
    lost = compiled("банка").dropped
    assert ("банках", "is mostly another word (банк)") in [(one.form, one.reason) for one in lost]
    assert not {one.form for one in lost} & first_path("банка").slots[0].forms.keys()
    assert compiled("ракета").dropped == ()


REFUSED = [
    # term, what the error says
    ("person:", "needs a name"),
    ('person:"а б в г"', "expected a surname"),
    ("person:58", "expected a surname"),
    ("place:!", "no letter or digit"),
    ("unit:армия", "expected a number and a size"),
    ('unit:"58-я"', "expected a number and a size"),
    ('unit:"58-я и 36-я армии"', "expected a number and a size"),
    ("ра*ета", "only at the end of a word"),
    ("ра*", "at least 3"),
    ("*", "no letter or digit"),
    ("Хаймарс~2", "only one slip"),
    ('"а б"~21', "at most 20 words may stand between"),
    ('"' + "слово " * 21 + '"', "at most 20 are allowed"),
    ('"…"', "holds no word"),
    ("а" * 41, "longer than any word"),
    ("а+б", "cannot stand inside a word"),
    ("#ВСУ", "without `#`"),
    ("@rybar", "mention:name"),
    ("+взрыв", "write AND or NOT"),
    ("взр?в", "is not used here"),
    ("lemma:взрыв", "is no kind of term"),
    ("«взрыв»", "straight ones"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_is_no_term_is_refused_with_its_place(text: str, says: str) -> None:
    """File, line and rule, and what to write instead; `check`, which makes no forms, refuses the same in the same words."""
    with pytest.raises(RuleError) as made:
        term(text, HERE)
    assert str(made.value).startswith("a.yaml:7: rule r: ")
    assert says in str(made.value)
    with pytest.raises(RuleError) as checked:
        check(text, HERE)
    assert str(checked.value) == str(made.value)


@pytest.mark.parametrize("text", ["ракета", '"снять с должности"~2', "person:Попов", 'unit:"58-я армия"', "url:t.me/x"])
def test_what_is_a_term_passes_the_check(text: str) -> None:
    """`check` takes what `term` takes, and calls it the same."""
    assert check(text, HERE) == term(text, HERE)
