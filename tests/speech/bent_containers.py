"""Bends that know the container: the damage is consistent (sizes, checksums), so it reaches what lies behind."""

import random
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

from tests.speech import hostile

Bend = Callable[[random.Random, bytes], bytes]
_WORDS = (0, 1, 2, 255, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _word(chance: random.Random, width: int) -> int:
    return (chance.choice(_WORDS) if chance.random() < 0.7 else chance.getrandbits(32)) % 2 ** (8 * width)


# --- Ogg (RFC 3533) ---------------------------------------------------------------------------------------------------


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
    value = _word(chance, width).to_bytes(width, "little")
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


# --- MP3 with ID3 -----------------------------------------------------------------------------------------------------


def _synchsafe(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def mp3_tag(chance: random.Random, data: bytes) -> bytes:
    """A tag before the sound whose size is a lie, with frames whose sizes are."""
    frames = b""
    for _ in range(chance.randrange(1, 20)):
        body = chance.randbytes(chance.randrange(60))
        size = len(body) if chance.random() < 0.5 else _word(chance, 4)
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
    return data[: at + 4] + b"\0\0\0\x0f" + struct.pack(">II", _word(chance, 4), _word(chance, 4)) + data[at + 16 :]


# --- WAV --------------------------------------------------------------------------------------------------------------

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
        fields[number] = _word(chance, 4 if number in (2, 3) else 2)
        if number == 0 and chance.random() < 0.8:
            fields[0] = chance.choice(_WAV_TAGS)
        if number == 1 and chance.random() < 0.5:
            fields[1] = chance.randrange(70)
    return data[:at] + struct.pack("<HHIIHH", *fields) + data[at + 16 :]


def wav_chunk(chance: random.Random, data: bytes) -> bytes:
    """A chunk more, or a size that is a lie; sometimes RF64."""
    kind = chance.choice((b"LIST", b"ds64", b"fact", b"data", b"smv ", b"cue ", b"bext", b"wavl", b"id3 ", b"fmt "))
    body = chance.randbytes(chance.randrange(80))
    size = len(body) if chance.random() < 0.5 else _word(chance, 4)
    at = data.find(chance.choice((b"fmt ", b"data")))
    if at < 0:
        return data
    if chance.random() < 0.3:
        return data[: at + 4] + _word(chance, 4).to_bytes(4, "little") + data[at + 8 :]
    return data[:at] + kind + size.to_bytes(4, "little") + body + data[at:]


def wav_slow(chance: random.Random, data: bytes) -> bytes:
    """A sample rate at which a few bytes last for hours, or that nothing can have."""
    at = data.find(b"fmt ") + 8
    rate = chance.choice((0, 1, 2, 10, 100, 2**31 - 1, 2**31, 2**32 - 1))
    return data[: at + 4] + struct.pack("<II", rate, chance.choice((rate, 0, 1))) + data[at + 12 :]


# --- FLAC -------------------------------------------------------------------------------------------------------------


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


# --- MP4 and MOV (ISO 14496-12) ---------------------------------------------------------------------------------------

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
        size = _word(chance, 4).to_bytes(4)
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
        return _box(kind, body[:at] + _word(chance, 4).to_bytes(4) + body[at + 4 :])

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


# --- Matroska (RFC 8794, RFC 9559) ------------------------------------------------------------------------------------

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


# --- files that point at others ---------------------------------------------------------------------------------------


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


_MAGIC = (
    b"OggS",
    b"fLaC",
    b"RIFF\0\0\0\0WAVE",
    b"\x1aE\xdf\xa3",
    b"\0\0\0\x18ftypM4A ",
    b"ID3\4\0\0\0\0\0\0",
    b"\xff\xfb\x90\x00",
)


_Recordings = Mapping[str, bytes]
_PACKED = ("opus.webm", "pcm.mkv", "flac.mkv")

# Files made to open another one, or to be far longer than they look; by what they try.
CRAFTED: Mapping[str, Callable[[random.Random, Path, _Recordings], bytes]] = {
    "a list, bare": lambda chance, victim, _: _listing(chance, victim),
    "a list behind a magic number": lambda chance, victim, _: (
        chance.choice(_MAGIC) + b"\n" + _listing(chance, victim) * chance.choice((1, 50))
    ),
    "a list behind a recording": lambda chance, victim, given: (
        given[chance.choice(sorted(given))] + _listing(chance, victim)
    ),
    "samples elsewhere, by URL": lambda _, victim, given: elsewhere(victim, given["pcm.mov"], alias=False),
    "samples elsewhere, by alias": lambda _, victim, given: elsewhere(victim, given["pcm.mov"], alias=True),
    "AAC elsewhere": lambda chance, victim, given: elsewhere(victim, given["aac.m4a"], alias=chance.random() < 0.5),
    "linked segments": lambda chance, victim, given: linked(victim, given[chance.choice(_PACKED)]),
    "a picture by address": lambda _, victim, given: pictured(victim, given["flac.flac"]),
    "squeezed PCM": lambda chance, _victim, _given: squeezed(chance.choice((60.0, 600.0, 1200.0))),
    "silence for hours": lambda chance, _victim, _given: _silence(chance.choice((0.05, 1.0))),
}


def _listing(chance: random.Random, victim: Path) -> bytes:
    lists = hostile.lists_of_others(victim)
    return lists[chance.choice(sorted(lists))]


_silence = cache(hostile.hours_of_silence)


OF: Mapping[str, Sequence[Bend]] = {
    "ogg": (ogg_order, ogg_field, ogg_body, ogg_head, ogg_mixed),
    "mp3": (mp3_tag, mp3_frame, mp3_count),
    "wav": (wav_format, wav_format, wav_chunk, wav_slow),
    "flac": (flac_info, flac_block, flac_frame),
    "m4a": (mp4_box, mp4_table, mp4_codec),
    "mov": (mp4_box, mp4_table, mp4_codec),
    "webm": (mkv_element, mkv_codec),
    "mkv": (mkv_element, mkv_codec),
}
