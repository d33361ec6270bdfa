"""Which language a note is in, and each of its windows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.sound.voice import speech_share, speech_within
from bot.speech.truth.languages import Guess, choose

PROBABILITIES = st.dictionaries(
    st.sampled_from(["ru", "uk", "be", "en", "de"]), st.floats(0, 1), min_size=1, max_size=5
)
HEARD = st.lists(st.tuples(PROBABILITIES, st.floats(0, 30)), min_size=1, max_size=4)
HINTS = st.sampled_from([None, "ru", "uk", "en", "xx"])


def test_one_window_without_a_hint_is_what_whisper_says() -> None:
    """Nothing is made of a single window but its own probabilities."""
    heard = choose([{"ru": 0.9, "uk": 0.1}], [10.0])
    assert (heard.language, heard.sure) == ("ru", True)
    assert heard.probability == pytest.approx(0.9)
    assert heard.second is not None
    assert heard.second.language == "uk"
    assert heard.per_window == (Guess(language="ru", probability=heard.probability),)


def test_a_window_counts_by_its_speech() -> None:
    """Music that sounds like English for a second does not outvote half a minute of Russian."""
    heard = choose([{"en": 0.95, "ru": 0.05}, {"en": 0.02, "ru": 0.98}], [1.0, 29.0])
    assert (heard.language, heard.sure) == ("ru", True)
    assert [guess.language for guess in heard.per_window] == ["ru", "ru"]


@pytest.mark.parametrize(
    ("probabilities", "hint", "language"),
    [
        ({"ru": 0.75, "uk": 0.2}, None, "ru"),
        ({"ru": 0.75, "uk": 0.2}, "uk", "uk"),
        ({"ru": 0.97, "uk": 0.02}, "uk", "ru"),
        ({"en": 0.75, "uk": 0.2}, "uk", "uk"),
        ({"en": 0.85, "uk": 0.12}, "uk", "en"),
        ({"en": 0.85, "uk": 0.12}, "xx", "en"),
    ],
)
def test_the_hint_shifts_the_odds(probabilities: dict[str, float], hint: str | None, language: str) -> None:
    """It decides where Whisper wavers, goes further among languages that it confuses, and never beats what is clear."""
    assert choose([probabilities], [10.0], hint).language == language


def test_the_hint_is_worth_what_it_says() -> None:
    """Odds of 1:4 against another language, and of 1:10 against a confusable one, become even."""
    assert choose([{"en": 0.8, "uk": 0.2}], [10.0], "uk").probability == pytest.approx(0.5)
    assert choose([{"ru": 10 / 11, "uk": 1 / 11}], [10.0], "uk").probability == pytest.approx(0.5)


def test_a_note_in_three_languages_is_transcribed_in_three() -> None:
    """A window in which another language is sure has its own; one that wavers, or has no speech, has the note's."""
    heard = choose(
        [
            {"ru": 0.98, "uk": 0.01, "en": 0.01},
            {"ru": 0.02, "uk": 0.97, "en": 0.01},
            {"ru": 0.01, "uk": 0.01, "en": 0.98},
            {"ru": 0.45, "uk": 0.55, "en": 0.0},
            {"ru": 0.01, "uk": 0.01, "en": 0.98},
        ],
        [30.0, 30.0, 30.0, 30.0, 2.9],
        "ru",
    )
    assert heard.language == "ru"
    assert [guess.language for guess in heard.per_window] == ["ru", "uk", "en", "ru", "ru"]
    assert heard.per_window[4].probability == heard.probability


def test_a_window_against_the_note_says_how_improbable_it_is() -> None:
    """Where another language is likely and not sure, the note's is kept with the little that speaks for it."""
    heard = choose([{"ru": 0.99, "en": 0.01}, {"ru": 0.35, "en": 0.65}], [30.0, 5.0])
    assert heard.per_window[1].language == "ru"
    assert heard.per_window[1].probability == pytest.approx(0.35)


def test_no_window_excludes_a_language() -> None:
    """A probability of nought in one window does not outweigh the others."""
    heard = choose([{"ru": 1.0}, {"ru": 1.0}, {"ru": 0.0, "en": 1.0}], [10.0, 10.0, 3.0])
    assert heard.language == "ru"


@given(heard=HEARD, hint=HINTS)
def test_probabilities_stay_probabilities(heard: list[tuple[dict[str, float], float]], hint: str | None) -> None:
    """Whatever was heard: one guess a window, numbers in 0 to 1, the second no better than the first, languages known."""
    found = choose([window for window, _ in heard], [seconds for _, seconds in heard], hint)
    known = {language for window, _ in heard for language in window}
    guesses = [Guess(language=found.language, probability=found.probability), *found.per_window]
    assert len(found.per_window) == len(heard)
    assert all(guess.language in known and 0 <= guess.probability <= 1 + 1e-9 for guess in guesses)
    assert (found.second is None) == (len(known) == 1)
    if found.second:
        assert found.second.probability <= found.probability
        assert found.second.language != found.language


@given(heard=HEARD)
def test_a_hint_never_speaks_against_its_language(heard: list[tuple[dict[str, float], float]]) -> None:
    """The language chosen without a hint stays chosen when it is hinted at, and is at least as probable."""
    probabilities, speech = [window for window, _ in heard], [seconds for _, seconds in heard]
    without = choose(probabilities, speech)
    hinted = choose(probabilities, speech, without.language)
    assert hinted.language == without.language
    assert hinted.probability >= without.probability - 1e-9


@pytest.mark.parametrize(
    ("heard", "speech", "text"),
    [
        ([], [], "one window or more"),
        ([{}], [1.0], "one window or more"),
        ([{"ru": 1.0}], [1.0, 2.0], "1 windows came with the seconds of speech of 2"),
        ([{"ru": 1.0}], [-1.0], "0 or more"),
        ([{"ru": 1.0}], [math.nan], "0 or more"),
    ],
)
def test_what_does_not_fit_is_refused(heard: list[dict[str, float]], speech: list[float], text: str) -> None:
    """A caller's mistake is named, not averaged."""
    with pytest.raises(ValueError, match=text):
        choose(heard, speech)


def test_another_try_is_in_the_second_language() -> None:
    """Where the first is in doubt, the second takes its place, in the note and in the windows that are not sure."""
    unsure = {"ru": 0.5, "uk": 0.4, "en": 0.1}
    heard = choose([unsure, {"en": 0.9, "ru": 0.05, "uk": 0.05}, unsure], [30.0, 3.0, 30.0])
    other = heard.other
    assert other is not None
    assert (heard.language, other.language) == ("ru", "uk")
    assert other.probability == heard.second.probability if heard.second else False
    assert other.second == Guess(language="ru", probability=heard.probability)
    assert [guess.language for guess in other.per_window] == ["uk", "en", "uk"]


@pytest.mark.parametrize(
    ("windows", "why"),
    [
        ([{"ru": 0.71, "uk": 0.29}], "it is sure"),
        ([{"ru": 1.0}], "there is no second"),
        ([{"ru": 0.8, "en": 0.2}, {"ru": 0.2, "en": 0.8}], "each window is sure of its own"),
    ],
)
def test_when_one_try_is_enough(windows: list[dict[str, float]], why: str) -> None:
    """Nothing is decoded twice without a doubt that it could settle."""
    assert choose(windows, [10.0] * len(windows)).other is None, why


@given(
    start=st.floats(0, 100),
    length=st.floats(0, 100),
    cuts=st.lists(st.floats(0, 200), max_size=10, unique=True),
)
def test_the_share_of_speech(start: float, length: float, cuts: list[float]) -> None:
    """Between 0 and 1 and no more than there is speech; None only where nobody listened for it."""
    ordered = sorted(cuts)
    chunks = list(zip(ordered[::2], ordered[1::2], strict=False))
    share = speech_share(start, start + length, chunks)
    assert share is not None
    assert 0 <= share <= 1
    assert speech_within(start, start + length, chunks) <= length + 1e-6
    assert speech_share(start, start + length, None) is None
    assert speech_share(start, start + length, []) == 0.0


def test_the_share_of_speech_in_figures() -> None:
    """Chunks count as far as they reach into the stretch."""
    assert speech_share(0, 10, [(1, 2), (9, 12)]) == pytest.approx(0.2)
    assert speech_share(3, 3, [(1, 4)]) == 1.0
