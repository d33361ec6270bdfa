"""A text in the parts that a model takes at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.confined.frames import pack
from bot.translation.sentences import MOST_CHARACTERS, clean, clip, halves, is_foreign, plain, sentences


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("Попов снят. Удар по штабу!", ["Попов снят.", "Удар по штабу!"]),
        ("«Попов снят.» Что дальше?", ["«Попов снят.»", "Что дальше?"]),
        ("Потери 1.5 тыс. человек", ["Потери 1.5 тыс. человек"]),
        ("Да... нет", ["Да... нет"]),
        ("В 12.30. 58-я армия", ["В 12.30.", "58-я армия"]),
        ("Снят ген. Попов. Ген.-м. И. И. Попов, 58-я армия", ["Снят ген. Попов.", "Ген.-м. И. И. Попов, 58-я армия"]),
        ("Взят н.п. Работино. Дом на ул. Ленина", ["Взят н.п. Работино.", "Дом на ул. Ленина"]),
        ("Сказал: да. Он снят", ["Сказал: да.", "Он снят"]),
        ("  ", []),
        ("Без конца", ["Без конца"]),
    ],
)
def test_where_a_sentence_ends(line: str, parts: list[str]) -> None:
    """At a mark and a blank, where what follows does not go on in lower case."""
    assert sentences(line) == parts


@given(st.text('ап .!?»"а\n', max_size=80).filter(lambda text: "\n" not in text))
def test_no_letter_is_lost_between_sentences(line: str) -> None:
    """Together they hold what the line held, but for blanks."""
    assert "".join("".join(sentences(line)).split()) == "".join(line.split())


@given(st.text("ап, ;", min_size=2, max_size=80))
def test_halves_hold_the_whole(sentence: str) -> None:
    """Each is shorter, and nothing but blanks is lost between them."""
    first, second = halves(sentence)
    assert max(len(first), len(second)) < len(sentence)
    assert "".join((first + second).split()) == "".join(sentence.split())


@given(st.text("аб .\n", min_size=0, max_size=200))
def test_a_long_text_keeps_its_beginning(end: str) -> None:
    """As much as is let through, ending where a line, sentence or word does; a text that fits is left as it is."""
    text = "Удар по штабу. " * 273 + end
    kept, cut = clip(text)
    assert text.startswith(kept)
    assert len(kept) <= MOST_CHARACTERS
    assert cut == (kept != text)
    assert not cut or kept.endswith((".", "а", "б", "у", "о", "р")), kept[-20:]


def test_a_text_without_blanks_is_cut_too() -> None:
    """A wall of letters ends at the limit."""
    assert clip("ж" * 9000) == ("ж" * MOST_CHARACTERS, True)


def test_what_is_left_as_it_is() -> None:
    """Addresses, digits and Latin text are not for the model."""
    assert [is_foreign(part) for part in ("https://t.me/x", "12:30 🔥", "Storm Shadow", "Storm удар")] == [
        False,
        False,
        False,
        True,
    ]


def test_quotes_and_dashes_as_models_know_them() -> None:
    """The typographic ones of posts become plain ones."""
    assert plain("«Да» — “нет”, м’ята…") == '"Да" - "нет", м\'ята...'


@given(st.text(st.characters(), max_size=50))
def test_any_text_goes_through_the_pipe(text: str) -> None:
    """Lone surrogates, which a post may hold, and control characters are replaced; lines stay lines."""
    cleaned = clean(text)
    pack({"text": cleaned})
    assert cleaned.count("\n") == text.count("\n")
    assert "\0" not in cleaned
    pack({"text": clean("a\ud800б")})
