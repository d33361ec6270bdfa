"""The arithmetic of id runs."""

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from bot.model import How
from bot.store.ledger import IdState, Run, assign, edit, gaps, stretches, windows, within

IDS = st.integers(1, 60)
Batches = list[tuple[set[int], IdState, How]]
BATCHES = st.lists(st.tuples(st.sets(IDS, max_size=12), st.sampled_from(IdState), st.sampled_from(How)), max_size=12)


def paint(batches: Batches) -> list[Run]:
    runs: list[Run] = []
    for ids, state, how in batches:
        runs = assign(runs, ids, state, how)
    return runs


def states(runs: list[Run]) -> dict[int, IdState]:
    return {number: run.state for run in runs for number in range(run.first, run.last + 1)}


@given(BATCHES, st.randoms(use_true_random=False))
def test_order(batches: Batches, chance: random.Random) -> None:
    """Any order and repetition of what was heard ends in the same states; repetition alone in the same runs."""
    shuffled = [*batches, *batches]
    assert paint(shuffled) == paint(batches)
    chance.shuffle(shuffled)
    assert states(paint(shuffled)) == states(paint(batches))


@given(BATCHES)
def test_runs_say_what_was_assigned(batches: Batches) -> None:
    """Each id is in one run, in the strongest state that it was given, by the way that gave it first.

    Runs are disjoint and as long as can be.
    """
    strength = list(IdState)
    expected: dict[int, tuple[IdState, How]] = {}
    for ids, state, how in batches:
        for number in ids:
            if number not in expected or strength.index(state) > strength.index(expected[number][0]):
                expected[number] = (state, how)
    runs = paint(batches)
    assert {number: (run.state, run.how) for run in runs for number in range(run.first, run.last + 1)} == expected
    assert within(runs, range(61)) == set(expected)
    assert runs == sorted(runs)
    for run, following in itertools.pairwise(runs):
        assert run.last < following.first
        assert (run.state, run.how) != (following.state, following.how) or run.last + 1 < following.first


@given(BATCHES, IDS, IDS)
def test_gaps(batches: Batches, one: int, other: int) -> None:
    """Gaps are exactly the ids of the window that nobody assigned."""
    first, last = sorted((one, other))
    known = {number for ids, *_ in batches for number in ids}
    found = gaps(paint(batches), first, last)
    missing = [number for low, high in found for number in range(low, high + 1)]
    assert missing == [number for number in range(first, last + 1) if number not in known]
    assert found == stretches(missing)


@given(BATCHES, st.sets(IDS, min_size=1, max_size=8), st.sampled_from(IdState), st.sampled_from(How))
def test_neighbours_are_enough(batches: Batches, ids: set[int], state: IdState, how: How) -> None:
    """Loading only the runs that touch the windows of the new ids gives the same runs as loading all."""
    before = paint(batches)
    stretched = windows(ids, apart=3)
    near = [run for run in before if any(run.first <= last and run.last >= first for first, last in stretched)]
    change = edit(near, assign(near, ids, state, how))
    assert sorted((set(before) - set(change.removed)) | set(change.added)) == assign(before, ids, state, how)


def test_millions() -> None:
    """Ten million stored ids are one run, and the next id only makes it longer."""
    runs = [Run(1, 10_000_000, IdState.STORED, How.PUSH)]
    longer = [Run(1, 10_000_001, IdState.STORED, How.PUSH)]
    assert assign(runs, [10_000_001], IdState.STORED, How.PUSH) == longer
    assert assign(runs, [5], IdState.STORED, How.SWEEP) == runs


def test_windows_of_far_ids() -> None:
    """Ids far apart are looked at apart."""
    assert windows([1, 2, 9_000_000]) == [(0, 3), (8_999_999, 9_000_001)]
