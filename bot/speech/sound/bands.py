"""What of a sound outlives a re-encoding: how the balance between neighbouring bands of pitch changes with time.

The difference of log energies between neighbouring bands, and of that between two moments, is the feature of Haitsma and
Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002, section 4.2); gain falls out of it. Bands, window and
smoothing are ours, fitted to speech at 16 kbit/s: coders keep 250 to 3,600 Hz.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RATE = 16_000
HOP = 256  # samples between frames: 16 ms
FRAMES_PER_SECOND = RATE / HOP
BANDS = 17
COARSE_BANDS = 7
_WINDOW = 512
_LOWEST_HZ, _HIGHEST_HZ = 250.0, 3600.0
_FLOOR = 1e-5  # of the loud frames' energy: what lies 50 dB below them is the coder's own noise
_CHUNK = 2048  # frames transformed at once, so that an hour takes no more memory than a minute
LOUD = 0.95  # the quantile of energy that stands for "loud": one bang does not set it


@dataclass(frozen=True, slots=True)
class Bands:
    """Log energy in dB, one row per frame of 16 ms: BANDS columns; `loudness` is the mean square of each frame in dB."""

    levels: Floats
    loudness: Floats


def _filters(count: int) -> Floats:
    """Triangles, equally spaced in mel, each of weight 1: (_WINDOW // 2 + 1, count)."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (_LOWEST_HZ, _HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(low, high, count + 2) / 2595) - 1)
    pitch = np.fft.rfftfreq(_WINDOW, 1 / RATE)[:, None]
    rise = (pitch - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - pitch) / (edges[2:] - edges[1:-1])
    weights = np.clip(np.minimum(rise, fall), 0, None)
    filters: Floats = (weights / weights.sum(axis=0)).astype(np.float32)
    return filters


_FILTERS = _filters(BANDS)
_TAPER = np.hanning(_WINDOW).astype(np.float32)
_MEAN_SQUARE = float(2 / (np.square(_TAPER).sum() * _WINDOW))  # a frame's power spectrum to its mean square


def bands(samples: Floats) -> Bands:
    """Of float32 mono samples at 16 kHz; no rows for less than a window of 32 ms."""
    if len(samples) < _WINDOW:
        return Bands(np.zeros((0, BANDS), np.float32), np.zeros(0, np.float32))
    frames = sliding_window_view(samples, _WINDOW)[::HOP]
    energies = np.empty((len(frames), BANDS), np.float32)
    power = np.empty(len(frames), np.float32)
    for start in range(0, len(frames), _CHUNK):
        spectrum = np.fft.rfft(frames[start : start + _CHUNK] * _TAPER, axis=1)
        squares = np.square(spectrum.real) + np.square(spectrum.imag)
        energies[start : start + _CHUNK] = squares @ _FILTERS
        power[start : start + _CHUNK] = squares.sum(axis=1) * _MEAN_SQUARE
    floor = np.quantile(energies.mean(axis=1), LOUD) * _FLOOR + 1e-12
    levels = 10 * np.log10(energies + floor)
    return Bands(levels.astype(np.float32), (10 * np.log10(power + 1e-12)).astype(np.float32))


def coarse(levels: Floats) -> Floats:
    """The same rows with COARSE_BANDS columns, each the mean of two or three bands."""
    groups = np.array_split(np.arange(BANDS), COARSE_BANDS)
    return np.stack([levels[:, group].mean(axis=1) for group in groups], axis=1)


def smoothed(levels: Floats, frames: int) -> Floats:
    """The mean over `frames` frames from each on: `frames` - 1 rows fewer."""
    sums = np.cumsum(np.concatenate([np.zeros((1, levels.shape[1])), levels]), axis=0)
    means: Floats = ((sums[frames:] - sums[:-frames]) / frames).astype(np.float32)
    return means


def turns(levels: Floats, span: int) -> Floats:
    """How the step from band to band, smoothed over `span` frames, differs from the step in the `span` frames before.

    In dB; one column fewer than `levels`, 2 * `span` - 1 rows fewer (none left: no rows). Row i belongs to the frames
    i to i + 2 * `span` - 1.
    """
    if len(levels) < 2 * span:
        return np.zeros((0, levels.shape[1] - 1), np.float32)
    steps = np.diff(smoothed(levels, span), axis=1)
    return steps[span:] - steps[:-span]
