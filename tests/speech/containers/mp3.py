"""MP3 with ID3."""

import random
import struct

from tests.speech.containers.field import Bends, word


def _synchsafe(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def mp3_tag(chance: random.Random, data: bytes) -> bytes:
    """A tag before the sound whose size is a lie, with frames whose sizes are."""
    frames = b""
    for _ in range(chance.randrange(1, 20)):
        body = chance.randbytes(chance.randrange(60))
        size = len(body) if chance.random() < 0.5 else word(chance, 4)
        kind = chance.choice((b"APIC", b"TXXX", b"WXXX", b"LINK", b"CHAP", b"GEOB", b"PRIV", b"TLEN"))
        frames += kind + size.to_bytes(4) + chance.randbytes(2) + body
    claimed = chance.choice((len(frames), 0, 1, 2**28 - 1, chance.getrandbits(28)))
    return (
        b"ID3"
        + chance.choice((b"\2\0", b"\3\0", b"\4\0", b"\xff\xff"))
        + chance.choice((b"\0", b"\x80", b"\xff"))
        + (_synchsafe(claimed) + frames + data)
    )


def mp3_frame(chance: random.Random, data: bytes) -> bytes:
    """Frame headers of another bit rate, sample rate or channel mode."""
    bent = bytearray(data)
    heads = [at for at in range(len(data) - 4) if data[at] == 0xFF and data[at + 1] & 0xE0 == 0xE0]
    for at in chance.sample(heads, min(len(heads), chance.randrange(1, 12))):
        bent[at + 2 + chance.randrange(2)] = chance.getrandbits(8)
    return bytes(bent)


def mp3_count(chance: random.Random, data: bytes) -> bytes:
    """The counts of frames and bytes in the first frame."""
    at = max(data.find(b"Xing"), data.find(b"Info"))
    if at < 0:
        return data
    return data[: at + 4] + b"\0\0\0\x0f" + struct.pack(">II", word(chance, 4), word(chance, 4)) + data[at + 16 :]


BENDS: Bends = (mp3_tag, mp3_frame, mp3_count)
