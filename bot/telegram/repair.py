"""Closing a channel's gaps on request, without a listener: `earshot audit --repair`."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bot.errors import Unreachable
from bot.model import Channel, Clock, MessageId, utc_now
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.feed import ALL, Feed
from bot.telegram.lanes import Lanes

# Pauses before another try when Telegram did not answer, in seconds.
RETRY_SECONDS = (1.0, 2.0, 4.0)


async def repair(
    account: Account,
    store: Store,
    channel: Channel,
    *,
    progress: Callable[[int], None],
    clock: Clock = utc_now,
) -> int:
    """Ask for every id up to the channel's newest that is not accounted for; how many ids of its gaps this closed.

    What the server does not answer stays a gap. `progress` is called with the number of ids still open, after each pass.
    Raises what Telegram or the store raised; what was recorded until then stays.
    """
    gaps = await store.channels.gaps(channel.channel_id, limit=ALL)
    feed = Feed(account, store, channel, gaps, clock=clock, lanes=Lanes(), progressed=lambda read: None)
    before = _open(feed, channel.top_id)
    await _patiently(feed.look)
    now = asyncio.get_running_loop().time()
    while feed.state.wanting(now):
        await _patiently(partial(feed.catch_up, now))
        progress(feed.state.holes.size)
    return before - _open(feed, channel.top_id)


async def _patiently(ask: Callable[[], Awaitable[None]]) -> None:
    for pause in RETRY_SECONDS:
        try:
            return await ask()
        except Unreachable:
            await asyncio.sleep(pause)
    return await ask()


def _open(feed: Feed, top: MessageId) -> int:
    """Ids up to `top` that are not accounted for."""
    return sum(hole.size for hole in feed.state.holes if hole.last <= top)
