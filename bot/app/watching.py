"""How the service watches itself, wired: alarms, the daily line, the canary, and what machines are told over HTTP."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, time, timedelta

import bot
from bot.app.loop import Loop
from bot.config import Config
from bot.health import (
    AccountFacts,
    Bounds,
    CanarySink,
    Daily,
    Facts,
    Health,
    Loops,
    Snapshot,
    Watchman,
    exposition,
    measure,
)
from bot.model import Channel, utc_now
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.store import Status, Store
from bot.telegram import Account, AnalystChat, CanaryPoster

# Seconds without a look at the alarms after which the watchman counts as stuck.
_WATCHMAN_STUCK = 300.0


def canary_chat(config: Config, bot_account: Account, login: Callable[[], Awaitable[object]]) -> AnalystChat | None:
    """The bot's way into the canary channel; None when the settings name no channel."""
    channel = config.settings.canary.channel
    return None if channel is None else AnalystChat(bot_account, channel, name="canary", login=login)


class Watching:
    """The parts by which a running service watches itself."""

    def __init__(
        self,
        config: Config,
        store: Store,
        stop: asyncio.Event,
        *,
        monitor: Monitor,
        sinks: Sequence[str],
        accounts: Callable[[], Mapping[str, AccountFacts]],
        canary: AnalystChat | None,
        announce: Callable[[], None],
    ) -> None:
        """`sinks`: names of all that hear of alarms. `accounts`: every account by name, as this process sees it now."""
        self._config = config
        self._store = store
        self._monitor = monitor
        self._accounts = accounts
        self._started = utc_now()
        self.loops: dict[str, Loop] = {}
        # Sinks beside those of the alerts: each needs a dispatcher.
        self.sinks: list[CanarySink] = []
        self._poster = self._open_canary(canary, Pulse(stop)) if canary else None
        pulse = Pulse(stop)
        self.watchman = Watchman(
            store,
            pulse,
            facts=self._facts,
            bounds=_bounds(config),
            sinks=sinks,
            announce=announce,
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
                version=bot.__version__,
                now=now,
            )
            return exposition(snapshot)

        return Health(
            loops,
            lambda: self._store.archive.status(utc_now()),
            alarms=lambda: self.watchman.alarms,
            metrics=metrics,
        )

    def _open_canary(self, channel: AnalystChat, pulse: Pulse) -> CanaryPoster:
        every = self._config.settings.canary.every_minutes * 60
        url = self._config.ping_url
        self.sinks.append(CanarySink(url.get_secret_value() if url else None, every=every))
        poster = CanaryPoster(channel, pulse, every=every)
        self.loops["canary"] = Loop(run=poster.run, pulse=pulse, bound=_WATCHMAN_STUCK)
        return poster

    def _facts(self) -> Facts:
        poster = self._poster
        return Facts(
            started_at=self._started,
            accounts=self._accounts(),
            disk=measure(self._config.data_folder),
            canary=self.sinks[0].facts(trouble=poster.trouble) if poster else None,
        )

    async def _follow_canary(self, status: Status, _: datetime) -> bool:
        """Tell the monitor which channel is the canary's: it may be pinned long after the start. People hear nothing."""
        found = (row.channel for row in status.channels if self._is_canary(row.channel))
        self._monitor.canary = next((channel.channel_id for channel in found), None)
        return False

    def _is_canary(self, channel: Channel) -> bool:
        named = self._config.settings.canary.channel
        if isinstance(named, str):
            return (channel.handle or "").lower() == named.lower()
        return channel.channel_id == named


def _bounds(config: Config) -> Bounds:
    alarms = config.settings.alarms
    return Bounds(
        lag=timedelta(minutes=alarms.lag_minutes),
        quiet_factor=alarms.quiet_factor,
        gap=timedelta(minutes=alarms.gap_minutes),
        due=timedelta(minutes=alarms.due_minutes),
        speech=timedelta(minutes=alarms.speech_minutes),
        clock=timedelta(seconds=alarms.clock_seconds),
    )


def _daily_at(config: Config) -> time | None:
    at = config.settings.alarms.daily_at
    return time.fromisoformat(at) if at else None
