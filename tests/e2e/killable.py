"""`earshot` with a bomb in it: `python killable.py WHERE LOG run` dies by SIGKILL at one point of its work.

WHERE is a number N (the N-th point) or `verb:side` (the first time there). A point is either side of every store verb that writes,
of writing a media file, and of every send to the analysts' chat. The point is written to LOG before the end.
"""

import itertools
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

from bot.__main__ import main
from bot.store.channels import Channels
from bot.store.intake import Intake
from bot.store.media import MediaFiles
from bot.store.outbox import Outbox
from bot.store.recordings import Recordings
from bot.telegram import AnalystChat

# Every verb that the main job needs; the others (retries, failures, waits, backfills) have no place in it.
VERBS: tuple[tuple[type, str], ...] = (
    (Channels, "pin"),
    (Intake, "record"),
    (Intake, "observe"),
    (MediaFiles, "write"),
    (Recordings, "record_fetched"),
    (Recordings, "record_transcript"),
    (Outbox, "record_sent"),
    (Outbox, "add_notice"),
    (AnalystChat, "send"),
)
POINTS = tuple(f"{owner.__name__}.{verb}:{side}" for owner, verb in VERBS for side in ("before", "after"))


def arm(where: str, log: Path) -> None:
    """Put the bomb in place."""
    numbers = itertools.count(1)

    def reach(point: str) -> None:
        number = next(numbers)
        if where in (str(number), point):
            with log.open("a") as file:
                file.write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    for owner, verb in VERBS:
        name = f"{owner.__name__}.{verb}"
        setattr(owner, verb, _mined(getattr(owner, verb), name, reach))


def _mined(function: Callable[..., Awaitable[Any]], name: str, reach: Callable[[str], None]) -> Callable[..., Any]:
    @wraps(function)
    async def mined(*args: Any, **kwargs: Any) -> Any:
        reach(f"{name}:before")
        result = await function(*args, **kwargs)
        reach(f"{name}:after")
        return result

    return mined


if __name__ == "__main__":
    arm(sys.argv[1], Path(sys.argv[2]))
    sys.argv = ["earshot", *sys.argv[3:]]
    main()
