"""The corpus of the small model keeps its own rules."""

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.speech.conftest import Clip
from tools.speech_model.corpus import BANNED, CLAUSES, check, random_sentence


def test_held_out_neighbours_are_held_out() -> None:
    """What the tests recombine is made of known clauses, and stands so in no sentence."""
    check()


@given(st.integers(0, 10_000), st.sampled_from(["ru", "en"]))
def test_random_sentences_never_have_them(seed: int, language: str) -> None:
    """No draw puts two held-out neighbours together."""
    text = random_sentence(random.Random(seed), language)
    clauses = text.rstrip(".").lower().split(", ")
    assert not BANNED & set(pairwise(clauses))


def test_recordings_speak_the_corpus(clips: list[Clip]) -> None:
    """Every recording but the `novel` ones is made of clauses of the corpus."""
    known = {clause for clauses in CLAUSES.values() for clause in clauses}
    for clip in clips:
        if clip.text and clip.group != "novel":
            assert set(clip.text.rstrip(".").lower().split(", ")) <= known, clip.path.name
