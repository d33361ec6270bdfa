"""Fitted windows: how a recording is cut, and how long what the encoder is given must be. Pure.

On a processor the encoder's time grows faster than its window: 30 s cost three times two windows of 15 s. So a longer
recording is cut where it is quietest, into pieces that fill the shorter windows, and its pieces are decoded together.
"""

from math import ceil

import numpy as np

from bot.speech.local.mel import Features
from bot.speech.local.model import FRAMES_PER_SECOND, WINDOW_FRAMES

# What a window holds more than the sound: Whisper is used to silence at its end.
MARGIN = FRAMES_PER_SECOND
# Few lengths, so that many can be decoded together, and none so short that the decoder does not find the end.
STEP = 500
LEAST = 1_000
# The longest fitted window: 20 s. Beyond, the encoder's attention no longer fits into a processor's cache.
LONGEST = 2_000
LONGEST_PIECE = LONGEST - MARGIN
# A pause is looked for so far before and after where an even cut would be, and is so long.
_REACH = 300
_PAUSE = 30


def fitted_length(size: int) -> int:
    """Frames of the window for `size` frames of sound; never more than Whisper's 30 s."""
    return min(max(ceil((size + MARGIN) / STEP) * STEP, LEAST), WINDOW_FRAMES)


def pieces(features: Features, frames: int) -> list[tuple[int, int]]:
    """The first `frames` of a spectrogram in pieces (begin, end) of `LONGEST_PIECE` at most, cut at pauses.

    What fits into one window is one piece.
    """
    if frames + MARGIN <= LONGEST:
        return [(0, frames)]
    kernel = np.full(_PAUSE, 1 / _PAUSE, np.float32)
    loudness = np.convolve(features[:, :frames].mean(axis=0), kernel, "same")
    found = []
    begin = 0
    while (left := frames - begin) > LONGEST_PIECE:
        even = begin + left // ceil(left / LONGEST_PIECE)
        first, last = even - _REACH, min(even + _REACH, begin + LONGEST_PIECE)
        end = first + int(loudness[first : last + 1].argmin())
        found.append((begin, end))
        begin = end
    return [*found, (begin, frames)]
