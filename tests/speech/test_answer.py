"""What a speech server may answer, and what becomes of it: nothing is taken on trust."""

import json
import math
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.speech.remote.answer import NEUTRAL, UNDETERMINED, compression_ratio, transcript_of
from bot.speech.remote.verbose_json import BadAnswer, clean
from bot.speech.truth.language_names import CODES, language_code
from bot.transcript import Transcript

pytestmark = pytest.mark.slow

SEGMENT = {"start": 0.0, "end": 4.0, "text": " Приказ подписал министр."}


def read(answer: object, *, hint: str | None = None, declared: float | None = None, longest: float = 60) -> Transcript:
    return transcript_of(answer, hint=hint, declared=declared, longest=longest, model="m@h", parameters={"server": "h"})


def of(*segments: dict[str, Any], **rest: Any) -> Transcript:
    return read({"duration": 10.0, "language": "ru", "segments": list(segments), **rest})


def holds(transcript: Transcript) -> None:
    """What must hold of any transcript, whoever made it."""
    transcript.text.encode("utf-8")
    json.dumps([transcript.duration, transcript.speech_seconds, transcript.confidence], allow_nan=False)
    assert not any(unicodedata.category(letter) == "Cc" for letter in transcript.text)
    assert 0 <= transcript.speech_seconds <= transcript.duration + 1e-6
    for segment in transcript.segments:
        assert segment.text == "".join(word.text for word in segment.words)
        assert segment.words
        assert 0 <= segment.start <= segment.end <= transcript.duration
        assert math.isfinite(segment.avg_logprob)
        assert 0 <= segment.no_speech_probability <= 1
        before = 0.0
        for word in segment.words:
            assert before <= word.start <= word.end <= transcript.duration
            assert 0 <= word.probability <= 1
            before = word.start


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "expected a JSON object, found nothing"),
        ([], "expected a JSON object, found a list"),
        ({}, "expected `segments` or `text`"),
        ({"text": 5}, "text: expected text, found a number"),
        ({"segments": {}}, "segments: expected a list, found an object"),
        ({"segments": ["a"]}, "segments[0]: expected an object, found text"),
        ({"segments": [{**SEGMENT, "text": None}]}, "segments[0].text: expected text, found nothing"),
        ({"segments": [{**SEGMENT, "start": None}]}, "segments[0].start: expected seconds, found nothing"),
        ({"segments": [{**SEGMENT, "end": "soon"}]}, "segments[0].end: expected a number, found text"),
        ({"segments": [{**SEGMENT, "end": True}]}, "segments[0].end: expected a number, found true or false"),
        ({"segments": [{**SEGMENT, "end": math.nan}]}, "segments[0].end: expected a finite number"),
        ({"segments": [{**SEGMENT, "end": 10**400}]}, "segments[0].end: expected a number"),
        ({"segments": [{**SEGMENT, "avg_logprob": []}]}, "segments[0].avg_logprob: expected a number, found a list"),
        ({"segments": [SEGMENT], "words": 7}, "words: expected a list, found a number"),
        ({"segments": [SEGMENT], "words": [{"word": "а", "start": 1}]}, "words[0].end: expected seconds"),
        ({"segments": [SEGMENT], "words": [{"word": 1, "start": 1, "end": 2}]}, "words[0].word: expected text"),
        ({"segments": [SEGMENT], "duration": {}}, "duration: expected a number, found an object"),
        ({"segments": [{**SEGMENT, "text": "а" * 6000}]}, "more than the 5600 that anybody can say"),
    ],
)
def test_wrong_types_are_named(answer: object, text: str) -> None:
    """The field, what was expected and what was found; never a bare TypeError."""
    with pytest.raises(BadAnswer) as raised:
        read(answer)
    assert text in str(raised.value)


def test_segments_out_of_order_are_sorted() -> None:
    """Words follow each other as they were said."""
    heard = of({"start": 5, "end": 7, "text": " потом"}, {"start": 1, "end": 2, "text": " сначала"})
    assert heard.text == " сначала потом"
    holds(heard)


def test_times_lie_within_the_recording() -> None:
    """Negative times, ends before starts and times after the end are brought back."""
    heard = of(
        {"start": -3, "end": -5, "text": " раз"},
        {"start": 9, "end": 1e9, "text": " два"},
        {"start": 1e12, "end": 2, "text": " три"},
    )
    assert [(segment.start, segment.end) for segment in heard.segments] == [(0, 0), (9, 10), (10, 10)]
    holds(heard)


def test_a_duration_that_cannot_be() -> None:
    """No longer than the file can play by its size, unless Telegram declared it longer."""
    answer = {"duration": 1e9, "segments": [{"start": 0, "end": 1e9, "text": " раз"}]}
    assert read(answer).segments[0].end == read(answer).duration == 60
    assert read(answer, declared=90).duration == 90
    assert read({"segments": [{"start": 0, "end": 1e9, "text": " раз"}]}).duration == 60


def test_text_is_cleaned() -> None:
    """NUL, escapes, halves of characters and line breaks do not get into the store; letters and marks do."""
    assert clean("а\x00б\x1b[31m\ud800 в\r\n\tг\u0301 \u2028ё\x7f") == "аб[31m в г\u0301 ё"
    heard = of({**SEGMENT, "text": " При\x00каз\n\nподписал"})
    assert heard.text == " Приказ подписал"


def test_segments_that_were_stripped_are_kept_apart() -> None:
    """Where no segment begins with a blank, one is put between them; a word cut in two by whisper.cpp stays whole."""
    assert of({**SEGMENT, "text": "Раз два"}, {**SEGMENT, "text": "три", "start": 4}).text == " Раз два три"
    assert of({**SEGMENT, "text": " Раз дв"}, {**SEGMENT, "text": "а три", "start": 4}).text == " Раз два три"


def test_words_lend_their_times() -> None:
    """Words without blanks and punctuation are found in the text; what stands between is interpolated, and said so."""
    words = [
        {"word": "Приказ", "start": 0.5, "end": 1.0, "probability": 0.9},
        {"word": "неслышно", "start": 1.0, "end": 1.2, "probability": 0.1},
        {"word": "министр", "start": 3.0, "end": 3.5, "confidence": 0.7},
    ]
    heard = of(SEGMENT, words=words)
    assert [(word.text, word.start, word.end) for word in heard.words] == [
        (" Приказ", 0.5, 1.0),
        (" подписал", 1.0, 3.0),
        (" министр.", 3.0, 3.5),
    ]
    assert [word.probability for word in heard.words] == pytest.approx([0.9, (0.9 * 0.7) ** 0.5, 0.7])
    assert heard.parameters["words"] == "partly interpolated"
    holds(heard)


def test_words_belong_to_the_segment_that_has_them() -> None:
    """The same word in two segments gets its time in each."""
    words = [{"word": "да", "start": at, "end": at + 0.5} for at in (1.0, 6.0)]
    heard = of({"start": 0, "end": 5, "text": " да"}, {"start": 5, "end": 10, "text": " да"}, words=words)
    assert [word.start for word in heard.words] == [1.0, 6.0]
    assert heard.parameters["words"] == "given"


def test_interpolated_words_share_the_time_by_length() -> None:
    """Letters take the same time each."""
    heard = of({"start": 2.0, "end": 4.0, "text": " а ббб"})
    assert [(word.start, word.end) for word in heard.words] == [(2.0, 2.5), (2.5, 4.0)]
    assert heard.parameters["words"] == "interpolated"


def test_what_nobody_knows_is_neutral() -> None:
    """Without probabilities and without segments: neither sure nor doubtful, and the parameters say so."""
    heard = read({"text": "Приказ подписал министр."}, declared=6.0)
    assert heard.duration == 6.0
    assert [word.probability for word in heard.words] == pytest.approx([NEUTRAL] * 3)
    assert heard.language_probability == NEUTRAL
    assert heard.language == UNDETERMINED
    assert heard.segments[0].flags == ()
    assert heard.parameters == {
        "server": "h",
        "language": "detected",
        "words": "interpolated",
        "confidence": "none",
        "duration": "declared",
        "speech": "segments",
        "language_probability": "unknown",
    }
    holds(heard)


def test_silence() -> None:
    """No words are a transcript too."""
    for answer in ({"text": "", "segments": [], "duration": 3.0}, {"text": " ", "duration": "3.0"}):
        heard = read(answer, hint="ru")
        assert (heard.text, heard.duration, heard.language, heard.segments) == ("", 3.0, "ru", ())


def test_flags_rest_on_what_the_server_says() -> None:
    """Doubt that it expresses, and repetition that it does not, are flags."""
    sure = {**SEGMENT, "avg_logprob": -0.2, "no_speech_prob": 0.01, "compression_ratio": 1.1}
    assert of(sure).segments[0].flags == ()
    assert of({**sure, "avg_logprob": -1.5}).segments[0].flags == ("low-confidence",)
    assert of({**sure, "no_speech_prob": 0.9}).segments[0].flags == ("no-speech",)
    assert of({**sure, "compression_ratio": 3.0}).segments[0].flags == ("loop",)
    assert "loop" in of({"start": 0, "end": 9, "text": " и снова" * 20}).segments[0].flags


def test_languages() -> None:
    """Codes, codes with a region, and Whisper's names; a hint that came back is sure."""
    assert [language_code(name) for name in ("ru", "Russian", "uk-UA", "haitian creole", "yue")] == [
        *("ru", "ru", "uk", "ht", "yue")
    ]
    assert [language_code(name) for name in ("", "кое-что", "a language", "x" * 50)] == [None] * 4
    assert len(CODES) == 100
    given = read({"text": "a", "language": "russian"}, hint="ru")
    assert (given.language, given.language_probability) == ("ru", 1.0)
    other = read({"text": "a", "language": "ukrainian"}, hint="ru")
    assert (other.language, other.parameters["language_probability"]) == ("uk", "unknown")
    heard = read(
        {"text": "a", "language": "russian", "detected_language": "russian", "detected_language_probability": 0.8}
    )
    assert (heard.language, heard.language_probability) == ("ru", 0.8)


def test_compression() -> None:
    """Whisper's measure: bytes of the text for each compressed byte."""
    assert compression_ratio(" и снова" * 50) > 2.4
    assert compression_ratio(" Приказ подписал министр.") < 1.5


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from([" Приказ", "подписал министр", "0.5", "1e400", 3.0, -1, 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "start", "end", "words", "word", "probability", "avg_logprob", "tokens"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
TEXTS = st.text(st.sampled_from("аб в\x00\n.\ud800"), max_size=12)
TIMES = st.floats(-5, 80) | st.sampled_from(["1.5", 0])
WORDS = st.lists(st.fixed_dictionaries({"word": TEXTS, "start": TIMES, "end": TIMES}, optional={"probability": TIMES}))
SEGMENTS = st.fixed_dictionaries(
    {"text": TEXTS, "start": TIMES, "end": TIMES},
    optional={"words": WORDS, "avg_logprob": st.floats(-9, 3), "no_speech_prob": TIMES, "compression_ratio": TIMES},
)
SOUND = st.fixed_dictionaries(
    {"segments": st.lists(SEGMENTS, max_size=4)}, optional={"words": WORDS, "duration": TIMES, "language": TEXTS}
)
BENT = st.fixed_dictionaries(
    {}, optional={name: VALUES for name in ("text", "segments", "words", "duration", "language", "detected_language")}
)


@settings(max_examples=300, deadline=None)
@given(answer=SOUND, declared=st.none() | st.floats(0, 60))
def test_any_sound_answer_is_a_transcript(answer: dict[str, Any], declared: float | None) -> None:
    """Whatever the times and texts: a transcript that holds together, with all that was said."""
    heard = read(answer, declared=declared)
    holds(heard)
    said = "".join(clean(row["text"]) for row in sorted(answer["segments"], key=lambda row: 0))
    assert sorted("".join(heard.text.split())) == sorted("".join(said.split()))


@settings(max_examples=300, deadline=None)
@given(answer=BENT | VALUES)
def test_any_other_answer_is_refused_or_read(answer: object) -> None:
    """BadAnswer or a transcript that holds together: no other error comes through."""
    try:
        heard = read(answer)
    except BadAnswer:
        return
    holds(heard)
