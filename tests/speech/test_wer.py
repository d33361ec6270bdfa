"""The yardstick itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.speech.commands.wer import Errors, character_errors, distance, total, word_errors, words_of

WORDS = st.lists(st.sampled_from(["а", "б", "в", "г"]), max_size=8)


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("приказ подписал министр", "Приказ подписал министр.", 0),
        ("Ведётся; Zoë", "ведется Zoë!", 0),
        ("кто-то", "кто то", 0),
        ("приказ подписал министр", "приказ министр", 1),
        ("приказ подписал министр", "приказ не подписал министр", 1),
        ("приказ подписал министр", "указ подписал министр", 1),
        ("пятьдесят восьмая армия", "58 армия", 2),
        ("приказ подписал министр", "", 3),
        ("", "слово", 1),
    ],
)
def test_edits_are_counted(said: str, heard: str, errors: int) -> None:
    """A missing, an added and a wrong word are one error each; case, punctuation and ё are none; numbers are."""
    assert word_errors(said, heard) == Errors(edits=errors, said=len(words_of(said)))


def test_characters_are_counted_with_the_blanks() -> None:
    """A word that is run into the next one is one character wrong, and two words."""
    assert character_errors("на фронте", "нафронте") == Errors(edits=1, said=9)
    assert word_errors("на фронте", "нафронте").edits == 2


def test_rates_are_over_all_that_was_said() -> None:
    """Long texts count more than short ones; words where nothing was said are an infinite rate, silence is none."""
    parts = [Errors(edits=1, said=1), Errors(edits=0, said=9), Errors(edits=2, said=0)]
    assert total(parts) == Errors(edits=3, said=10)
    assert total(parts).rate == pytest.approx(0.3)
    assert parts[2].rate == float("inf")
    assert total([]).rate == 0.0


@settings(deadline=None)
@given(WORDS, WORDS, WORDS)
def test_it_is_a_distance(a: list[str], b: list[str], c: list[str]) -> None:
    """Word errors are symmetric, zero only between equals, and never shorter by a detour."""
    assert distance(a, b) == distance(b, a)
    assert (distance(a, b) == 0) == (a == b)
    assert distance(a, c) <= distance(a, b) + distance(b, c)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_it_is_the_shortest(a: list[str], b: list[str]) -> None:
    """As by its definition, place by place."""
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    assert distance(a, b) == row[-1]
