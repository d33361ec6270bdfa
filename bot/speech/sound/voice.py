"""How much of a stretch of a recording is speech, by what voice activity detection found. Pure.

Chunks are (start, end) pairs in seconds of the recording, in order and apart, as Silero gives them.
"""

from collections.abc import Sequence

Chunks = Sequence[tuple[float, float]]


def speech_within(start: float, end: float, chunks: Chunks) -> float:
    """Seconds of speech from `start` to `end`."""
    return sum(max(min(end, last) - max(start, first), 0.0) for first, last in chunks)


def speech_share(start: float, end: float, chunks: Chunks | None) -> float | None:
    """Share (0 to 1) of the time from `start` to `end` that is speech; None when nobody listened for it.

    A segment without length counts as the moment that it is: 1 inside a chunk, else 0.
    """
    if chunks is None:
        return None
    if end <= start:
        return float(any(first <= start <= last for first, last in chunks))
    return min(speech_within(start, end, chunks) / (end - start), 1.0)
