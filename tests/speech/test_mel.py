"""The spectrogram of a long recording is faster-whisper's, and takes less memory."""

import tracemalloc

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

from bot.speech.local.mel import spectrogram
from bot.speech.sound.decode import RATE
from bot.speech.sound.notes import noise

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(("seconds", "off"), [(0.5, 0.0), (599.98, 0.0), (600.0, 3e-7), (904.37, 3e-7)])
def test_it_is_faster_whispers(seconds: float, off: float) -> None:
    """To the last digit up to ten minutes, and beyond but for that digit; the loudest frame of all sets the scale."""
    samples = noise(seconds)
    samples[: len(samples) // 3] *= 0.001
    extractor = FeatureExtractor()
    ours, theirs = spectrogram(extractor, samples), extractor(samples)
    assert ours.shape == theirs.shape
    assert float(np.abs(ours - theirs).max()) <= off


def test_its_memory_is_bounded() -> None:
    """Twenty minutes take what five take, and 200 kB for each further second; all at once they take a gigabyte more."""
    extractor, samples = FeatureExtractor(), noise(1200)
    peaks = []
    for make in (lambda: spectrogram(extractor, samples), lambda: extractor(samples)):
        tracemalloc.start()
        make()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 300 * MEBIBYTE + 1200 * 200_000 < peaks[1] - 300 * MEBIBYTE
    assert extractor.sampling_rate == RATE
