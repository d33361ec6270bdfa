"""The lattice of a text: each kind of edge, where it ends, and what is refused."""

from collections.abc import Iterable

import pytest

from bot.rules.lattice import Edge, edges
from bot.rules.lexicon import Lexicon
from bot.rules.sieve import Sieve
from bot.rules.words import read


def lattice(text: str, wanted: Iterable[str]) -> list[tuple[int, int, str, str]]:
    """(first, last, symbol, reason) of the edges of a text's plain reading, in order of place."""
    return sorted((edge.first, edge.last, edge.symbol, edge.reason.value) for edge in read_with(text, wanted))


def read_with(text: str, wanted: Iterable[str]) -> list[Edge]:
    """The edges of a text's plain reading."""
    sieve, reading = Sieve(Lexicon().changed((), wanted)), read(text)[0]
    return list(edges(reading, reading.where(sieve.words(reading.vocabulary)), sieve))


FOUND = [
    # text, wanted, edges
    ("сам Шoйгу", "шойгу", [(1, 1, "шойгу", "look-alike")]),
    ("Шшшойгу", "шойгу", [(0, 0, "шойгу", "look-alike")]),
    ("HIMАRS", "himars", [(0, 0, "himars", "look-alike")]),
    ("BCY там", "всу", [(0, 0, "всу", "look-alike")]),
    ("пришёл Ш0йгу", "шойгу", [(1, 3, "шойгу", "look-alike")]),
    ("к@дыров", "кадыров", [(0, 1, "кадыров", "look-alike")]),
    ("пал Ш*йгу", "шойгу", [(1, 2, "шойгу", "look-alike")]),
    ("Ш*йг*", "шойгу", [(0, 1, "шойгу", "look-alike")]),
    ("Г**ас*мов", "герасимов", [(0, 2, "герасимов", "look-alike")]),
    ("Гера**мов", "герасимов", [(0, 1, "герасимов", "look-alike")]),
    ("В🔥С🔥У", "всу", [(0, 2, "всу", "glued")]),
    ("пятьдесят восьмой", "58", [(0, 1, "58", "number-words")]),
    ("контр батарейная", "контрбатарейная", [(0, 1, "контрбатарейная", "glued")]),
    ("контр-батарейная", "контрбатарейная", [(0, 1, "контрбатарейная", "glued")]),
    ("и Ш о й г у", "шойгу", [(1, 5, "шойгу", "glued")]),
    ("Ш.о.й.г.у", "шойгу", [(0, 4, "шойгу", "glued")]),
    ("Шой-\nгу", "шойгу", [(0, 1, "шойгу", "glued")]),
    ("Шой🔥гу", "шойгу", [(0, 1, "шойгу", "glued")]),
    ("об'єкт", "обєкт", [(0, 1, "обєкт", "exact")]),
]


@pytest.mark.parametrize(("text", "symbol", "expected"), FOUND)
def test_a_disguised_word_is_an_edge_over_the_tokens_that_it_takes(
    text: str, symbol: str, expected: list[tuple[int, int, str, str]]
) -> None:
    """Each kind of edge spans its own tokens, no neighbour, and says why it counts."""
    assert lattice(text, [symbol]) == expected


REFUSED = [
    ("Шойгу", "шойгу"),  # What stands there plainly needs no edge.
    ("ш0й9у", "шойгу"),  # 9 is drawn like no letter.
    ("Т90", "то"),  # Digits at the end are a number.
    ("***гу", "шойгу"),  # More than half is hidden, and the first letter is.
    ("Ш****", "шойгу"),
    ("то ка", "тока"),  # Too short to be one word parted.
    ("то кмак", "токмак"),
    ("ток. мак", "токмак"),  # A full stop is no slit.
    ("ш о й", "шой"),  # Three letters are no spaced word.
    ("Шой — гу", "шойгу"),
    ("missile's", "missiles"),
    ("н🔥а🔥в🔥с🔥у🔥д", "всу"),  # Amid the letters of another word.
    ("Ш*йг*", "шо1гу"),  # A star stands for a letter.
    ("сто пятьдесят восьмая", "58"),  # A part of a longer number.
    ("пятьдесят. Восьмая", "58"),  # Two sentences.
]


@pytest.mark.parametrize(("text", "symbol"), REFUSED)
def test_what_is_no_disguise_gives_no_edge(text: str, symbol: str) -> None:
    """Half hidden, too short, another number or parted as honest words are: nothing."""
    assert lattice(text, [symbol]) == []


def test_only_symbols_that_a_rule_asks_for_become_edges() -> None:
    """The lattice of a text grows with what is wanted, not with what could be read."""
    assert lattice("Шoйгу, пять, Ш о й г у", ["погода"]) == []
    assert {edge[2] for edge in lattice("Шoйгу, пять, Ш о й г у", ["шойгу", "5"])} == {"шойгу", "5"}


def test_a_number_in_words_says_whether_it_is_a_place_in_a_row() -> None:
    """Восьмой is ordinal, восемь is not: `58 армий` is refused by it."""
    assert [edge.ordinal for text in ("восьмой", "восемь") for edge in read_with(text, ["8"])] == [True, False]


def test_a_spaced_word_is_found_inside_a_longer_run_of_letters() -> None:
    """A preposition before it and another spaced word behind it are left aside; each place is found."""
    assert lattice("о ш о й г у ш о й г у", ["шойгу"]) == [(1, 5, "шойгу", "glued"), (6, 10, "шойгу", "glued")]


def test_every_place_of_a_repeated_disguise_is_found() -> None:
    """What is looked into once for its spelling still counts wherever it stands."""
    for piece, width in (("Ш0йгу ", 3), ("Ш*йгу ", 2), ("Шoйгу ", 1), ("Шой🔥гу ", 2)):
        assert [edge[0] for edge in lattice(piece * 5, ["шойгу"])] == [width * i for i in range(5)], piece


def test_of_very_many_masks_the_first_are_read() -> None:
    """A text of nothing but starred words is cut short; an honest one has no such number."""
    letters = "абвгдежзиклмнопрстуфхц"
    masks = [f"{one}*{two}м" for one in letters[:10] for two in letters]
    words = [mask.replace("*", "о") for mask in masks]
    assert len(lattice(" ".join(masks[:30]), words)) == 30
    assert len(lattice(" ".join(masks), words)) == 30
