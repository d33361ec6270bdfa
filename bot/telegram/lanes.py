"""How many requests of a kind are in the air at once, so that a slow one delays few others and a lost one none.

And none while the store is behind: what is asked for is answered faster than it is written.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

# Telegram documents 10 channels at once for getChannelDifference (https://core.telegram.org/api/updates).
PARALLEL = 10
# A request that takes longer than this, in seconds, gives its place to the next: its answer may be lost.
SLOW_SECONDS = 2.0
# Answers that may wait to be recorded; a difference holds a hundred messages.
WAITING = 40


class Lanes:
    """Room for `parallel` requests at once of each kind, first come, first served."""

    def __init__(self, parallel: int = PARALLEL, slow_seconds: float = SLOW_SECONDS) -> None:
        self._parallel = parallel
        self._slow_seconds = slow_seconds
        self._lanes: dict[type, asyncio.Semaphore] = {}
        self._recording = 0
        self._room = asyncio.Event()
        self._room.set()

    @asynccontextmanager
    async def place(self, kind: type) -> AsyncIterator[None]:
        """Wait for a place among the requests of this kind, and leave it at the end, or earlier when it takes long."""
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault(kind, asyncio.Semaphore(self._parallel))
        await lane.acquire()
        try:
            await self._room.wait()
        except BaseException:
            lane.release()
            raise
        leaving = loop.call_later(self._slow_seconds, lane.release)
        try:
            yield
        finally:
            if leaving.when() > loop.time():
                leaving.cancel()
                lane.release()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """An answer or a push is being recorded."""
        self._recording += 1
        if self._recording >= WAITING:
            self._room.clear()
        try:
            yield
        finally:
            self._recording -= 1
            if self._recording < WAITING:
                self._room.set()
