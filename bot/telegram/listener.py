"""Hears every watched channel and sweeps: pushes are hints, the ledger is the truth.

Each channel is served by at most one task at a time, so what it records is in order; `PARALLEL` channels may ask the
server at once (Telegram documents 10, https://core.telegram.org/api/updates). A channel that fails waits by itself.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from telethon.tl import types

from bot.errors import AccountDead, ChannelUnavailable, FloodWait, LoginNeeded, Refused, StoreError, TelegramError
from bot.model import Channel, ChannelId, ChannelState, Clock, Mode, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.channels import join
from bot.telegram.feed import Feed
from bot.telegram.ledger import Ask, channel_of, push_of
from bot.telegram.sweep import BATCH, look

log = structlog.get_logger()

PARALLEL = 10
# How long a gap may close by itself, in seconds (https://core.telegram.org/api/updates).
GAP_SECONDS = 0.5
# Pauses after a failure, in seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_RECHECK = 3600.0
# Between two joins, in seconds: joining many at once gets accounts banned.
JOIN_SECONDS = 60.0


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
        self._account = account
        self._store = store
        self._pulse = pulse
        self._sweep_seconds = sweep_seconds
        self._nudge = reader_nudge
        self._clock = clock
        # When the last sweep had seen every channel; None before the first.
        self.swept_at: datetime | None = None
        self._feeds: dict[ChannelId, Feed] = {}
        # Channels whose place the server has not told since the connection was made.
        self._unseen: set[ChannelId] = set()
        self._serving: dict[ChannelId, asyncio.Task[None]] = {}
        # Not asked before this moment, on the loop's clock; and how often it failed in a row.
        self._not_before: dict[ChannelId, float] = {}
        self._failures: dict[ChannelId, int] = {}
        self._slots = asyncio.Semaphore(PARALLEL)
        self._sweeping: asyncio.Task[None] | None = None
        self._next_sweep = 0.0
        # How often the sweep failed in a row.
        self._sweeps_failed = 0
        self._next_join = 0.0
        self._unjoinable: set[ChannelId] = set()
        self._fatal: Exception | None = None
        self._ended = False

    async def run(self) -> None:
        """Listen until stopped."""
        loop = asyncio.get_running_loop()
        leave = self._account.listen(self._hear, self._reconnected)
        try:
            while not self._pulse.stopping:
                idle = self._sweeping is None or self._sweeping.done()
                if idle and loop.time() >= self._next_sweep:
                    self._next_sweep = loop.time() + self._sweep_seconds * random.uniform(0.9, 1.1)  # noqa: S311
                    self._sweeping = loop.create_task(self._guarded_sweep())
                # A sweep that ends, and whatever wants one, nudges.
                due = max(self._next_sweep - loop.time(), 0.0) if idle else LONGEST_PAUSE
                await self._pulse.wait(min(due, LONGEST_PAUSE))
                if self._fatal is not None:
                    raise self._fatal
        finally:
            leave()
            self._ended = True
            await self._end_tasks()

    # --- hints ---

    def _hear(self, update: Any) -> None:
        if isinstance(update, types.UpdatesTooLong):
            self._sweep_now()
            return
        channel_id = channel_of(update)
        feed = self._feeds.get(channel_id) if channel_id else None
        if feed is None:
            return
        push = push_of(update)
        if push is not None:
            feed.hear(push)
        elif isinstance(update, types.UpdateChannelTooLong | types.UpdateChannel):
            feed.want(Ask.DIFFERENCE)
        else:
            return
        self._wake(feed)

    def _reconnected(self) -> None:
        """Whatever was pushed while the connection was down is lost: ask at once."""
        self._unseen.update(self._feeds)
        self._sweep_now()

    def _sweep_now(self) -> None:
        self._next_sweep = 0.0
        self._pulse.nudge()

    # --- one channel ---

    def _wake(self, feed: Feed) -> None:
        channel_id = feed.channel.channel_id
        if self._ended:
            return
        if channel_id not in self._serving and (feed.fresh or self._may_ask(feed)):
            task = asyncio.get_running_loop().create_task(self._serve(feed))
            self._serving[channel_id] = task

    def _may_ask(self, feed: Feed) -> bool:
        due = self._not_before.get(feed.channel.channel_id, 0.0)
        return feed.wanting and asyncio.get_running_loop().time() >= due

    async def _serve(self, feed: Feed) -> None:
        """Work off what the channel needs; a failure ends this task and sets the moment of the next."""
        channel_id = feed.channel.channel_id
        try:
            while feed.fresh or self._may_ask(feed):
                await self._step(feed)
                self._failures.pop(channel_id, None)
        except ChannelUnavailable as error:
            await self._set_aside(feed, error)
        except FloodWait as wait:
            # Tried at every sweep: nothing is sent for the method before its time, and new posts come another way.
            seconds = min((wait.until - self._clock()).total_seconds(), self._sweep_seconds)
            self._pause(feed, max(seconds, FIRST_PAUSE))
        except (LoginNeeded, AccountDead) as error:
            self._fail(error)
        except (TelegramError, StoreError) as error:
            log.warning("channel not brought up to date", channel=channel_id, error=str(error))
            self._pause_longer(feed)
        except Exception:
            # A bug met in one channel must not silence the others.
            log.exception("channel not brought up to date", channel=channel_id)
            self._pause_longer(feed)
        finally:
            self._serving.pop(channel_id, None)
        if feed.fresh:
            self._wake(feed)

    async def _step(self, feed: Feed) -> None:
        if feed.fresh and await feed.apply_pushes():
            await asyncio.sleep(GAP_SECONDS)
            if await feed.apply_pushes():
                feed.want(Ask.DIFFERENCE)
        if self._may_ask(feed):
            async with self._slots:
                await feed.catch_up()

    async def _set_aside(self, feed: Feed, error: ChannelUnavailable) -> None:
        feed.drop_pushes()
        try:
            await feed.record_unavailable(error)
        except StoreError as failure:
            log.warning("channel state not stored", channel=feed.channel.channel_id, error=str(failure))
        self._pause(feed, min(self._sweep_seconds * 2 ** self._count_failure(feed), LONGEST_RECHECK))

    def _pause_longer(self, feed: Feed) -> None:
        self._pause(feed, min(FIRST_PAUSE * 2 ** self._count_failure(feed), LONGEST_PAUSE))

    def _count_failure(self, feed: Feed) -> int:
        """How often it has failed in a row, before this time."""
        before = self._failures.get(feed.channel.channel_id, 0)
        self._failures[feed.channel.channel_id] = min(before + 1, 12)
        return before

    def _pause(self, feed: Feed, seconds: float) -> None:
        # Pushes taken from the list by a record that failed are lost, and the server has them.
        feed.want(Ask.DIFFERENCE)
        loop = asyncio.get_running_loop()
        self._not_before[feed.channel.channel_id] = loop.time() + seconds
        loop.call_later(seconds + 0.01, self._wake, feed)

    def _fail(self, error: Exception) -> None:
        self._fatal = error
        self._pulse.nudge()

    # --- all channels ---

    async def _guarded_sweep(self) -> None:
        try:
            await self._sweep()
            self._sweeps_failed = 0
        except (LoginNeeded, AccountDead) as error:
            self._fail(error)
        except FloodWait as wait:
            self._sweep_later(wait)
        except (TelegramError, StoreError) as error:
            log.warning("sweep not finished", error=str(error))
            pause = min(FIRST_PAUSE * 2**self._sweeps_failed, LONGEST_PAUSE)
            self._sweeps_failed = min(self._sweeps_failed + 1, 12)
            self._next_sweep = min(self._next_sweep, asyncio.get_running_loop().time() + pause)
        except Exception:
            # The next sweep may get through.
            log.exception("sweep not finished")
        self._pulse.nudge()

    def _sweep_later(self, wait: FloodWait) -> None:
        """No overview before that moment: channels that no push tells of are asked one by one, the rest wait for pushes."""
        log.warning("no overview", until=wait.until.isoformat())
        seconds = min((wait.until - self._clock()).total_seconds(), self._sweep_seconds)
        self._next_sweep = asyncio.get_running_loop().time() + max(seconds, FIRST_PAUSE)
        for channel_id, feed in self._feeds.items():
            if channel_id in self._unseen or not feed.channel.joined:
                feed.want(Ask.DIFFERENCE)
                self._wake(feed)
        self._unseen.clear()

    async def _sweep(self) -> None:
        await self._load()
        feeds = sorted(self._feeds.values(), key=lambda feed: feed.channel.priority)
        active = [feed for feed in feeds if feed.channel.state is ChannelState.ACTIVE]
        for start in range(0, len(active), BATCH):
            batch = active[start : start + BATCH]
            await look(self._account, batch)
            self._unseen.difference_update(feed.channel.channel_id for feed in batch)
            self._attend(batch)
        aside = [feed for feed in feeds if feed.channel.state is not ChannelState.ACTIVE]
        for feed in aside:
            feed.want(Ask.DIFFERENCE)
        self._attend(aside)
        self.swept_at = self._clock()
        await self._join_next(active)

    def _attend(self, feeds: Sequence[Feed]) -> None:
        for feed in feeds:
            feed.gaps_due = feed.gaps_open
            self._wake(feed)

    async def _load(self) -> None:
        """Take in what the store says is to be watched; our own pts and top_id are never older than the row's."""
        channels = await self._store.channels.all(account=self._account.name)
        watched = {c.channel_id: c for c in channels if c.watched and c.access_hash}
        for gone in self._feeds.keys() - watched.keys():
            del self._feeds[gone]
        for channel_id, channel in watched.items():
            feed = self._feeds.get(channel_id)
            if feed is None:
                self._unseen.add(channel_id)
                self._feeds[channel_id] = Feed(self._account, self._store, channel, self._clock, self._nudge)
            else:
                # A backfill has moved the start down, past ids that it could not account for.
                feed.gaps_open |= channel.watch_from < feed.channel.watch_from
                feed.channel = _newer(channel, feed.channel)

    async def _join_next(self, feeds: Sequence[Feed]) -> None:
        """Join one channel that is to be joined and is not; until then it lives from the sweep."""
        now = asyncio.get_running_loop().time()
        waiting = [feed for feed in feeds if feed.channel.mode is Mode.JOIN and not feed.channel.joined]
        waiting = [feed for feed in waiting if feed.channel.channel_id not in self._unjoinable]
        if not waiting or now < self._next_join:
            return
        self._next_join = now + JOIN_SECONDS
        feed = waiting[0]
        try:
            joined = await join(self._account, self._store, feed.channel)
            # Its pts may have moved meanwhile.
            feed.channel = replace(feed.channel, joined=joined.joined)
        except FloodWait as wait:
            log.info("join put off", until=wait.until.isoformat())
        except (ChannelUnavailable, Refused) as error:
            log.warning("channel not joined, but polled", channel=feed.channel.channel_id, error=str(error))
            self._unjoinable.add(feed.channel.channel_id)

    async def _end_tasks(self) -> None:
        tasks: list[asyncio.Task[None]] = [*self._serving.values()]
        if self._sweeping is not None:
            tasks.append(self._sweeping)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _newer(row: Channel, ours: Channel) -> Channel:
    # Only we move pts, and what we hold is never behind the row.
    return replace(row, pts=ours.pts or row.pts, top_id=max(row.top_id, ours.top_id))
