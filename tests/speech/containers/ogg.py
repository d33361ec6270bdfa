"""Ogg (RFC 3533)."""

import random
from itertools import accumulate

from tests.speech import hostile
from tests.speech.containers.field import Bends, word


def _ogg_pages(data: bytes) -> list[bytes]:
    starts = [at for at in range(len(data) - 27) if data.startswith(b"OggS", at)]
    return [data[begin:end] for begin, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def _ogg_table() -> list[int]:
    def one(value: int) -> int:
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
        return value & 0xFFFFFFFF

    return [one(number << 24) for number in range(256)]


_TABLE = _ogg_table()


def _ogg_sealed(page: bytes) -> bytes:
    """The page with the checksum that it ought to have."""
    blank = page[:22] + bytes(4) + page[26:]
    *_, crc = accumulate(blank, lambda crc, byte: (crc << 8) & 0xFFFFFFFF ^ _TABLE[crc >> 24 ^ byte], initial=0)
    return page[:22] + crc.to_bytes(4, "little") + page[26:]


def ogg_order(chance: random.Random, data: bytes) -> bytes:
    """Pages swapped, left out, repeated or shuffled."""
    pages = _ogg_pages(data)
    if len(pages) < 2:
        return data
    first, second = chance.randrange(len(pages)), chance.randrange(len(pages))
    match chance.randrange(4):
        case 0:
            pages[first], pages[second] = pages[second], pages[first]
        case 1:
            del pages[first]
        case 2:
            pages[second:second] = [pages[first]] * chance.randrange(1, 30)
        case _:
            chance.shuffle(pages)
    return b"".join(pages)


def ogg_field(chance: random.Random, data: bytes) -> bytes:
    """Version, flags, granule position, serial, sequence or lacing of a page, under a right checksum."""
    pages = _ogg_pages(data)
    if not pages:
        return data
    number = chance.randrange(len(pages))
    at, width = chance.choice(((4, 1), (5, 1), (6, 8), (14, 4), (18, 4), (26, 1), (27, 1), (28, 1)))
    page = pages[number]
    value = chance.choice((0, 1, 2**63 - 1, 2**63, 2**64 - 1, chance.getrandbits(64))) % 2 ** (8 * width)
    pages[number] = _ogg_sealed(page[:at] + value.to_bytes(width, "little") + page[at + width :])
    return b"".join(pages)


def ogg_body(chance: random.Random, data: bytes) -> bytes:
    """Bits of a packet, under a right checksum: the headers of the codec most of all."""
    pages = _ogg_pages(data)
    if not pages:
        return data
    number = chance.randrange(min(2, len(pages)) if chance.random() < 0.6 else len(pages))
    page = pages[number]
    begin = 27 + page[26]
    if begin < len(page):
        bent = hostile.flip_bits(page, seed=chance.randrange(2**32), share=10 ** chance.uniform(-2.5, -0.5), keep=begin)
        pages[number] = _ogg_sealed(bent)
    return b"".join(pages)


def ogg_head(chance: random.Random, data: bytes) -> bytes:
    """Channels, pre-skip, rate, gain and mapping in the first packet; lengths in the second."""
    pages = _ogg_pages(data)
    number = chance.randrange(min(2, len(pages))) if pages else 0
    if not pages or len(pages[number]) < 60:
        return data
    page = pages[number]
    width = chance.choice((1, 2, 4))
    at = 28 + 8 + chance.randrange(12)
    value = word(chance, width).to_bytes(width, "little")
    pages[number] = _ogg_sealed(page[:at] + value + page[at + width :])
    return b"".join(pages)


def ogg_mixed(chance: random.Random, data: bytes) -> bytes:
    """Two streams multiplexed, of different serial numbers or of the same."""
    pages, others = _ogg_pages(data), _ogg_pages(data)
    serial = chance.choice((None, chance.getrandbits(32)))
    if serial is not None:
        others = [_ogg_sealed(page[:14] + serial.to_bytes(4, "little") + page[18:]) for page in others]
    mixed = [page for pair in zip(pages, others, strict=False) for page in pair]
    return b"".join(mixed if chance.random() < 0.5 else pages + others)


BENDS: Bends = (ogg_order, ogg_field, ogg_body, ogg_head, ogg_mixed)
