"""Which segments are phrases that Whisper invents, and files of such phrases."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.speech.truth.boilerplate import (
    Phrase,
    Phrasebook,
    fold,
    is_boilerplate,
    load_book,
    load_phrases,
    read_phrases,
    shipped,
    write_phrases,
)

NAME = "НиколайСергеевич"


def phrase(text: str, language: str = "ru", **more: Any) -> Phrase:
    return Phrase(text=text, language=language, **({"source": "known"} | more))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Продолжение следует...", "ru"),
        (" ПРОДОЛЖЕНИЕ СЛЕДУЕТ", "ru"),
        ("Субтитры сделал DimaTorzok", "ru"),
        ("Субтитры сделал Dima Torzok", "ru"),
        ("Субтитры создавал DimaTorzhok", "ru"),
        ("Редактор субтитров А.Семкин Корректор А.Егорова", "ru"),
        ("Редактор субтитров И. Иванова, корректор О. Петров", "ru"),
        ("Спасибо за просмотр! Спасибо за просмотр! Спасибо за просмотр!", "ru"),
        ("Спасибо за просмотр! Подписывайтесь на канал! До новых встреч!", "ru"),
        ("Напряженная музыка", "ru"),
        ("[МУЗЫКА]", "ru"),
        ("Дякую за перегляд!", "uk"),
        ("Дякую за перегляд!", "ru"),
        ("Дякуємо за перегляд", "uk"),
        ("Thank you for watching!", "en"),
        ("Thank you for watching!", "ru"),
        ("Subtitles by the Amara.org community", "en"),
        ("Please subscribe.", None),
        ("You", "en"),
        ("ご視聴ありがとうございました", "ru"),
        ("♪♪♪", "ru"),
        ("...", None),
    ],
)
def test_inventions_are_recognised(text: str, language: str | None) -> None:
    """Whatever their case, points, ё and number, in the wrong language, one after the other, and a letter off."""
    assert is_boilerplate(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "ru"),
        ("  ", "ru"),
        ("Приказ подписал министр обороны", "ru"),
        ("И продолжение следует завтра.", "ru"),
        ("Спасибо за просмотр документов", "ru"),
        ("Спасибо за простор", "ru"),
        ("Меня сняли с должности. Спасибо за просмотр!", "ru"),
        ("Спасибо за просмотр! Меня сняли с должности.", "ru"),
        ("Субтитры к обращению Герасимова сделал генеральный штаб армии", "ru"),
        ("Thanks for washing", "en"),
        ("Please subscribe the officers of the army to this order", "en"),
        ("You", "ru"),
        ("Музыка", "en"),
    ],
)
def test_what_somebody_may_have_said_is_not(text: str, language: str) -> None:
    """A sentence that contains such a phrase, one that only looks like it, a single word in another language, nothing."""
    assert not is_boilerplate(text, language)


@given(
    name=st.sampled_from(shipped().phrases),
    times=st.integers(1, 4),
    upper=st.booleans(),
    end=st.sampled_from(["", ".", "!", "…", " ♪"]),
)
def test_every_phrase_is_recognised_however_it_is_written(name: Phrase, times: int, upper: bool, end: str) -> None:
    """Each phrase that comes with Earshot, in its own language, once or over and over, in any case."""
    said = " ".join(part.replace("*", NAME) + end for part in [name.text] * times)
    language = "de" if name.language == "*" else name.language
    assert is_boilerplate(said.upper() if upper else said, language)


# Phrases that no other one with a blank stands for, too: "Transcription by *" takes two words more for the name.
BLANKS = Phrasebook(one for one in shipped().phrases if "*" in one.text)
WHOLE = [one for one in shipped().phrases if "*" not in one.text and not BLANKS.is_boilerplate(one.text, one.language)]


@given(
    name=st.sampled_from(WHOLE),
    before=st.booleans(),
    more=st.lists(st.sampled_from("приказ подписал министр обороны утром".split()), min_size=2, max_size=5),
)
def test_a_longer_sentence_never_is(name: Phrase, before: bool, more: list[str]) -> None:
    """Two words or more of speech beside a phrase: somebody was there."""
    said = [*more, name.text] if before else [name.text, *more]
    assert not is_boilerplate(" ".join(said), name.language)


@given(st.text(max_size=200))
def test_any_text_can_be_asked_about(text: str) -> None:
    """No text breaks it, and folding a folded text changes nothing."""
    assert is_boilerplate(text, "ru") in (True, False)
    assert fold(fold(text)) == fold(text)


def test_a_blank_is_one_to_three_words() -> None:
    """A phrase with a `*` stands for a name with its initials, not for a sentence."""
    book = Phrasebook([phrase("Перевод * по заказу *")])
    assert book.is_boilerplate("Перевод А. Б. Иванова по заказу студии", "ru")
    assert not book.is_boilerplate("Перевод по заказу студии", "ru")
    assert not book.is_boilerplate("Перевод всех частей и соединений по заказу студии", "ru")


def test_what_comes_with_earshot() -> None:
    """The four languages are there, each phrase once, each with where it is published."""
    phrases = shipped().phrases
    assert {"ru", "uk", "en", "*"} <= {one.language for one in phrases}
    names = [(one.language, fold(one.text)) for one in phrases]
    assert len(names) == len(set(names))
    assert all(one.source == "known" and one.published for one in phrases)


def test_a_file_of_ones_own_adds_to_them(tmp_path: Path) -> None:
    """The user's phrases count as well, and Earshot's go on counting."""
    file = tmp_path / "mine.json"
    file.write_text('{"phrases": [{"text": "До связи", "language": "ru", "source": "known"}]}')
    book = load_book(file)
    assert book.is_boilerplate("До связи!", "ru")
    assert book.is_boilerplate("Продолжение следует...", "ru")
    assert not is_boilerplate("До связи!", "ru")
    assert load_book(None) is shipped()


@given(
    st.lists(
        st.builds(
            Phrase,
            text=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20),
            language=st.sampled_from(["ru", "*"]),
            source=st.sampled_from(["known", "harvested"]),
            model=st.just("tiny 0123456789ab"),
            heard=st.integers(0, 99),
            published=st.text(max_size=5),
        ).filter(lambda one: fold(one.text) != ""),
        max_size=5,
    )
)
def test_files_are_read_as_they_were_written(phrases: list[Phrase]) -> None:
    """Nothing of a phrase is lost between two runs."""
    assert read_phrases("file", write_phrases(phrases)) == phrases


ROW = {"text": "До связи", "language": "ru", "source": "known"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"phrases": [\n\n  {"text": }]}', r"mine.json:3: not valid JSON"),
        ("[]", r'mine.json: expected an object with a list under "phrases"'),
        ('{"phrases": {}}', r"mine.json: expected an object"),
        ("[" * 100_000, r"mine.json: nested too deep"),
        ({"phrases": [ROW, "x"]}, r"mine.json: phrases\[1\]: expected an object"),
        ({"phrases": [{**ROW, "lang": "ru"}]}, r"mine.json: phrases\[0\]: 'lang' is not a key of a phrase; known: "),
        ({"phrases": [{"text": "x"}]}, r"mine.json: phrases\[0\].source: must be text, and is not there"),
        ({"phrases": [{**ROW, "text": 5}]}, r"mine.json: phrases\[0\].text: must be text$"),
        ({"phrases": [{**ROW, "text": " "}]}, r"mine.json: phrases\[0\].text: must be text$"),
        ({"phrases": [{**ROW, "text": "* ..."}]}, r"phrases\[0\].text: '\* ...' has no word of its own"),
        ({"phrases": [{**ROW, "source": "hearsay"}]}, r"phrases\[0\].source: must be known or harvested"),
        ({"phrases": [{**ROW, "source": "harvested"}]}, r"phrases\[0\].model: must be text, and is not there"),
        ({"phrases": [{**ROW, "heard": -1}]}, r"phrases\[0\].heard: must be a whole number"),
        ({"phrases": [{**ROW, "heard": True}]}, r"phrases\[0\].heard: must be a whole number"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(text: str | dict[str, Any], said: str, tmp_path: Path) -> None:
    """Name, line or key, and what was expected."""
    file = tmp_path / "mine.json"
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    with pytest.raises(ConfigError, match=said):
        load_phrases(file)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Absent, a folder, or not text."""
    with pytest.raises(ConfigError, match=r"mine.json cannot be read: No such file"):
        load_phrases(tmp_path / "mine.json")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_phrases(tmp_path)
    (tmp_path / "mine.json").write_bytes(b'{"phrases": "\xff"}')
    with pytest.raises(ConfigError, match=r"mine.json is not UTF-8: byte 13"):
        load_phrases(tmp_path / "mine.json")
