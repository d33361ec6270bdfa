"""What container a recording is in, by our own look at its first bytes; nothing is decoded here."""

import io
from pathlib import Path

from bot.errors import MediaRefused

HEAD_BYTES = 16
ACCEPTED = "Ogg, MP3, WAV, FLAC, MP4 and Matroska recordings are accepted"


def check_container(path: Path, *, max_bytes: int) -> tuple[str, int]:
    """The container of the file at `path`, as `sniff` names it, and the file's size in bytes.

    Raises MediaRefused: `unreadable`, `empty`, `too-large` or `container`.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise MediaRefused("unreadable", f"the stored recording cannot be read: {error.strerror}") from error
    if size == 0:
        raise MediaRefused("empty", "the recording has no bytes")
    if size > max_bytes:
        raise MediaRefused("too-large", f"the recording has {size} bytes, more than the {max_bytes} that are allowed")
    container = sniff(head)
    if container is None:
        raise MediaRefused("container", f"the bytes are not in a known container; {ACCEPTED}")
    return container, size


def sniff(head: bytes) -> str | None:
    """FFmpeg's name for the container that `head` (the first 16 bytes) begins, None for anything not accepted."""
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"fLaC"):
        return "flac"
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head[4:8] == b"ftyp":
        return "mov"
    return "mp3" if head.startswith(b"ID3") or _is_mpeg_layer_3(head) else None


def _is_mpeg_layer_3(head: bytes) -> bool:
    """A frame header: 11 sync bits, version, layer III, a bit rate and a sample rate that exist."""
    return (
        len(head) >= 3
        and head[0] == 0xFF
        and head[1] & 0xE6 == 0xE2
        and head[1] & 0x18 != 0x08
        and head[2] & 0xF0 not in (0x00, 0xF0)
        and head[2] & 0x0C != 0x0C
    )
