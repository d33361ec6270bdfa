"""The end of the canary's way: a sink that asks a dead-man's URL, so that somebody outside notices when none comes."""

from datetime import datetime

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.canary import CANARY, posted_at
from bot.errors import SinkError
from bot.health.facts import CanaryFacts
from bot.model import Clock, Parcel, Receipt, utc_now

log = structlog.get_logger()

# Seconds that the URL may take.
_PATIENCE = 10.0


class CanarySink:
    """A sink that sends nothing: it notes how long the canary took, and pings.

    A canary that took longer than two periods is not pinged for: what comes that late is a frozen part that has thawed.
    """

    name = CANARY

    def __init__(self, ping_url: str | None, *, every: float, clock: Clock = utc_now) -> None:
        """`ping_url`: asked with GET, any 2xx is success (https://healthchecks.io/docs/http_api/); a secret. `every`:
        seconds between two canaries."""
        self._ping_url = ping_url
        self._every = every
        self._clock = clock
        self._heard_at: datetime | None = None
        self._round_trip: float | None = None

    def facts(self, *, trouble: str | None) -> CanaryFacts:
        """How the canary fares. `trouble`: why the last one could not be posted."""
        return CanaryFacts(every=self._every, heard_at=self._heard_at, round_trip=self._round_trip, trouble=trouble)

    async def send(self, parcel: Parcel) -> Receipt:
        """Ping for the canary in the parcel. Raises SinkError, worth another try, when the URL does not answer 2xx."""
        posted = posted_at(parcel.text)
        if posted is None:
            return Receipt(reference="no canary")
        took = (self._clock() - posted).total_seconds()
        if took > 2 * self._every:
            log.warning("a canary came too late to count", seconds=round(took))
            return Receipt(reference="late")
        if self._ping_url is not None:
            await self._ping(self._ping_url)
        self._heard_at, self._round_trip = self._clock(), took
        return Receipt(reference=f"{took:.1f} s")

    async def _ping(self, url: str) -> None:
        """Errors never repeat the URL: who knows it can keep the dead-man quiet."""
        try:
            async with ClientSession(timeout=ClientTimeout(total=_PATIENCE)) as http, http.get(url) as answer:
                status = answer.status
        except (ClientError, TimeoutError, ValueError) as error:
            raise SinkError(f"canary.ping_url: no answer ({type(error).__name__})", permanent=False) from None
        if not 200 <= status < 300:
            raise SinkError(f"canary.ping_url: answered {status}, expected 200", permanent=False)
