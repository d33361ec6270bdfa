"""Joining, one channel after the other: members get pushes, and until then the sweep finds what is new.

Accounts that join many channels at once are banned, so the budget sets the pace (`budget.JOIN`).
"""

import asyncio
from collections.abc import Callable

import structlog

from bot.errors import AccountDead, ChannelUnavailable, FloodWait, LoginNeeded, Refused, StoreError, TelegramError
from bot.model import Channel, ChannelId, ChannelState, Clock, Mode, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.channels import join

log = structlog.get_logger()

# Seconds between two joins, between looks whether there is one to be made, and after a failure.
PAUSE_SECONDS = 2.0
IDLE_SECONDS = 30.0
RETRY_SECONDS = 60.0
# Waits may be lifted, and nudges tell of new channels: never sleep longer.
LONGEST_SECONDS = 3600.0
FULL = "CHANNELS_TOO_MUCH"


class Joiner:
    """Joins what its account carries and is to join, the most urgent first, until the account is full."""

    def __init__(
        self,
        account: Account,
        store: Store,
        pulse: Pulse,
        *,
        on_joined: Callable[[], None],
        on_full: Callable[[], None],
        clock: Clock = utc_now,
    ) -> None:
        """`on_joined`: called after each join. `on_full`: called when Telegram says that the account may join no more."""
        self._account = account
        self._store = store
        self._pulse = pulse
        self._on_joined = on_joined
        self._on_full = on_full
        self._clock = clock
        self._refused: set[ChannelId] = set()
        self._full = False

    async def run(self) -> None:
        """Join until the pulse stops. Raises LoginNeeded or AccountDead."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not await self._pulse.wait(max(due - loop.time(), 0.0)):
            # A nudge is no reason to join sooner than the budget allows; a new channel waits for the next look.
            if loop.time() >= due:
                due = loop.time() + await self._step()

    async def _step(self) -> float:
        """Join the next channel, if there is one; the seconds until the next step."""
        try:
            channel = await self._next()
            if channel is None:
                return IDLE_SECONDS
            await self._join(channel)
        except FloodWait as wait:
            log.info("join put off", account=self._account.name, until=wait.until.isoformat(), why=str(wait))
            return min(max((wait.until - self._clock()).total_seconds(), PAUSE_SECONDS), LONGEST_SECONDS)
        except (LoginNeeded, AccountDead):
            raise
        except (TelegramError, StoreError) as error:
            log.warning("join not made", account=self._account.name, error=str(error))
            return RETRY_SECONDS
        return PAUSE_SECONDS

    async def _next(self) -> Channel | None:
        if self._full:
            return None
        channels = await self._store.channels.all(self._account.name)
        return next((channel for channel in channels if self._is_to_join(channel)), None)

    def _is_to_join(self, channel: Channel) -> bool:
        ours = channel.watched and channel.account == self._account.name and bool(channel.access_hash)
        active = channel.state is ChannelState.ACTIVE and channel.channel_id not in self._refused
        return ours and active and channel.mode is Mode.JOIN and not channel.joined

    async def _join(self, channel: Channel) -> None:
        try:
            await join(self._account, self._store, channel)
            self._on_joined()
        except (ChannelUnavailable, Refused) as error:
            if isinstance(error, Refused) and error.word == FULL:
                log.warning("account is full", account=self._account.name)
                self._full = True
                self._on_full()
                return
            log.warning("channel not joined, but polled", channel=channel.channel_id, error=str(error))
            self._refused.add(channel.channel_id)
