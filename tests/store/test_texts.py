"""Tokens, queries and excerpts: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import StoreError
from bot.store.texts import Term, excerpt, fold, marks, parse_query, tokens

TEXTS = st.text(st.sampled_from('абвё АЁйabcß\u0301\u200b"*- .ﬁ½İ⑴\n'), max_size=60)


@given(TEXTS)
def test_tokens(text: str) -> None:
    """Tokens are in order, lie in the text, and hold letters and digits alone, so that both engines cut alike."""
    end = 0
    for token in tokens(text):
        assert end <= token.start < token.end <= len(text)
        assert fold(text[token.start : token.end]) == token.word
        assert token.word.isalnum()
        end = token.end


@given(TEXTS)
def test_any_query(words: str) -> None:
    """Whatever is typed is parsed into terms of comparable words."""
    for term in parse_query(words):
        assert term.words
        assert all(word.isalnum() for word in term.words)


@given(st.lists(st.sampled_from(["попов", "удар", "и", "длинноесловобезконца" * 5]), min_size=1, max_size=90))
def test_excerpt(words: list[str]) -> None:
    """An excerpt is about 200 characters, shows the first hit, and its marks cover the same words as in the text."""
    text = " ".join(words)
    terms = parse_query("попов")
    found = [(start, end) for start, end, _ in marks(text, terms)]
    if not found:
        return
    shown, spans = excerpt(text, found)
    assert len(shown) <= 202
    assert spans
    assert {shown[start:end] for start, end in spans} == {"попов"}
    assert shown.strip("…") in text


def test_word_borders() -> None:
    """A cut falls between words and is shown."""
    text = "слово " * 60 + "попов " + "слово " * 60
    shown, ((start, end),) = excerpt(text, [(360, 365)])
    assert shown[start:end] == "попов"
    assert set(shown.strip("…").split()) == {"слово", "попов"}
    assert shown.startswith("…слово")
    assert shown.endswith("слово…")


def test_terms() -> None:
    """Words, phrases, exclusions and beginnings are told apart."""
    assert parse_query('Попов "58-я армия" -лож* -"не то" из-за "открыта') == (
        Term(("попов",)),
        Term(("58", "я", "армия")),
        Term(("лож",), prefix=True, exclude=True),
        Term(("не", "то"), exclude=True),
        Term(("из", "за")),
        Term(("открыта",)),
    )


def test_too_many() -> None:
    """A search of more than 100 words is refused in clear words."""
    with pytest.raises(StoreError, match="at most 100 words; these are 101"):
        parse_query("а " * 101)
