"""The obvious loop over faster-whisper, in a process of its own: as a program has it that asks nothing of the C library."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bot.errors import ChildDied
from bot.speech.commands.turn import Contender, Gist, Turn, timed

# In the process of the loop: what writes a recording down with these options.
_write: Callable[..., Gist]


def plain_loop(folder: Path, *, device: str, compute_type: str) -> Callable[..., Contender]:
    """Start the process; what is returned takes options of faster-whisper, and gives a contender. It ends with this one.

    A turn raises ChildDied when the process was killed.
    """
    process = ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=_open, initargs=(str(folder), device, compute_type)
    )

    def contender(**options: Any) -> Contender:
        return partial(_take_turn, process, options)

    return contender


def _take_turn(process: ProcessPoolExecutor, options: dict[str, Any], paths: Sequence[Path]) -> Turn:
    try:
        return process.submit(_run, options, list(paths)).result()
    except BrokenProcessPool as error:
        raise ChildDied(
            "the process of the loop over faster-whisper ended: most often there is too little memory"
        ) from error


def _open(folder: str, device: str, compute_type: str) -> None:
    # An interrupt is the business of who started us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from faster_whisper import WhisperModel

    model = WhisperModel(folder, device=device, compute_type=compute_type, cpu_threads=1)

    def write(path: Path, **options: Any) -> Gist:
        found, _ = model.transcribe(str(path), **options)
        return tuple((one.text, one.start, one.end, one.avg_logprob) for one in found)

    global _write
    _write = write


def _run(options: dict[str, Any], paths: list[Path]) -> Turn:
    return timed(lambda some: [_write(path, **options) for path in some], paths)
