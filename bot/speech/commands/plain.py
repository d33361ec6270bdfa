"""The obvious loop over faster-whisper, in a process of its own: as a program has it that asks nothing of the C library."""

import signal
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from threading import RLock
from typing import Any

from bot.errors import ChildDied
from bot.speech.commands.turn import Contender, Gist, Turn, timed, written


def plain_loop(folder: Path, *, device: str, compute_type: str) -> Callable[..., Contender]:
    """Start the process; what is returned takes options of faster-whisper, and gives a contender. It ends with this one.

    A turn raises ChildDied when the process was killed.
    """
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    spawn.Process(target=_serve, args=(theirs, str(folder), device, compute_type), daemon=True).start()
    theirs.close()

    def contender(**options: Any) -> Contender:
        return partial(_take_turn, ours, options)

    return contender


def _take_turn(pipe: Connection, options: dict[str, Any], paths: Sequence[Path]) -> Turn:
    try:
        pipe.send((options, list(paths)))
        turn: Turn = pipe.recv()
    except (EOFError, OSError) as error:
        raise ChildDied(
            "the process of the loop over faster-whisper ended: most often there is too little memory"
        ) from error
    return turn


def _serve(pipe: Connection, folder: str, device: str, compute_type: str) -> None:
    """The process: turns until the pipe ends."""
    # It has nothing to tidy up, and a call into the model would hold an exception up.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from faster_whisper import WhisperModel
    from tqdm import tqdm

    # Its own is a semaphore of the system, of which a process that is ended leaves word on the terminal.
    tqdm.set_lock(RLock())
    model = WhisperModel(folder, device=device, compute_type=compute_type, cpu_threads=1)

    def write(options: dict[str, Any], paths: Sequence[Path]) -> list[Gist]:
        return [written(model.transcribe(str(path), **options)[0]) for path in paths]

    while True:
        try:
            options, paths = pipe.recv()
        except EOFError:
            return
        pipe.send(timed(partial(write, options), paths))
