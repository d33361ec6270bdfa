"""Sound in which nobody speaks, made to measure: what Whisper writes down of it, it has invented. Pure.

Each is mono at 16 kHz, float32 within [-1, 1], and the same for the same seed.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
# Whisper invents most in clips that just fill, or just exceed, its window of 30 s.
CLIP_SECONDS = (25.0, 35.0)
# How loud a clip is: decibels below full scale, as the square root of its mean square.
_LOUDNESS = (-60.0, -12.0)
_MAINS = 50.0
_SCALE = 110.0 * 2.0 ** (np.arange(36) / 12)

Samples = NDArray[np.float32]
_Waves = NDArray[np.float64]


class Clip(NamedTuple):
    """A piece of sound, and what it is."""

    kind: str
    samples: Samples


def clips(seconds: float, seed: int) -> Iterator[Clip]:
    """Clips of 25 to 35 s, of all kinds in turn, until `seconds` are full; the last one may be longer than what is left."""
    numbers = np.random.default_rng(seed)
    made = 0.0
    while made < seconds:
        for kind in KINDS:
            if made >= seconds:
                return
            length = float(numbers.uniform(*CLIP_SECONDS))
            yield Clip(kind, make(kind, length, int(numbers.integers(2**32))))
            made += length


def make(kind: str, seconds: float, seed: int) -> Samples:
    """Sound of one of the `KINDS`, at a loudness of its own; ValueError for another kind."""
    if kind not in KINDS:
        raise ValueError(f"there is no noise {kind!r}; kinds are {', '.join(KINDS)}")
    numbers = np.random.default_rng([seed, list(KINDS).index(kind)])
    waves = KINDS[kind](round(seconds * RATE), numbers)
    loudness = np.sqrt(np.mean(waves**2)) if len(waves) else 0.0
    if loudness > 0:
        waves = waves * (10 ** (numbers.uniform(*_LOUDNESS) / 20) / loudness)
    return np.clip(waves, -1.0, 1.0).astype(np.float32)


def _silence(count: int, numbers: np.random.Generator) -> _Waves:
    return np.zeros(count)


def _white(count: int, numbers: np.random.Generator) -> _Waves:
    return numbers.standard_normal(count)


def _pink(count: int, numbers: np.random.Generator) -> _Waves:
    """As much power in each octave as in the next."""
    if not count:
        return np.zeros(0)
    spectrum = np.fft.rfft(numbers.standard_normal(count))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    return np.fft.irfft(spectrum, count)


def _hum(count: int, numbers: np.random.Generator) -> _Waves:
    """The mains and its overtones, with a little hiss."""
    times = np.arange(count) / RATE
    waves = 0.02 * numbers.standard_normal(count)
    for overtone in range(1, 9):
        phase = numbers.uniform(0, 2 * np.pi)
        waves += numbers.uniform(0, 1 / overtone) * np.sin(2 * np.pi * _MAINS * overtone * times + phase)
    return waves


def _tones(count: int, numbers: np.random.Generator) -> _Waves:
    """Chords that come and go: no music, but as steady and as sudden."""
    waves = np.zeros(count)
    start = 0
    while start < count:
        length = min(int(numbers.uniform(0.15, 1.2) * RATE), count - start)
        times = np.arange(length) / RATE
        chord = sum(
            (np.sin(2 * np.pi * pitch * times) for pitch in numbers.choice(_SCALE, numbers.integers(1, 4))),
            np.zeros(length),
        )
        waves[start : start + length] = chord * np.exp(-times * numbers.uniform(0.5, 6.0))
        start += length
    return waves


KINDS: dict[str, Callable[[int, np.random.Generator], _Waves]] = {
    "silence": _silence,
    "white": _white,
    "pink": _pink,
    "hum": _hum,
    "tones": _tones,
}
