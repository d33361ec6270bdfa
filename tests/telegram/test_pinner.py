"""What is missing is looked for again, less and less often; names are compared daily; nudges hurry nobody."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.pulse import Pulse
from bot.telegram import Pinned, Pinner

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


class Pins:
    """Stands for the accounts: counts how often it is asked to pin."""

    def __init__(self, missing: int, *, found_at: int = 10**6, waiting: bool = False) -> None:
        """`found_at`: the call at which nothing is missing any more."""
        self.missing = missing
        self.calls: list[bool] = []
        self._found_at = found_at
        self._waiting = waiting

    async def pin(self, look_up_lost: bool) -> Pinned:
        """As `Fleet.pin`."""
        self.calls.append(look_up_lost)
        if len(self.calls) >= self._found_at:
            self.missing = 0
        return Pinned(channels=(), waiting=self._waiting)


@asynccontextmanager
async def pinning(pins: Pins, *, every: float, daily: float = 600.0) -> AsyncIterator[Pulse]:
    """The pinner at work."""
    stop = asyncio.Event()
    pulse = Pulse(stop)
    pinner = Pinner(pins.pin, pulse, missing=lambda: pins.missing, every=every, daily=daily)
    task = asyncio.create_task(pinner.run())
    try:
        yield pulse
    finally:
        stop.set()
        await task


async def test_what_is_missing_is_tried_until_it_is_there() -> None:
    """A channel that is missing is looked for until it is found, and then no more."""
    pins = Pins(1, found_at=2)
    async with pinning(pins, every=0.05):
        await asyncio.sleep(1.0)
    assert pins.calls == [False, False]


async def test_what_stays_missing_is_tried_less_and_less() -> None:
    """Tries that do not help lie further and further apart, for looking names up is limited hardest."""
    pins = Pins(1)
    async with pinning(pins, every=0.1):
        await asyncio.sleep(1.2)
    # After 0.1, 0.3, 0.7 seconds, and so on.
    assert 1 <= len(pins.calls) <= 4


async def test_a_wait_is_no_reason_to_despair() -> None:
    """While look-ups only wait to be allowed, trying costs nothing and goes on as often."""
    pins = Pins(1, waiting=True)
    async with pinning(pins, every=0.05):
        await asyncio.sleep(1.5)
    assert len(pins.calls) > 5


async def test_a_nudge_hurries_nobody() -> None:
    """Nudges, which all loops get when something was recorded, look no name up sooner."""
    pins = Pins(1)
    async with pinning(pins, every=60.0) as pulse:
        for _ in range(5):
            pulse.nudge()
            await asyncio.sleep(0.05)
    assert pins.calls == []


async def test_names_are_compared_daily() -> None:
    """With nothing missing, each day has one look, which also asks who has the names that were lost."""
    pins = Pins(0)
    async with pinning(pins, every=0.02, daily=0.3):
        await asyncio.sleep(1.0)
    assert pins.calls
    assert all(pins.calls)
    assert len(pins.calls) <= 3
