"""How loops wait: until there is work, until it is time, or until everything stops."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

# Pauses before another try of what failed for a reason that may pass, as a full disk: ten minutes together.
PATIENCE = (0.5, 2.0, 8.0, 30.0, 60.0, 120.0, 180.0, 200.0)


class Pulse:
    """A wake-up for one loop. Rows are the queue; a nudge only says that looking now is worth while."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._nudged = asyncio.Event()
        self._busy_since: float | None = time.monotonic()

    @property
    def stopping(self) -> bool:
        """True once the service is to stop."""
        return self._stop.is_set()

    @property
    def busy_for(self) -> float:
        """Seconds since the loop last came back from waiting; 0 while it waits. A stuck loop is one that stays busy."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    async def stopped(self) -> None:
        """Wait until everything stops, whoever nudges."""
        await self._stop.wait()

    def nudge(self) -> None:
        """Wake the loop; nudges given while it works are one nudge."""
        self._nudged.set()

    async def wait(self, seconds: float) -> bool:
        """Sleep until nudged, stopped or `seconds` have passed; True when stopping."""
        self._busy_since = None
        try:
            if not self._stop.is_set() and not self._nudged.is_set():
                waiters = [asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(self._nudged.wait())]
                try:
                    await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for waiter in waiters:
                        waiter.cancel()
        finally:
            self._busy_since = time.monotonic()
        self._nudged.clear()
        return self._stop.is_set()

    async def sleep(self, seconds: float) -> bool:
        """Wait out `seconds`, whoever nudges; True as soon as everything stops. Nudges are kept for the next `wait`."""
        self._busy_since = None
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass
        finally:
            self._busy_since = time.monotonic()
        return self._stop.is_set()

    async def persist(
        self, work: Callable[[], Awaitable[T]], *, on: type[Exception], pauses: Sequence[float] = PATIENCE
    ) -> T:
        """What `work` gives, tried again after each of the `pauses` (in seconds) when it raises `on`.

        The error of the last try is raised; when everything stops, that of the try before.
        """
        for pause in pauses:
            try:
                return await work()
            except on as error:
                log.warning("will try again", error=str(error), seconds=pause)
                if await self.sleep(pause):
                    raise
        return await work()
