"""The start of the canary's way: the alert bot posts a line into a channel that the watching account hears."""

import asyncio
import secrets

import structlog

from bot.canary import canary_post
from bot.errors import SinkError
from bot.model import Clock, Parcel, utc_now
from bot.pulse import Pulse
from bot.telegram.chat import AnalystChat

log = structlog.get_logger()


class CanaryPoster:
    """Posts a canary every so often. One that cannot be posted is not made up for: the next one says as much."""

    def __init__(self, channel: AnalystChat, pulse: Pulse, *, every: float, clock: Clock = utc_now) -> None:
        """`channel`: the canary channel, as a way to send into it. `every`: seconds between two posts."""
        # Why the last one could not be posted; None when it was.
        self.trouble: str | None = None
        self._channel = channel
        self._pulse = pulse
        self._every = every
        self._clock = clock

    async def run(self) -> None:
        """Post until the service stops; a nudge is no reason to post sooner."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not await self._pulse.wait(max(due - loop.time(), 0.0)):
            if loop.time() >= due:
                await self.post()
                due = loop.time() + self._every

    async def post(self) -> None:
        """Post one canary; a refusal is noted in `trouble`."""
        parcel = Parcel(text=canary_post(self._clock()), random_id=secrets.randbelow(2**63 - 1) + 1)
        try:
            await self._channel.send(parcel)
        except SinkError as error:
            self.trouble = str(error)
            log.warning("canary not posted", error=str(error))
        else:
            self.trouble = None
