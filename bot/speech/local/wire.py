"""Transcripts as the frames that daemon and speech process exchange."""

from dataclasses import asdict

from bot.confined.frames import Frame
from bot.transcript import Segment, Transcript, Word


def transcript_frame(transcript: Transcript) -> Frame:
    """`transcript` as plain JSON values."""
    return asdict(transcript)


def transcript_from(frame: Frame) -> Transcript:
    """The reverse of `transcript_frame`; KeyError or TypeError when something is missing or unknown."""
    return Transcript(**{**frame, "segments": tuple(_segment(segment) for segment in frame["segments"])})


def _segment(frame: Frame) -> Segment:
    words = tuple(Word(**word) for word in frame["words"])
    return Segment(**{**frame, "words": words, "flags": tuple(frame["flags"])})
