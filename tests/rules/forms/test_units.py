"""Numbers in words, and the names of units."""

import pytest

from bot.rules.military import contradicting, echelon_of, is_attribute, needs_capitals, short_names
from bot.rules.numbers import find_numbers


@pytest.mark.parametrize(
    ("words", "value", "ordinal"),
    [
        ("пятьдесят восьмая", 58, True),
        ("сто пятьдесят восьмой", 158, True),
        ("двухсотая", 200, True),
        ("двести девяносто первого", 291, True),
        ("тысяча двести тридцать четвёртый", 1234, True),
        ("тысяча девятый", 1009, True),
        ("восемьсот десятой", 810, True),
        ("пятьдесят восемь", 58, False),
        ("сорок сьомої", 47, True),
        ("дев яносто третя", 93, True),
        ("двісті двадцять п ятий", 225, True),
        ("п ять", 5, False),
        ("fifty eighth", 58, True),
        ("two hundredth", 200, True),
        ("one hundred and tenth", 110, True),
    ],
)
def test_number_words_are_read_as_one_number(words: str, value: int, ordinal: bool) -> None:
    """A run of number words is one number, over its whole length."""
    tokens = words.replace("ё", "е").split()
    [number] = find_numbers(tokens)
    assert (number.first, number.last, number.value, number.ordinal) == (0, len(tokens) - 1, value, ordinal)


def test_numbers_that_do_not_belong_together_stay_apart() -> None:
    """Tens do not follow units, and an ordinal ends its number."""
    assert [number.value for number in find_numbers("пять двадцать восьмая пятая".split())] == [5, 28, 5]


@pytest.mark.parametrize(
    ("unit", "size", "shorts", "others"),
    [
        ("58 я армия", "army", "оа ова та", ""),
        ("1 я танковая армия", "army", "та гта", "оа"),
        ("4 я танковая дивизия", "division", "тд гтд", "мсд вдд"),
        ("76 я десантно штурмовая дивизия", "division", "дшд гдшд", "мсд"),
        ("1 й танковый полк", "regiment", "тп", "мсп"),
        ("200 я мотострелковая бригада", "brigade", "омсбр", "отбр"),
        ("810 я бригада морской пехоты", "brigade", "обрмп", "омсбр"),
        ("22 я бригада специального назначения", "brigade", "обрспн", "омсбр"),
        ("3 тя штурмова бригада", "brigade", "ошбр", "омбр"),
        ("47 ма механізована бригада", "brigade", "омбр", "отбр"),
        ("36 та бригада", "brigade", "обрмп омбр", ""),
        ("3 й армейский корпус", "corps", "ак", "тк"),
        ("3 rd army corps", "corps", "ac", ""),
        ("8 тд", "division", "тд гтд", "мсд"),
    ],
)
def test_a_unit_has_a_size_and_the_abbreviations_of_its_branch(unit: str, size: str, shorts: str, others: str) -> None:
    """The last size named counts; where a branch is named, the abbreviations of other branches do not."""
    words = unit.split()
    echelon = echelon_of(words)
    assert echelon is not None
    assert echelon.name == size
    names = short_names(echelon, words)
    assert set(shorts.split()) <= names
    assert names.isdisjoint(others.split())


def test_a_branch_contradicts_others() -> None:
    """A tank regiment is no motor rifle regiment; a rule that names no branch takes any."""
    assert "мотострелковый".startswith(contradicting(["танковый", "полк"]))
    assert not "танковый".startswith(contradicting(["танковый", "полк"]))
    assert contradicting(["полк"]) == ()


@pytest.mark.parametrize(
    ("word", "expected"),
    [("гвардейская", True), ("гв", True), ("псковской", True), ("идрицко", True), ("кутузова", True), ("механізована", True),
     ("марта", False), ("день", False), ("и", False), ("взвод", False)],
)  # fmt: skip
def test_attributes_stand_between_number_and_noun(word: str, expected: bool) -> None:
    """Guards, branches, cities and honours do; other words part a number from a noun that is not its own."""
    assert is_attribute(word) is expected


def test_abbreviations_that_mean_something_else_need_capitals() -> None:
    """58 га are hectares; 4 тд is a tank division."""
    assert needs_capitals("га")
    assert needs_capitals("та")
    assert not needs_capitals("тд")
