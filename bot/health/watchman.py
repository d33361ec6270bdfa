"""The loop that looks for alarms and tells people, once when each is raised and once when it is over."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.errors import StoreError
from bot.health.alarms import cause, find_alarms
from bot.health.facts import Bounds, Facts
from bot.health.words import ago
from bot.model import Alarm, Clock, utc_now
from bot.pulse import Pulse
from bot.store import Status, Store

log = structlog.get_logger()

# Seconds between two looks.
LOOK_SECONDS = 30.0
# Gone for so long before it counts as over: what comes and goes is told once.
OVER_AFTER = timedelta(minutes=2)
# Between two proofs that the database takes writes.
WRITE_EVERY = timedelta(minutes=1)
# Notices of one round; what is raised beyond that is in the status.
MOST_LINES = 5

Told = Callable[[Status, datetime], Awaitable[bool]]


class Watchman:
    """Raises and clears alarms. They are rows, written with their notices, so that a restart neither repeats nor loses one.

    Its own failure is an alarm as well. When not even that can be told, or a look does not come back, it makes no
    progress: `idle_for` grows, which /healthz and systemd's watchdog notice.
    """

    def __init__(
        self,
        store: Store,
        pulse: Pulse,
        *,
        facts: Callable[[], Facts],
        bounds: Bounds,
        sinks: Sequence[str],
        announce: Callable[[], None] = lambda: None,
        tidy: Callable[[str], str] = str,
        also: Sequence[Told] = (),
        every: float = LOOK_SECONDS,
        over_after: timedelta = OVER_AFTER,
        clock: Clock = utc_now,
    ) -> None:
        """`sinks`: names of all that are told. `announce` follows each notice. `tidy` makes a channel's title, a
        stranger's text, fit to be told. `also`: what else is told by the status, each saying whether it told something."""
        # What was found at the last look, in the words of that moment.
        self.alarms: tuple[Alarm, ...] = ()
        self._store = store
        self._pulse = pulse
        self._facts = facts
        self._bounds = bounds
        self._sinks = tuple(sinks)
        self._announce = announce
        self._tidy = tidy
        self._also = tuple(also)
        self._every = every
        self._over_after = over_after
        self._clock = clock
        self._progress_at = time.monotonic()
        self._written_at: datetime | None = None
        # Alarms in force that are no longer found, and since when.
        self._gone: dict[str, datetime] = {}

    def idle_for(self) -> float:
        """Seconds since a look came back, and people could be told of it."""
        return time.monotonic() - self._progress_at

    async def run(self) -> None:
        """Look until the service stops. Nothing that goes wrong here ends the service, or is kept quiet."""
        due = time.monotonic()
        while not await self._pulse.wait(max(due - time.monotonic(), 0.0)):
            # A nudge is no reason to look sooner.
            if time.monotonic() < due:
                continue
            try:
                await self.look()
            except StoreError as error:
                log.error("the watchman failed", error=str(error))
                await self._tell_failure(error)
            except Exception as error:
                log.exception("the watchman failed")
                await self._tell_failure(error)
            due = time.monotonic() + self._every

    async def look(self) -> None:
        """Find what has passed its bound, tell what is new and what is over. Raises StoreError and OSError."""
        now = self._clock()
        status = self._tidied(await self._store.archive.status(now))
        self.alarms = find_alarms(status, self._facts(), self._bounds, now)
        told = await self._settle(_by_name(self.alarms), _by_name(status.alarms), now)
        for tell in self._also:
            told |= await tell(status, now)
        if told:
            self._announce()
        await self._prove_writing(now)
        self._progress_at = time.monotonic()

    async def _prove_writing(self, now: datetime) -> None:
        """Now and then; at each look, one that is held up by a locked database would keep us from seeing the rest."""
        if self._written_at is None or now - self._written_at >= WRITE_EVERY:
            await self._store.alarms.record_look(now)
            self._written_at = now

    async def _settle(self, found: Mapping[str, Alarm], in_force: Mapping[str, Alarm], now: datetime) -> bool:
        """Make the alarms in force those that were found; whether people were told something."""
        raised = [alarm for name, alarm in found.items() if name not in in_force]
        over = [alarm for name, alarm in in_force.items() if name not in found and self._is_over(alarm, found, now)]
        self._gone = {name: at for name, at in self._gone.items() if name in in_force and name not in found}
        merged = [alarm for alarm in over if _is_part(alarm, found)]
        lines = _Lines(self._sinks, len(raised) + len(over) - len(merged))
        for alarm in raised:
            await self._store.alarms.raise_(alarm, *lines.take(f"⚠ {alarm.text}"), now)
            log.warning("alarm raised", alarm=alarm.name)
        for alarm in over:
            passed = ago((now - alarm.since).total_seconds())
            told = ((), "") if alarm in merged else lines.take(f"✓ Over after {passed}: {alarm.text}")
            await self._store.alarms.clear(alarm.name, *told, now)
            log.info("alarm over", alarm=alarm.name)
        return lines.taken > 0

    def _is_over(self, alarm: Alarm, found: Mapping[str, Alarm], now: datetime) -> bool:
        gone_since = self._gone.setdefault(alarm.name, now)
        return _is_part(alarm, found) or now - gone_since >= self._over_after

    async def _tell_failure(self, error: Exception) -> None:
        """Once: the alarm is cleared by the first looks that succeed."""
        now = self._clock()
        why = f": {error}" if isinstance(error, StoreError) else f" ({type(error).__name__}); its log says more"
        text = f"Earshot cannot watch itself{why}"
        try:
            alarm = Alarm(name="watchman", since=now, text=text)
            await self._store.alarms.raise_(alarm, self._sinks, f"⚠ {text}", now)
        except StoreError as failure:
            # Whoever watches /healthz learns of it: there is no progress.
            log.error("nobody could be told", error=str(failure))
        else:
            self.alarms = (alarm,)
            self._progress_at = time.monotonic()
            self._announce()

    def _tidied(self, status: Status) -> Status:
        rows = (
            replace(row, channel=replace(row.channel, title=self._tidy(row.channel.title))) for row in status.channels
        )
        return replace(status, channels=tuple(rows))


def _is_part(alarm: Alarm, found: Mapping[str, Alarm]) -> bool:
    """Whether an alarm has gone into one for all of its cause."""
    return alarm.name != cause(alarm.name) and cause(alarm.name) in found


def _by_name(alarms: Iterable[Alarm]) -> dict[str, Alarm]:
    return {alarm.name: alarm for alarm in alarms}


class _Lines:
    """The notices of one round: at most so many, the last of which stands for all that follow."""

    def __init__(self, sinks: tuple[str, ...], total: int) -> None:
        self.taken = 0
        self._sinks = sinks
        self._total = total

    def take(self, text: str) -> tuple[tuple[str, ...], str]:
        """The sinks that get the next notice, and its text."""
        self.taken += 1
        if self.taken > MOST_LINES:
            return (), text
        if self.taken == MOST_LINES < self._total:
            text = f"⚠ {self._total - MOST_LINES + 1} more alarms came or went; `earshot status` lists those in force"
        return self._sinks, text
