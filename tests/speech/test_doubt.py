"""What is flagged, and which of two transcripts is kept."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.truth.doubt import (
    FLAGS,
    flags_of,
    fuller,
    is_foreign,
    is_loop,
    is_too_fast,
    likelier,
    worth_without_vad,
)
from bot.transcript import Segment, Transcript, Word

NOTE = "Приказ подписал министр обороны, меня сняли с должности"
SOUND: dict[str, Any] = {"avg_logprob": -0.2, "no_speech": 0.1, "compression": 1.5}


def words(text: str, probability: float = 0.9) -> tuple[Word, ...]:
    return tuple(
        Word(start=float(place), end=place + 0.8, text=f" {word}", probability=probability)
        for place, word in enumerate(text.split())
    )


def segment(text: str, *, start: float = 0.0, probability: float = 0.9, **more: Any) -> Segment:
    figures: dict[str, Any] = {"avg_logprob": -0.2, "no_speech_probability": 0.1, "compression_ratio": 1.5} | more
    return Segment(start=start, end=start + 5.0, text=text, words=words(text, probability), **figures)


def transcript(*segments: Segment, speech_seconds: float = 0.5) -> Transcript:
    return Transcript(
        language="ru",
        language_probability=0.99,
        duration=10.0,
        speech_seconds=speech_seconds,
        segments=segments,
        model="test",
        parameters={"beam_size": "5"},
    )


@pytest.mark.parametrize(
    ("figures", "flags"),
    [
        ({}, ()),
        ({"avg_logprob": -1.0, "no_speech": 0.6, "compression": 2.4}, ()),
        ({"avg_logprob": -1.1}, ("low-confidence",)),
        ({"no_speech": 0.7}, ("no-speech",)),
        ({"speech_share": 0.09}, ("no-speech",)),
        ({"speech_share": 0.11}, ()),
        ({"compression": 2.5}, ("loop",)),
        ({"tokens": 61, "seconds": 5.0}, ("loop",)),
        ({"tokens": 60, "seconds": 5.0}, ()),
        ({"words": words(NOTE, 0.4)}, ("low-confidence",)),
        ({"language": "ru", "language_probability": 0.69}, ("language-doubt",)),
        ({"language": "ru", "language_probability": 0.7}, ()),
        ({"language": "uk"}, ("language-doubt",)),
        ({"language": "ru"}, ()),
        ({"language": "en"}, ("language-doubt",)),
        ({"words": words("Продолжение следует..."), "language": "ru"}, ("boilerplate",)),
        ({"words": words("о " * 8)}, ("loop",)),
        (
            {
                "words": words("Thank you for watching! " * 3, 0.3),
                "avg_logprob": -2.0,
                "no_speech": 0.9,
                "compression": 9.0,
                "language": "ru",
            },
            FLAGS,
        ),
    ],
)
def test_flags(figures: dict[str, Any], flags: tuple[str, ...]) -> None:
    """Each sign raises its own flag, at Whisper's thresholds and ours, in one order; what is not known raises none."""
    assert flags_of(**({"words": words(NOTE)} | SOUND | figures)) == flags


def test_a_confident_invention_is_flagged_by_its_words() -> None:
    """The figures of the credits that Whisper makes up are those of clear speech."""
    said = words("Субтитры сделал DimaTorzok", 0.99)
    assert flags_of(avg_logprob=-0.05, no_speech=0.01, compression=0.9, words=said, language="ru") == ("boilerplate",)


@given(
    avg_logprob=st.floats(-10, 0),
    no_speech=st.floats(0, 1),
    compression=st.floats(0, 50),
    text=st.text(max_size=60),
    probability=st.floats(0, 1),
    language=st.sampled_from([None, "ru", "uk", "en", "ja", "zz"]),
    language_probability=st.none() | st.floats(0, 1),
    speech_share=st.none() | st.floats(0, 1),
    seconds=st.none() | st.floats(0, 30),
    tokens=st.none() | st.integers(0, 224),
)
def test_flags_are_known_and_in_order(**figures: Any) -> None:
    """Any figures and any text give flags of the list, each once, in its order; worse figures never take one away."""
    said = words(figures["text"], figures.pop("probability"))
    flags = flags_of(words=said, **figures)
    assert flags == tuple(flag for flag in FLAGS if flag in flags)
    worse = figures | {"avg_logprob": -11.0, "no_speech": 1.0, "compression": 51.0, "language_probability": 0.0}
    assert set(flags) | {"loop", "no-speech", "low-confidence", "language-doubt"} == set(flags_of(words=said, **worse))


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        (NOTE, False),
        ("да да да да да да да", False),
        ("да " * 8, True),
        ("Спасибо за просмотр. " * 3, True),
        ("приказ подписал министр обороны " * 2, False),
        ("приказ подписал министр обороны " * 3, True),
        ("начало речи было обычным а потом и потом, и потом и потом и потом и потом", True),
        ("мы несём потери и мы держимся и мы ждём и мы верим что нас сменят", False),
        ("раз два три четыре пять шесть семь " * 6, True),
    ],
)
def test_loops_by_their_words(text: str, loop: bool) -> None:
    """A run of up to six words that is said three times and fills more than half; to say a thing twice is human."""
    assert is_loop(text) is loop


@given(
    run=st.lists(st.sampled_from("приказ потери станция борьба".split()), min_size=1, max_size=6),
    times=st.integers(8, 30),
    head=st.lists(st.sampled_from("один два три четыре пять".split()), max_size=5, unique=True),
)
def test_synthetic_loops_are_found(run: list[str], times: int, head: list[str]) -> None:
    """Whatever is repeated, and whatever was said before it."""
    assert is_loop(" ".join(head + run * times))


@given(st.permutations([f"слово{number}" for number in range(30)]))
def test_words_that_differ_are_no_loop(said: list[str]) -> None:
    """Speech in which no word comes twice."""
    assert not is_loop(" ".join(said))


def test_how_fast_is_too_fast() -> None:
    """Twelve tokens a second; below a second the stamps are too coarse to judge; unknown is no sign."""
    assert is_too_fast(13, 0.1)
    assert not is_too_fast(12, 0.1)
    assert not is_too_fast(None, 1.0)
    assert not is_too_fast(500, None)


@pytest.mark.parametrize(
    ("text", "language", "foreign"),
    [
        ("Ракеты Storm Shadow ударили по штабу", "ru", False),
        ("Storm Shadow hit the command post", "ru", True),
        ("Наказ підписав міністр оборони", "ru", True),
        ("Наказ підписав міністр оборони", "uk", False),
        ("Приказ подписал министр, это мы знаем", "uk", True),
        ("Приказ подписал министр, это мы знаем", "ru", False),
        ("Приказ подписал министр", "en", True),
        ("Загад падпісаў міністр", "be", False),
        ("Загад падпісаў міністр", "ru", True),
        ("58, 12.07.2023", "ru", False),
        ("", "ru", False),
        ("ご視聴ありがとうございました", "ru", True),
        ("ご視聴ありがとうございました", "ja", False),
        ("Приказ", "xx", False),
    ],
)
def test_another_script_or_alphabet(text: str, language: str, foreign: bool) -> None:
    """Most letters of another script, or one letter of the neighbours' alphabet; languages without a table pass."""
    assert is_foreign(text, language) is foreign


def test_when_vad_is_doubted() -> None:
    """Below a fifth of the note, the note is heard without it as well."""
    assert worth_without_vad(1.9, 10.0)
    assert worth_without_vad(0.0, 10.0)
    assert not worth_without_vad(2.0, 10.0)
    assert not worth_without_vad(0.0, 0.0)


def test_a_soft_voice_is_heard_without_vad_and_checked_by_ear() -> None:
    """More sure words without VAD: they are kept, flagged where VAD found nobody, and the choice is on record."""
    masked = transcript(segment("подписал приказ"), speech_seconds=0.5)
    whole = transcript(segment("Приказ подписал министр"), segment("меня сняли", start=5.0), speech_seconds=10.0)
    heard = fuller(masked, whole, [(1.0, 1.6)])
    assert heard.text == whole.text
    assert [one.flags for one in heard.segments] == [(), ("no-speech", "low-confidence")]
    assert [one.speech_share for one in heard.segments] == [pytest.approx(0.12), 0.0]
    assert heard.speech_seconds == 0.5
    assert heard.parameters == {
        "beam_size": "5",
        "vad_run": "without",
        "vad_reason": "VAD kept 5 % of the recording; sure words: 2 with it, 5 without it",
    }


def test_what_only_one_run_heard_is_doubted() -> None:
    """A second of music that VAD took for a voice; a short remark that both heard is believed."""
    masked = transcript(segment("Я назвал день"), segment("Приказ, подписал!", start=5.0))
    heard = fuller(masked, transcript(segment("подписал ПРИКАЗ", start=5.0)))
    assert heard.parameters["vad_run"] == "with"
    assert [one.flags for one in heard.segments] == [("low-confidence",), ()]


@pytest.mark.parametrize(
    "invented",
    [
        segment("Продолжение следует...", flags=("boilerplate",)),
        segment("да да да", flags=("loop",)),
        segment("какие то слова", probability=0.4),
        segment("какие то слова", no_speech_probability=0.9, flags=("no-speech",)),
    ],
    ids=["boilerplate", "loop", "unsure words", "Whisper itself doubts it"],
)
def test_inventions_do_not_overrule_vad(invented: Segment) -> None:
    """What is flagged, or unsure, is no reason to believe that somebody spoke."""
    silent = transcript(speech_seconds=0.0)
    heard = fuller(silent, transcript(invented))
    assert heard.segments == ()
    assert heard.parameters["vad_run"] == "with"


def test_the_flag_that_vad_itself_raised_does_not_decide() -> None:
    """Segments that came flagged for their share of speech alone count; else VAD would always be right."""
    by_vad = segment("Приказ подписал министр", flags=("no-speech",))
    heard = fuller(transcript(), transcript(by_vad))
    assert heard.parameters["vad_run"] == "without"
    assert heard.words == by_vad.words


def test_a_tie_is_vads() -> None:
    """Without more words there is no reason to listen to noise."""
    masked, whole = transcript(segment("Приказ подписал")), transcript(segment("Приказ подписан"))
    assert fuller(masked, whole).segments == masked.segments
    assert fuller(masked, whole).parameters["vad_run"] == "with"


SEGMENTS = st.builds(
    segment,
    st.sampled_from(["приказ", "приказ подписал министр", "потери"]),
    start=st.sampled_from([0.0, 5.0]),
    probability=st.floats(0, 1),
    no_speech_probability=st.floats(0, 1),
    flags=st.sets(st.sampled_from(FLAGS)).map(lambda found: tuple(flag for flag in FLAGS if flag in found)),
)


@given(st.lists(SEGMENTS, max_size=4), st.lists(SEGMENTS, max_size=4))
def test_what_one_run_alone_heard_is_never_unflagged(masked: list[Segment], whole: list[Segment]) -> None:
    """Where VAD found nobody: nothing of a run without it is unflagged, nor words of a run with it that only it has."""
    heard = fuller(transcript(*masked), transcript(*whole))
    before, other = (whole, masked) if heard.parameters["vad_run"] == "without" else (masked, whole)
    assert [one.words for one in heard.segments] == [one.words for one in before]
    assert all(set(old.flags) <= set(one.flags) for old, one in zip(before, heard.segments, strict=True))
    assert all(one.flags == tuple(flag for flag in FLAGS if flag in one.flags) for one in heard.segments)
    said = {word for one in other for word in one.text.split()}
    for one in heard.segments:
        if not one.flags:
            assert before is masked
            assert said & set(one.text.split())


def in_language(language: str, *segments: Segment) -> Transcript:
    doubted = [replace(one, flags=(*one.flags, "language-doubt")) for one in segments]
    return replace(transcript(*doubted), language=language, language_probability=0.4)


@pytest.mark.parametrize(
    ("russian", "ukrainian", "kept", "doubted"),
    [
        (segment(NOTE, avg_logprob=-0.2), segment("Наказ підписав міністр", avg_logprob=-0.7), "ru", False),
        (segment(NOTE, avg_logprob=-0.7), segment("Наказ підписав міністр", avg_logprob=-0.2), "uk", False),
        (segment(NOTE, avg_logprob=-0.3), segment("Наказ підписав міністр", avg_logprob=-0.2), "uk", True),
        (segment(NOTE, avg_logprob=-0.2), segment("Наказ підписав міністр", avg_logprob=-0.2), "ru", True),
        (segment(NOTE, avg_logprob=-0.5), segment("наказ наказ", avg_logprob=-0.1, flags=("loop",)), "ru", False),
        (segment(NOTE, avg_logprob=-0.5), segment("так", avg_logprob=-0.4, flags=("low-confidence",)), "ru", False),
        (segment(NOTE, avg_logprob=-0.5), segment("Приказ, мы подписали", avg_logprob=-0.1), "ru", False),
        (segment("Наказ підписав", avg_logprob=-0.1), segment("Наказ підписав", avg_logprob=-0.4), "uk", False),
    ],
    ids=[
        "clearly the first",
        "clearly the second",
        "the second, and near",
        "equal",
        "a loop",
        "improbable",
        "not the second's letters",
        "not the first's letters",
    ],
)
def test_the_language_that_is_easier_to_write(russian: Segment, ukrainian: Segment, kept: str, doubted: bool) -> None:
    """The better mean log probability, and none that is a fault; the doubt stays where they are near."""
    heard = likelier(in_language("ru", russian), in_language("uk", ukrainian))
    assert heard.language == kept
    assert heard.segments[0].flags == (("language-doubt",) if doubted else ())
    assert heard.parameters["languages_tried"].startswith("mean log probability in ru -")


def test_nothing_is_worse_than_something() -> None:
    """Who wrote nothing in a language has not shown that it is another; both empty, the first stays."""
    empty, some = in_language("ru"), in_language("uk", segment("Наказ підписав міністр", avg_logprob=-0.9))
    assert likelier(empty, some).language == "uk"
    assert likelier(some, empty).language == "uk"
    assert likelier(empty, in_language("uk")).language == "ru"


def test_a_window_of_its_own_language_keeps_its_doubt() -> None:
    """What the comparison settles is the note's language, not that of a window in another one."""
    own = segment("Storm Shadow", language="en", avg_logprob=-0.1)
    heard = likelier(in_language("ru", segment(NOTE, avg_logprob=-0.1), own), in_language("uk"))
    assert [one.flags for one in heard.segments] == [(), ("language-doubt",)]
