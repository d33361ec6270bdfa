"""How a channel is brought up to date: the plans that `feed` carries out. See `state` for what a plan is."""

from bot.errors import FloodWait, Refused, Unreachable
from bot.model import How
from bot.telegram.ledger import Ask, Push, sequence
from bot.telegram.questions import Answer, Difference, Empty, Page, Sighting, Slice, TooLong, Where
from bot.telegram.state import LAGGING, Plan, State

# Newest ids whose state is read again when nothing tells what changed; more of them after a difference that is too long.
REREAD = 100
REREAD_LONG = 1000
# pts that Telegram does not accept as a starting point.
BAD_PTS = frozenset({"PERSISTENT_TIMESTAMP_INVALID", "PERSISTENT_TIMESTAMP_EMPTY"})
# An id above all that are given out.
NEWEST = 2**31 - 2

NOT_PUSHED = "not pushed"
NOT_TOLD = "not in the difference"
TOO_LONG = "difference too long"
SWEPT = "found by a sweep"


def apply_pushes(state: State) -> Plan[bool]:
    """Record what follows on our pts; True when something lies behind a gap, or there is no pts to start from."""
    taken = state.take_pushes()
    if not state.pts:
        return bool(taken)
    apply, keep, pts = sequence(state.pts, taken)
    if apply:
        yield from _record_pushes(state, apply, pts)
    if keep and state.held_up:
        # pts stays, so the difference brings the same again.
        yield from _record_pushes(state, keep, None)
        return True
    state.pushes = keep + state.pushes
    return bool(keep)


def catch_up(state: State, now: float) -> Plan[None]:
    """Ask what is wished for, then for some of what is missing and doubted.

    A failure thrown in is raised again, and the wish then stands.
    """
    wish = state.take_wish()
    try:
        if wish is Ask.HISTORY or (wish is Ask.DIFFERENCE and not state.pts):
            yield from _look_around(state, now, (yield from _where()), SWEPT)
        elif wish is Ask.DIFFERENCE:
            yield from _differ(state, now)
        if wish is not Ask.NOTHING:
            state.answered()
        wish = Ask.NOTHING
        if now >= state.rest_until:
            yield from state.fill(now)
            yield from state.dispel(now)
    except BaseException:
        state.want(wish)
        raise


def _record_pushes(state: State, pushes: list[Push], pts: int | None) -> Plan[None]:
    messages = tuple(raw for push in pushes for raw in push.messages)
    deleted = tuple(number for push in pushes for number in push.deleted)
    at = max(push.pts for push in pushes)
    yield from state.record(How.PUSH, messages, deleted, pts=pts, at=at, reason=NOT_PUSHED)


def _record_passed(state: State, pts: int | None) -> Plan[None]:
    """Before an answer from there is recorded: states that were pushed and have passed, which it does not tell."""
    passed = state.take_passed(pts or 0)
    if passed:
        yield from _record_pushes(state, passed, None)


# --- difference -------------------------------------------------------------------------------------------------------


def _differ(state: State, now: float) -> Plan[None]:
    """Take the difference, and go another way where there is none to be had."""
    try:
        too_long = yield from _slices(state, now)
    except FloodWait:
        state.held_up = True
        yield from _new_posts(state, now)
        raise
    except Refused as error:
        if error.word not in BAD_PTS:
            raise
        yield from _look_around(state, now, (yield from _where()), NOT_TOLD)
        return
    if too_long is not None:
        if state.trust.is_stale(too_long.sighting.pts):
            raise Unreachable(LAGGING)
        yield from _record_passed(state, too_long.sighting.pts)
        yield from state.record(How.DIFFERENCE, too_long.messages, at=too_long.sighting.pts, reason=TOO_LONG)
        yield from _look_around(state, now, too_long.sighting, TOO_LONG, REREAD_LONG)


def _slices(state: State, now: float) -> Plan[TooLong | None]:
    """Take it slice by slice. Where it leaves something out, pts waits until the newest ids are read again."""
    started = cursor = state.pts
    sure, final = True, False
    while not final:
        taken = yield from _slice(state, cursor, sure=sure, first=cursor == started)
        if isinstance(taken, TooLong):
            return taken
        cursor, sure, final = taken
    if not sure:
        state.doubt(REREAD)
        yield from state.dispel(now)
    if cursor > state.pts:
        yield from state.record(How.DIFFERENCE, pts=cursor, at=cursor)
    return None


def _slice(state: State, before: int, *, sure: bool, first: bool) -> Plan[TooLong | tuple[int, bool, bool]]:
    """The next one: where it ends, whether everything was told up to there, and whether it was the last.

    A function of its own, so that the answer is let go before the next is asked for: many channels are at it at once.
    """
    answer: Slice | Empty | TooLong = yield Difference(before)
    state.held_up = False
    if isinstance(answer, TooLong):
        return answer
    step = answer if isinstance(answer, Slice) else Slice(pts=answer.pts, told=0, final=True)
    sure = sure and step.pts - before <= step.told
    cursor = max(before, step.pts)
    if step.pts == cursor and isinstance(answer, Slice):
        pts = cursor if sure else None
        if first:
            # A slice tells messages as they are now, whatever its pts: nothing that was pushed may follow it.
            yield from _record_passed(state, cursor if step.final else NEWEST)
        yield from state.record(How.DIFFERENCE, step.messages, step.deleted, pts=pts, at=cursor, reason=NOT_TOLD)
    # A server that gives slices without moving would keep us here for ever.
    return cursor, sure, step.final or cursor == before


def _new_posts(state: State, now: float) -> Plan[None]:
    """What can be learned while the difference is flooded: posts, and the state of the newest ones. pts stays."""
    sighting = yield from _where()
    if (sighting.pts or 0) < state.pts:
        return
    state.trust.told(sighting)
    if sighting.top > state.top_id:
        yield from state.record(How.SWEEP, top=sighting.top, reason=SWEPT)
    yield from state.fill(now)
    if (sighting.pts or 0) > state.pts:
        state.doubt(REREAD)
        yield from state.dispel(now)


# --- looking around ---------------------------------------------------------------------------------------------------


def _where() -> Plan[Sighting]:
    """Where the channel stands; taken from its newest page where no overview tells."""
    sighting: Sighting | None = yield Where()
    if sighting is None:
        page: Answer = yield Page(NEWEST)
        sighting = Sighting(pts=page.pts, top=max(page.ids, default=0))
    return sighting


def _look_around(state: State, now: float, sighting: Sighting, reason: str, reread: int = REREAD) -> Plan[None]:
    """Go where the server stands without being told what happened: new ids become holes, the newest are read again.

    A pts that is lower than ours is taken when newer ids prove that the server counts anew, or when it is told for
    long enough; the row keeps the highest.
    """
    pts = sighting.pts
    if pts is not None and pts < state.pts:
        if sighting.top <= state.top_id and state.trust.is_stale(pts):
            raise Unreachable(LAGGING)
        state.trust.lower(pts)
    state.trust.told(sighting)
    yield from _record_passed(state, pts)
    yield from state.record(How.SWEEP, top=sighting.top, reason=reason)
    # What is filled in is read, and no longer in doubt.
    state.doubt(reread)
    yield from state.fill(now)
    yield from state.dispel(now)
    if pts is not None:
        yield from state.record(How.SWEEP, pts=pts)
        state.pts = pts
