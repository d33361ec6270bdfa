"""What daemon and speech process say to each other: JSON objects, each after its length (4 bytes, big-endian)."""

import json
from dataclasses import asdict
from typing import Any, BinaryIO

from bot.model import Segment, Transcript, Word

HEADER_BYTES = 4
# A day of dense speech stays below; what claims more is not from our child.
MAX_FRAME_BYTES = 64 * 1024 * 1024

Frame = dict[str, Any]


def pack(frame: Frame) -> bytes:
    """Header and body of one frame."""
    body = json.dumps(frame, ensure_ascii=False).encode()
    return len(body).to_bytes(HEADER_BYTES) + body


def body_length(header: bytes) -> int:
    """Length of the body that follows `header`; ValueError when it is beyond all reason."""
    length = int.from_bytes(header)
    if length > MAX_FRAME_BYTES:
        raise ValueError(f"a frame of {length} bytes was announced")
    return length


def unpack(body: bytes) -> Frame:
    """The object in `body`; ValueError when it is none."""
    frame = json.loads(body)
    if not isinstance(frame, dict):
        raise ValueError("a frame must be an object")
    return frame


def read_frame(stream: BinaryIO) -> Frame | None:
    """The next frame of a blocking stream, None at its end."""
    header = stream.read(HEADER_BYTES)
    return unpack(stream.read(body_length(header))) if len(header) == HEADER_BYTES else None


def transcript_frame(transcript: Transcript) -> Frame:
    """`transcript` as plain JSON values."""
    return asdict(transcript)


def transcript_from(frame: Frame) -> Transcript:
    """The reverse of `transcript_frame`; KeyError or TypeError when something is missing or unknown."""
    return Transcript(**{**frame, "segments": tuple(_segment(segment) for segment in frame["segments"])})


def _segment(frame: Frame) -> Segment:
    words = tuple(Word(**word) for word in frame["words"])
    return Segment(**{**frame, "words": words, "flags": tuple(frame["flags"])})
