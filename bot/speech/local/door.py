"""Many go in together; who must be alone waits until they are out, and lets nobody else in meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class Door:
    """For the tasks of one event loop."""

    def __init__(self) -> None:
        self._inside = 0
        self._wanting = 0
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Be inside with others."""
        await self._until(lambda: not self._wanting)
        async with self._entered():
            yield

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one inside."""
        self._wanting += 1
        try:
            await self._until(lambda: not self._inside)
            async with self._entered():
                yield
        finally:
            self._wanting -= 1
            self._changed.set()

    async def _until(self, free: Callable[[], bool]) -> None:
        while not free():
            self._changed.clear()
            await self._changed.wait()

    @asynccontextmanager
    async def _entered(self) -> AsyncIterator[None]:
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._changed.set()
