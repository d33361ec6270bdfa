"""The server's time whatever is done to ours, and time that was lost between two ticks."""

from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.clockwork import LOST_SECONDS, ServerClock, Ticks, steady, time_of

PERIOD = 10.0
# Clocks as they are: seconds, to the microsecond.
seconds = st.integers(0, 10**10).map(lambda micros: micros / 1e6)


class Clocks:
    """A server, and a machine whose wall clock somebody sets."""

    def __init__(self, server: float = 1_700_000_000.0) -> None:
        self.server = server
        self.local_ahead = 0.0
        self.steady_now = 100.0

    def pass_by(self, span: float) -> None:
        """Time goes on."""
        self.server += span
        self.steady_now += span

    def steady(self) -> float:
        return self.steady_now

    def wall(self) -> float:
        return self.server + self.local_ahead

    def clock(self) -> ServerClock:
        """The thing under test."""
        return ServerClock(steady=self.steady, wall=self.wall)

    def ping(self, clock: ServerClock, there: float, back: float) -> None:
        """A round trip: so long to the server, so long back."""
        sent = self.steady_now
        self.pass_by(there)
        told = self.server
        self.pass_by(back)
        clock.measure(told, sent=sent, received=self.steady_now)


def test_times_of_message_ids() -> None:
    """A message id is the time in units of 2**-32 seconds."""
    assert time_of(1_700_000_000 << 32 | 1 << 31) == 1_700_000_000.5
    assert steady() <= steady()


@given(st.floats(-1e6, 1e6), st.floats(0, 60), st.floats(0, 60))
def test_an_offset_is_found_to_half_a_round_trip(ahead: float, there: float, back: float) -> None:
    """However wrong our clock is and however slow each way, the error is at most half of the round trip."""
    clocks = Clocks()
    clocks.local_ahead = ahead
    clock = clocks.clock()
    assert clock.local_ahead is None
    assert clock.now() == clocks.wall()
    clocks.ping(clock, there, back)
    half = (there + back) / 2 + 1e-3
    assert abs(clock.now() - clocks.server) <= half
    assert clock.local_ahead is not None
    assert abs(clock.local_ahead - ahead) <= half


@given(st.floats(-1e6, 1e6))
def test_setting_our_clock_changes_only_the_offset(jump: float) -> None:
    """Set while we run, our clock is told apart, and the server's time goes on as it was."""
    clocks = Clocks()
    clock = clocks.clock()
    clocks.ping(clock, 0.05, 0.05)
    clocks.local_ahead = jump
    clocks.pass_by(1000)
    assert abs(clock.now() - clocks.server) < 0.06
    assert clock.local_ahead is not None
    assert abs(clock.local_ahead - jump) < 0.06


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), min_size=1, max_size=20))
def test_slow_round_trips_do_not_spoil_a_good_measurement(trips: list[tuple[float, float]]) -> None:
    """After many measurements the error is at most that of the best one, with what a quartz may drift."""
    clocks = Clocks()
    clock = clocks.clock()
    for there, back in trips:
        clocks.ping(clock, there, back)
    best = min(there + back for there, back in trips) / 2
    assert abs(clock.now() - clocks.server) <= best + 0.1


def test_a_server_that_sets_its_clock_is_followed() -> None:
    """A measurement that contradicts what was known is believed, though it be a slow one."""
    clocks = Clocks()
    clock = clocks.clock()
    clocks.ping(clock, 0.01, 0.01)
    clocks.server += 310
    assert not clock.plausible(clocks.server)
    clocks.ping(clock, 3, 3)
    assert abs(clock.now() - clocks.server) < 3.1


def test_what_is_plausible() -> None:
    """Messages up to 300 s old or 30 s new pass; before any measurement all do."""
    clocks = Clocks()
    clock = clocks.clock()
    assert clock.plausible(0.0)
    clocks.ping(clock, 0.0, 0.0)
    ages = {age: clock.plausible(clocks.server - age) for age in (-31, -29, 0, 299, 301)}
    assert ages == {-31: False, -29: True, 0: True, 299: True, 301: False}


@given(seconds, seconds, st.lists(st.tuples(st.floats(0, PERIOD + LOST_SECONDS - 1), st.floats(-1e5, 0)), max_size=30))
def test_ordinary_ticks_lose_nothing(wall: float, monotonic: float, steps: list[tuple[float, float]]) -> None:
    """Early ticks, hiccups and a wall clock that is set back are no loss."""
    ticks = Ticks(PERIOD)
    assert ticks.tick(wall, monotonic) == 0.0
    for step, set_back in steps:
        wall, monotonic = wall + step + set_back, monotonic + step
        assert ticks.tick(wall, monotonic) == 0.0


@given(seconds, seconds, st.floats(LOST_SECONDS + 0.01, 1e6), st.floats(0, PERIOD), st.booleans())
def test_a_pause_is_noticed_once(wall: float, monotonic: float, pause: float, into: float, suspended: bool) -> None:
    """Stopped or suspended, the pause is told at the next tick, to within the period, and not again."""
    ticks = Ticks(PERIOD)
    ticks.tick(wall, monotonic)
    wall += PERIOD + pause
    monotonic += PERIOD if suspended else PERIOD + pause
    assert abs(ticks.tick(wall, monotonic) - pause) < 1e-3
    assert ticks.tick(wall + into, monotonic + into) == 0.0


def test_lost_time_is_what_was_not_planned() -> None:
    """Of a pause that began within a period, what exceeds the period counts."""
    ticks = Ticks(PERIOD)
    ticks.tick(0.0, 0.0)
    assert ticks.tick(50.0, 50.0) == 40.0
    assert ticks.tick(85.0, 51.0) == 0.0
    assert ticks.tick(1285.0, 52.0) == 1190.0
