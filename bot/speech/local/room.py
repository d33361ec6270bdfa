"""How many recordings are in memory at once: by their seconds of sound."""

import os
from collections.abc import Iterator
from pathlib import Path

# Bytes of address space for each second of sound that is being worked on: samples at 16 kHz as floats, twice (as they were
# and without silence), the spectrogram, and what voice activity detection and spectrogram hold meanwhile. Measured.
BYTES_PER_SECOND = 300_000
# Of what the model leaves free, for that; the rest is for encoder, decoder and arenas.
_SHARE = 0.6
# No recording counts for more than this share of the room, so that one that is longer than all of it does not wait for an
# hour in which nothing else comes.
_MOST = 0.75
# Where nobody says how long a recording is: no voice note has fewer bytes a second.
_LEAST_BYTES_PER_SECOND = 2_000
_LEAST_SECONDS = 30.0


class Room:
    """Recordings by their numbers: those that are inside, and those that wait, first come first served where they fit."""

    def __init__(self, free_bytes: int) -> None:
        """`free_bytes`: of memory, beside the model."""
        self.seconds = max(free_bytes, 0) * _SHARE / BYTES_PER_SECOND
        self._inside: dict[int, float] = {}
        self._waiting: dict[int, float] = {}

    def enter(self, number: int, seconds: float) -> bool:
        """Whether there is room for so many seconds of sound; else it waits for `called`. Who is alone always fits."""
        if not self._fits(seconds):
            self._waiting[number] = seconds
            return False
        self._inside[number] = seconds
        return True

    def grow(self, number: int, seconds: float) -> None:
        """It is as long as that, as is known now."""
        self._inside[number] = seconds

    def leave(self, number: int) -> None:
        """It is done."""
        del self._inside[number]

    def called(self) -> Iterator[int]:
        """Those that waited and fit now; they are inside."""
        for number, seconds in list(self._waiting.items()):
            if self._fits(seconds):
                del self._waiting[number]
                self._inside[number] = seconds
                yield number

    @property
    def inside(self) -> int:
        """How many."""
        return len(self._inside)

    def _fits(self, seconds: float) -> bool:
        return (
            not self._inside or self._counted(seconds) + sum(map(self._counted, self._inside.values())) <= self.seconds
        )

    def _counted(self, seconds: float) -> float:
        return min(seconds, _MOST * self.seconds)


def address_space() -> int:
    """Bytes that this process has reserved: proc(5), /proc/self/statm, the first field, in pages."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def expected_seconds(path: Path, declared: float | None, longest: float) -> float:
    """How long a recording may be: what is declared, else what its bytes allow; at most `longest`."""
    if declared is not None:
        return min(max(declared, 0.0), longest)
    try:
        size = path.stat().st_size
    except OSError:
        # Decoding says so, with the reason.
        return _LEAST_SECONDS
    return min(max(size / _LEAST_BYTES_PER_SECOND, _LEAST_SECONDS), longest)
