"""Runs of ids that are to be asked for, against a plain dictionary of ids."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.store.ledger import stretches
from bot.telegram.holes import BACKOFF, Holes, newest_ids

IDS = st.lists(st.integers(1, 60), max_size=20)
STEPS = st.lists(
    st.tuples(st.sampled_from(["open", "close", "put off", "hurry"]), IDS, st.floats(0, 10_000)), max_size=12
)


@given(STEPS)
def test_like_a_dictionary_of_ids(steps: list[tuple[str, list[int], float]]) -> None:
    """Whatever is opened, closed and put off: each id has its own count and moment, and runs are as long as can be."""
    holes, plain = Holes(), dict[int, tuple[int, float]]()
    for what, ids, now in steps:
        if what == "open" and ids:
            holes.open(min(ids), max(ids))
            plain.update({number: (0, 0.0) for number in range(min(ids), max(ids) + 1)})
        elif what == "close":
            holes.close(ids)
            plain = {number: state for number, state in plain.items() if number not in ids}
        elif what == "put off":
            holes.put_off(ids, now)
            for number in set(ids) & plain.keys():
                tries, _ = plain[number]
                plain[number] = tries + 1, now + BACKOFF[min(tries, len(BACKOFF) - 1)]
        elif what == "hurry":
            holes.hurry()
            plain = {number: (tries, 0.0) for number, (tries, _) in plain.items()}
    runs = list(holes)
    assert {n: (run.tries, run.due) for run in runs for n in range(run.first, run.last + 1)} == plain
    assert holes.size == len(plain)
    assert bool(holes) == bool(plain)
    for one, other in pairwise(runs):
        alike = (one.tries, one.due) == (other.tries, other.due)
        assert one.last < other.first
        assert not (alike and one.last + 1 == other.first)
    assert holes.among(range(1, 61)) == sorted(plain)
    assert holes.untried(range(1, 61)) == sorted(number for number, (tries, _) in plain.items() if not tries)


def test_more_and_more_seldom() -> None:
    """An id that is not answered is asked for again after a minute, ten, an hour, six hours, and then daily."""
    holes = Holes([(5, 5)])
    now, pauses = 0.0, []
    for _ in range(6):
        assert holes.any_due(now)
        holes.put_off([5], now)
        (hole,) = holes
        pauses.append(hole.due - now)
        now = hole.due
    assert pauses == [60, 600, 3600, 6 * 3600, 86400, 86400]


def test_newest_first() -> None:
    """What is due comes with the newest ids first, and no more of them than asked for."""
    holes = Holes([(1, 3), (7, 9)])
    holes.put_off([8], 0.0)
    due = holes.due(1.0)
    assert [(hole.first, hole.last) for hole in due] == [(9, 9), (7, 7), (1, 3)]
    assert newest_ids(due, 4) == [9, 7, 3, 2]
    assert newest_ids(due, 0) == []


def test_stretches() -> None:
    """Ids in any order, with repetitions, as runs."""
    assert stretches([5, 1, 2, 2, 3, 9]) == [(1, 3), (5, 5), (9, 9)]
