"""MP4 and MOV (ISO 14496-12)."""

import random
from collections.abc import Callable
from pathlib import Path

from tests.speech.containers.field import Bends, word

_BOXES_OF_BOXES = {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl", b"udta", b"edts"}


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], 0
    while at + 8 <= len(data):
        size = int.from_bytes(data[at : at + 4])
        if size < 8:
            break
        found.append((data[at + 4 : at + 8], data[at + 8 : at + size]))
        at += size
    return found


def _box(kind: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4) + kind + body


def rebox(data: bytes, change: Callable[[bytes, bytes], bytes | None]) -> bytes:
    """Every box that `change` gives other bytes for, in new sizes all the way up; None leaves it."""
    made = b""
    for kind, body in _boxes(data):
        inner = rebox(body, change) if kind in _BOXES_OF_BOXES else body
        changed = change(kind, inner)
        made += _box(kind, inner) if changed is None else changed
    return made


def _kinds(data: bytes) -> list[bytes]:
    return [each for kind, body in _boxes(data) for each in [kind, *(_kinds(body) if kind in _BOXES_OF_BOXES else [])]]


def mp4_box(chance: random.Random, data: bytes) -> bytes:
    """A box is renamed, left out, doubled, nested in itself, or lies about its size."""
    kinds = _kinds(data)
    if not kinds:
        return data
    victim, way = chance.choice(kinds), chance.randrange(5)

    def change(kind: bytes, body: bytes) -> bytes | None:
        if kind != victim:
            return None
        box = _box(kind, body)
        size = word(chance, 4).to_bytes(4)
        return (b"", box * chance.randrange(2, 5), _box(chance.choice(kinds), body), _box(kind, box), size + box[4:])[
            way
        ]

    return rebox(data, change)


def mp4_table(chance: random.Random, data: bytes) -> bytes:
    """Numbers inside the headers and sample tables stand at a border."""
    kinds = [kind for kind in _kinds(data) if kind not in _BOXES_OF_BOXES | {b"mdat", b"free"}]
    if not kinds:
        return data
    victim = chance.choice(kinds)

    def change(kind: bytes, body: bytes) -> bytes | None:
        if kind != victim or len(body) < 8:
            return None
        at = 4 * chance.randrange(len(body) // 4)
        return _box(kind, body[:at] + word(chance, 4).to_bytes(4) + body[at + 4 :])

    return rebox(data, change)


def mp4_codec(chance: random.Random, data: bytes) -> bytes:
    """The sample description names another codec, shape or rate."""
    codec = chance.choice(
        (b"mp4a", b"alac", b"Opus", b"fLaC", b"raw ", b"ima4", b"ac-3", b"samr", b"QDM2", b"lpcm", b"ms\0U")
    )

    def change(kind: bytes, body: bytes) -> bytes | None:
        if kind != b"stsd" or len(body) < 44:
            return None
        at = 24 + chance.randrange(20)
        bent = body[:12] + codec + body[16:] if chance.random() < 0.6 else body
        return _box(kind, bent[:at] + chance.randbytes(2) + bent[at + 2 :] if chance.random() < 0.6 else bent)

    return rebox(data, change)


def elsewhere(victim: Path, recording: bytes, *, alias: bool) -> bytes:
    """An MP4 whose samples are said to lie in the file `victim`, by URL or by Macintosh alias."""
    entry = _alias(victim) if alias else _box(b"url ", bytes(4) + b"file://" + str(victim).encode() + b"\0")

    def change(kind: bytes, _body: bytes) -> bytes | None:
        return _box(kind, bytes(4) + (1).to_bytes(4) + entry) if kind == b"dref" else None

    return rebox(recording, change)


def _alias(victim: Path) -> bytes:
    """An alias record as FFmpeg's mov_read_dref reads it: volume, file name, levels, and the absolute path as item 2."""
    name, path = victim.name.encode()[:63], str(victim).encode()
    record = bytes(4) + b"\0\xaa\0\2\0\0" + b"\4" + b"disk".ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + (1).to_bytes(2) + (1).to_bytes(2) + bytes(16)
    for item, text in ((2, path), (18, path)):
        record += item.to_bytes(2) + len(text).to_bytes(2) + text + bytes(len(text) % 2)
    return _box(b"alis", bytes(4) + record + b"\xff\xff\0\0")


BENDS: Bends = (mp4_box, mp4_table, mp4_codec)
