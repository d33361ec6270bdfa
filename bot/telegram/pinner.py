"""Pinning again: soon while something is missing, such as after a flood wait, and daily to compare names."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import StoreError
from bot.pulse import Pulse
from bot.telegram.channels import Pinned

log = structlog.get_logger()

# Seconds between two tries to pin what is still missing; twice as long after each that did not help, for names are
# looked up, and most of what is missing for long is a name that nobody has.
RETRY_SECONDS = 600.0
DAY_SECONDS = 86_400.0


class Pinner:
    """Calls `pin` when it is due. Its argument: whether names that channels have lost are to be looked up as well."""

    def __init__(
        self,
        pin: Callable[[bool], Awaitable[Pinned]],
        pulse: Pulse,
        *,
        missing: Callable[[], int],
        every: float = RETRY_SECONDS,
        daily: float = DAY_SECONDS,
    ) -> None:
        """`missing`: how many of the wanted channels are not heard now. `every`: seconds before the first retry."""
        self._pin = pin
        self._pulse = pulse
        self._missing = missing
        self._every = every
        self._daily = daily

    async def run(self) -> None:
        """Work until the pulse stops. Raises LoginNeeded and AccountDead, as `pin` does."""
        loop = asyncio.get_running_loop()
        pause = self._every
        due, next_day = loop.time() + pause, loop.time() + self._daily
        while not await self._pulse.wait(max(min(due, next_day) - loop.time(), 0.0)):
            # A nudge is no reason to look names up sooner.
            if loop.time() < min(due, next_day):
                continue
            if compare := loop.time() >= next_day:
                next_day = loop.time() + self._daily
            if compare or self._missing():
                pause = await self._again(compare, pause)
            due = loop.time() + pause

    async def _again(self, compare: bool, pause: float) -> float:
        """Pin; the seconds until the next try."""
        before = self._missing()
        try:
            pinned = await self._pin(compare)
        except StoreError as error:
            log.error("not pinned again", error=str(error))
            return pause
        # While a wait is in force nothing is looked up, so that trying costs nothing.
        helped = self._missing() < before or pinned.waiting
        return self._every if helped else min(pause * 2, self._daily)
