"""Recordings to measure with, made from one that is at hand: voice notes of any length, silence and noise, as Opus."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from bot.speech.sound.decode import RATE, decode

# As Telegram's clients record: mono, 48 kHz, 16 to 32 kbit/s.
_OPUS_RATE = 48_000
_BITS_PER_SECOND = 24_000
_FRAME_SAMPLES = 960
_MOST_BYTES = 512 * 1024 * 1024

Samples = NDArray[np.float32]


def make_notes(source: Path, lengths: Sequence[float], folder: Path) -> list[Path]:
    """Voice notes of these lengths in seconds, cut out of `source` at different places; a long one goes round again."""
    speech = decode(source, max_bytes=_MOST_BYTES, max_seconds=3600.0).samples
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, seconds in enumerate(lengths):
        begin = number * len(speech) // max(len(lengths), 1)
        taken = np.take(speech, np.arange(begin, begin + round(seconds * RATE)), mode="wrap")
        paths.append(write_note(taken, folder / f"{number:03}_{seconds:.0f}s.ogg"))
    return paths


def silence(seconds: float) -> Samples:
    """The last bit now and then, as a microphone that is switched off gives."""
    drawn = np.random.default_rng(0).integers(0, 4, round(seconds * RATE))
    last_bits: Samples = (drawn == 0).astype(np.float32) / np.float32(32768)
    return last_bits


def noise(seconds: float, *, pink: bool = False) -> Samples:
    """White noise, or pink, at a level that a busy street has in a voice note."""
    drawn = np.random.default_rng(1).standard_normal(round(seconds * RATE))
    if pink:
        spectrum = np.fft.rfft(drawn)
        drawn = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)).clip(1)), len(drawn))
    level: Samples = (0.05 * drawn / drawn.std()).astype(np.float32)
    return level


def write_note(samples: Samples, path: Path) -> Path:
    """`samples` (16 kHz, -1 to 1) as Opus in Ogg at `path`, which is returned."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=_OPUS_RATE, frame_size=_FRAME_SAMPLES)
    frame = av.AudioFrame.from_ndarray(
        (samples.clip(-1, 1) * 32767).astype(np.int16)[None], format="s16", layout="mono"
    )
    frame.sample_rate = RATE
    frame.time_base = Fraction(1, RATE)
    frame.pts = 0
    with av.open(str(path), "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=_OPUS_RATE, layout="mono")
        stream.bit_rate = _BITS_PER_SECOND
        stream.options = {"application": "voip"}
        for whole in (frame, None):
            for part in resampler.resample(whole):
                output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path
