"""Recordings bent by chance to harm a decoder; the same seed and number make the same file."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tests.speech import containers, hostile

SECONDS = 2.0
# What a field of 1, 2, 4 or 8 bytes is set to: the borders where signs, sizes and products go wrong.
BORDERS = (
    0,
    1,
    2,
    7,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    2**63 - 1,
    2**64 - 1,
)
_FORMATS = {
    "opus.ogg": ("ogg", "libopus", 48_000),
    "vorbis.ogg": ("ogg", "vorbis", 44_100),
    "flac.ogg": ("ogg", "flac", 16_000),
    "layer3.mp3": ("mp3", "libmp3lame", 44_100),
    "low.mp3": ("mp3", "libmp3lame", 16_000),
    "s16.wav": ("wav", "pcm_s16le", 16_000),
    "f32.wav": ("wav", "pcm_f32le", 8_000),
    "alaw.wav": ("wav", "pcm_alaw", 8_000),
    "adpcm.wav": ("wav", "adpcm_ms", 22_050),
    "flac.flac": ("flac", "flac", 16_000),
    "aac.m4a": ("mp4", "aac", 44_100),
    "alac.mov": ("mov", "alac", 44_100),
    "pcm.mov": ("mov", "pcm_s16le", 16_000),
    "opus.webm": ("webm", "libopus", 48_000),
    "vorbis.mkv": ("matroska", "vorbis", 44_100),
    "flac.mkv": ("matroska", "flac", 16_000),
    "pcm.mkv": ("matroska", "pcm_s16le", 16_000),
}

Bend = Callable[[random.Random, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Bent:
    """A file to decode, and how it came about (for people)."""

    number: int
    how: str
    data: bytes


@cache
def recordings() -> Mapping[str, bytes]:
    """Two seconds of rising tones in every container and codec that the decoder takes, and in some that it refuses."""
    made = {}
    for name, (container, codec, rate) in _FORMATS.items():
        time = np.arange(int(SECONDS * rate)) / rate
        sweep = np.sin(2 * np.pi * (200 + 300 * time) * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time))
        made[name] = hostile.encode((sweep * 12_000).astype(np.int16), container=container, codec=codec, rate=rate)
    return made


def bent(number: int, *, seed: int, victim: Path) -> Bent:
    """File `number` of the series `seed`; those that name another file name `victim`."""
    chance = random.Random(f"{seed}/{number}")
    if chance.random() < 0.1:
        what = chance.choice(sorted(containers.CRAFTED))
        data, steps = containers.CRAFTED[what](chance, victim, recordings()), [what]
        if chance.random() < 0.5:
            data, steps = hostile.flip_bits(data, seed=number, share=0.005, keep=12), [*steps, "flipped"]
        return Bent(number, ", ".join(steps), data)
    name = chance.choice(sorted(recordings()))
    data, steps = recordings()[name], [name]
    bends: Sequence[Bend] = GENERAL if chance.random() < 0.4 else containers.OF[name.rpartition(".")[2]]
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        bend = chance.choice(bends)
        data = bend(chance, data)
        steps.append(bend.__name__)
    return Bent(number, ", ".join(steps), data)


def _span(chance: random.Random, data: bytes) -> tuple[int, int]:
    begin = chance.randrange(len(data) + 1)
    return begin, min(len(data), begin + int(2 ** chance.uniform(0, 12)))


def flip(chance: random.Random, data: bytes) -> bytes:
    """Single bits anywhere, few or many, the magic number kept."""
    share = 10 ** chance.uniform(-4, -0.5)
    return hostile.flip_bits(data, seed=chance.randrange(2**32), share=share, keep=12) if len(data) > 12 else data


def flip_header(chance: random.Random, data: bytes) -> bytes:
    """Some bits of the first 300 bytes."""
    head = hostile.flip_bits(data[:300], seed=chance.randrange(2**32), share=chance.uniform(0.004, 0.05), keep=12)
    return head + data[300:]


def cut(chance: random.Random, data: bytes) -> bytes:
    """The end is missing."""
    return data[: chance.randrange(len(data) + 1)]


def cut_out(chance: random.Random, data: bytes) -> bytes:
    """Something in the middle is missing."""
    begin, end = _span(chance, data)
    return data[:begin] + data[end:]


def repeat(chance: random.Random, data: bytes) -> bytes:
    """A piece comes several times."""
    begin, end = _span(chance, data)
    return data[:end] + data[begin:end] * chance.randrange(1, 6) + data[end:]


def overwrite(chance: random.Random, data: bytes) -> bytes:
    """A piece is zeros, ones or noise."""
    begin, end = _span(chance, data)
    fill = chance.choice((b"\0", b"\xff", chance.randbytes(max(1, end - begin))))
    return data[:begin] + (fill * (end - begin))[: end - begin] + data[end:]


def field(chance: random.Random, data: bytes) -> bytes:
    """A number of 1 to 8 bytes somewhere, mostly near the beginning, stands at a border."""
    width = chance.choice((1, 2, 4, 8))
    at = chance.randrange(4, max(5, min(len(data), 400) if chance.random() < 0.8 else len(data)))
    value = (chance.choice(BORDERS) % 2 ** (8 * width)).to_bytes(width, chance.choice(("big", "little")))
    return data[:at] + value + data[at + width :]


def splice(chance: random.Random, data: bytes) -> bytes:
    """It begins as one recording and goes on as another."""
    other = recordings()[chance.choice(sorted(recordings()))]
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)) :]


def chain(chance: random.Random, data: bytes) -> bytes:
    """Several recordings, one after the other."""
    others = [recordings()[chance.choice(sorted(recordings()))] for _ in range(chance.randrange(1, 4))]
    return data + b"".join(others)


GENERAL: Sequence[Bend] = (flip, flip, flip_header, cut, cut_out, repeat, overwrite, field, field, splice, chain)
