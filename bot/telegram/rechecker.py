"""Looks again at posts that raised an alert, when the store says: an edit or a deletion is found, even if never pushed."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

import structlog

from bot.errors import AccountDead, FloodWait, LoginNeeded, StoreError, TelegramError
from bot.model import Channel, ChannelId, Clock, Heard, How, Recheck, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.history import PAGE, by_ids

log = structlog.get_logger()

# Rows taken in one go.
LIMIT = 1000
# New alerts are due no sooner than in five minutes, so that nobody has to nudge. In seconds.
IDLE_SECONDS = 60.0
RETRY_SECONDS = 60.0
PUT_OFF_SECONDS = 5.0
# Answers in a row from servers that lag behind before a channel's is believed.
PATIENCE = 3


class Rechecker:
    """The rechecks of the channels that one account carries."""

    def __init__(
        self,
        account: Account,
        store: Store,
        pulse: Pulse,
        *,
        reader_nudge: Callable[[], None],
        clock: Clock = utc_now,
    ) -> None:
        self._account = account
        self._store = store
        self._pulse = pulse
        self._nudge = reader_nudge
        self._clock = clock
        # Channels that could not be asked, and when on the loop's clock they are tried again.
        self._not_before: dict[ChannelId, float] = {}
        self._stale: defaultdict[ChannelId, int] = defaultdict(int)

    async def run(self) -> None:
        """Look until the pulse stops. Raises LoginNeeded or AccountDead."""
        while not self._pulse.stopping:
            try:
                seconds = await self._look()
            except StoreError as error:
                log.warning("posts not looked at again", account=self._account.name, error=str(error))
                seconds = RETRY_SECONDS
            await self._pulse.wait(seconds)

    async def _look(self) -> float:
        """Look at all that are due; the seconds until the next look. Raises StoreError."""
        due = await self._store.rechecks.due(self._account.name, self._clock(), LIMIT)
        by_channel: defaultdict[ChannelId, list[Recheck]] = defaultdict(list)
        for recheck in due:
            by_channel[recheck.key.channel_id].append(recheck)
        for channel_id, rechecks in by_channel.items():
            if self._pulse.stopping:
                break
            if asyncio.get_running_loop().time() >= self._not_before.get(channel_id, 0.0):
                await self._look_at(channel_id, rechecks)
        return await self._idle_seconds()

    async def _idle_seconds(self) -> float:
        next_due = await self._store.rechecks.next_due(self._account.name)
        if next_due is None:
            return IDLE_SECONDS
        # What is due already and was not done waits for its channel's pause.
        seconds = (next_due - self._clock()).total_seconds()
        return min(seconds, IDLE_SECONDS) if seconds > 0 else PUT_OFF_SECONDS

    async def _look_at(self, channel_id: ChannelId, rechecks: Sequence[Recheck]) -> None:
        """One channel's; a failure puts them off and delays no other. Raises LoginNeeded, AccountDead or StoreError."""
        try:
            channel = await self._store.channels.get(channel_id, self._account.name)
            for start in range(0, len(rechecks), PAGE):
                if channel is None or not await self._look_at_some(channel, rechecks[start : start + PAGE]):
                    self._put_off(channel_id, RETRY_SECONDS)
                    return
        except FloodWait as wait:
            self._put_off(channel_id, max((wait.until - self._clock()).total_seconds(), 1.0))
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            log.warning("posts not looked at again", channel=channel_id, posts=len(rechecks), error=str(error))
            self._put_off(channel_id, RETRY_SECONDS)

    async def _look_at_some(self, channel: Channel, rechecks: Sequence[Recheck]) -> bool:
        """Record how these posts are now; False when a server answered that lags behind what we have heard."""
        answer = await by_ids(self._account, channel, [recheck.key.message_id for recheck in rechecks])
        if self._is_stale(channel, answer.pts):
            return False
        heard = Heard(
            channel_id=channel.channel_id,
            how=How.SWEEP,
            at=self._clock(),
            messages=answer.messages,
            deleted=answer.deleted,
        )
        if await self._store.intake.record(heard):
            self._nudge()
        await self._store.rechecks.record_done(rechecks, self._clock())
        return True

    def _is_stale(self, channel: Channel, pts: int | None) -> bool:
        if pts is None or pts >= channel.pts or self._stale[channel.channel_id] >= PATIENCE:
            self._stale.pop(channel.channel_id, None)
            return False
        self._stale[channel.channel_id] += 1
        return True

    def _put_off(self, channel_id: ChannelId, seconds: float) -> None:
        self._not_before[channel_id] = asyncio.get_running_loop().time() + seconds
