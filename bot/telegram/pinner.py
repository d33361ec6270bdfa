"""Pinning again: soon while something is missing, such as after a flood wait, and daily to compare names."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

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
        wanted: int,
        pinned: int,
        every: float = RETRY_SECONDS,
        daily: float = DAY_SECONDS,
    ) -> None:
        """`wanted`, `pinned`: how many channels there are to be, and are. `every`: seconds before the first retry."""
        self._pin = pin
        self._pulse = pulse
        self._wanted = wanted
        self._pinned = pinned
        self._every = every
        self._daily = daily

    async def run(self) -> None:
        """Work until the pulse stops. Raises what `pin` raises."""
        loop = asyncio.get_running_loop()
        pause, next_day = self._every, loop.time() + self._daily
        due = loop.time() + pause
        while not await self._pulse.wait(max(min(due, next_day) - loop.time(), 0.0)):
            # A nudge is no reason to look names up sooner.
            if loop.time() < min(due, next_day):
                continue
            if compare := loop.time() >= next_day:
                next_day = loop.time() + self._daily
            elif self._pinned >= self._wanted:
                due = next_day
                continue
            pause = await self._again(compare, pause)
            due = loop.time() + pause

    async def _again(self, compare: bool, pause: float) -> float:
        """Pin; the seconds until the next try."""
        before = self._pinned
        pinned = await self._pin(compare)
        self._pinned = len(pinned.channels)
        log.info("pinned again", channels=self._pinned, wanted=self._wanted, problems=pinned.problems)
        # While a wait is in force nothing is looked up, so that trying costs nothing.
        helped = self._pinned > before or pinned.waiting
        return self._every if helped else min(pause * 2, self._daily)
