"""How many requests of a kind are in the air at once, so that a slow one delays few others and a lost one none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# Telegram documents 10 channels at once for getChannelDifference (https://core.telegram.org/api/updates).
PARALLEL = 10
# A request that takes longer than this, in seconds, gives its place to the next: its answer may be lost.
SLOW_SECONDS = 2.0


class Lanes:
    """Room for `parallel` requests at once of each kind, first come, first served."""

    def __init__(self, parallel: int = PARALLEL, slow_seconds: float = SLOW_SECONDS) -> None:
        self._parallel = parallel
        self._slow_seconds = slow_seconds
        self._lanes: dict[type, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def place(self, kind: type) -> AsyncIterator[None]:
        """Wait for a place among the requests of this kind, and leave it at the end, or earlier when it takes long."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault(kind, asyncio.Semaphore(self._parallel))
        await lane.acquire()
        leaving = loop.call_later(self._slow_seconds, lane.release)
        try:
            yield
        finally:
            if leaving.when() > loop.time():
                leaving.cancel()
                lane.release()
