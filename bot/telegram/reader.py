"""Recorded raw messages become readings: the loop between the ledger and the monitor.

Nothing is decided here. A row that cannot be converted is quarantined with its reason; rows that were not observed stay
unread, so a kill or a crash at any line costs nothing but time.
"""

import asyncio
import struct
import traceback
from collections.abc import Sequence

import structlog
from telethon.errors import TypeNotFoundError

from bot.errors import StoreError
from bot.model import Unread
from bot.monitor import Monitor, Reading
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.convert import convert

log = structlog.get_logger()

# Rows in one monitor transaction.
BATCH = 100
# Without a nudge, look this often, in seconds.
IDLE_SECONDS = 5.0
# Pauses before another try of a failed monitor or store call, in seconds; after the last one the error is raised.
RETRY_SECONDS = (0.5, 2.0, 8.0)


class Reader:
    """Hands every unread row, oldest first, to the monitor."""

    def __init__(
        self, store: Store, monitor: Monitor, pulse: Pulse, *, retry_seconds: Sequence[float] = RETRY_SECONDS
    ) -> None:
        self._store = store
        self._monitor = monitor
        self._pulse = pulse
        self._retry_seconds = tuple(retry_seconds)
        # By raw id, the rows of this batch that nothing can be done with, and why.
        self._set_aside: dict[int, tuple[Unread, str]] = {}

    async def run(self) -> None:
        """Read until the pulse stops. Raises StoreError when the store still fails after the last retry."""
        while not self._pulse.stopping:
            if await self._read_batch() < BATCH:
                await self._pulse.wait(IDLE_SECONDS)

    async def drain(self) -> int:
        """Read all that is unread now, also when stopping; returns the number of rows dealt with."""
        total = 0
        while (dealt := await self._read_batch()) == BATCH:
            total += dealt
        return total + dealt

    async def _read_batch(self) -> int:
        """Deal with the oldest rows; fewer than BATCH means that none are left, or that a failure met the stop."""
        self._set_aside = {}
        dealt = await self._deal()
        if self._set_aside:
            # The notice first: a kill in between repeats it, the other order could lose it.
            await self._monitor.tell_unread([row for row, _ in self._set_aside.values()])
            for row, reason in self._set_aside.values():
                await self._store.intake.quarantine(row.raw_id, reason)
        return dealt

    async def _deal(self) -> int:
        for pause in self._retry_seconds:
            try:
                return await self._read(await self._store.intake.unread(BATCH))
            except Exception as error:  # noqa: BLE001
                _log_failure("reader: will try again", error, seconds=pause)
            if await self._stopped_within(pause):
                return 0
        return await self._read_one_by_one(await self._store.intake.unread(BATCH))

    async def _stopped_within(self, seconds: float) -> bool:
        """Sleep, whoever nudges: nudges must not use up the retries. True as soon as everything stops."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            if await self._pulse.wait(left):
                return True
        return self._pulse.stopping

    async def _read(self, unread: Sequence[Unread]) -> int:
        readings = [reading for row in unread if (reading := self._convert(row))]
        if readings:
            await self._monitor.observe(readings)
        return len(unread)

    def _convert(self, row: Unread) -> Reading | None:
        try:
            return Reading(unread=row, message=convert(row.channel_id, row.raw))
        except Exception as error:  # noqa: BLE001
            self._quarantine(row, error)
            return None

    async def _read_one_by_one(self, unread: Sequence[Unread]) -> int:
        """Set aside the rows that nothing can be done with. A failing store is not their fault, and is raised."""
        for row in unread:
            try:
                await self._read([row])
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001
                self._quarantine(row, error)
        return len(unread)

    def _quarantine(self, row: Unread, error: Exception) -> None:
        reason = _reason(error)
        _log_failure(
            "reader: message quarantined",
            error,
            channel_id=row.channel_id,
            message_id=row.raw.message_id,
            raw_id=row.raw_id,
            layer=row.raw.layer,
            reason=reason,
        )
        self._set_aside[row.raw_id] = row, reason


def _reason(error: Exception) -> str:
    """For people. The texts of Telethon's reader are not used: they quote the bytes of the message."""
    if isinstance(error, TypeNotFoundError):
        number = error.invalid_constructor_id
        return f"unknown TL constructor {number:08x}: it is damaged, or newer than this library"
    if isinstance(error, BufferError | struct.error):
        return "the bytes end in the middle of the message: they are damaged"
    return f"{type(error).__name__}: {error}"[:300]


def _log_failure(event: str, error: Exception, **facts: object) -> None:
    """With the frames but not the text of `error`, which may quote a message."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error(event, error=type(error).__name__, traceback=frames, **facts)
