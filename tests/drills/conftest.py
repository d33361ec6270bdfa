"""One zygote for each worker, and how much is drilled: a thinned set in `make test`, everything in `make drills`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from tests.conftest import ALL
from tests.drills.drill import Verdict
from tests.drills.zygote import Zygote

T = TypeVar("T")


def thinned(cases: Sequence[T], keep: int) -> Sequence[T]:
    """All cases in `make drills`; else `keep` of them, evenly spread."""
    if ALL or len(cases) <= keep:
        return cases
    return [cases[number * len(cases) // keep] for number in range(keep)]


def sound(verdict: Verdict, how_to_repeat: str) -> None:
    """Fail with everything that does not hold, and how to see it again."""
    assert not verdict.findings, f"{how_to_repeat}\n{verdict.text()}"


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """A process that forks daemons."""
    made = Zygote()
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where one daemon lives."""
    return tmp_path / "earshot"
