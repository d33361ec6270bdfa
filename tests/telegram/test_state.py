"""The state machine of a channel, against a model of Telegram's: whatever is lost, late or twice, it ends at the truth."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.errors import FloodWait, Refused, StoreError, Unreachable
from bot.model import Channel, ChannelId, MessageId
from bot.store.ledger import stretches
from bot.telegram.catchup import NEWEST, apply_pushes, catch_up
from bot.telegram.ledger import Ask, Push
from bot.telegram.questions import Answer, ByIds, Difference, Move, Page, Record, Where
from bot.telegram.state import Plan, State
from bot.telegram.trust import LAGS, PATIENCE
from tests.telegram.model_channel import Book, TrueChannel

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

FAILURES: tuple[Exception, ...] = (
    Unreachable("no answer"),
    FloodWait("updates.getChannelDifference", datetime(2023, 7, 12, tzinfo=UTC)),
    Refused("no", "PERSISTENT_TIMESTAMP_INVALID"),
)
A_DAY = 86_400.0


def follow(book: Book) -> State:
    """The state of a channel that is taken up where the book ends."""
    channel = Channel(
        channel_id=ChannelId(-1),
        access_hash=1,
        watch_from=MessageId(book.watch_from),
        top_id=MessageId(book.top),
        pts=book.pts,
    )
    return State(channel, stretches(book.gaps))


class Driver:
    """Carries plans out against the model, with what goes wrong on the way."""

    def __init__(self, truth: TrueChannel, book: Book) -> None:
        self.truth = truth
        self.book = book
        self.asked: list[Move] = []
        # What the servers that answer next do not know yet, in pts.
        self.lags: list[int] = []
        # Raised instead of answering one of the next moves; None lets a move pass.
        self.failures: list[Exception | None] = []
        self.too_long = False
        self.tells_where = True
        # Happens once, while the next question is under way.
        self.meanwhile: Callable[[], None] | None = None

    def run(self, plan: Plan[Any]) -> Any:
        """What the plan returns; raises what it raised."""
        try:
            move = next(plan)
            while True:
                try:
                    answer = self.answer(move)
                except (Unreachable, FloodWait, Refused, StoreError) as error:
                    move = plan.throw(error)
                else:
                    move = plan.send(answer)
        except StopIteration as end:
            return end.value

    def answer(self, move: Move) -> Any:
        """Record, or answer as a server does."""
        failure = self.failures.pop() if self.failures else None
        if isinstance(move, Record):
            if failure is None or isinstance(failure, FloodWait):
                # In the second case the commit went through, and nobody was told.
                self.book.record(move)
            if failure is not None:
                raise StoreError("disk full")
            return None
        self.asked.append(move)
        if self.meanwhile is not None:
            self.meanwhile()
            self.meanwhile = None
        if failure is not None and not (isinstance(failure, Refused) and not isinstance(move, Difference)):
            raise failure
        at = max(self.truth.pts - (self.lags.pop() if self.lags else 0), 1)
        return self._answered(move, at)

    def _answered(self, move: Move, at: int) -> Any:
        match move:
            case Difference():
                if move.pts > at:
                    raise Refused("lags behind", "PERSISTENT_TIMESTAMP_INVALID")
                if self.too_long:
                    self.too_long = False
                    return self.truth.too_long(at)
                return self.truth.difference(move, at)
            case Where():
                return self.truth.sighting(at) if self.tells_where else None
            case ByIds():
                assert len(move.ids) <= 100
                return self.truth.by_ids(move.ids, at)
            case Page():
                return self.truth.page(move, at)
        raise AssertionError(move)


class AnyHistory(RuleBasedStateMachine):
    """Anything that can happen, in any order."""

    @initialize(early=st.integers(0, 5), pts_known=st.booleans())
    def begin(self, early: int, pts_known: bool) -> None:
        """Watching begins after a few posts."""
        self.truth = TrueChannel()
        for _ in range(early):
            self.truth.post()
        book = Book(watch_from=early + 1, top=early, pts=self.truth.pts if pts_known else 0)
        self.driver = Driver(self.truth, book)
        self.state = follow(book)
        self.pushes: list[Push] = []
        self.now = 1000.0
        # Ids that were left out of answers at some time.
        self.hidden: set[int] = set()

    # --- what happens in the channel ---

    @precondition(lambda self: self.truth.top < 80)
    @rule(service=st.booleans())
    def post(self, service: bool) -> None:
        """A post or a service message."""
        self.pushes.append(self.truth.post(service=service))

    @precondition(lambda self: self.truth.alive(self.truth.pts))
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """An edit, also of a post from before watching began."""
        self.pushes.append(self.truth.edit(data.draw(st.sampled_from(self.truth.alive(self.truth.pts)))))

    @precondition(lambda self: self.truth.alive(self.truth.pts))
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """One or several posts go at once."""
        alive = self.truth.alive(self.truth.pts)
        self.pushes.append(self.truth.delete(data.draw(st.lists(st.sampled_from(alive), min_size=1, unique=True))))

    # --- what we are told ---

    @precondition(lambda self: self.pushes)
    @rule(data=st.data(), keep=st.booleans())
    def push(self, data: st.DataObject, keep: bool) -> None:
        """Any push that is under way comes in, perhaps again."""
        number = data.draw(st.integers(0, len(self.pushes) - 1))
        self.state.hear(self.pushes[number])
        if not keep:
            del self.pushes[number]

    @precondition(lambda self: self.pushes)
    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A push is lost."""
        del self.pushes[data.draw(st.integers(0, len(self.pushes) - 1))]

    @rule(lag=st.integers(0, 6))
    def sweep(self, lag: int) -> None:
        """An overview of a server that may lag behind."""
        self.state.sighted(self.truth.sighting(max(self.truth.pts - lag, 1)))

    @rule()
    def hint(self) -> None:
        """Telegram says that there is more."""
        self.state.want(Ask.DIFFERENCE)

    # --- what goes wrong ---

    @rule(lags=st.lists(st.integers(0, 4), max_size=6))
    def lag(self, lags: list[int]) -> None:
        """Some of the next answers are of servers that lag behind."""
        self.driver.lags = lags

    @rule(failures=st.lists(st.sampled_from((None, None, *FAILURES)), max_size=5))
    def fail(self, failures: list[Exception | None]) -> None:
        """Some of the next moves fail; of records some fail after they were committed."""
        self.driver.failures = failures

    @rule(too_long=st.booleans(), tells_where=st.booleans())
    def spoil(self, too_long: bool, tells_where: bool) -> None:
        """The next difference is too long; the overview leaves the channel out."""
        self.driver.too_long = too_long
        self.driver.tells_where = tells_where

    @rule(data=st.data())
    def omit(self, data: st.DataObject) -> None:
        """Some ids, and no others, are left out of every answer."""
        ids = st.integers(1, max(self.truth.top, 1))
        self.truth.omitted = set(data.draw(st.lists(ids, max_size=4)))
        self.hidden |= self.truth.omitted

    @precondition(lambda self: not self.state.doubts)
    @rule()
    def restart(self) -> None:
        """A kill: only what was recorded is left. What was doubted when it came is not known any more."""
        self.state = follow(self.driver.book)

    # --- what we do ---

    @rule()
    def apply(self) -> None:
        """Pushes are worked off."""
        self._try(lambda: apply_pushes(self.state))

    @rule(wait=st.sampled_from([0.0, 1.0, 100.0, A_DAY]))
    def serve(self, wait: float) -> None:
        """A pass of asking, some time later."""
        self.now += wait
        self._try(lambda: catch_up(self.state, self.now))

    def _try(self, plan: Callable[[], Plan[Any]]) -> None:
        try:
            self.driver.run(plan())
        except (Unreachable, FloodWait, Refused, StoreError):
            # As `serving` does.
            self.state.want(Ask.DIFFERENCE)

    # --- what must hold ---

    @invariant()
    def pts_is_never_ahead(self) -> None:
        """What pts stands for is in the ledger, or open in it; and the machine knows no more than was recorded."""
        book, state = self.driver.book, self.state
        assert state.pts <= book.pts
        assert state.top_id <= book.top
        posted = [number for number, states in self.truth.states.items() if states[0][0] <= book.pts]
        alive = [number for number in posted if self.truth.text(number, self.truth.pts) is not None]
        told = [number for number in alive if number >= book.watch_from and number not in self.hidden]
        assert all(number in book.states or number <= book.top for number in told)
        assert {n for n in book.gaps if n <= state.top_id} <= {
            n for h in state.holes for n in range(h.first, h.last + 1)
        }

    @invariant()
    def nothing_older_is_asked_for(self) -> None:
        """No id below where watching began is asked for."""
        for move in self.driver.asked:
            match move:
                case ByIds():
                    assert min(move.ids) >= self.driver.book.watch_from
                case Page():
                    assert move.upper == NEWEST or move.upper >= self.driver.book.watch_from
        self.driver.asked.clear()

    def teardown(self) -> None:
        """All heals, somebody posts, and a sweep goes by now and then: our ledger is the truth."""
        self.driver.lags, self.driver.failures = [], []
        self.driver.too_long, self.driver.tells_where = False, True
        self.truth.omitted = set()
        self.truth.post()
        for _ in range(LAGS + PATIENCE + 3):
            self.now += A_DAY
            self.state.sighted(self.truth.sighting(self.truth.pts))
            passes = 0
            while self.state.fresh or self.state.wanting(self.now):
                passes += 1
                assert passes < 100
                if self.state.fresh and self.driver.run(apply_pushes(self.state)):
                    self.state.want(Ask.DIFFERENCE)
                self._try(lambda: catch_up(self.state, self.now))
        self._compare()

    def _compare(self) -> None:
        book, truth = self.driver.book, self.truth
        assert book.gaps == []
        assert not self.state.holes
        assert (self.state.pts, self.state.top_id, book.top) == (truth.pts, truth.top, truth.top)
        for number in range(book.watch_from, truth.top + 1):
            text = truth.text(number, truth.pts)
            kind = "service" if number in truth.service else "stored"
            assert book.states[number] == ("deleted" if text is None else kind), number
            if text is not None:
                assert book.digests[number][-1] == f"{number} {text}".encode(), number


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


# --- single paths -----------------------------------------------------------------------------------------------------


def watched(posts: int, *, watch_from: int = 1) -> tuple[Driver, State]:
    """A channel of so many posts of which nothing is recorded, and the state of who watches it."""
    truth = TrueChannel()
    begin = truth.pts
    for number in range(posts):
        truth.post()
        if number + 1 < watch_from:
            begin = truth.pts
    driver = Driver(truth, Book(watch_from=watch_from, top=watch_from - 1, pts=begin))
    return driver, follow(driver.book)


def pass_by_pass(driver: Driver, state: State, now: float = 0.0) -> None:
    """Passes until nothing is left to ask by now."""
    while state.wanting(now):
        driver.run(catch_up(state, now))


def test_long_runs_are_read_by_pages() -> None:
    """After a difference that is too long, 450 posts are read by pages, 250 deleted ones among them by id."""
    driver, state = watched(700)
    driver.truth.delete(range(200, 450))
    driver.too_long = True
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    assert driver.book.gaps == []
    assert {number for number, kind in driver.book.states.items() if kind == "deleted"} == {*range(200, 450)}
    assert sum(isinstance(move, Page) for move in driver.asked) < 8
    # What the pages showed is not read a second time.
    assert sum(isinstance(move, ByIds) for move in driver.asked) < 8


def test_pushes_are_not_held_up_by_a_long_run() -> None:
    """pts is there after the first pass, while thousands of ids are still to be read, so that pushes apply."""
    driver, state = watched(3000)
    driver.too_long = True
    state.want(Ask.DIFFERENCE)
    driver.run(catch_up(state, 0.0))
    assert state.holes.size > 500
    state.hear(driver.truth.post())
    assert driver.run(apply_pushes(state)) is False
    assert driver.book.states[3001] == "stored"
    pass_by_pass(driver, state)
    assert driver.book.gaps == []


def test_an_id_that_is_not_answered() -> None:
    """It stays a gap that says so, is not asked for at every sweep, and is closed when it is answered after all."""
    driver, state = watched(5)
    driver.truth.omitted = {3}
    records: list[Record] = []
    keep = driver.book.record

    def record(one: Record) -> None:
        records.append(one)
        keep(one)

    driver.book.record = record  # type: ignore[method-assign]
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    assert driver.book.gaps == [3]
    assert [one.unanswered for one in records if one.unanswered] == [(3,)]
    driver.asked.clear()
    pass_by_pass(driver, state, 59.0)
    assert driver.asked == []
    pass_by_pass(driver, state, 61.0)
    assert driver.asked == [ByIds((MessageId(3),))]
    driver.truth.omitted = set()
    pass_by_pass(driver, state, 5000.0)
    assert driver.book.gaps == []


def test_pts_waits_for_what_the_difference_left_out() -> None:
    """When a slice leaves an edit out and the next one fails, the edit is found once the server answers again."""
    driver, state = watched(6)
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    driver.truth.omitted = {2}
    driver.truth.edit(2)
    for _ in range(4):
        driver.truth.post()
    driver.failures = [FAILURES[0], None, None]
    state.want(Ask.DIFFERENCE)
    with pytest.raises(Unreachable):
        driver.run(catch_up(state, 0.0))
    driver.truth.omitted = set()
    pass_by_pass(driver, follow(driver.book))
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    assert driver.book.digests[2][-1] == b"2 edit 7"


def test_an_edit_that_is_left_out_of_every_answer() -> None:
    """What could not be read again stays in doubt, and is found when the server answers it after all."""
    driver, state = watched(6)
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    driver.truth.omitted = {2}
    driver.truth.edit(2)
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    assert state.pts == driver.truth.pts
    driver.truth.omitted = set()
    pass_by_pass(driver, state, 100.0)
    assert driver.book.digests[2][-1] == b"2 edit 7"
    assert not state.doubts


def test_after_a_restart_an_empty_answer_may_come_too_early() -> None:
    """A newest id that an earlier process was told of is taken for deleted only when it is called empty a second time."""
    driver, state = watched(1)
    driver.book.top, driver.book.pts = 1, driver.truth.pts - 1
    state = follow(driver.book)
    driver.lags = [1]
    driver.run(catch_up(state, 0.0))
    assert driver.book.states == {}
    pass_by_pass(driver, state, 61.0)
    assert driver.book.states == {1: "stored"}


def test_a_server_that_lags_deletes_nothing() -> None:
    """What a server calls empty that does not know it yet is not taken for deleted; its older states are not taken."""
    driver, state = watched(5)
    state.sighted(driver.truth.sighting(driver.truth.pts))
    driver.run(catch_up(state, 0.0))
    driver.truth.edit(2)
    state.hear(driver.truth.post())
    assert driver.run(apply_pushes(state)) is True
    state.want(Ask.DIFFERENCE)
    driver.run(catch_up(state, 0.0))
    state.doubts.open(1, 6)
    driver.lags = [3]
    with pytest.raises(Unreachable):
        driver.run(catch_up(state, 0.0))
    assert "deleted" not in driver.book.states.values()
    assert driver.book.digests[2][-1] == b"2 edit 6"
    pass_by_pass(driver, state)
    assert not state.doubts


def test_a_server_that_counts_anew() -> None:
    """A lower pts is taken at once when newer ids come with it, else after the same was told for long enough."""
    driver, state = watched(5)
    state.pts = 1000
    state.sighted(driver.truth.sighting(driver.truth.pts))
    pass_by_pass(driver, state)
    assert state.pts == driver.truth.pts
    driver.book.pts = 1000
    state = follow(driver.book)
    lagging = 0
    for _ in range(LAGS):
        state.sighted(driver.truth.sighting(driver.truth.pts))
    while state.wanting(0.0):
        try:
            driver.run(catch_up(state, 0.0))
        except Unreachable:
            lagging += 1
    assert (state.pts, lagging) == (driver.truth.pts, PATIENCE)


def test_a_flooded_difference_holds_nothing_back() -> None:
    """Pushes behind a gap, new ids and edits of the newest are recorded meanwhile; pts waits for the difference."""
    driver, state = watched(3)
    state.want(Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    pts = state.pts
    driver.truth.post()
    state.hear(driver.truth.post())
    driver.run(apply_pushes(state))
    state.want(Ask.DIFFERENCE)
    driver.failures = [FAILURES[1]]
    with pytest.raises(FloodWait):
        driver.run(catch_up(state, 0.0))
    assert driver.book.gaps == []
    driver.truth.post()
    state.hear(driver.truth.post())
    assert driver.run(apply_pushes(state)) is True
    assert driver.book.states[7] == "stored"
    assert state.pts == pts
    pass_by_pass(driver, state)
    assert (driver.book.gaps, state.pts, state.held_up) == ([], driver.truth.pts, False)


def test_states_that_have_passed() -> None:
    """What was pushed before a difference came, and is overwritten or deleted by then, is recorded before it, in order."""
    driver, state = watched(1)
    truth = driver.truth
    # A push is lost, so that the others lie behind a gap; what comes while the difference is under way is told by both.
    truth.post()
    first, edited = truth.post(), truth.edit(3)
    state.hear(first)
    state.hear(edited)
    state.want(Ask.DIFFERENCE)

    def meanwhile() -> None:
        for push in (truth.edit(3), truth.delete([1]), truth.edit(3)):
            state.hear(push)

    driver.meanwhile = meanwhile
    driver.run(catch_up(state, 0.0))
    held = [digest.decode() for digest in driver.book.digests[3]]
    assert held == ["3 post 3", *(f"3 {text}" for _, text in truth.states[3][1:])]
    assert (driver.book.states[1], driver.book.gaps, state.pts) == ("deleted", [], truth.pts)


def test_too_many_pushes() -> None:
    """A backlog is dropped, for the difference has it all."""
    driver, state = watched(0)
    driver.truth.post()
    for _ in range(1001):
        state.hear(driver.truth.post())
    assert (state.pushes, state.wish) == ([], Ask.DIFFERENCE)
    pass_by_pass(driver, state)
    assert (driver.book.gaps, driver.book.top) == ([], 1002)


def test_rest() -> None:
    """While nothing may be asked by id, what is to be asked for so is no reason to ask."""
    driver, state = watched(5)
    state.holes.open(1, 5)
    state.rest_until = 10.0
    assert not state.wanting(9.0)
    driver.run(catch_up(state, 9.0))
    assert driver.asked == []
    assert state.wanting(10.0)


def test_an_answer_without_pts() -> None:
    """Where no pts is told nothing is called stale."""
    driver, state = watched(1)
    plan = state._take(Answer(deleted=(MessageId(1),), pts=None), [1], 0.0)
    driver.run(plan)
    assert driver.book.states == {1: "deleted"}
