"""When a standstill is one: without progress for too long, excuses left out, and twice is the end."""

from hypothesis import given
from hypothesis import strategies as st

from bot.telegram.watchdog import Verdict, Watchdog

STUCK = 100.0


def test_progress_is_all_it_takes() -> None:
    """While the mark changes, whatever it is, all is well."""
    dog = Watchdog(STUCK)
    for second in range(0, 10_000, 99):
        assert dog.look(second, now=second, excused=False) is Verdict.WELL


def test_first_a_new_connection_then_a_new_process() -> None:
    """A standstill is answered by a new connection, and one more without any progress in between by giving up."""
    dog = Watchdog(STUCK)
    assert dog.look("a", now=0, excused=False) is Verdict.WELL
    assert dog.look("a", now=99, excused=False) is Verdict.WELL
    assert dog.look("a", now=100, excused=False) is Verdict.REBUILD
    dog.rebuilt("fresh", now=105)
    assert dog.suspicious
    assert dog.look("fresh", now=204, excused=False) is Verdict.WELL
    assert dog.look("fresh", now=205, excused=False) is Verdict.GIVE_UP


def test_progress_in_between_begins_anew() -> None:
    """After progress over the new connection, the next standstill is the first again."""
    dog = Watchdog(STUCK)
    dog.look("a", now=0, excused=False)
    assert dog.look("a", now=150, excused=False) is Verdict.REBUILD
    dog.rebuilt("fresh", now=150)
    assert dog.look("b", now=160, excused=False) is Verdict.WELL
    assert not dog.suspicious
    assert dog.look("b", now=261, excused=False) is Verdict.REBUILD


def test_an_excuse_stops_the_time_and_forgives_nothing() -> None:
    """While something else explains the standstill no time runs; what came before the new connection still counts."""
    dog = Watchdog(STUCK)
    dog.look("a", now=0, excused=False)
    assert dog.look("a", now=500, excused=True) is Verdict.WELL
    assert dog.look("a", now=599, excused=False) is Verdict.WELL
    assert dog.look("a", now=600, excused=False) is Verdict.REBUILD
    dog.rebuilt("b", now=600)
    assert dog.look("b", now=650, excused=True) is Verdict.WELL
    assert dog.look("b", now=750, excused=False) is Verdict.GIVE_UP


@given(st.lists(st.tuples(st.floats(0.1, 300), st.booleans(), st.booleans()), max_size=40))
def test_never_sooner_than_it_says(steps: list[tuple[float, bool, bool]]) -> None:
    """No verdict but WELL comes until a whole stretch without progress or excuse has passed."""
    dog, now, since, mark = Watchdog(STUCK), 0.0, 0.0, 0
    dog.look(mark, now=now, excused=False)
    for pause, progressed, excused in steps:
        now += pause
        mark += progressed
        since = now if progressed or excused else since
        verdict = dog.look(mark, now=now, excused=excused)
        assert (verdict is Verdict.WELL) == (now - since < STUCK)
