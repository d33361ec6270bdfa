"""Group commit: what is written while another transaction runs goes into the next one together.

A commit waits for the disk, and opening and closing a transaction costs as much as a small write.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.engine import Database

W = TypeVar("W")
R = TypeVar("R")

# Writes in one transaction: others wait for the lock meanwhile.
TOGETHER = 20


class GroupCommit(Generic[W, R]):
    """Carries out writes of one kind in the order in which they came, several in one transaction."""

    def __init__(self, database: Database, carry_out: Callable[[AsyncConnection, W], Awaitable[R]]) -> None:
        """`carry_out` does one write in a transaction that is open; it may be called again after a rollback."""
        self._database = database
        self._carry_out = carry_out
        self._turn = asyncio.Lock()
        self._waiting: list[tuple[W, asyncio.Future[R]]] = []

    async def write(self, wanted: W) -> R:
        """Return what `carry_out` returned, once it is committed; raise what this write, and no other, raises."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((wanted, done))
        async with self._turn:
            while not done.done():
                group = self._waiting[:TOGETHER]
                await self._settle(group)
                del self._waiting[: len(group)]
        return await done

    async def _settle(self, group: list[tuple[W, asyncio.Future[R]]]) -> None:
        """Commit them together; each in a transaction of its own when that fails, so that one harms no other."""
        try:
            async with self._database.write() as conn:
                results = [await self._carry_out(conn, wanted) for wanted, _ in group]
        except Exception as error:  # noqa: BLE001 - raised where the write was called
            if len(group) == 1:
                group[0][1].set_exception(error)
            else:
                for one in group:
                    await self._settle([one])
        else:
            for (_, done), result in zip(group, results, strict=True):
                done.set_result(result)
