"""The limits of one chat hold over every window."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.rate import Rate

START = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_first_send_goes_at_once_and_the_second_a_second_later() -> None:
    """One a second: nothing waits for nothing, and nothing is closer than a second."""
    rate = Rate(per_second=1, per_minute=20)
    assert rate.wait(START) == 0
    rate.count(START)
    assert rate.wait(START + timedelta(seconds=0.25)) == 0.75
    assert rate.wait(START + timedelta(seconds=1)) == 0


@given(
    pauses=st.lists(st.floats(0, 30), min_size=1, max_size=120),
    per_second=st.sampled_from([0.5, 1, 5]),
    per_minute=st.integers(1, 30),
)
def test_no_window_ever_holds_too_many(pauses: list[float], per_second: float, per_minute: int) -> None:
    """However sends arrive, no minute has more than `per_minute` and no two are closer than allowed."""
    rate, now, sent = Rate(per_second=per_second, per_minute=per_minute), START, []
    for pause in pauses:
        now += timedelta(seconds=pause)
        now += timedelta(seconds=rate.wait(now))
        assert rate.wait(now) == 0, "the wait that it named was enough"
        rate.count(now)
        sent.append(now)
    apart = timedelta(seconds=1 / per_second)
    assert all(later - earlier >= apart for earlier, later in pairwise(sent))
    assert all(later - earlier >= timedelta(minutes=1) for earlier, later in zip(sent, sent[per_minute:], strict=False))


def test_a_clock_set_back_does_not_silence_the_sink() -> None:
    """After the clock jumps back an hour the next send does not wait an hour."""
    rate = Rate(per_second=1, per_minute=2)
    for second in range(2):
        rate.count(START + timedelta(seconds=second))
    assert rate.wait(START - timedelta(hours=1)) == 0


@pytest.mark.parametrize(("per_second", "per_minute"), [(0, 20), (-1, 20), (1, 0)])
def test_a_rate_of_nothing_is_refused(per_second: float, per_minute: int) -> None:
    """A limit that would let nothing out is a mistake of the caller."""
    with pytest.raises(ValueError, match="above zero"):
        Rate(per_second=per_second, per_minute=per_minute)
