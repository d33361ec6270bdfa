"""Random drills: several faults over a play, everything drawn from a seed. `make drills SEED=7` repeats one."""

import os
from pathlib import Path

import pytest

from tests.conftest import ALL
from tests.drills.conftest import sound
from tests.drills.drill import drill, random_drill
from tests.drills.zygote import Zygote

FAILED_ONCE = [
    int(line.split()[0])
    for line in Path(__file__).with_name("failing_seeds.txt").read_text("utf-8").splitlines()
    if line.strip() and not line.startswith("#")
]


def seeds() -> list[int]:
    """SEED alone when it is given; else a fixed run of seeds (RUNS of them, from FIRST), and all that ever failed."""
    if one := os.environ.get("SEED"):
        return [int(one)]
    first, runs = int(os.environ.get("FIRST", "1")), int(os.environ.get("RUNS", "500" if ALL else "10"))
    return sorted({*range(first, first + runs), *FAILED_ONCE})


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", seeds())
async def test_nothing_is_missed_whatever_happens(zygote: Zygote, folder: Path, seed: int) -> None:
    """After any mixture of faults every id, edit, deletion and alert is there once."""
    play, strikes, channels = random_drill(seed)
    verdict = await drill(zygote, folder, play=play, strikes=strikes, channels=channels)
    faults = ", ".join(f"{strike.nemesis.name} at {strike.at:.2f} s" for strike in strikes)
    sound(verdict, f"make drills SEED={seed}: {faults}")
