"""Matroska (RFC 8794, RFC 9559)."""

import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.speech.containers.field import Bends

_MASTERS = {
    b"\x18\x53\x80\x67",
    b"\x15\x49\xa9\x66",
    b"\x16\x54\xae\x6b",
    b"\xae",
    b"\xe1",
    b"\x1f\x43\xb6\x75",
    b"\xa0",
}


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """Value without its marker, and bytes taken; (0, 0) where there is none."""
    if at >= len(data) or data[at] == 0:
        return 0, 0
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return 0, 0
    return int.from_bytes(data[at : at + width]) - (1 << 7 * width), width


def _elements(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at < len(data):
        _, name = _vint(data, at)
        size, width = _vint(data, at + name)
        if not name or not width:
            break
        begin = at + name + width
        end = len(data) if size == (1 << 7 * width) - 1 else begin + size
        found.append((data[at : at + name], data[begin:end]))
        at = end
    return found


def element(kind: bytes, body: bytes, claimed: int | None = None) -> bytes:
    """An element with a size of eight bytes, the true one unless another is `claimed`."""
    return kind + ((len(body) if claimed is None else claimed) % 2**56 | 1 << 56).to_bytes(8) + body


def _rebuild(data: bytes, change: Callable[[bytes, bytes], bytes | None]) -> bytes:
    made = b""
    for kind, body in _elements(data):
        inner = _rebuild(body, change) if kind in _MASTERS else body
        changed = change(kind, inner)
        made += element(kind, inner) if changed is None else changed
    return made


def _names(data: bytes) -> list[bytes]:
    return [each for kind, body in _elements(data) for each in [kind, *(_names(body) if kind in _MASTERS else [])]]


def mkv_element(chance: random.Random, data: bytes) -> bytes:
    """An element is left out, doubled, renamed, nested in itself, lies about its size, or holds a border value."""
    names = _names(data)
    if not names:
        return data
    victim, way = chance.choice(sorted(set(names))), chance.randrange(6)

    def change(kind: bytes, body: bytes) -> bytes | None:
        if kind != victim:
            return None
        whole = element(kind, body)
        width = min(8, max(1, len(body)))
        number = chance.choice((0, 1, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1)) % 2 ** (8 * width)
        claimed = chance.choice((0, 1, 2**28, 2**31, 2**55, 2**56 - 2, 2**56 - 1))
        return (
            b"",
            whole * chance.randrange(2, 5),
            element(chance.choice(names), body),
            element(kind, whole),
            element(kind, body, claimed),
            element(kind, number.to_bytes(width)),
        )[way]

    return _rebuild(data, change)


def mkv_codec(chance: random.Random, data: bytes) -> bytes:
    """The track names another codec, or its blocks are said to be compressed."""
    codecs = (
        b"A_MS/ACM",
        b"A_QUICKTIME",
        b"A_REAL/COOK",
        b"A_AC3",
        b"A_PCM/INT/BIG",
        b"A_PCM/FLOAT/IEEE",
        b"A_AAC/MPEG4/LC",
    )
    codec = chance.choice((*codecs, b"A_OPUS", b"A_FLAC", b"A_VORBIS", b"A_MPEG/L3", b"S_TEXT/UTF8", b"V_MPEG4"))
    packing = element(
        b"\x6d\x80", element(b"\x62\x40", element(b"\x50\x34", element(b"\x42\x54", bytes([chance.randrange(5)]))))
    )

    def change(kind: bytes, body: bytes) -> bytes | None:
        if kind == b"\x86":
            return element(kind, codec)
        return element(kind, body + packing) if kind == b"\xae" and chance.random() < 0.5 else None

    return _rebuild(data, change)


@cache
def squeezed(seconds: float) -> bytes:
    """Matroska with zlib-packed PCM: silence of `seconds` in a thousandth of its bytes."""
    audio = element(b"\xb5", struct.pack(">d", 16_000.0)) + element(b"\x9f", b"\1") + element(b"\x62\x64", b"\x10")
    packing = element(b"\x6d\x80", element(b"\x62\x40", element(b"\x50\x34", element(b"\x42\x54", b"\0"))))
    track = element(b"\xd7", b"\1") + element(b"\x73\xc5", b"\1") + element(b"\x83", b"\2")
    track += element(b"\x86", b"A_PCM/INT/LIT") + element(b"\xe1", audio) + packing
    block = element(b"\xa3", b"\x81\0\0\x80" + zlib.compress(bytes(9_000_000), 9))
    clusters = element(b"\x1f\x43\xb6\x75", element(b"\xe7", b"\0") + block) * max(1, int(seconds * 32_000 / 9_000_000))
    head = element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"matroska"))
    return head + element(b"\x18\x53\x80\x67", element(b"\x16\x54\xae\x6b", element(b"\xae", track)) + clusters)


def linked(victim: Path, recording: bytes) -> bytes:
    """A Matroska segment that names files before and after it, with a list of files attached."""
    name = str(victim).encode()
    info = element(b"\x73\x84", name) + element(b"\x3c\x83\xab", name) + element(b"\x3e\x83\xbb", name)
    info += element(b"\x3c\xb9\x23", bytes(16)) + element(b"\x3e\xb9\x23", bytes(16))
    file = element(b"\x46\x6e", b"list.ffconcat") + element(b"\x46\x60", b"text/plain")
    file += element(b"\x46\x5c", b"ffconcat version 1.0\nfile " + name) + element(b"\x46\xae", b"\1")
    attached = element(b"\x19\x41\xa4\x69", element(b"\x61\xa7", file))

    def change(kind: bytes, body: bytes) -> bytes | None:
        return element(kind, body + info) + attached if kind == b"\x15\x49\xa9\x66" else None

    return _rebuild(recording, change)


BENDS: Bends = (mkv_element, mkv_codec)
