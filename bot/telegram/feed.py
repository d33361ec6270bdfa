"""One channel, kept complete: asks what its state machine asks, and records what it says.

Everything ends in `store.intake.record`, which moves pts in the transaction that stores what pts stands for. A kill, or a
failure of the store, therefore leaves pts where it was, and the next difference brings the same again.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import structlog
from telethon.tl import functions, types

from bot.errors import ChannelUnavailable, StoreError, TelegramError
from bot.model import Channel, ChannelState, Clock, Gap, Heard
from bot.store import Store
from bot.telegram import catchup
from bot.telegram.account import Account
from bot.telegram.answers import read_difference, read_sighting
from bot.telegram.history import by_ids, page_below
from bot.telegram.ids import input_channel, input_peer
from bot.telegram.lanes import Lanes
from bot.telegram.ledger import Ask
from bot.telegram.questions import ByIds, Difference, Empty, Move, Page, Record, Sighting, Slice, TooLong, Where
from bot.telegram.received import keep_bytes
from bot.telegram.state import Plan, State

log = structlog.get_logger()

T = TypeVar("T")

# Events in one getChannelDifference; 100 is the most that a user may ask for.
DIFFERENCE = 100
# Seconds that one question may take; a lost answer costs its channel no more than that.
ASK_SECONDS = 10.0
# More gaps than one channel has.
ALL = 1_000_000


class Feed:
    """A channel that is heard, and `state`: where it stands with us."""

    def __init__(
        self,
        account: Account,
        store: Store,
        channel: Channel,
        gaps: Iterable[Gap],
        *,
        clock: Clock,
        lanes: Lanes,
        progressed: Callable[[bool], None],
    ) -> None:
        """`progressed` is called after each answer and each record, with True when there is something to read."""
        self.channel = channel
        self.state = State(channel, ((gap.first, gap.last) for gap in gaps))
        # When an overview last told of it, and when, on the loop's clock, it is to be in the next one.
        self.seen_at: datetime | None = None
        self.look_at = 0.0
        # An order to close gaps that is being carried out.
        self.repair_wanted: datetime | None = None
        # Others have opened gaps.
        self.gaps_changed = False
        # It is no longer ours to hear.
        self.retired = False
        self._account = account
        self._store = store
        self._clock = clock
        self._lanes = lanes
        self._progressed = progressed

    async def apply_pushes(self) -> bool:
        """Record what was pushed and follows on our pts; True when something lies behind a gap."""
        return await self._carry_out(catchup.apply_pushes(self.state))

    async def catch_up(self, now: float) -> None:
        """Ask what is wished for by now. Raises what Telegram or the store raised; the wish then stands."""
        asked = self.state.wanting(now)
        await self._carry_out(catchup.catch_up(self.state, now))
        if asked and self.channel.state is not ChannelState.ACTIVE:
            log.info("channel is back", channel=self.channel.channel_id, was=self.channel.state.value)
            await self._record_state(ChannelState.ACTIVE, None)

    async def look(self) -> None:
        """Ask where the channel stands, and wish for what brings us there. Raises what Telegram raised."""
        sighting = await self._ask(Where())
        if sighting is None:
            self.state.want(Ask.DIFFERENCE)
        else:
            self.state.sighted(sighting)

    def take_over(self, row: Channel) -> None:
        """What the store says of the channel now. Only we move pts, top and state, and ours are never behind the row."""
        ours = self.channel
        # A backfill lowers where watching begins, past ids that it could not account for.
        self.gaps_changed |= row.watch_from < self.state.watch_from
        self.state.watch_from = min(self.state.watch_from, row.watch_from)
        if row.repair_wanted not in (None, self.repair_wanted):
            self.repair_wanted, self.gaps_changed = row.repair_wanted, True
        self.channel = replace(row, state=ours.state, state_since=ours.state_since, state_reason=ours.state_reason)

    def unsettled(self, now: float) -> bool:
        """Whether `settle` has something to do."""
        return self.gaps_changed or (self.repair_wanted is not None and self.state.is_done(now))

    async def settle(self, now: float) -> None:
        """Take in gaps that others have opened, or report a repair that is done. Raises StoreError."""
        if self.gaps_changed:
            gaps = await self._store.channels.gaps(self.channel.channel_id, limit=ALL)
            self.gaps_changed = False
            for gap in gaps:
                self.state.holes.open(gap.first, gap.last)
        elif self.repair_wanted is not None and self.state.is_done(now):
            await self._store.channels.record_repaired(self.channel.channel_id, self.repair_wanted)
            self.repair_wanted = None

    async def record_unavailable(self, error: ChannelUnavailable) -> None:
        """Note what the server says. Raises StoreError."""
        state = ChannelState(error.state)
        if state is not self.channel.state:
            log.warning("channel unavailable", channel=self.channel.channel_id, state=state.value, reason=str(error))
            await self._record_state(state, str(error))

    async def _record_state(self, state: ChannelState, reason: str | None) -> None:
        at = self._clock()
        await self._store.channels.record_state(self.channel.channel_id, state, reason=reason, at=at)
        self.channel = replace(self.channel, state=state, state_since=at, state_reason=reason)

    # --- carrying out -------------------------------------------------------------------------------------------------

    async def _carry_out(self, plan: Plan[T]) -> T:
        try:
            move = next(plan)
            while True:
                try:
                    answer = await self._do(move)
                except (TelegramError, StoreError) as error:
                    move = plan.throw(error)
                else:
                    self._progressed(isinstance(move, Record) and bool(move.messages or move.deleted))
                    move = plan.send(answer)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            plan.close()

    async def _do(self, move: Move) -> Any:
        if isinstance(move, Record):
            return await self._record(move)
        return await self._ask(move)

    async def _ask(self, question: Difference | Where | ByIds | Page) -> Any:
        async with self._lanes.place(type(question)):
            match question:
                case Difference():
                    return await self._difference(question.pts)
                case Where():
                    return await self._where()
                case ByIds():
                    return await by_ids(self._account, self.channel, list(question.ids), timeout=ASK_SECONDS)
                case Page():
                    return await page_below(self._account, self.channel, question.upper, timeout=ASK_SECONDS)

    async def _difference(self, pts: int) -> Slice | Empty | TooLong:
        request = functions.updates.GetChannelDifferenceRequest(
            channel=input_channel(self.channel),
            filter=types.ChannelMessagesFilterEmpty(),
            pts=pts,
            limit=DIFFERENCE,
            force=False,
        )
        answer = read_difference(await self._account.call(keep_bytes(request), timeout=ASK_SECONDS))
        if isinstance(answer, TooLong):
            log.warning("difference too long", channel=self.channel.channel_id, pts=pts)
        return answer

    async def _where(self) -> Sighting | None:
        request = functions.messages.GetPeerDialogsRequest([types.InputDialogPeer(input_peer(self.channel))])
        answer = await self._account.call(request, timeout=ASK_SECONDS)
        return read_sighting(answer.dialogs[0]) if answer.dialogs else None

    async def _record(self, record: Record) -> None:
        heard = Heard(
            channel_id=self.channel.channel_id,
            how=record.how,
            at=self._clock(),
            messages=record.messages,
            deleted=record.deleted,
            pts=record.pts,
            top_id=record.top_id,
            gap_reason=record.reason,
            unanswered=record.unanswered,
        )
        with self._lanes.recording():
            await self._store.intake.record(heard)
