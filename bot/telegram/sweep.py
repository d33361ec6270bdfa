"""The overview: where the server stands with many channels at once, and when each of them is looked at again."""

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from telethon.tl import functions, types

from bot.errors import AccountDead, ChannelUnavailable, FloodWait, LoginNeeded, Refused, StoreError, TelegramError
from bot.model import ChannelState, Clock
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.answers import read_sighting
from bot.telegram.feed import ASK_SECONDS, Feed
from bot.telegram.ids import input_peer, marked
from bot.telegram.lanes import Lanes
from bot.telegram.ledger import Ask
from bot.telegram.serving import GAP_SECONDS

log = structlog.get_logger()

# Channels in one messages.getPeerDialogs.
BATCH = 100
# Channels of this priority or a more urgent one are looked at twice as often.
URGENT = 3
# An overview takes along channels that are due a little later, by this share of an interval, so that few are needed.
EARLY = 0.1
# An interval is shortened to a share between these, and then a push gets another share to come by itself: what is never
# pushed is recorded within one interval all the same.
JITTER = (0.9, 0.97)
GRACE = 0.02
# Overviews at once: each takes a while to read, and pushes are not to wait for several.
PARALLEL = 1
# Pauses after a failure, in seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
# While there is no overview: members of a channel asked by themselves in one sweep, those first that were not seen longest.
RESCUED = 100


class Sweeper:
    """Looks at channels when they are due. Times are seconds on the loop's clock."""

    def __init__(
        self, account: Account, store: Store, *, sweep_seconds: float, clock: Clock, attend: Callable[[Feed], None]
    ) -> None:
        """`attend` is called with each channel that was looked at, or that must be asked by itself."""
        self._account = account
        self._store = store
        self._sweep_seconds = sweep_seconds
        self._clock = clock
        self._attend = attend
        self._lanes = Lanes(PARALLEL)
        # How often a batch failed in a row.
        self._failures = 0

    def next_due(self, feeds: Sequence[Feed]) -> float:
        """When the next channel is due; never later than an interval from now, by which one may have been added."""
        later = asyncio.get_running_loop().time() + self._sweep_seconds / 2
        return min((feed.look_at for feed in feeds if _in_overview(feed)), default=later)

    async def sweep(self, feeds: Sequence[Feed]) -> None:
        """Look at all channels that are due, the most urgent first.

        A batch that fails is due again after a pause and holds up no other. Raises LoginNeeded or AccountDead.
        """
        now = asyncio.get_running_loop().time()
        due = [feed for feed in feeds if _in_overview(feed) and feed.look_at <= now + EARLY * self._sweep_seconds]
        due.sort(key=lambda feed: (feed.channel.priority, feed.channel.channel_id))
        batches = [due[start : start + BATCH] for start in range(0, len(due), BATCH)]
        jitter = random.uniform(*JITTER)  # noqa: S311 - so that many listeners do not ask at once
        outcomes = await asyncio.gather(*(self._look(batch, jitter) for batch in batches), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _interval(self, feed: Feed) -> float:
        return self._sweep_seconds / 2 if feed.channel.priority <= URGENT else self._sweep_seconds

    def _grace(self, feed: Feed) -> float:
        """How long a push of what the overview saw may take, in seconds; none where no push is under way."""
        hears = feed.channel.joined and feed.seen_at is not None
        return min(GAP_SECONDS, GRACE * self._interval(feed)) if hears else 0.0

    async def _look(self, batch: Sequence[Feed], jitter: float) -> None:
        begun = asyncio.get_running_loop().time()
        for feed in batch:
            feed.look_at = math.inf
        try:
            async with self._lanes.place(Sweeper):
                await self._ask(batch)
        except FloodWait as wait:
            log.warning("no overview", until=wait.until.isoformat())
            seconds = (wait.until - self._clock()).total_seconds()
            self._put_off(batch, max(min(seconds, self._sweep_seconds), FIRST_PAUSE))
            self._rescue(batch)
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            log.warning("sweep not finished", channels=len(batch), error=str(error))
            self._put_off(batch, min(FIRST_PAUSE * 2**self._failures, LONGEST_PAUSE))
            self._failures = min(self._failures + 1, 12)
        else:
            self._failures = 0
            for feed in batch:
                # Unless something happened meanwhile for which it is to be looked at again.
                grace = self._grace(feed)
                if feed.look_at == math.inf:
                    feed.seen_at = self._clock()
                    feed.look_at = begun + self._interval(feed) * jitter
                asyncio.get_running_loop().call_later(grace, self._attend, feed)
        finally:
            for feed in batch:
                feed.look_at = 0.0 if feed.look_at == math.inf else feed.look_at

    async def _ask(self, feeds: Sequence[Feed]) -> None:
        """Ask where these channels stand and tell each feed; one that spoils the request is found by halving.

        A channel that the answer leaves out, or calls closed to us, is asked by itself. Raises what `Account.call` raises
        for the whole request.
        """
        peers = [types.InputDialogPeer(input_peer(feed.channel)) for feed in feeds]
        try:
            answer = await self._account.call(functions.messages.GetPeerDialogsRequest(peers), timeout=ASK_SECONDS)
        except (ChannelUnavailable, Refused) as error:
            if len(feeds) == 1:
                log.info("channel not in the overview", channel=feeds[0].channel.channel_id, error=str(error))
                feeds[0].state.want(Ask.DIFFERENCE)
                return
            middle = len(feeds) // 2
            await self._ask(feeds[:middle])
            await self._ask(feeds[middle:])
            return
        dialogs = {marked(d.peer.channel_id): d for d in answer.dialogs if isinstance(d.peer, types.PeerChannel)}
        closed = {marked(chat.id) for chat in answer.chats if isinstance(chat, types.ChannelForbidden)}
        left = {marked(chat.id): bool(chat.left) for chat in answer.chats if isinstance(chat, types.Channel)}
        for feed in feeds:
            dialog = dialogs.get(feed.channel.channel_id)
            if dialog is None or feed.channel.channel_id in closed:
                feed.state.want(Ask.DIFFERENCE)
            else:
                feed.state.sighted(read_sighting(dialog))
            await self._compare(feed, left.get(feed.channel.channel_id))

    async def _compare(self, feed: Feed, left: bool | None) -> None:
        """Note that we are no longer, or are now, a member: only members get pushes."""
        if left is None or feed.channel.joined is not left:
            return
        log.info("membership changed", channel=feed.channel.channel_id, joined=not left)
        try:
            row = await self._store.channels.get(feed.channel.channel_id, self._account.name)
            if row is not None:
                await self._store.channels.pin(replace(row, joined=not left), account=self._account.name)
            feed.channel = replace(feed.channel, joined=not left)
        except StoreError as error:
            log.warning("membership not stored", channel=feed.channel.channel_id, error=str(error))

    def _put_off(self, batch: Sequence[Feed], seconds: float) -> None:
        for feed in batch:
            feed.look_at = asyncio.get_running_loop().time() + seconds

    def _rescue(self, batch: Sequence[Feed]) -> None:
        """No overview: who gets no pushes, or was not seen on this connection, is asked by itself, and some others."""
        members = [feed for feed in batch if feed.channel.joined and feed.seen_at is not None]
        members.sort(key=lambda feed: feed.seen_at or self._clock())
        others = [feed for feed in batch if feed not in members]
        for feed in [*others, *members[:RESCUED]]:
            feed.seen_at = self._clock()
            feed.state.want(Ask.DIFFERENCE)
            self._attend(feed)


def _in_overview(feed: Feed) -> bool:
    """One that cannot be read spoils every overview that it is in."""
    return feed.channel.state is ChannelState.ACTIVE
