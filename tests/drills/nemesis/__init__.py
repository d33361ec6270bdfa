"""The nemesis: every fault as an object that starts and heals. What it draws at random comes from the run's seed."""

from tests.drills.nemesis import answers, machine, network, world
from tests.drills.nemesis.answers import ERRORS, rpc_error
from tests.drills.nemesis.base import MAKERS, READING, SENDING, Nemesis, run_deed

__all__ = [
    "ERRORS", "MAKERS", "READING", "SENDING", "Nemesis", "answers", "machine", "network", "rpc_error", "run_deed", "world"
]  # fmt: skip
