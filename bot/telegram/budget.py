"""What an account allows itself: calls that Telegram punishes hardest, counted over restarts.

Telegram does not publish how many handles an account may look up or channels it may join; waits of 15 to 18 hours were
seen after about 1,000 look-ups, and accounts that join many channels at once are banned. So we stop long before.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.errors import BudgetSpent, StoreError
from bot.model import Clock
from bot.store import Store

log = structlog.get_logger()

RESOLVE = "contacts.resolveUsername"
JOIN = "channels.joinChannel"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Joins: a few at once, then one a minute.
JOINS_AT_ONCE = 5
JOIN_PACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `count` calls within any `span`."""

    count: int
    span: timedelta


Limits = Mapping[str, Sequence[Limit]]


def limits(*, resolves_per_hour: int, resolves_per_day: int, joins_per_day: int) -> Limits:
    """The limits of one account, by method."""
    return {
        RESOLVE: (Limit(count=resolves_per_hour, span=HOUR), Limit(count=resolves_per_day, span=DAY)),
        JOIN: (Limit(count=JOINS_AT_ONCE, span=JOIN_PACE), Limit(count=joins_per_day, span=DAY)),
    }


def not_before(spent: Sequence[datetime], allowed: Sequence[Limit], now: datetime) -> datetime | None:
    """When the next call may be made, given those made so far, the oldest first; None: now."""
    return max((due for limit in allowed if (due := _due(spent, limit, now)) > now), default=None)


def _due(spent: Sequence[datetime], limit: Limit, now: datetime) -> datetime:
    if not limit.count:
        return now + limit.span
    return spent[-limit.count] + limit.span if len(spent) >= limit.count else now


class Budget:
    """The budget of one account. `calls` counts every method since the start; limited ones are kept in the store."""

    def __init__(self, account: str, store: Store | None, allowed: Limits, clock: Clock) -> None:
        self.calls: Counter[str] = Counter()
        self._account = account
        self._store = store
        self._allowed = allowed
        self._clock = clock
        self._spent: defaultdict[str, list[datetime]] = defaultdict(list)

    async def recall(self) -> None:
        """Take over what earlier processes spent. Raises StoreError."""
        if self._store is not None:
            for method in self._allowed:
                since = self._clock() - DAY
                self._spent[method] = sorted(await self._store.accounts.spent(self._account, method, since))

    async def spend(self, method: str) -> None:
        """Count a call that is about to be made. Raises BudgetSpent when it may not be made yet."""
        if method in self._allowed:
            await self._spend_limited(method)
        self.calls[method] += 1

    async def _spend_limited(self, method: str) -> None:
        now = self._clock()
        spent = self._spent[method] = [moment for moment in self._spent[method] if moment > now - DAY]
        if (until := not_before(spent, self._allowed[method], now)) is not None:
            raise BudgetSpent(method, until)
        # Before anything is awaited, so that two callers never take the same one.
        spent.append(now)
        if self._store is None:
            return
        try:
            await self._store.accounts.spend(self._account, method, now)
        except StoreError as error:
            # It is obeyed from memory; what is lost is that it outlives the process.
            log.error("budget not stored", account=self._account, method=method, error=str(error))
