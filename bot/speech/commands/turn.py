"""One turn of a contender of `earshot speech bench`: what it made of the recordings, and what that took."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a contender makes of a recording: text and times that can be compared with another's.
Gist = tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`heard`: of each recording; seconds of the processor, all threads of the contender's process, and by the clock."""

    heard: list[Gist]
    processor: float
    clock: float


Contender = Callable[[Sequence[Path]], Turn]


def written(segments: Iterable[Any]) -> Gist:
    """What two ways of transcribing must agree in, of segments of ours or of faster-whisper."""
    return tuple((one.text, one.start, one.end, one.avg_logprob) for one in segments)


def timed(run: Callable[[Sequence[Path]], list[Gist]], paths: Sequence[Path]) -> Turn:
    """One turn in this process."""
    processor, clock = time.process_time(), time.perf_counter()
    heard = run(paths)
    return Turn(heard=heard, processor=time.process_time() - processor, clock=time.perf_counter() - clock)
