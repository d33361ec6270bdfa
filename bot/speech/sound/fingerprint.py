"""Is this the recording that we have heard already? A fingerprint that a re-encoding does not change.

No Chromaprint: its Python bindings need a library of the system, and it compares frames of an eighth of a second, of which
a voice note has few. So this is the method of Haitsma and Kalker (see bands.py): 16 bits every 32 ms, each the sign of a
feature. Recordings are the same if their bits agree *everywhere*: the agreement counted is that of the worst two
seconds, since the same jingle, quote or sentence with other words in it is another recording. Up to 2 s more at either
end are allowed. Less than a second that is replaced by as much of another is not noticed.

Sub-hashes for a look-up are the outlines of moments that are far from any change of sign (coarser bands, over 1.5 s), since
exactly these come out of a coder unchanged.

Bytes, little-endian: version; number of sub-hashes; 3 bytes for each; 2 bytes for each frame; a bit for each frame that has
sound. Frames are a multiple of 8. About 66 bytes per second and 288 more.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot.speech.sound.bands import FRAMES_PER_SECOND, LOUD, Bands, Floats, bands, coarse, smoothed, turns

VERSION = 1
# Between the most alike different recordings and the least alike same ones: benchmarks/fingerprints.py prints both.
SAME = 0.72
# Of 461 notes that were trimmed or coded again, 32 shared four or fewer of 64 with the whole one (one none), of 96 one note.
# They are chosen in one order, so that what was stored with 64 is compared and found as before.
MAX_KEYS = 96

Words = NDArray[np.uint16]
Mask = NDArray[np.bool_]

_EVERY = 2  # of the frames of 16 ms one in two is kept


def _frames(seconds: float) -> int:
    return round(seconds * FRAMES_PER_SECOND / _EVERY)


_SPAN = 20  # frames of 16 ms that are compared with as many before: 0.32 s, shorter than a word
_LEAST = _EVERY * _frames(2.5)  # from the first sound to the last
_LEAST_SOUND = _frames(1.5)
_QUIET_DB = 35.0  # below loud: a pause
_SILENT_DB = -75.0  # below full scale: loud is nothing
_FLAT_DB = 2.5  # the least that a band's level changes with time (standard deviation); steady noise stays below
_TRIMMED = _frames(3.0)  # what may be missing at an end: 2 s, and what coders and pauses add
_SHARED = _frames(1.9)  # the least that may lie one over the other
_STRETCH = _frames(2.0)
_REPEATS = _frames(0.75)  # beyond what any sound resembles itself

_KEY_SPAN = 24
_KEY_POINTS = 4  # moments in a sub-hash, six bits each,
_KEY_STEP = 16  # and the frames between them
_KEYS_PER_SECOND = 24
_SPREAD = 200  # sub-hashes that would fit, at the least distance between them


@dataclass(frozen=True, slots=True)
class _Print:
    """The parts of a fingerprint: sub-hashes below 2**24, and per frame a word and whether it has sound."""

    keys: tuple[int, ...]
    words: Words
    sounding: Mask


def fingerprint(samples: NDArray[np.float32]) -> bytes:
    """Of float32 mono samples at 16 kHz; b"" where the sound would not tell two recordings apart.

    That is: less than 2.5 s from the first sound to the last or 1.5 s of sound in all, silence, steady noise or tones, and
    what repeats itself. Raises ValueError for samples of another shape or that are no numbers.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ValueError(f"samples are {samples.dtype} of shape {samples.shape}; expected float32 in one dimension")
    if not np.isfinite(samples).all():
        raise ValueError("samples hold an infinity or no number; expected finite values in [-1, 1]")
    sound = _cropped(bands(samples))
    if sound is None:
        return b""
    features = turns(sound.levels, _SPAN)[::_EVERY]
    words = np.packbits(features > 0, axis=1, bitorder="little").view("<u2")[:, 0]
    # A word speaks of all the frames that it compares: a coder moves the border of a pause, hardly their mean.
    means = smoothed(np.power(np.float32(10), sound.loudness[:, None] / 10), 2 * _SPAN)[:, 0]
    sounding = _sounding(10 * np.log10(means))[::_EVERY]
    if sounding.sum() < _LEAST_SOUND or _repeats(words, sounding):
        return b""
    return _bytes(_Print(_keys(sound), words, sounding))


def _sounding(loudness: Floats) -> Mask:
    loud_enough: Mask = loudness > np.quantile(loudness, LOUD) - _QUIET_DB
    return loud_enough


def _cropped(sound: Bands) -> Bands | None:
    """From the first sound to the last; None where there is too little or nothing happens."""
    if len(sound.loudness) < _LEAST or np.quantile(sound.loudness, LOUD) < _SILENT_DB:
        return None
    heard = np.flatnonzero(_sounding(sound.loudness))
    first, last = int(heard[0]), int(heard[-1]) + 1
    if last - first < _LEAST or np.median(sound.levels[first:last].std(axis=0)) < _FLAT_DB:
        return None
    return Bands(sound.levels[first:last], sound.loudness[first:last])


def _repeats(words: Words, sounding: Mask) -> bool:
    """Whether the sound resembles itself at another moment: then it does not say which recording it is."""
    furthest = min(len(words) // 2, _frames(3.0))
    return any(
        _mean(_agreement(words[lag:], words[:-lag], sounding[lag:], sounding[:-lag])) >= SAME
        for lag in range(_REPEATS, furthest)
    )


def _keys(sound: Bands) -> tuple[int, ...]:
    """The sub-hashes that are the least likely to change, at most _KEYS_PER_SECOND and MAX_KEYS."""
    features = turns(coarse(sound.levels), _KEY_SPAN)
    count = len(features) - _KEY_STEP * (_KEY_POINTS - 1)
    if count < 1:
        return ()
    starts = [_KEY_STEP * point for point in range(_KEY_POINTS)]
    signs = np.concatenate([features[start : start + count] > 0 for start in starts], axis=1)
    values = signs @ (1 << np.arange(signs.shape[1], dtype=np.int64))
    margins = np.abs(features).min(axis=1)
    margin = np.min([margins[start : start + count] for start in starts], axis=0)
    held = margin.copy()
    # A frame of another encoding lies up to half a frame beside: the neighbours must say the same.
    same = values[1:] == values[:-1]
    held[1:] = np.minimum(held[1:], np.where(same, margin[:-1], 0))
    held[:-1] = np.minimum(held[:-1], np.where(same, margin[1:], 0))
    wanted = min(MAX_KEYS, int(_KEYS_PER_SECOND * len(sound.loudness) / FRAMES_PER_SECOND))
    # In a long recording they are spread, so that those of its trimmed ends are not the most of them.
    apart = count // _SPREAD
    taken = np.zeros(count, np.bool_)
    chosen: dict[int, None] = {}
    for place in np.argsort(-held, kind="stable"):
        if len(chosen) == wanted:
            break
        if not taken[place]:
            chosen[int(values[place])] = None
            taken[max(0, place - apart) : place + apart + 1] = True
    return tuple(chosen)


def _bytes(parts: _Print) -> bytes:
    missing = -len(parts.words) % 8
    words, sounding = np.pad(parts.words, (0, missing)), np.pad(parts.sounding, (0, missing))
    keys = b"".join(key.to_bytes(3, "little") for key in parts.keys)
    head = bytes([VERSION, len(parts.keys)])
    return head + keys + words.astype("<u2").tobytes() + np.packbits(sounding, bitorder="little").tobytes()


def _parts(stored: bytes) -> _Print:
    if stored[0] != VERSION:
        raise ValueError(f"a fingerprint of version {stored[0]}; expected {VERSION}: make it again from the recording")
    begin = 2 + 3 * stored[1] if len(stored) > 1 else len(stored)
    eights, rest = divmod(len(stored) - begin, 17)
    if eights < 1 or rest:
        raise ValueError(f"a fingerprint of {len(stored)} bytes is cut or damaged: make it again from the recording")
    words = np.frombuffer(stored, "<u2", 8 * eights, begin)
    sounding = np.unpackbits(np.frombuffer(stored, np.uint8, eights, begin + 16 * eights), bitorder="little")
    keys = tuple(int.from_bytes(stored[place : place + 3], "little") for place in range(2, begin, 3))
    return _Print(keys, words.astype(np.uint16), sounding.astype(np.bool_))


def keys(fingerprint: bytes) -> frozenset[int]:
    """At most MAX_KEYS numbers below 2**32 for an index; two encodings of a recording share one, others seldom.

    The version is in them, so that versions never meet. Raises ValueError for bytes that are no fingerprint of ours.
    """
    return frozenset(VERSION << 24 | key for key in _parts(fingerprint).keys) if fingerprint else frozenset()


def same(one: bytes, other: bytes) -> float:
    """The share of bits that agree in the worst 2 s of sound, at the best alignment: the same from SAME on.

    0.5 is chance; 0.0 for an empty fingerprint and where no alignment leaves at most 2 s (3 with pauses) at each end and
    covers a third of the longer one. Raises ValueError for bytes that are no fingerprint of ours.
    """
    if not one or not other:
        return 0.0
    first, second = _parts(one), _parts(other)
    best = max((_aligned(first, second, lag) for lag in range(-_TRIMMED, _TRIMMED + 1)), key=_mean)
    return _worst(best)


def _aligned(first: _Print, second: _Print, lag: int) -> NDArray[np.float64]:
    """The agreement of frame i + `lag` of `first` with frame i of `second`; empty where they may not be laid so."""
    begin, behind = max(0, lag), max(0, -lag)
    count = min(len(first.words) - begin, len(second.words) - behind)
    longer = max(len(first.words), len(second.words))
    if count < _SHARED or 3 * count < longer or abs(len(first.words) - lag - len(second.words)) > _TRIMMED:
        return np.zeros(0)
    here, there = slice(begin, begin + count), slice(behind, behind + count)
    return _agreement(first.words[here], second.words[there], first.sounding[here], second.sounding[there])


def _agreement(one: Words, other: Words, sounds: Mask, others: Mask) -> NDArray[np.float64]:
    """Per frame where either has sound, the share of 16 bits that agree."""
    agreement: NDArray[np.float64] = 1 - np.bitwise_count(one ^ other)[sounds | others] / 16
    return agreement


def _mean(agreement: NDArray[np.float64]) -> float:
    return float(agreement.mean()) if len(agreement) >= _SHARED // 2 else 0.0


def _worst(agreement: NDArray[np.float64]) -> float:
    """The least mean of a stretch; of all, if there is no more than a stretch."""
    if len(agreement) <= _STRETCH:
        return _mean(agreement)
    sums = np.cumsum(np.concatenate([[0.0], agreement]))
    return float((sums[_STRETCH:] - sums[:-_STRETCH]).min() / _STRETCH)
