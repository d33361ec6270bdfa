"""FLAC."""

import random
from pathlib import Path

from tests.speech.containers.field import Bends


def flac_info(chance: random.Random, data: bytes) -> bytes:
    """Block sizes, rate, channels, bits and length of the first block."""
    at = 8 + chance.randrange(18)
    return data[:at] + bytes([chance.getrandbits(8)]) + data[at + 1 :]


def flac_block(chance: random.Random, data: bytes) -> bytes:
    """A metadata block more, its size true or not."""
    body = chance.randbytes(chance.randrange(100))
    size = len(body) if chance.random() < 0.5 else chance.getrandbits(24)
    return data[:42] + bytes([chance.randrange(128)]) + size.to_bytes(3) + body + data[42:]


def flac_frame(chance: random.Random, data: bytes) -> bytes:
    """Headers of frames, by their sync code."""
    bent = bytearray(data)
    heads = [at for at in range(42, len(data) - 6) if data[at] == 0xFF and data[at + 1] & 0xFE == 0xF8]
    for at in chance.sample(heads, min(len(heads), chance.randrange(1, 8))):
        bent[at + 2 + chance.randrange(4)] = chance.getrandbits(8)
    return bytes(bent)


def pictured(victim: Path, recording: bytes) -> bytes:
    """A FLAC file whose picture is the address of another file."""
    name = b"file://" + str(victim).encode()
    body = (3).to_bytes(4) + (3).to_bytes(4) + b"-->" + bytes(20) + len(name).to_bytes(4) + name
    return (
        recording[:4]
        + bytes([recording[4] & 0x7F])
        + recording[5:42]
        + b"\6"
        + len(body).to_bytes(3)
        + body
        + recording[42:]
    )


BENDS: Bends = (flac_info, flac_block, flac_frame)
