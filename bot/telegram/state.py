"""Where one channel stands with us, without network, database or clock: what is recorded, missing, doubted and wished for.

A plan is a generator: it yields a question or a record and is sent the answer, or has the failure thrown into it. What
is recorded counts from the moment when the plan goes on after yielding it, so pts is never ahead of the database.
"""

from collections.abc import Generator, Iterable
from typing import Any, TypeVar

from bot.errors import Unreachable
from bot.model import Channel, How, MessageId, RawMessage
from bot.telegram.holes import Holes, newest_ids
from bot.telegram.ledger import Ask, Push, ask_for, chunks, missing
from bot.telegram.questions import Answer, ByIds, Move, Page, Record, Sighting
from bot.telegram.trust import Trust

T = TypeVar("T")
Plan = Generator[Move, Any, T]

# Ids asked for in one pass, between which pushes are applied; and the most that one page of history may span.
PASS = 1000
# Runs of so many ids are read by pages of history, shorter ones by id.
PAGE = 100
# Pushes kept while the server is being asked; past that they are dropped, for the difference has them all.
BACKLOG = 1000

SILENT = "asked for, not answered"
LAGGING = "a server of Telegram's that lags behind answered; it is worth another try"


class State:
    """`pts`, `top_id` and `holes` are as recorded. Times are seconds on the caller's clock."""

    def __init__(self, channel: Channel, gaps: Iterable[tuple[int, int]] = ()) -> None:
        self.watch_from = int(channel.watch_from)
        self.top_id = int(channel.top_id)
        self.pts = channel.pts
        self.trust = Trust(channel.pts)
        # Ids not accounted for.
        self.holes = Holes(gaps)
        # Ids that are held, perhaps in a state that has passed.
        self.doubts = Holes()
        # Pushes not applied yet: fresh ones, and those behind a gap.
        self.pushes: list[Push] = []
        # A push came in that nobody has looked at.
        self.fresh = False
        # Pushes from before the question that is under way.
        self._passed: list[Push] = []
        # What the server must be asked.
        self.wish = Ask.NOTHING
        # The pts that a sweep saw, when that alone is why a difference is wished for: pushes may bring us there.
        self._aim: int | None = None
        # The difference is flooded: what pushes tell is recorded as it comes.
        self.held_up = False
        # Before this moment nothing is asked by id or by page.
        self.rest_until = 0.0

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
        self._passed.clear()
        self.fresh = False

    def take_pushes(self) -> list[Push]:
        """Those to be worked off now; what comes meanwhile is kept."""
        taken, self.pushes, self.fresh = self.pushes, [], False
        return taken

    def take_passed(self, pts: int) -> list[Push]:
        """In order, what was pushed up to `pts` and is not recorded."""
        heard = [*self._passed, *self.pushes]
        self._passed = [push for push in self._passed if push.pts > pts]
        self.pushes = [push for push in self.pushes if push.pts > pts]
        return sorted((push for push in heard if self.pts < push.pts <= pts), key=lambda push: push.pts)

    def want(self, ask: Ask) -> None:
        """Have the server asked; history is the stronger wish."""
        if ask is not Ask.NOTHING and self.wish is not Ask.HISTORY:
            self.wish, self._aim = ask, None

    def take_wish(self) -> Ask:
        """What to ask now. Its answer brings what was pushed so far; what comes meanwhile is for the next pass."""
        wish, self.wish, self._aim = self.wish, Ask.NOTHING, None
        if wish is not Ask.NOTHING:
            self._passed = [*self._passed, *self.take_pushes()][-BACKLOG:]
        return wish

    def answered(self) -> None:
        """What was wished for is recorded: pushes from before that lie beyond it lead nowhere."""
        self._passed.clear()

    def sighted(self, sighting: Sighting) -> None:
        """A sweep has seen where the channel stands: wish for whatever brings us there."""
        ask = ask_for(pts=self.pts, top_id=self.top_id, server_pts=sighting.pts, server_top=sighting.top)
        if self.trust.is_odd(sighting, self.pts) and ask is Ask.NOTHING:
            ask = Ask.DIFFERENCE
        self.trust.told(sighting)
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

    # --- ids ----------------------------------------------------------------------------------------------------------

    def doubt(self, newest: int) -> None:
        """Have so many of the newest ids read again."""
        self.doubts.open(max(self.watch_from, self.top_id - newest + 1, 1), self.top_id)

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

    def dispel(self, now: float) -> Plan[None]:
        """Read doubted ids again."""
        for piece in chunks(_ids(newest_ids(self.doubts.due(now), PASS))):
            yield from self._ask(piece, now)

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
        if self.trust.is_stale(answer.pts):
            yield from self._take_stale(answer)
            raise Unreachable(LAGGING)
        deleted = tuple(number for number in answer.deleted if self._believes(number))
        told = {raw.message_id for raw in answer.messages} | set(deleted)
        silent = [number for number in asked if number not in told]
        unanswered = _ids(self.holes.untried(silent))
        if told or unanswered:
            reason = SILENT if unanswered else ""
            yield from self.record(
                How.SWEEP, answer.messages, deleted, at=answer.pts, reason=reason, unanswered=unanswered
            )
        self.holes.put_off(silent, now)
        self.doubts.put_off(silent, now)
        self.doubts.close(told)

    def _take_stale(self, answer: Answer) -> Plan[None]:
        """Keep posts that we do not have, in doubt. A server that lags calls empty what it has not heard of yet."""
        unknown = set(self.holes.among(answer.ids))
        messages = tuple(raw for raw in answer.messages if raw.message_id in unknown)
        if messages:
            yield from self.record(How.SWEEP, messages)
            for raw in messages:
                self.doubts.open(raw.message_id, raw.message_id)

    def _believes(self, number: int) -> bool:
        """Whether messageEmpty means that it is deleted. Else the server may not know it yet: it is asked once more."""
        return self.trust.knows(number) or not self.holes.untried([number])

    # --- recording ----------------------------------------------------------------------------------------------------

    def record(
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
        """Have this recorded, and stand there. `pts`: everything up to it is; `at`: the pts of who told it."""
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
            self.trust.told(Sighting(pts=at, top=max(told, default=0)))


def _ids(numbers: Iterable[int]) -> list[MessageId]:
    return [MessageId(number) for number in numbers]
