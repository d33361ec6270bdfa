"""Subtitles: valid, readable, in time, and honest about what is to be checked by ear."""

import re
from dataclasses import replace
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.speech.commands.subtitles import CHECK_BY_EAR, as_srt, as_text, as_vtt, cues, plain
from bot.transcript import Segment, Transcript, Word

SECONDS = st.floats(0, 400_000)
TEXTS = st.text(max_size=12) | st.sampled_from(
    [" приказ", " -->", " <b>", " &amp;", "\n\n", " 中文", " " + "щ" * 99, " 7\n"]
)
WORDS = st.builds(Word, start=SECONDS, end=SECONDS, text=TEXTS, probability=st.just(0.9))
FLAGS = st.sampled_from([(), ("loop",), ("no-speech", "low-confidence")])

SRT_CUE = re.compile(r"(\d+)\n(\d\d+:\d\d:\d\d,\d{3}) --> (\d\d+:\d\d:\d\d,\d{3})\n((?:.+\n){1,2})\n")
VTT_CUE = re.compile(r"\n(\d\d+:\d\d:\d\d\.\d{3}) --> (\d\d+:\d\d:\d\d\.\d{3})\n((?:.+\n){1,2})")


def segment(*words: Word, flags: tuple[str, ...] = (), text: str | None = None, end: float = 0.0) -> Segment:
    return Segment(
        start=words[0].start if words else 0.0,
        end=words[-1].end if words else end,
        text="".join(word.text for word in words) if text is None else text,
        words=words,
        avg_logprob=-0.2,
        no_speech_probability=0.0,
        compression_ratio=1.0,
        flags=flags,
    )


def transcript(*segments: Segment) -> Transcript:
    return Transcript(
        language="ru",
        language_probability=0.9,
        duration=60.0,
        speech_seconds=50.0,
        segments=segments,
        model="tiny 0123456789ab",
        parameters={},
    )


TRANSCRIPTS = st.lists(
    st.builds(lambda words, flags: segment(*words, flags=flags), st.lists(WORDS, max_size=30), FLAGS), max_size=5
).map(lambda segments: transcript(*segments))


def milliseconds(stamp: str) -> int:
    hours, minutes, seconds, rest = re.split("[:,.]", stamp)
    assert int(minutes) < 60
    assert int(seconds) < 60
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(rest)


def said(heard: Transcript) -> str:
    return "".join("".join(plain(word.text).split()) for one in heard.segments for word in one.words)


def solid(lines: str) -> str:
    return "".join(lines.replace(CHECK_BY_EAR, "").split())


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_srt_is_read_back(heard: Transcript) -> None:
    """Whatever was heard: numbered cues, nothing between them, times that only grow, every word in its order."""
    text = as_srt(heard)
    found = SRT_CUE.findall(text)
    assert "".join(f"{n}\n{start} --> {end}\n{body}\n" for n, start, end, body in found) == text
    assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1))
    assert_times_grow([(start, end) for _, start, end, _ in found])
    assert solid("".join(body for *_, body in found)) == said(heard).replace("-->", "->")


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_vtt_is_read_back(heard: Transcript) -> None:
    """The same with WebVTT, in which no text of the recording is markup or a time."""
    text = as_vtt(heard)
    found = VTT_CUE.findall(text)
    assert "WEBVTT\n" + "".join(f"\n{start} --> {end}\n{body}" for start, end, body in found) == text
    assert_times_grow([(start, end) for start, end, _ in found])
    assert not re.search("[<>]", "".join(body for *_, body in found))
    assert solid("".join(unescape(body) for *_, body in found)) == said(heard)


def assert_times_grow(times: list[tuple[str, str]]) -> None:
    moments = [milliseconds(stamp) for pair in times for stamp in pair]
    assert moments == sorted(moments)
    assert all(milliseconds(start) < milliseconds(end) for start, end in times)


@settings(deadline=None)
@given(TRANSCRIPTS)
def test_a_cue_is_two_short_lines(heard: Transcript) -> None:
    """At most two lines of at most 42 characters; every cue of a flagged segment says so, no other one does."""
    for cue in cues(heard):
        assert 1 <= len(cue.lines) <= 2
        assert all(0 < len(line) <= 42 for line in cue.lines)
    for one in heard.segments:
        alone = cues(transcript(one))
        assert all((CHECK_BY_EAR in " ".join(cue.lines)) == bool(one.flags) for cue in alone)


def test_a_cue_is_timed_by_its_words() -> None:
    """It begins with its first word and ends with its last, to the millisecond."""
    words = [Word(start=0.5 * n, end=0.5 * n + 0.4, text=f" слово{n:02}", probability=0.9) for n in range(20)]
    first, second, *_ = cues(transcript(segment(*words)))
    assert first.lines == ("слово00 слово01 слово02 слово03 слово04", "слово05 слово06 слово07 слово08 слово09")
    assert (first.start, first.end) == (0, 4900)
    assert second.start == 5000


@pytest.mark.parametrize(("texts", "line"), [((" кто", "-то", " был"), "кто-то был"), (("你", "好"), "你好")])
def test_parts_of_a_word_stay_together(texts: tuple[str, ...], line: str) -> None:
    """What Whisper gives without a blank before it belongs to the word before."""
    words = [Word(start=n, end=n + 1, text=text, probability=0.9) for n, text in enumerate(texts)]
    assert cues(transcript(segment(*words)))[0].lines == (line,)


def test_a_segment_without_words_is_spread_over_its_time() -> None:
    """Servers give no word times: each word gets its share of the segment, by its letters."""
    text = " ".join(["десять"] * 20)
    parts = cues(transcript(segment(text=text, end=20.0)))
    assert len(parts) == 2
    assert parts[0].start == 0
    assert parts[0].end == parts[1].start
    assert parts[-1].end == 20_000
    assert 8_000 < parts[0].end < 15_000


def test_text_has_a_line_for_each_segment_and_marks_doubt() -> None:
    """Plain text is to be read and quoted: a flagged segment says that it is to be checked by ear."""
    word = Word(start=1, end=2, text=" Спасибо.", probability=0.3)
    sure, doubtful = segment(word), segment(word, flags=("boilerplate",))
    assert as_text(transcript(sure, doubtful)) == "Спасибо.\n[check by ear] Спасибо.\n"
    assert as_text(transcript()) == ""


def test_a_text_cannot_turn_itself_around() -> None:
    """Direction overrides and control characters are gone; what joins letters stays."""
    word = Word(start=1, end=2, text=" a\u202eb\x1b[2Jc\u200dd", probability=0.3)
    assert as_text(transcript(segment(word))) == "ab [2Jc\u200dd\n"
    assert as_vtt(replace(transcript(segment(word)))).endswith("\nab [2Jc\u200dd\n")
