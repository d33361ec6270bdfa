"""The spectrogram of long recordings, in bounded memory.

faster-whisper 1.2.1 holds the transform of all frames at once, 1 MB for each second of sound: two hours would need 7 GB.
Beyond ten minutes it is the same transform, filters and scale here, some minutes at a time; only the spectrogram itself
(32 kB for each second) is held whole, since its scale depends on its loudest frame. The last digit of a float may differ
then, as it does in faster-whisper itself between one core and two: matrix products are cut where the threads meet.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]

# Up to so many frames it is made whole; of more, so many at a time.
_WHOLE, _PART = 60_000, 30_000
# Silence that faster-whisper adds at the end, in samples.
_PADDING = 160


def spectrogram(extractor: Any, samples: NDArray[np.float32]) -> Features:
    """What faster-whisper's `extractor` makes of `samples` (16 kHz): (mels, frames), log10, the loudest 8 scaled to 2."""
    hop, width = extractor.hop_length, extractor.n_fft
    frames = (len(samples) + _PADDING) // hop
    if frames <= _WHOLE:
        whole: Features = extractor(samples)
        return whole
    padded = np.pad(np.pad(samples, (0, _PADDING)), width // 2, mode="reflect")
    window = np.hanning(width + 1)[:-1].astype(np.float32)
    logarithms = np.empty((len(extractor.mel_filters), frames), np.float32)
    for begin in range(0, frames, _PART):
        end = min(begin + _PART, frames)
        transform = extractor.stft(
            padded[begin * hop : (end - 1) * hop + width],
            width,
            hop,
            window=window,
            center=False,
            return_complex=True,
        ).astype(np.complex64)
        energies = extractor.mel_filters @ np.abs(transform) ** 2
        logarithms[:, begin:end] = np.log10(np.clip(energies, 1e-10, None))
    np.maximum(logarithms, logarithms.max() - 8.0, out=logarithms)
    logarithms += 4.0
    logarithms /= 4.0
    return logarithms
