"""The child's side: frames on standard input and output, and nobody else's."""

import os
from collections.abc import Callable
from typing import BinaryIO

from bot.confined.frames import Frame, read_frame
from bot.confined.limits import die_with

# Requests, answers, and the settings that came first; "parent" in them is the process to die with.
Serve = Callable[[BinaryIO, BinaryIO, Frame], None]


def run_child(serve: Serve) -> None:
    """Take the pipes away from everybody else (a library may print), read the settings, then serve."""
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        os.close(0)
        os.open(os.devnull, os.O_RDONLY)
        settings = read_frame(requests)
        if settings is None:
            return
        die_with(settings["parent"])
        serve(requests, answers, settings)
