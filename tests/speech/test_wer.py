"""The yardstick itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.wer import word_errors, words_of

WORDS = st.lists(st.sampled_from(["а", "б", "в", "г"]), max_size=8)


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("приказ подписал министр", "Приказ подписал министр.", 0),
        ("приказ подписал министр", "приказ министр", 1),
        ("приказ подписал министр", "приказ не подписал министр", 1),
        ("приказ подписал министр", "указ подписал министр", 1),
        ("приказ подписал министр", "", 3),
        ("", "слово", 1),
    ],
)
def test_edits_are_counted(said: str, heard: str, errors: int) -> None:
    """A missing, an added and a wrong word are one error each; case and punctuation are none."""
    assert word_errors(words_of(said), words_of(heard)) == errors


@given(WORDS, WORDS, WORDS)
def test_it_is_a_distance(a: list[str], b: list[str], c: list[str]) -> None:
    """Word errors are symmetric, zero only between equals, and never shorter by a detour."""
    assert word_errors(a, b) == word_errors(b, a)
    assert (word_errors(a, b) == 0) == (a == b)
    assert word_errors(a, c) <= word_errors(a, b) + word_errors(b, c)
