"""Single faults: each by itself, and those that have steps at every step N."""

import random
from pathlib import Path

import pytest

from tests.conftest import ALL
from tests.drills.conftest import sound, thinned
from tests.drills.drill import SLOW, Strike, drill
from tests.drills.nemesis import ERRORS, MAKERS, READING, SENDING, Nemesis, rpc_error
from tests.drills.play import script
from tests.drills.zygote import Zygote

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

# When a fault of its own begins: in the middle of the play.
MIDDLE = 0.6
# Steps are looked for up to here; a daemon that lives through a play takes fewer.
STEPS = 600
SHARDS = 8


@pytest.mark.parametrize("name", [name for name in MAKERS if ALL or name not in SLOW])
async def test_one_fault(zygote: Zygote, folder: Path, name: str) -> None:
    """Each kind of fault by itself costs nothing: every id, edit, deletion and alert is there once."""
    nemesis = MAKERS[name](random.Random(name))
    play = script(5, voices=nemesis.voices)
    sound(await drill(zygote, folder, play=play, strikes=[Strike(MIDDLE, nemesis)]), name)


async def killed_at(zygote: Zygote, folder: Path, kind: str, step: int) -> bool:
    """Drill a daemon whose first life has a bomb at that step; whether the step was reached."""
    log = folder.parent / "steps"
    bomb = {"kind": kind, "at": step, "log": str(log)}
    verdict = await drill(zygote, folder, play=script(step, seconds=1.0, acts=20, channels=2), channels=2, bomb=bomb)
    sound(verdict, f"{kind} at step {step}")
    return log.exists()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("shard", range(SHARDS if ALL else 1))
@pytest.mark.parametrize("kind", ["kill", "full"])
async def test_fault_at_every_step(zygote: Zygote, folder: Path, kind: str, shard: int) -> None:
    """SIGKILL at the N-th step, and a disk that is full at the N-th write, for N = 1, 2, 3 ... to the end of the work."""
    steps = range(1 + shard, STEPS, SHARDS) if ALL else (2, 9, 41)
    for step in steps:
        if not await killed_at(zygote, folder / str(step), kind, step):
            assert step > SHARDS, "no step was reached"
            return


CASES = [
    (kind, code, word, method, at)
    for kind, words in ERRORS.items()
    if kind != "media"
    for code, word in (words if ALL else words[:1])
    for method in ((*READING, *SENDING) if kind != "channel" else READING[:4])
    for at in (1, 2, 5)
]


@pytest.mark.parametrize(("kind", "code", "word", "method", "at"), thinned(CASES, 5))
async def test_rpc_error_at_call(
    zygote: Zygote, folder: Path, kind: str, code: int, word: str, method: str, at: int
) -> None:
    """An error of every class of our table, at the N-th call of each method that the daemon lives from, costs nothing."""
    nemesis: Nemesis = rpc_error(kind, code, word, method=method, at=at)
    verdict = await drill(zygote, folder, play=script(at, seconds=1.5, acts=24), strikes=[Strike(0.2, nemesis)])
    sound(verdict, f"{word} at call {at} of {method}")
    assert verdict.refused or at > 1, "the error was never answered"
