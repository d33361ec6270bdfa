"""How the service watches itself, wired: alarms, the daily line, the canary, and what machines are told over HTTP."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta

from bot import __version__
from bot.alerts import plain
from bot.app.bot import AlertBot
from bot.app.canary import is_canary
from bot.app.loop import Loop
from bot.canary import CANARY
from bot.config import Config
from bot.health.canary import CanarySink
from bot.health.daily import Daily
from bot.health.facts import AccountFacts, Bounds, CanaryFacts, Facts, measure
from bot.health.http import Health, Loops
from bot.health.metrics import Snapshot, exposition
from bot.health.watchman import LOOK_SECONDS, Watchman
from bot.model import utc_now
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.store import Status, Store
from bot.telegram import CanaryPoster, Fleet

# The alert bot, among the accounts of the figures.
BOT = "bot"
# Seconds without a look at the alarms after which the watchman counts as stuck.
_WATCHMAN_STUCK = 300.0


class Watching:
    """The parts by which a running service watches itself."""

    def __init__(
        self,
        config: Config,
        store: Store,
        stop: asyncio.Event,
        *,
        monitor: Monitor,
        fleet: Fleet,
        bot: AlertBot | None,
        sinks: Sequence[str],
        announce: Callable[[], None],
    ) -> None:
        """`sinks`: names of all that hear of alarms."""
        self._config = config
        self._store = store
        self._monitor = monitor
        self._fleet = fleet
        self._bot = bot
        # When each account last swept: a listener that was made anew has yet to.
        self._swept: dict[str, datetime] = {}
        self._started = utc_now()
        self._stuck: Callable[[], Sequence[str]] = tuple
        self.loops: dict[str, Loop] = {}
        # Sinks beside those of the alerts: each needs a dispatcher.
        self.sinks: list[CanarySink] = []
        self._poster = self._open_canary(bot, Pulse(stop)) if bot else None
        pulse = Pulse(stop)
        self.watchman = Watchman(
            store,
            pulse,
            facts=self._facts,
            bounds=_bounds(config),
            sinks=sinks,
            announce=announce,
            tidy=plain,
            every=min(LOOK_SECONDS, config.settings.canary.every_minutes * 60) if self._poster else LOOK_SECONDS,
            also=(Daily(store, sinks, at=_daily_at(config)).tell, self._follow_canary),
        )
        self.loops["watchman"] = Loop(run=self.watchman.run, pulse=pulse, bound=_WATCHMAN_STUCK)

    def health(self, idle: Loops) -> Health:
        """What /healthz, /status and /metrics answer. `idle`: the loops of the service."""
        loops = {**idle, "alarms": (self.watchman.idle_for, _WATCHMAN_STUCK)}

        async def metrics() -> bytes:
            now = utc_now()
            snapshot = Snapshot(
                status=await self._store.archive.status(now),
                facts=self._facts(),
                idle={name: idle_for() for name, (idle_for, _) in loops.items()},
                alarms=self.watchman.alarms,
                version=__version__,
                now=now,
            )
            return exposition(snapshot)

        health = Health(
            loops,
            lambda: self._store.archive.status(utc_now()),
            alarms=lambda: self.watchman.alarms,
            canary=self._canary,
            metrics=metrics,
        )
        self._stuck = lambda: health.stuck
        return health

    def _open_canary(self, bot: AlertBot, pulse: Pulse) -> CanaryPoster | None:
        canary = self._config.settings.canary
        if canary.channel is None:
            return None
        every = canary.every_minutes * 60
        url = self._config.ping_url
        self.sinks.append(CanarySink(url.get_secret_value() if url else None, every=every))
        poster = CanaryPoster(bot.chat(canary.channel, name=CANARY), pulse, every=every)
        self.loops["canary"] = Loop(run=poster.run, pulse=pulse, bound=_WATCHMAN_STUCK)
        return poster

    def _facts(self) -> Facts:
        return Facts(
            started_at=self._started,
            accounts={name: self._account(name) for name in (*self._config.settings.telegram.accounts, BOT)},
            disk=measure(self._config.data_folder),
            stuck=tuple(self._stuck()),
            canary=self._canary(),
        )

    def _canary(self) -> CanaryFacts | None:
        return self.sinks[0].facts(trouble=self._poster.trouble) if self._poster else None

    def _account(self, name: str) -> AccountFacts:
        """An account that is not at work has only its last sweep to tell of."""
        crew = self._fleet.crews.get(name)
        if crew is not None and crew.listener.swept_at is not None:
            self._swept[name] = crew.listener.swept_at
        account = crew.account if crew else self._bot.account if self._bot and name == BOT else None
        if account is None:
            return AccountFacts(swept_at=self._swept.get(name))
        return AccountFacts(
            swept_at=self._swept.get(name),
            clock_offset=account.clock_offset,
            unknown_constructors=account.unknown_constructors,
            calls=account.calls,
        )

    async def _follow_canary(self, status: Status, _: datetime) -> bool:
        """Tell the monitor which channel is the canary's: it may be pinned long after the start. People hear nothing."""
        found = (row.channel for row in status.channels if is_canary(self._config, row.channel))
        self._monitor.canary = next((channel.channel_id for channel in found), None)
        return False


def _bounds(config: Config) -> Bounds:
    alarms = config.settings.alarms
    sweep = timedelta(seconds=config.settings.telegram.sweep_seconds)
    return Bounds(
        # Nobody is late who is as late as the settings make everybody.
        lag=max(timedelta(minutes=alarms.lag_minutes), 2 * sweep),
        quiet_factor=alarms.quiet_factor,
        gap=timedelta(minutes=alarms.gap_minutes),
        due=timedelta(minutes=alarms.due_minutes),
        speech=timedelta(minutes=alarms.speech_minutes),
        clock=timedelta(seconds=alarms.clock_seconds),
    )


def _daily_at(config: Config) -> time | None:
    at = config.settings.alarms.daily_at
    return time.fromisoformat(at) if at else None
