"""One channel, kept complete: pushes in order, differences whole, the ledger's gaps asked for.

Everything ends in `store.intake.record`, which moves pts in the transaction that stores what pts stands for. A kill, or a
failure of the store, therefore leaves pts where it was, and the next difference brings the same again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from telethon.tl import functions, types

from bot.errors import ChannelUnavailable, FloodWait, Refused
from bot.model import Channel, ChannelState, Clock, Heard, How, MessageId, RawMessage
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.history import Answer, by_ids, read_updates, sort_out, verified_page_below
from bot.telegram.ids import input_channel, input_peer
from bot.telegram.ledger import Ask, Push, ask_for, ids_in, sequence

log = structlog.get_logger()

# Events in one getChannelDifference; 100 is the most that a user may ask for.
DIFFERENCE = 100
# Ids whose state is read again when pts cannot tell what was edited.
REREAD = 100
# Gap ids asked for in one pass; the rest waits for the next sweep.
REPAIR = 1000
# pts that Telegram does not accept as a starting point.
BAD_PTS = frozenset({"PERSISTENT_TIMESTAMP_INVALID", "PERSISTENT_TIMESTAMP_EMPTY"})


# Pushes kept while the server is being asked; past that they are dropped, for the difference has them all.
BACKLOG = 1000


@dataclass
class Feed:
    """The working state of one channel. `channel` carries pts and top_id as last recorded."""

    account: Account
    store: Store
    channel: Channel
    clock: Clock
    # Called after each record that may give the reader work.
    nudge: Callable[[], None]
    # Pushes not applied yet: fresh ones, and those behind a gap.
    pushes: list[Push] = field(default_factory=list)
    # A push came in that nobody has looked at.
    fresh: bool = False
    # What the server must be asked.
    ask: Ask = Ask.NOTHING
    # The ledger has gaps, as far as we know; and they are to be asked for.
    gaps_open: bool = True
    gaps_due: bool = False

    # --- hints ---

    def hear(self, push: Push) -> None:
        """Take a push in; nothing is recorded yet."""
        self.pushes.append(push)
        self.fresh = True
        if len(self.pushes) > BACKLOG:
            self.drop_pushes()
            self.want(Ask.DIFFERENCE)

    def want(self, ask: Ask) -> None:
        """Have the server asked; history is the stronger wish."""
        if ask is not Ask.NOTHING and self.ask is not Ask.HISTORY:
            self.ask = ask

    def drop_pushes(self) -> None:
        """Forget hints that lead nowhere; the next sweep sees whatever they spoke of."""
        self.pushes.clear()
        self.fresh = False

    async def apply_pushes(self) -> bool:
        """Record what follows on our pts; True when something lies behind a gap, or there is no pts to start from."""
        taken, self.pushes, self.fresh = self.pushes, [], False
        if not self.channel.pts:
            return bool(taken)
        apply, keep, pts = sequence(self.channel.pts, taken)
        if apply:
            messages, deleted = read_updates(push.update for push in apply)
            await self._record(How.PUSH, messages, deleted, pts=pts)
        self.pushes = keep + self.pushes
        return bool(keep)

    # --- asking ---

    @property
    def wanting(self) -> bool:
        """True when there is something to ask."""
        return self.ask is not Ask.NOTHING or self.gaps_due

    async def catch_up(self) -> None:
        """Bring the channel up to date: difference or history as wanted, then the open gaps.

        Raises what Telegram or the store raised; the wish then stands.
        """
        # A wish or a push that comes while we ask may be about what the answer does not hold yet: it is for the next pass.
        ask, self.ask = self.ask, Ask.NOTHING
        if ask is not Ask.NOTHING:
            self.drop_pushes()
        try:
            if ask is Ask.HISTORY or not self.channel.pts:
                await self._from_history(None)
            elif ask is Ask.DIFFERENCE:
                await self._difference()
            await self.repair(REPAIR)
        except Exception:
            self.want(ask)
            raise
        if await self.apply_pushes():
            self.fresh = True
        await self._back_again()

    async def _difference(self) -> None:
        final = False
        while not final:
            request = functions.updates.GetChannelDifferenceRequest(
                channel=input_channel(self.channel),
                filter=types.ChannelMessagesFilterEmpty(),
                pts=self.channel.pts,
                limit=DIFFERENCE,
                force=False,
            )
            try:
                answer = await self.account.call(request)
            except FloodWait:
                # Posts are not held up by it: history has a wait of its own. pts stays, so edits and deletes follow.
                await self._new_posts()
                raise
            except Refused as error:
                if error.word not in BAD_PTS:
                    raise
                log.warning("pts not accepted", channel=self.channel.channel_id, pts=self.channel.pts)
                await self._from_history(None)
                return
            final = await self._apply_difference(answer)

    async def _apply_difference(self, answer: Any) -> bool:
        """Record one slice; True when it was the last."""
        match answer:
            case types.updates.ChannelDifferenceEmpty():
                if answer.pts > self.channel.pts:
                    await self._record(How.DIFFERENCE, pts=answer.pts)
                return True
            case types.updates.ChannelDifferenceTooLong():
                log.warning("difference too long", channel=self.channel.channel_id, pts=self.channel.pts)
                await self._record(How.DIFFERENCE, sort_out(answer.messages).messages)
                await self._from_history(answer.dialog)
                return True
        new = sort_out(answer.new_messages)
        changed, deleted = read_updates(answer.other_updates)
        stuck = not answer.final and answer.pts <= self.channel.pts
        await self._record(How.DIFFERENCE, new.messages + changed, new.deleted + deleted, pts=answer.pts)
        # A server that gives slices without moving would keep us here for ever.
        return bool(answer.final) or stuck

    async def _from_history(self, dialog: Any) -> None:
        """Learn by looking what no difference tells: new ids, and the state of the newest ones; only then move pts.

        The server's pts is taken also when it is lower than ours: it counts from there on. The row keeps the highest.
        """
        dialog = dialog or await self._dialog()
        if dialog is None:
            return
        await self._record(How.SWEEP, top_id=dialog.top_message)
        await self.repair(None)
        await self._reread(dialog.top_message)
        await self._record(How.SWEEP, pts=dialog.pts)
        self.channel = replace(self.channel, pts=dialog.pts or 0)

    async def _new_posts(self) -> None:
        dialog = await self._dialog()
        if dialog is not None and dialog.top_message > self.channel.top_id:
            await self._record(How.SWEEP, top_id=dialog.top_message)
            await self.repair(REPAIR)

    async def _dialog(self) -> Any:
        peer = types.InputDialogPeer(input_peer(self.channel))
        answer = await self.account.call(functions.messages.GetPeerDialogsRequest([peer]))
        return answer.dialogs[0] if answer.dialogs else None

    async def _reread(self, top: int) -> None:
        first = max(self.channel.watch_from, top - REREAD + 1)
        ids = [MessageId(i) for i in range(top, first - 1, -1)]
        await self._record_answer(await by_ids(self.account, self.channel, ids))

    # --- gaps ---

    async def repair(self, limit: int | None) -> None:
        """Ask for the ids that the ledger cannot account for, about `limit` of them: long runs by pages, the rest by id.

        What the server neither shows nor calls empty stays a gap.
        """
        if not self.gaps_open:
            return
        gaps = await self.store.channels.gaps(self.channel.channel_id)
        left = sum(gap.last - gap.first + 1 for gap in gaps) if limit is None else limit
        for gap in sorted(gaps, key=lambda gap: -gap.last):
            upper = int(gap.last)
            while gap.last - gap.first >= REREAD and upper >= gap.first and left > 0:
                page = await verified_page_below(self.account, self.channel, upper, gap.first)
                await self._record_answer(page)
                left -= upper - page.lowest + 1
                upper = page.lowest - 1
        short = [gap for gap in gaps if gap.last - gap.first < REREAD]
        await self._record_answer(await by_ids(self.account, self.channel, ids_in(short, max(left, 0))))
        self.gaps_due = False
        self.gaps_open = bool(gaps) and bool(await self.store.channels.gaps(self.channel.channel_id, limit=1))

    # --- state ---

    async def record_unavailable(self, error: ChannelUnavailable) -> None:
        """Note what the server says; the sweep goes on asking."""
        state = ChannelState(error.state)
        if state is not self.channel.state:
            log.warning("channel unavailable", channel=self.channel.channel_id, state=state.value, reason=str(error))
            await self._record_state(state, str(error))

    async def _back_again(self) -> None:
        if self.channel.state is not ChannelState.ACTIVE:
            log.info("channel is back", channel=self.channel.channel_id, was=self.channel.state.value)
            await self._record_state(ChannelState.ACTIVE, None)

    async def _record_state(self, state: ChannelState, reason: str | None) -> None:
        at = self.clock()
        await self.store.channels.record_state(self.channel.channel_id, state, reason=reason, at=at)
        self.channel = replace(self.channel, state=state, state_since=at, state_reason=reason)

    # --- recording ---

    def needs(self, server_pts: int | None, server_top: int) -> Ask:
        """What to ask after a sweep saw these."""
        return ask_for(pts=self.channel.pts, top_id=self.channel.top_id, server_pts=server_pts, server_top=server_top)

    async def _record_answer(self, answer: Answer) -> None:
        if answer.messages or answer.deleted:
            await self._record(How.SWEEP, answer.messages, answer.deleted)

    async def _record(
        self,
        how: How,
        messages: tuple[RawMessage, ...] = (),
        deleted: tuple[MessageId, ...] = (),
        *,
        pts: int | None = None,
        top_id: int | None = None,
    ) -> None:
        top = max(top_id or 0, self.channel.top_id, *(raw.message_id for raw in messages), *deleted, 0)
        heard = Heard(
            channel_id=self.channel.channel_id,
            how=how,
            at=self.clock(),
            messages=messages,
            deleted=deleted,
            pts=pts,
            top_id=MessageId(top),
        )
        await self.store.intake.record(heard)
        expected = top - self.channel.top_id
        new = {raw.message_id for raw in messages} | set(deleted)
        self.gaps_open |= sum(i > self.channel.top_id for i in new) < expected
        moved = max(pts or 0, self.channel.pts)
        self.channel = replace(self.channel, pts=moved, top_id=MessageId(top))
        if messages or deleted:
            self.nudge()
