"""Flood waits: kept in the database, so that they outlive the process that was told to wait."""

from datetime import datetime

import structlog

from bot.errors import FloodWait, StoreError
from bot.model import Clock, Wait
from bot.store import Store

log = structlog.get_logger()


class Waits:
    """The waits of one account, by method. Without a store they are kept in memory alone."""

    def __init__(self, account: str, store: Store | None, clock: Clock) -> None:
        self._account = account
        self._store = store
        self._clock = clock
        self._until: dict[str, datetime] = {}

    @property
    def in_force(self) -> tuple[Wait, ...]:
        """Those that are not over."""
        now = self._clock()
        return tuple(Wait(account=self._account, method=m, until=u) for m, u in self._until.items() if u > now)

    def obey(self, method: str) -> None:
        """Raise FloodWait while one is in force for the method."""
        until = self._until.get(method)
        if until is not None and until > self._clock():
            raise FloodWait(method, until)

    async def recall(self) -> None:
        """Take over what earlier processes were told. Raises StoreError."""
        if self._store is not None:
            waits = await self._store.accounts.waits(self._clock())
            self._until = {wait.method: wait.until for wait in waits if wait.account == self._account}

    async def record(self, wait: FloodWait) -> None:
        """Keep a wait; the longest counts."""
        log.warning("flood wait", account=self._account, method=wait.method, until=wait.until.isoformat())
        self._until[wait.method] = max(wait.until, self._until.get(wait.method, wait.until))
        if self._store is None:
            return
        try:
            row = Wait(account=self._account, method=wait.method, until=wait.until)
            await self._store.accounts.record_wait(row)
        except StoreError as error:
            # It is obeyed from memory; what is lost is that it outlives the process.
            log.error("flood wait not stored", method=wait.method, error=str(error))
