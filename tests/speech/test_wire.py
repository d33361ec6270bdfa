"""What the two processes say to each other, and what is flagged."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.confined.frames import MAX_FRAME_BYTES, body_length, pack, read_frame, unpack
from bot.speech.local.wire import transcript_frame, transcript_from
from bot.transcript import Segment, Transcript, Word

SECONDS = st.floats(0, 1e5)
WORDS = st.builds(Word, start=SECONDS, end=SECONDS, text=st.text(max_size=8), probability=st.floats(0, 1))
SEGMENTS = st.builds(
    Segment,
    start=SECONDS,
    end=SECONDS,
    text=st.text(max_size=20),
    words=st.lists(WORDS, max_size=3).map(tuple),
    avg_logprob=st.floats(-10, 0),
    no_speech_probability=st.floats(0, 1),
    compression_ratio=st.floats(0, 100),
    flags=st.sets(st.sampled_from(["low-confidence", "no-speech", "loop"])).map(tuple),
)
TRANSCRIPTS = st.builds(
    Transcript,
    language=st.sampled_from(["ru", "uk"]),
    language_probability=st.floats(0, 1),
    duration=SECONDS,
    speech_seconds=SECONDS,
    segments=st.lists(SEGMENTS, max_size=3).map(tuple),
    model=st.text(max_size=8),
    parameters=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    partial=st.booleans(),
)


@given(TRANSCRIPTS)
def test_a_transcript_survives_the_pipe(transcript: Transcript) -> None:
    """What the child sent is what the daemon gets."""
    stream = io.BytesIO(pack(transcript_frame(transcript)))
    frame = read_frame(stream)
    assert frame is not None
    assert transcript_from(frame) == transcript
    assert read_frame(stream) is None


def test_a_frame_beyond_reason() -> None:
    """A length that no transcript has is refused before anything is read."""
    with pytest.raises(ValueError, match="bytes was announced"):
        body_length((MAX_FRAME_BYTES + 1).to_bytes(4))


@given(st.binary(max_size=32))
def test_nonsense_is_a_value_error(body: bytes) -> None:
    """Bytes that are no JSON object raise ValueError and nothing else."""
    try:
        frame = unpack(body)
    except ValueError:
        return
    assert isinstance(frame, dict)
