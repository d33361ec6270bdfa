"""Who is asked when: a task for each channel that needs one, and pauses after failures, each channel's its own."""

import asyncio
from collections.abc import Callable

import structlog

from bot.errors import AccountDead, ChannelUnavailable, FloodWait, LoginNeeded, StoreError, TelegramError
from bot.model import ChannelId, Clock
from bot.telegram.feed import Feed
from bot.telegram.ledger import Ask

log = structlog.get_logger()

# How long a gap may close by itself, in seconds (https://core.telegram.org/api/updates).
GAP_SECONDS = 0.5
# Pauses after a failure, in seconds; the last is of channels that cannot be read.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_RECHECK = 900.0


class Serving:
    """Serves each channel by at most one task at a time, so what is recorded of it is in order."""

    def __init__(self, *, sweep_seconds: float, clock: Clock, on_fatal: Callable[[Exception], None]) -> None:
        """`on_fatal` is called with LoginNeeded or AccountDead."""
        self._sweep_seconds = sweep_seconds
        self._clock = clock
        self._on_fatal = on_fatal
        self._tasks: dict[ChannelId, asyncio.Task[None]] = {}
        # Not asked before this moment, on the loop's clock; and how often it failed in a row.
        self._not_before: dict[ChannelId, float] = {}
        self._failures: dict[ChannelId, int] = {}
        self._ended = False

    def wake(self, feed: Feed) -> None:
        """Serve the channel if it needs it, and if it may be asked now."""
        channel_id = feed.channel.channel_id
        if self._ended or feed.retired or channel_id in self._tasks:
            return
        if feed.state.fresh or self._may_ask(feed):
            self._tasks[channel_id] = asyncio.get_running_loop().create_task(self._serve(feed))

    def hurry(self, feed: Feed) -> None:
        """There is news of a channel that could not be read: do not wait out its pause."""
        self._not_before.pop(feed.channel.channel_id, None)

    async def end(self) -> None:
        """Stop everything."""
        self._ended = True
        tasks = [*self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _may_ask(self, feed: Feed) -> bool:
        now = asyncio.get_running_loop().time()
        wanting = feed.state.wanting(now) or feed.unsettled(now)
        return wanting and now >= self._not_before.get(feed.channel.channel_id, 0.0)

    async def _serve(self, feed: Feed) -> None:
        """Work off what the channel needs; a failure ends this task and sets the moment of the next."""
        channel_id = feed.channel.channel_id
        try:
            while not feed.retired and (feed.state.fresh or self._may_ask(feed)):
                await self._step(feed)
                self._failures.pop(channel_id, None)
        except ChannelUnavailable as error:
            await self._set_aside(feed, error)
        except FloodWait as wait:
            self._rest(feed, wait)
        except (LoginNeeded, AccountDead) as error:
            self._on_fatal(error)
        except (TelegramError, StoreError) as error:
            log.warning("channel not brought up to date", channel=channel_id, error=str(error))
            self._pause_longer(feed)
        except Exception:
            # A bug met in one channel must not silence the others.
            log.exception("channel not brought up to date", channel=channel_id)
            self._pause_longer(feed)
        finally:
            self._tasks.pop(channel_id, None)
        if feed.state.fresh:
            self.wake(feed)

    async def _step(self, feed: Feed) -> None:
        if feed.state.fresh and await feed.apply_pushes():
            await asyncio.sleep(GAP_SECONDS)
            if await feed.apply_pushes():
                feed.state.want(Ask.DIFFERENCE)
        if self._may_ask(feed):
            now = asyncio.get_running_loop().time()
            await feed.settle(now)
            await feed.catch_up(now)

    def _rest(self, feed: Feed, wait: FloodWait) -> None:
        """Nothing is sent for the method before its time. Tried at every sweep, for new posts may come another way."""
        seconds = max(min((wait.until - self._clock()).total_seconds(), self._sweep_seconds), FIRST_PAUSE)
        if feed.state.wish is Ask.NOTHING:
            # Only what is asked by id or by page has to wait.
            feed.state.rest_until = asyncio.get_running_loop().time() + seconds
        else:
            self._pause(feed, seconds)

    async def _set_aside(self, feed: Feed, error: ChannelUnavailable) -> None:
        feed.state.drop_pushes()
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
        feed.state.want(Ask.DIFFERENCE)
        loop = asyncio.get_running_loop()
        self._not_before[feed.channel.channel_id] = loop.time() + seconds
        loop.call_later(seconds + 0.01, self.wake, feed)
