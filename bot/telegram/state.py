"""One channel's way to completeness, without network, database or clock: what to ask next, and what to record.

A plan is a generator: it yields a question or a record and is sent the answer, or has the failure thrown into it. What
is recorded counts from the moment when the plan goes on after yielding it, so pts is never ahead of the database.
"""

from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from bot.errors import FloodWait, Refused, Unreachable
from bot.model import Channel, How, MessageId, RawMessage
from bot.telegram.holes import Holes, newest_ids
from bot.telegram.ledger import Ask, Push, ask_for, chunks, missing, sequence
from bot.telegram.questions import Answer, ByIds, Difference, Empty, Move, Page, Record, Sighting, TooLong, Where

T = TypeVar("T")
Plan = Generator[Move, Any, T]

# Newest ids whose state is read again when nothing tells what changed; more of them after a difference that is too long.
REREAD = 100
REREAD_LONG = 1000
# Ids asked for in one pass, between which pushes are applied; and the most that one page of history may span.
PASS = 1000
# Runs of so many ids are read by pages of history, shorter ones by id.
PAGE = 100
# Pushes kept while the server is being asked; past that they are dropped, for the difference has them all.
BACKLOG = 1000
# Sightings below our pts in a row before the server is asked whether it still knows our pts.
LAGS = 3
# Answers in a row from servers that lag behind before one is believed: with the pauses between them some three minutes.
PATIENCE = 8
# pts that Telegram does not accept as a starting point.
BAD_PTS = frozenset({"PERSISTENT_TIMESTAMP_INVALID", "PERSISTENT_TIMESTAMP_EMPTY"})
NEWEST = 2**31 - 2

NOT_PUSHED = "not pushed"
NOT_TOLD = "not in the difference"
TOO_LONG = "difference too long"
SWEPT = "found by a sweep"
SILENT = "asked for, not answered"
LAGGING = "a server of Telegram's that lags behind answered; it is worth another try"


class State:
    """Where a channel stands with us; `pts`, `top_id` and `holes` as recorded. Times are seconds on the caller's clock."""

    def __init__(self, channel: Channel, gaps: Iterable[tuple[int, int]] = ()) -> None:
        self.watch_from = int(channel.watch_from)
        self.top_id = int(channel.top_id)
        self.pts = channel.pts
        # Ids not accounted for.
        self.holes = Holes(gaps)
        # Ids that are held, perhaps in a state that has passed.
        self.doubts = Holes()
        # Pushes not applied yet: fresh ones, and those behind a gap.
        self.pushes: list[Push] = []
        # A push came in that nobody has looked at.
        self.fresh = False
        # What the server must be asked.
        self.wish = Ask.NOTHING
        # The pts that a sweep saw, when that alone is why a difference is wished for: pushes may bring us there.
        self._aim: int | None = None
        # The difference is flooded: what pushes tell is recorded as it comes.
        self.held_up = False
        # Before this moment nothing is asked by id or by page.
        self.rest_until = 0.0
        # A server with a lower pts lags behind. One with this pts knows of the ids up to `_proven`, and of those we hold.
        self._floor = channel.pts
        self._proven = 0
        self._behind = 0
        self._stale = 0

    # --- hints --------------------------------------------------------------------------------------------------------

    def hear(self, push: Push) -> None:
        """Take a push in; nothing is recorded yet."""
        self.pushes.append(push)
        self.fresh = True
        if len(self.pushes) > BACKLOG:
            self.drop_pushes()
            self.want(Ask.DIFFERENCE)

    def drop_pushes(self) -> None:
        """Forget hints that lead nowhere; the next sweep sees whatever they spoke of."""
        self.pushes.clear()
        self.fresh = False

    def want(self, ask: Ask) -> None:
        """Have the server asked; history is the stronger wish."""
        if ask is not Ask.NOTHING and self.wish is not Ask.HISTORY:
            self.wish, self._aim = ask, None

    def sighted(self, sighting: Sighting) -> None:
        """A sweep has seen where the channel stands: wish for whatever brings us there."""
        ask = ask_for(pts=self.pts, top_id=self.top_id, server_pts=sighting.pts, server_top=sighting.top)
        self._behind = self._behind + 1 if (sighting.pts or self.pts) < self.pts else 0
        if self._behind >= LAGS:
            self._behind = 0
            ask = ask if ask is Ask.HISTORY else Ask.DIFFERENCE
        self._place(sighting)
        idle = self.wish is Ask.NOTHING or self._aim is not None
        self.want(ask)
        if idle and ask is Ask.DIFFERENCE and (sighting.pts or 0) > self.pts:
            self._aim = sighting.pts

    def wanting(self, now: float) -> bool:
        """Whether there is something to ask by now."""
        due = self.holes.any_due(now) or self.doubts.any_due(now)
        return self.wish is not Ask.NOTHING or (due and now >= self.rest_until)

    def is_done(self, now: float) -> bool:
        """Whether everything was asked that can be by now, also what may not be asked at the moment."""
        return self.wish is Ask.NOTHING and not self.holes.any_due(now)

    # --- plans --------------------------------------------------------------------------------------------------------

    def apply_pushes(self) -> Plan[bool]:
        """Record what follows on our pts; True when something lies behind a gap, or there is no pts to start from."""
        taken, self.pushes, self.fresh = self.pushes, [], False
        if not self.pts:
            return bool(taken)
        apply, keep, pts = sequence(self.pts, taken)
        if apply:
            yield from self._record_pushes(apply, pts)
        if keep and self.held_up:
            # pts stays, so the difference brings the same again.
            yield from self._record_pushes(keep, None)
            return True
        self.pushes = keep + self.pushes
        return bool(keep)

    def catch_up(self, now: float) -> Plan[None]:
        """Ask what is wished for, then for some of what is missing and doubted.

        A failure thrown in is raised again, and the wish then stands.
        """
        # A wish or a push that comes while we ask may be about what the answer does not hold yet: it is for the next pass.
        wish, self.wish, self._aim = self.wish, Ask.NOTHING, None
        if wish is not Ask.NOTHING:
            self.drop_pushes()
        try:
            if wish is Ask.HISTORY or (wish is Ask.DIFFERENCE and not self.pts):
                yield from self._look_around(now, (yield from self._where()), SWEPT)
            elif wish is Ask.DIFFERENCE:
                yield from self._differ(now)
            wish = Ask.NOTHING
            if now >= self.rest_until:
                yield from self.fill(now)
                yield from self._dispel(now)
        except BaseException:
            self.want(wish)
            raise

    def fill(self, now: float, limit: float = PASS) -> Plan[None]:
        """Ask for ids in holes, the newest first, about `limit` of them: long runs by pages, the rest by id."""
        due = self.holes.due(now)
        for hole in due:
            upper = hole.last
            while hole.size >= PAGE and upper >= hole.first and limit > 0:
                lowest = yield from self._fill_page(upper, hole.first, now)
                limit -= upper - lowest + 1
                upper = lowest - 1
        short = [hole for hole in due if hole.size < PAGE]
        count = sum(hole.size for hole in short)
        for piece in chunks(_ids(newest_ids(short, int(min(max(limit, 0), count))))):
            yield from self._ask(piece, now)

    # --- difference ---------------------------------------------------------------------------------------------------

    def _differ(self, now: float) -> Plan[None]:
        """Take the difference slice by slice. Where it leaves something out, pts waits until the newest are read again."""
        cursor, sure = self.pts, True
        while True:
            try:
                answer = yield Difference(cursor)
            except FloodWait:
                self.held_up = True
                yield from self._new_posts(now)
                raise
            except Refused as error:
                if error.word not in BAD_PTS:
                    raise
                yield from self._look_around(now, (yield from self._where()), NOT_TOLD)
                return
            self.held_up = False
            if isinstance(answer, TooLong):
                if self._is_stale(answer.sighting.pts):
                    raise Unreachable(LAGGING)
                yield from self._record(How.DIFFERENCE, answer.messages, at=answer.sighting.pts, reason=TOO_LONG)
                yield from self._look_around(now, answer.sighting, TOO_LONG, REREAD_LONG)
                return
            sure = sure and answer.pts - cursor <= (0 if isinstance(answer, Empty) else answer.told)
            moved, cursor = answer.pts > cursor, max(cursor, answer.pts)
            if isinstance(answer, Empty):
                break
            if moved or answer.pts == cursor:
                pts = cursor if sure else None
                yield from self._record(
                    How.DIFFERENCE, answer.messages, answer.deleted, pts=pts, at=cursor, reason=NOT_TOLD
                )
            # A server that gives slices without moving would keep us here for ever.
            if answer.final or not moved:
                break
        if not sure:
            self._doubt(REREAD)
            yield from self._dispel(now)
        if cursor > self.pts:
            yield from self._record(How.DIFFERENCE, pts=cursor, at=cursor)

    def _new_posts(self, now: float) -> Plan[None]:
        """What can be learned while the difference is flooded: posts, and the state of the newest ones. pts stays."""
        sighting = yield from self._where()
        if (sighting.pts or 0) < self.pts:
            return
        self._place(sighting)
        if sighting.top > self.top_id:
            yield from self._record(How.SWEEP, top=sighting.top, reason=SWEPT)
        yield from self.fill(now)
        if (sighting.pts or 0) > self.pts:
            self._doubt(REREAD)
            yield from self._dispel(now)

    # --- looking around -----------------------------------------------------------------------------------------------

    def _where(self) -> Plan[Sighting]:
        """Where the channel stands; taken from its newest page where no overview tells."""
        sighting: Sighting | None = yield Where()
        if sighting is None:
            page: Answer = yield Page(NEWEST)
            sighting = Sighting(pts=page.pts, top=max(page.ids, default=0))
        return sighting

    def _look_around(self, now: float, sighting: Sighting, reason: str, reread: int = REREAD) -> Plan[None]:
        """Go where the server stands without being told what happened: new ids become holes, the newest are read again.

        A pts that is lower than ours is taken when newer ids prove that the server counts anew, or when it is told for
        long enough; the row keeps the highest.
        """
        pts = sighting.pts
        if pts is not None and pts < self.pts:
            if sighting.top <= self.top_id and self._is_stale(pts):
                raise Unreachable(LAGGING)
            self._floor = pts
        self._place(sighting)
        yield from self._record(How.SWEEP, top=sighting.top, reason=reason)
        # What is filled in is read, and no longer in doubt.
        self._doubt(reread)
        yield from self.fill(now)
        yield from self._dispel(now)
        if pts is not None:
            yield from self._record(How.SWEEP, pts=pts)
            self.pts = pts

    def _place(self, sighting: Sighting) -> None:
        self._floor = max(self._floor, sighting.pts or 0)
        self._proven = max(self._proven, sighting.top)

    def _doubt(self, newest: int) -> None:
        self.doubts.open(max(self.watch_from, self.top_id - newest + 1, 1), self.top_id)

    def _dispel(self, now: float) -> Plan[None]:
        """Read doubted ids again."""
        for piece in chunks(_ids(newest_ids(self.doubts.due(now), PASS))):
            yield from self._ask(piece, now)

    # --- ids ----------------------------------------------------------------------------------------------------------

    def _fill_page(self, upper: int, floor: int, now: float) -> Plan[int]:
        """Read a page, then ask by id for what it leaves out; returns how far down that reached."""
        page: Answer = yield Page(upper)
        lowest = max(page.lowest or floor, floor, upper - PASS + 1)
        kept = page.between(lowest, upper)
        yield from self._take(kept, (), now)
        for piece in chunks(missing(upper, lowest, kept.ids)):
            yield from self._ask(piece, now)
        return lowest

    def _ask(self, ids: list[MessageId], now: float) -> Plan[None]:
        answer: Answer = yield ByIds(tuple(ids))
        yield from self._take(answer, ids, now)

    def _take(self, answer: Answer, asked: Iterable[int], now: float) -> Plan[None]:
        """Record what was said of ids. What was said of none of `asked` stays open, and is asked for more seldom."""
        if self._is_stale(answer.pts):
            yield from self._take_stale(answer)
            raise Unreachable(LAGGING)
        deleted = tuple(number for number in answer.deleted if self._believes(number))
        told = {raw.message_id for raw in answer.messages} | set(deleted)
        silent = [number for number in asked if number not in told]
        unanswered = _ids(self.holes.untried(silent))
        if told or unanswered:
            yield from self._record(
                How.SWEEP,
                answer.messages,
                deleted,
                at=answer.pts,
                reason=SILENT if unanswered else "",
                unanswered=unanswered,
            )
        self.holes.put_off(silent, now)
        self.doubts.put_off(silent, now)
        self.doubts.close(told)

    def _take_stale(self, answer: Answer) -> Plan[None]:
        """Keep posts that we do not have, in doubt. A server that lags calls empty what it has not heard of yet."""
        unknown = set(self.holes.among(answer.ids))
        messages = tuple(raw for raw in answer.messages if raw.message_id in unknown)
        if messages:
            yield from self._record(How.SWEEP, messages)
            for raw in messages:
                self.doubts.open(raw.message_id, raw.message_id)

    def _believes(self, number: int) -> bool:
        """Whether messageEmpty means that it is deleted. Else the server may not know it yet: it is asked once more."""
        return number <= self._proven or not self.holes.untried([number])

    def _is_stale(self, pts: int | None) -> bool:
        if pts is None or pts >= self._floor:
            self._stale = 0
            return False
        self._stale += 1
        if self._stale <= PATIENCE:
            return True
        self._stale, self._floor = 0, pts
        return False

    # --- recording ----------------------------------------------------------------------------------------------------

    def _record_pushes(self, pushes: list[Push], pts: int | None) -> Plan[None]:
        messages = tuple(raw for push in pushes for raw in push.messages)
        deleted = tuple(number for push in pushes for number in push.deleted)
        at = max(push.pts for push in pushes)
        yield from self._record(How.PUSH, messages, deleted, pts=pts, at=at, reason=NOT_PUSHED)

    def _record(
        self,
        how: How,
        messages: tuple[RawMessage, ...] = (),
        deleted: tuple[MessageId, ...] = (),
        *,
        pts: int | None = None,
        at: int | None = None,
        top: int = 0,
        reason: str = "",
        unanswered: Iterable[MessageId] = (),
    ) -> Plan[None]:
        """`at`: the pts of who told it."""
        told = {raw.message_id for raw in messages} | set(deleted)
        top = max(self.top_id, top, *told, 0)
        yield Record(
            how=how,
            messages=messages,
            deleted=deleted,
            pts=pts,
            top_id=MessageId(top),
            reason=reason,
            unanswered=tuple(unanswered),
        )
        # Here it is committed.
        self.holes.open(max(self.top_id + 1, self.watch_from), top)
        self.holes.close(told)
        self.top_id = top
        self.pts = max(self.pts, pts or 0)
        if self._aim is not None and self.pts >= self._aim:
            self.wish, self._aim = Ask.NOTHING, None
        if at is not None:
            self._place(Sighting(pts=at, top=max(told, default=0)))


def _ids(numbers: Iterable[int]) -> list[MessageId]:
    return [MessageId(number) for number in numbers]
