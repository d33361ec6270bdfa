"""Reading a channel's past into the ledger, page by page downwards; it can be stopped and resumed at any page."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import structlog

from bot.errors import AccountDead, FloodWait, LoginNeeded, StoreError, TelegramError
from bot.model import Backfill, Channel, Clock, Heard, How, MessageId, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.history import verified_page_below

log = structlog.get_logger()

# Seconds between pages: history is limited, and nobody waits for it.
PAUSE = 0.5
# Seconds between looks for an order, and after a failure.
IDLE_SECONDS = 5.0
RETRY_SECONDS = 30.0


async def backfill(
    account: Account,
    store: Store,
    channel: Channel,
    *,
    since: datetime,
    progress: Callable[[Backfill], None],
    stop: asyncio.Event,
    clock: Clock = utc_now,
    pause: float = PAUSE,
) -> Backfill:
    """Record what was posted from `since` on; returns how far it came, `done` or stopped.

    Each page is recorded, with the ids that it leaves out verified, before the row says so; an interruption costs at most
    one page read again. An earlier, shorter backfill is continued downwards. Flood waits are sat out, until `stop`.
    """
    state = await _resume(store, channel, since)
    progress(state)
    while not state.done and not stop.is_set():
        try:
            state = await _next_page(account, store, channel, state, clock)
        except FloodWait as wait:
            log.info("backfill waits", channel=channel.channel_id, until=wait.until.isoformat())
            await _sleep(stop, max((wait.until - clock()).total_seconds(), 1.0))
            continue
        progress(state)
        if not state.done:
            await _sleep(stop, pause)
    return state


async def _resume(store: Store, channel: Channel, since: datetime) -> Backfill:
    known = await store.channels.backfill(channel.channel_id)
    if known is None:
        state = Backfill(channel_id=channel.channel_id, since=since)
    elif known.done and since >= known.since:
        return known
    else:
        state = replace(known, since=min(since, known.since), done=False)
    if state != known:
        await store.channels.record_backfill(state)
    return state


async def _next_page(account: Account, store: Store, channel: Channel, state: Backfill, clock: Clock) -> Backfill:
    upper = (state.reached or channel.watch_from) - 1
    if upper < 1:
        return await _record(store, replace(state, reached=state.reached or MessageId(1), done=True))
    page = await verified_page_below(account, channel, upper, 1)
    heard = Heard(
        channel_id=channel.channel_id,
        how=How.BACKFILL,
        at=clock(),
        messages=page.messages,
        deleted=page.deleted,
    )
    await store.intake.record(heard)
    older = page.oldest is not None and page.oldest < state.since.timestamp()
    return await _record(
        store,
        replace(
            state,
            reached=MessageId(page.lowest),
            messages=state.messages + len(page.messages),
            done=older or page.lowest <= 1,
        ),
    )


async def _record(store: Store, state: Backfill) -> Backfill:
    await store.channels.record_backfill(state)
    return state


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


class Backfiller:
    """Takes up backfills that were ordered while the daemon holds the session, of channels that its account carries."""

    def __init__(
        self,
        account: Account,
        store: Store,
        pulse: Pulse,
        *,
        reader_nudge: Callable[[], None],
        clock: Clock = utc_now,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._account = account
        self._store = store
        self._pulse = pulse
        self._nudge = reader_nudge
        self._clock = clock
        self._idle_seconds = idle_seconds

    async def run(self) -> None:
        """Work until the pulse stops. Raises LoginNeeded or AccountDead.

        Orders come from other processes, so nudges tell nothing of them: it looks every `idle_seconds`.
        """
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not await self._pulse.wait(max(due - loop.time(), 0.0)):
            if loop.time() < due:
                continue
            due = loop.time() + self._idle_seconds
            try:
                finished = await self._work()
            except StoreError as error:
                log.warning("backfill not finished", error=str(error))
                finished = False
            if not finished:
                due = loop.time() + RETRY_SECONDS

    async def _work(self) -> bool:
        """Work off every order that can be; False when one could not, which holds up no other."""
        finished = True
        for state in await self._store.channels.unfinished_backfills(self._account.name):
            try:
                await self._fill(state)
            except (LoginNeeded, AccountDead):
                raise
            except TelegramError as error:
                log.warning("backfill not finished", channel=state.channel_id, error=str(error))
                finished = False
        return finished

    async def _fill(self, state: Backfill) -> None:
        while not state.done and not self._pulse.stopping:
            # Asked before each page: another account may carry it by now, and goes on where we were.
            channel = await self._store.channels.get(state.channel_id, self._account.name)
            if channel is None or channel.account != self._account.name or not channel.access_hash:
                return
            state = await _next_page(self._account, self._store, channel, state, self._clock)
            self._nudge()
            await self._pulse.wait(PAUSE)
