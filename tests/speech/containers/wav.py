"""WAV."""

import random
import struct

from tests.speech.containers.field import Bends, word

_WAV_TAGS = (
    0,
    1,
    2,
    3,
    6,
    7,
    0x10,
    0x11,
    0x31,
    0x50,
    0x55,
    0x61,
    0x69,
    0x92,
    0xFF,
    0x160,
    0x161,
    0x2000,
    0x674F,
    0xFFFE,
)


def wav_format(chance: random.Random, data: bytes) -> bytes:
    """Codec, channels, rates, block and bits of the format chunk."""
    at = data.find(b"fmt ") + 8
    if at < 8:
        return data
    fields = list(struct.unpack("<HHIIHH", data[at : at + 16].ljust(16, b"\0")))
    for _ in range(chance.randrange(1, 4)):
        number = chance.randrange(6)
        fields[number] = word(chance, 4 if number in (2, 3) else 2)
        if number == 0 and chance.random() < 0.8:
            fields[0] = chance.choice(_WAV_TAGS)
        if number == 1 and chance.random() < 0.5:
            fields[1] = chance.randrange(70)
    return data[:at] + struct.pack("<HHIIHH", *fields) + data[at + 16 :]


def wav_chunk(chance: random.Random, data: bytes) -> bytes:
    """A chunk more, or a size that is a lie; sometimes RF64."""
    kind = chance.choice((b"LIST", b"ds64", b"fact", b"data", b"smv ", b"cue ", b"bext", b"wavl", b"id3 ", b"fmt "))
    body = chance.randbytes(chance.randrange(80))
    size = len(body) if chance.random() < 0.5 else word(chance, 4)
    at = data.find(chance.choice((b"fmt ", b"data")))
    if at < 0:
        return data
    if chance.random() < 0.3:
        return data[: at + 4] + word(chance, 4).to_bytes(4, "little") + data[at + 8 :]
    return data[:at] + kind + size.to_bytes(4, "little") + body + data[at:]


def wav_slow(chance: random.Random, data: bytes) -> bytes:
    """A sample rate at which a few bytes last for hours, or that nothing can have."""
    at = data.find(b"fmt ") + 8
    rate = chance.choice((0, 1, 2, 10, 100, 2**31 - 1, 2**31, 2**32 - 1))
    return data[: at + 4] + struct.pack("<II", rate, chance.choice((rate, 0, 1))) + data[at + 12 :]


BENDS: Bends = (wav_format, wav_format, wav_chunk, wav_slow)
