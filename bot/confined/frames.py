"""What the daemon and such a process say to each other: JSON objects, each after its length (4 bytes, big-endian)."""

import json
from typing import Any, BinaryIO

HEADER_BYTES = 4
# The transcript of a day of dense speech stays below; what claims more is not from our child.
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
