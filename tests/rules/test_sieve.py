"""The sieve: which words of a text can mean anything to the rules, and what is remembered of them."""

import pytest

from bot.rules import sieve as sieving
from bot.rules.lexicon import Lexicon
from bot.rules.sieve import Sieve


def sieve(*symbols: str, prefixes: tuple[str, ...] = ()) -> Sieve:
    """One of these symbols."""
    return Sieve(Lexicon().changed((), symbols), prefixes)


@pytest.mark.parametrize(
    ("word", "held"),
    [
        ("шойгу", True),
        ("шoйгу", True),  # With a Latin o.
        ("шшшойгу", True),
        ("погода", False),
        ("контр", True),  # The first half of контрбатарейная.
        ("контра", False),
        ("батарейная", False),
        ("взрывной", True),  # Begins as a prefix does.
        ("взять", False),
        ("пять", True),  # Number words and single letters are read with what stands beside them.
        ("ш", True),
        ("58", True),
        ("59", False),
        ("ы" * 100, True),  # Too long to be looked into.
    ],
)
def test_words_that_may_be_a_symbol_or_a_part_of_one_are_held_back(word: str, held: bool) -> None:
    """As they stand, by their letters, as a half, or by their beginning; asked twice, the answer is the same."""
    one = sieve("шойгу", "контрбатарейная", "58", prefixes=("взрыв",))
    assert [bool(one.words({word, "дождь"})) for _ in range(2)] == [held, held]


def test_what_a_disguised_word_is_meant_for_is_kept() -> None:
    """Its letters are looked into once."""
    one = sieve("шойгу", "контрбатарейная")
    one.words({"шoйгу", "контр", "дождь"})
    assert one.hidden == {"шoйгу": ("шойгу",)}
    assert one.halves == {"контр"}


def test_words_without_end_are_forgotten_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that invents words fills no memory, and nothing is missed when all is forgotten."""
    monkeypatch.setattr(sieving, "_MAX_REMEMBERED", 10)
    one = sieve("шойгу")
    for number in range(100):
        assert one.words({f"слово{'а' * number}"}) == ({f"слово{'а' * number}"} if number > 59 else set())
        assert one.words({"шoйгу", "дождь"}) == {"шoйгу"}
        assert one.hidden == {"шoйгу": ("шойгу",)}
        assert len(one._idle) + len(one._live) <= 13
