"""Hears every channel that an account carries, and sweeps: pushes are hints, the ledger is the truth."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from telethon.tl import types

from bot.errors import AccountDead, LoginNeeded, StoreError, TelegramError
from bot.model import Channel, ChannelId, ChannelState, Clock, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.answers import channel_of, push_of
from bot.telegram.clockwork import Ticks, steady
from bot.telegram.feed import Feed
from bot.telegram.lanes import Lanes
from bot.telegram.ledger import Ask
from bot.telegram.serving import Serving
from bot.telegram.sweep import Sweeper

log = structlog.get_logger()

# Seconds between two looks at the clocks, at the longest.
TICK = 5.0
# Between two sweeps that have such reasons, as connections that break one after the other, in seconds.
APART = 2.0
# Pushes kept of channels that are not ours, for they may become so: at the start all do.
UNPLACED = 1000
# After a sweep that could not begin, in seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


class Listener:
    """Hears pushes and sweeps until the pulse stops. Raises LoginNeeded or AccountDead when the account is lost."""

    def __init__(
        self,
        account: Account,
        store: Store,
        pulse: Pulse,
        *,
        sweep_seconds: float,
        reader_nudge: Callable[[], None],
        clock: Clock = utc_now,
    ) -> None:
        """`sweep_seconds`: every channel is compared with the server this often, the urgent ones twice as often."""
        self._account = account
        self._store = store
        self._pulse = pulse
        self._nudge = reader_nudge
        self._clock = clock
        # Since when every channel has been seen; None while one has not.
        self.swept_at: datetime | None = None
        # When a hint was last applied, a batch swept or an answer recorded, on the loop's clock; 0 before the first.
        self.progress_at = 0.0
        self._feeds: dict[ChannelId, Feed] = {}
        self._lanes = Lanes()
        self._serving = Serving(sweep_seconds=sweep_seconds, clock=clock, on_fatal=self._fail)
        self._sweeper = Sweeper(account, store, sweep_seconds=sweep_seconds, clock=clock, attend=self._attend)
        self._sweeping: asyncio.Task[None] | None = None
        self._reconnecting: asyncio.Task[None] | None = None
        # No sweep before this moment, after one that could not begin; how often that was so in a row.
        self._not_before = 0.0
        self._failures = 0
        # When everything was last to be looked at for a reason of its own.
        self._hurried_at = -APART
        self._changed = True
        self._fatal: Exception | None = None
        self._unplaced: deque[Any] = deque(maxlen=UNPLACED)
        # From now on, not from `run` on: Telegram pushes as soon as the account is connected.
        self._leave = account.listen(self._hear, self.sweep_now)

    @property
    def hears(self) -> int:
        """Channels that sweeps look at: those that can be read."""
        return sum(feed.channel.state is ChannelState.ACTIVE for feed in self._feeds.values())

    async def run(self) -> None:
        """Listen until stopped."""
        ticks = Ticks(TICK)
        try:
            while not self._pulse.stopping:
                if lost := ticks.tick(time.time(), steady()):
                    self._woken(lost)
                # A sweep that ends, and whatever wants one, nudges.
                await self._pulse.wait(min(self._sweep_if_due(), TICK))
                if self._fatal is not None:
                    raise self._fatal
        finally:
            self._leave()
            await self._end()

    def reload(self) -> None:
        """The channels that the account carries may have changed: look at once."""
        self._changed = True
        self._pulse.nudge()

    def sweep_now(self) -> None:
        """Whatever was pushed while the connection was down is lost: ask about every channel."""
        now = asyncio.get_running_loop().time()
        self._hurried_at = max(now, self._hurried_at + APART)
        for feed in self._feeds.values():
            feed.look_at = min(feed.look_at, self._hurried_at)
            feed.seen_at = None
        self._pulse.nudge()

    # --- hints --------------------------------------------------------------------------------------------------------

    def _hear(self, update: Any) -> None:
        if isinstance(update, types.UpdatesTooLong):
            self.sweep_now()
            return
        channel_id = channel_of(update)
        feed = self._feeds.get(channel_id) if channel_id else None
        if feed is None:
            if channel_id:
                self._unplaced.append(update)
            return
        push = push_of(update)
        if push is not None:
            feed.state.hear(push)
        elif isinstance(update, types.UpdateChannelTooLong | types.UpdateChannel):
            feed.state.want(Ask.DIFFERENCE)
            if feed.channel.state is not ChannelState.ACTIVE:
                self._serving.hurry(feed)
        else:
            return
        self._serving.wake(feed)

    def _woken(self, lost: float) -> None:
        """The machine slept, and the connection with it, whatever it says of itself."""
        log.warning("time was lost", account=self._account.name, seconds=round(lost))
        if self._reconnecting is None or self._reconnecting.done():
            self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect())
        self.sweep_now()

    async def _reconnect(self) -> None:
        try:
            await self._account.reconnect()
        except TelegramError as error:
            # Whoever asks next meets the same, and tries again.
            log.warning("not reconnected", account=self._account.name, error=str(error))

    # --- sweeping -----------------------------------------------------------------------------------------------------

    def _sweep_if_due(self) -> float:
        """Begin a sweep when one is due and none is under way; the seconds until the next is due."""
        if self._sweeping is not None and not self._sweeping.done():
            return TICK
        now = asyncio.get_running_loop().time()
        due = 0.0 if self._changed else self._sweeper.next_due([*self._feeds.values()])
        if max(due, self._not_before) <= now:
            self._sweeping = asyncio.get_running_loop().create_task(self._guarded_sweep())
            return TICK
        return max(due, self._not_before) - now

    async def _guarded_sweep(self) -> None:
        try:
            await self._sweep()
            self._failures = 0
        except (LoginNeeded, AccountDead) as error:
            self._fail(error)
        except StoreError as error:
            log.warning("sweep not begun", error=str(error))
            self._put_off()
        except Exception:
            # The next sweep may get through.
            log.exception("sweep not finished")
            self._put_off()
        self._pulse.nudge()

    async def _sweep(self) -> None:
        await self._load()
        feeds = [*self._feeds.values()]
        await self._sweeper.sweep(feeds)
        for feed in feeds:
            if feed.channel.state is not ChannelState.ACTIVE:
                feed.state.want(Ask.DIFFERENCE)
                self._serving.wake(feed)
        seen = [feed.seen_at for feed in feeds if feed.channel.state is ChannelState.ACTIVE]
        if None not in seen:
            swept_at = min((at for at in seen if at is not None), default=self._clock())
            self.swept_at = max(swept_at, self.swept_at or swept_at)

    def _attend(self, feed: Feed) -> None:
        self._progressed(False)
        self._serving.wake(feed)

    async def _load(self) -> None:
        """Take in what the store says is ours to hear."""
        self._changed = False
        try:
            channels = await self._store.channels.all(self._account.name)
            ours = {channel.channel_id: channel for channel in channels if self._is_ours(channel)}
            await self._add([channel for channel_id, channel in ours.items() if channel_id not in self._feeds])
        except StoreError:
            self._changed = True
            raise
        for gone in self._feeds.keys() - ours.keys():
            self._feeds.pop(gone).retired = True
        for channel_id, channel in ours.items():
            self._feeds[channel_id].take_over(channel)
            self._serving.wake(self._feeds[channel_id])
        unplaced, self._unplaced = self._unplaced, deque(maxlen=UNPLACED)
        for update in unplaced:
            if channel_of(update) in self._feeds:
                self._hear(update)

    def _is_ours(self, channel: Channel) -> bool:
        return channel.watched and bool(channel.access_hash) and channel.account == self._account.name

    async def _add(self, channels: list[Channel]) -> None:
        gaps = await self._store.channels.open_gaps(self._account.name) if channels else {}
        for channel in channels:
            self._feeds[channel.channel_id] = Feed(
                self._account,
                self._store,
                channel,
                gaps.get(channel.channel_id, ()),
                clock=self._clock,
                lanes=self._lanes,
                progressed=self._progressed,
            )

    # --- keeping the books --------------------------------------------------------------------------------------------

    def _progressed(self, read: bool) -> None:
        self.progress_at = asyncio.get_running_loop().time()
        if read:
            self._nudge()

    def _put_off(self) -> None:
        pause = min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE)
        self._failures = min(self._failures + 1, 12)
        self._not_before = asyncio.get_running_loop().time() + pause

    def _fail(self, error: Exception) -> None:
        self._fatal = error
        self._pulse.nudge()

    async def _end(self) -> None:
        await self._serving.end()
        tasks = [task for task in (self._sweeping, self._reconnecting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
