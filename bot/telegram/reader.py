"""Recorded raw messages become readings: the loop between the ledger and the monitor.

Nothing is decided here. A row that cannot be converted is quarantined with its reason; rows that were not observed stay
unread, so a kill or a crash at any line costs nothing but time. The items of an album come one by one and are one post:
they stay unread, which is their queue, until no more of them come. Nothing else waits for them.
"""

import struct
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

import structlog
from telethon.errors import TypeNotFoundError

from bot.errors import StoreError
from bot.model import Clock, Unread, utc_now
from bot.monitor import Monitor, Reading
from bot.pulse import PATIENCE, Pulse
from bot.store import Store
from bot.telegram.albums import cut, waiting
from bot.telegram.convert import convert

log = structlog.get_logger()

T = TypeVar("T")

# Rows in one monitor transaction.
BATCH = 100
# Without a nudge, look this often, in seconds.
IDLE_SECONDS = 5.0
# Pauses before another try of a batch that the monitor failed with, in seconds; after the last one its rows are tried
# one by one. There is more patience with a failing store: see `Pulse.persist`.
RETRY_SECONDS = (0.5, 2.0, 8.0)


class Batch(NamedTuple):
    """What is dealt with at once: how many rows, and those of them that could be converted."""

    rows: int
    readings: Sequence[Reading]
    # There may be rows behind these that can be dealt with now.
    more: bool


class Reader:
    """Hands every unread row, oldest first, to the monitor; the items of an album once it is complete."""

    def __init__(
        self,
        store: Store,
        monitor: Monitor,
        pulse: Pulse,
        *,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
        patience: Sequence[float] = PATIENCE,
        clock: Clock = utc_now,
    ) -> None:
        """`patience`: pauses between the tries while the store fails. `clock`: the one by which rows are heard."""
        self._store = store
        self._monitor = monitor
        self._pulse = pulse
        self._retry_seconds = tuple(retry_seconds)
        self._patience = tuple(patience)
        self._clock = clock
        # By raw id, the rows of this batch that nothing can be done with, and why.
        self._set_aside: dict[int, tuple[Unread, str]] = {}
        # By raw id, what is held back for the rest of its album: not to be converted again at every look.
        self._held: dict[int, Reading] = {}
        # When the first of the albums that are held back is complete.
        self._complete_at: datetime | None = None

    async def run(self) -> None:
        """Read until the pulse stops. Raises StoreError when the store still fails after the last retry."""
        while not self._pulse.stopping:
            _, more = await self._read_batch(hold=True)
            if not more:
                await self._pulse.wait(self._pause())

    async def drain(self) -> int:
        """Read all that is unread now, also when stopping, without waiting for albums; the number of rows dealt with."""
        total, more = 0, True
        while more:
            dealt, more = await self._read_batch(hold=False)
            total += dealt
        return total

    def _pause(self) -> float:
        if self._complete_at is None:
            return IDLE_SECONDS
        return min(max((self._complete_at - self._clock()).total_seconds(), 0.0), IDLE_SECONDS)

    async def _read_batch(self, *, hold: bool) -> tuple[int, bool]:
        """Deal with the oldest rows: how many, and whether there may be more; (0, False) when a failure met the stop."""
        self._set_aside = {}
        outcome = await self._deal(hold)
        await self._steadily(self._tell)
        return outcome

    async def _tell(self) -> None:
        """Tell the analysts what could not be read, then set it aside; and what happened to channels."""
        if self._set_aside:
            # The notice first: a kill in between repeats it, the other order could lose it.
            await self._monitor.tell_unread([row for row, _ in self._set_aside.values()])
            for row, reason in self._set_aside.values():
                await self._store.intake.quarantine(row.raw_id, reason)
            self._set_aside = {}
        await self._monitor.observe_events()

    async def _deal(self, hold: bool) -> tuple[int, bool]:
        async def read() -> tuple[int, bool]:
            batch = await self._next(hold)
            await self._monitor.observe(batch.readings)
            return batch.rows, batch.more

        for pause in self._retry_seconds:
            try:
                return await self._steadily(read)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001
                _log_failure("reader: will try again", error, seconds=pause)
            if await self._pulse.sleep(pause):
                return 0, False
        batch = await self._steadily(lambda: self._next(hold))
        await self._observe_one_by_one(batch.readings)
        return batch.rows, batch.more

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)

    async def _next(self, hold: bool) -> Batch:
        """The oldest rows that can be dealt with now; a page of which every row is held back is passed over."""
        held: dict[int, Reading] = {}
        moments: list[datetime] = []
        after = 0
        while True:
            page = await self._store.intake.unread(BATCH, after=after)
            readings = [reading for row in page if (reading := self._held.get(row.raw_id) or self._convert(row))]
            full = len(page) == BATCH
            back, complete_at = waiting(readings, self._clock()) if hold else (frozenset(), None)
            if full and len(rest := back | cut(readings)) < len(page):
                back = rest
            held |= {reading.unread.raw_id: reading for reading in readings if reading.unread.raw_id in back}
            moments += [complete_at] if complete_at else []
            if not full or len(back) < len(page):
                break
            after = page[-1].raw_id
        self._held, self._complete_at = held, min(moments, default=None)
        ready = [reading for reading in readings if reading.unread.raw_id not in back]
        return Batch(len(page) - len(back), ready, full)

    def _convert(self, row: Unread) -> Reading | None:
        try:
            return Reading(unread=row, message=convert(row.channel_id, row.raw))
        except Exception as error:  # noqa: BLE001
            self._quarantine(row, error)
            return None

    async def _observe_one_by_one(self, readings: Sequence[Reading]) -> None:
        """Set aside the rows that nothing can be done with. A failing store is not their fault, and is raised."""
        for reading in readings:
            try:
                await self._steadily(lambda one=reading: self._monitor.observe([one]))  # type: ignore[misc]
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001
                self._quarantine(reading.unread, error)

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
