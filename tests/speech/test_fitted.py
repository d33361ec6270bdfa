"""How recordings are cut for windows that fit."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.speech.local.fitted import LEAST, LONGEST, LONGEST_PIECE, MARGIN, STEP, fitted_length, pieces


@given(frames=st.integers(1, 40_000), seed=st.integers(0, 2**32 - 1))
def test_pieces_are_all_of_it(frames: int, seed: int) -> None:
    """They follow each other from the first frame to the last, none is empty, and each fits into a fitted window."""
    features = np.random.default_rng(seed).standard_normal((4, frames + 1)).astype(np.float32)
    found = pieces(features, frames)
    assert (found[0][0], found[-1][1]) == (0, frames)
    assert all(end == begin for (_, end), (begin, _) in pairwise(found))
    assert all(0 < end - begin <= LONGEST_PIECE for begin, end in found)
    assert all(fitted_length(end - begin) <= LONGEST for begin, end in found)
    assert len(found) <= frames / (LONGEST_PIECE / 2 - 300) + 1


def test_it_is_cut_where_it_is_quietest() -> None:
    """A pause of half a second near the middle is where the cut is, not inside the speech around it."""
    features = np.ones((80, 2_501), np.float32)
    features[:, 1_380:1_430] = -1.0
    (_, cut), _ = pieces(features, 2_500)
    assert 1_380 <= cut <= 1_430


@pytest.mark.parametrize(
    ("size", "length"),
    [(1, LEAST), (LEAST - MARGIN, LEAST), (LEAST - MARGIN + 1, LEAST + STEP), (2_900, 3_000), (3_000, 3_000)],
)
def test_lengths(size: int, length: int) -> None:
    """The sound and a second, in few steps; never below the least, never above Whisper's own."""
    assert fitted_length(size) == length
