"""Faults from within: a daemon that is killed, or whose disk is full, at the N-th step of its work.

A step is either side of every transaction, of every file written, and of every call to Telegram. `arm` is called in the
child of the zygote, before the daemon starts.
"""

import os
import resource
import signal
from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from bot.store.engine import Database
from bot.store.media import MediaFiles
from bot.telegram.account import Account

# Transactions that fail once the disk is full, before there is room again.
FULL_FOR = 3


def arm(*, kind: str, at: int, log: str) -> None:
    """Prepare the daemon: `kind` is "kill" or "full", `at` counts steps from 1; the step is written to `log` when reached.

    With `kind="full"` only transactions and files count as steps: at the `at`-th no file may grow, until `FULL_FOR` more
    have been tried.
    """
    fuse = Fuse(at, Path(log), kill if kind == "kill" else Disk())
    Database.write = _transactions(Database.write, fuse)  # type: ignore[method-assign]
    MediaFiles.write = _steps(MediaFiles.write, "file", fuse)  # type: ignore[method-assign]
    if kind == "kill":
        Account.call = _steps(Account.call, "call", fuse)  # type: ignore[method-assign]


class Fuse:
    """Counts steps and calls `act` from the `at`-th on."""

    def __init__(self, at: int, log: Path, act: Callable[[], None]) -> None:
        self._left = at
        self._log = log
        self._act = act

    def step(self, name: str) -> None:
        """One more step."""
        self._left -= 1
        if self._left == 0:
            with self._log.open("a") as log:
                log.write(f"{name}\n")
        if self._left <= 0:
            self._act()


def kill() -> None:
    """The end, without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


class Disk:
    """Full from the first call on, with room again after `FULL_FOR` more."""

    def __init__(self) -> None:
        self._left = FULL_FOR

    def __call__(self) -> None:
        """A transaction or file is begun or done."""
        self._left -= 1
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (0 if self._left >= 0 else hard, hard))


def _steps(function: Callable[..., Any], name: str, fuse: Fuse) -> Callable[..., Any]:
    @wraps(function)
    async def stepped(*args: Any, **kwargs: Any) -> Any:
        fuse.step(f"{name}:before")
        result = await function(*args, **kwargs)
        fuse.step(f"{name}:after")
        return result

    return stepped


def _transactions(write: Callable[..., Any], fuse: Fuse) -> Callable[..., Any]:
    @wraps(write)
    @asynccontextmanager
    async def stepped(self: Database) -> Any:
        fuse.step("transaction:before")
        async with write(self) as conn:
            yield conn
        fuse.step("transaction:after")

    return stepped
