"""Bends that know the container: the damage is consistent (sizes, checksums), so it reaches what lies behind."""

import random
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from tests.speech import hostile
from tests.speech.containers import flac, matroska, mp3, mp4, ogg, wav
from tests.speech.containers.field import Bends

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
    "samples elsewhere, by URL": lambda _, victim, given: mp4.elsewhere(victim, given["pcm.mov"], alias=False),
    "samples elsewhere, by alias": lambda _, victim, given: mp4.elsewhere(victim, given["pcm.mov"], alias=True),
    "AAC elsewhere": lambda chance, victim, given: mp4.elsewhere(victim, given["aac.m4a"], alias=chance.random() < 0.5),
    "linked segments": lambda chance, victim, given: matroska.linked(victim, given[chance.choice(_PACKED)]),
    "a picture by address": lambda _, victim, given: flac.pictured(victim, given["flac.flac"]),
    "squeezed PCM": lambda chance, _victim, _given: matroska.squeezed(chance.choice((60.0, 600.0, 1200.0))),
    "silence for hours": lambda chance, _victim, _given: _silence(chance.choice((0.05, 1.0))),
}


def _listing(chance: random.Random, victim: Path) -> bytes:
    lists = hostile.lists_of_others(victim)
    return lists[chance.choice(sorted(lists))]


_silence = cache(hostile.hours_of_silence)


OF: Mapping[str, Bends] = {
    "ogg": ogg.BENDS,
    "mp3": mp3.BENDS,
    "wav": wav.BENDS,
    "flac": flac.BENDS,
    "m4a": mp4.BENDS,
    "mov": mp4.BENDS,
    "webm": matroska.BENDS,
    "mkv": matroska.BENDS,
}
