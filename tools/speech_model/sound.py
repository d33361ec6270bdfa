"""Samples in and out of Opus, at other rates, and the noises of the world. Everything is float32, mono."""

import io
import random
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]
Noise = Literal["white", "pink", "brown", "hum"]


def resample(samples: Samples, source: int, target: int) -> Samples:
    """`samples` at another rate."""
    if source == target:
        return samples
    resampler = av.AudioResampler(format="flt", layout="mono", rate=target)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1).astype(np.float32), format="flt", layout="mono")
    frame.sample_rate = source
    return np.concatenate(
        [part.to_ndarray().reshape(-1) for last in (frame, None) for part in resampler.resample(last)]
    )


def to_opus(samples: Samples, kbps: int, *, complexity: int = 5) -> bytes:
    """16 kHz samples as a voice note: Opus at 48 kHz in Ogg, tuned for speech."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as output:
        stream = output.add_stream("libopus", rate=48_000, layout="mono")
        stream.bit_rate = kbps * 1000
        stream.options = {"application": "voip", "compression_level": str(complexity)}
        wide = (np.clip(resample(samples, RATE, 48_000), -1, 1) * 32767).astype(np.int16).reshape(1, -1)
        whole = av.AudioFrame.from_ndarray(wide, format="s16", layout="mono")
        whole.sample_rate = 48_000
        fifo = av.AudioFifo()
        fifo.write(whole)
        while (frame := fifo.read(stream.codec_context.frame_size or 960, partial=True)) is not None:
            frame.pts = None
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def from_opus(data: bytes) -> Samples:
    """The samples of a voice note at 16 kHz, by the same steps as the product decodes them."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pieces = []
    with av.open(io.BytesIO(data), "r") as container:
        for frame in container.decode(audio=0):
            frame.pts = None
            pieces += [part.to_ndarray().reshape(-1) for part in resampler.resample(frame)]
    pieces += [part.to_ndarray().reshape(-1) for part in resampler.resample(None)]
    return np.concatenate(pieces).astype(np.float32) / 32768.0


def noise(count: int, kind: Noise, generator: np.random.Generator) -> Samples:
    """`count` samples of noise with a standard deviation of about one."""
    white = generator.standard_normal(count).astype(np.float32)
    if kind == "white":
        return white
    if kind == "hum":
        time, base = np.arange(count) / RATE, generator.uniform(45, 130)
        hum = sum(
            np.sin(2 * np.pi * base * overtone * time + generator.uniform(0, 6)) * generator.uniform(0.1, 1) / overtone
            for overtone in range(1, 6)
        )
        return (hum + 0.1 * white).astype(np.float32)
    spectrum = np.fft.rfft(white)
    slope = np.arange(len(spectrum), dtype=float)
    slope[0] = 1
    spectrum /= np.sqrt(slope) if kind == "pink" else slope
    coloured = np.fft.irfft(spectrum, count).astype(np.float32)
    return coloured / (coloured.std() + 1e-9)


def speech_level(samples: Samples) -> float:
    """Root mean square of what is louder than a fiftieth of the peak."""
    loud = samples[abs(samples) > 0.02 * abs(samples).max()]
    return float(np.sqrt((loud**2).mean()))


def spoil(samples: Samples, rate: int, chance: random.Random, generator: np.random.Generator) -> Samples:
    """Speech as it arrives: any level, a tilted spectrum, noise at 8 to 45 dB, and mostly through Opus; 16 kHz."""
    peak = 10 ** (chance.uniform(-26, -0.5) / 20)
    if chance.random() < 0.5:
        tilted = samples.copy()
        tilted[1:] += chance.uniform(-0.5, 0.4) * samples[:-1]
        samples = tilted
    clean = resample(samples * (peak / max(1e-6, abs(samples).max())), rate, RATE)
    decibels = chance.uniform(8, 45) if chance.random() < 0.8 else 80
    added = noise(len(clean), chance.choice(["white", "pink", "pink", "brown", "hum"]), generator)
    added = added * speech_level(clean) * 10 ** (-decibels / 20)
    if chance.random() < 0.3:
        swell = np.sin(2 * np.pi * chance.uniform(0.2, 2) * np.arange(len(clean)) / RATE + chance.uniform(0, 6))
        added = added * (1 + 0.8 * swell)
    spoilt = np.clip(clean + added, -1, 1).astype(np.float32)
    if chance.random() < 0.6:
        spoilt = from_opus(
            to_opus(spoilt, chance.choice([16, 16, 20, 24, 24, 32]), complexity=chance.choice([0, 3, 5]))
        )
    return spoilt
