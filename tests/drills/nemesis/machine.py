"""Faults of the machine: the process, the disk, the database, the clock."""

import asyncio
import random
import resource
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field

from tests.drills.nemesis.base import HANGING, Deed, Maker, Nemesis, makes
from tests.drills.scene import Scene


@makes("SIGKILL")
def _killed(rng: random.Random) -> Nemesis:
    return Nemesis(_signal(signal.SIGKILL), lasts=0.0, exits=frozenset({-9}))


@makes("SIGTERM and start")
def _restarted(rng: random.Random) -> Nemesis:
    return Nemesis(_signal(signal.SIGTERM), lasts=0.0, exits=frozenset({0, 130}))


@makes("SIGSTOP, SIGCONT")
def _stopped(rng: random.Random) -> Nemesis:
    return Nemesis(_signal(signal.SIGSTOP), _signal(signal.SIGCONT), lasts=rng.uniform(0.5, 1.5))


def _signal(number: signal.Signals) -> Deed:
    def send(scene: Scene) -> None:
        if scene.running:
            scene.send_signal(number)

    return send


@makes("disk full")
def _full(rng: random.Random) -> Nemesis:
    """No file of the daemon may grow; its log is a pipe, as under systemd."""

    def limit(size: int) -> Deed:
        def set_limit(scene: Scene) -> None:
            if scene.running:
                hard = resource.prlimit(scene.pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(scene.pid, resource.RLIMIT_FSIZE, (hard if size < 0 else size, hard))

        return set_limit

    return Nemesis(limit(0), limit(-1), lasts=1.2, aftermath=4.0, exits=frozenset({5}), mute=True)


@makes("database locked")
def _locked(rng: random.Random) -> Nemesis:
    lock = _Lock()
    return Nemesis(lock.take, lock.give, lasts=rng.uniform(1.0, 3.0), exits=frozenset({5}))


@dataclass(slots=True)
class _Lock:
    """An exclusive lock on the database, held by a process that is not the daemon."""

    connections: list[sqlite3.Connection] = field(default_factory=list)

    async def take(self, scene: Scene) -> None:
        self.connections.append(await asyncio.to_thread(self._taken, scene))

    def give(self, scene: Scene) -> None:
        for connection in self.connections:
            with closing(connection):
                connection.execute("ROLLBACK")
        self.connections.clear()

    @staticmethod
    def _taken(scene: Scene) -> sqlite3.Connection:
        connection = sqlite3.connect(scene.database, timeout=10, isolation_level=None, check_same_thread=False)
        connection.execute("BEGIN EXCLUSIVE")
        return connection


def _clock(seconds: int) -> Maker:
    def make(rng: random.Random) -> Nemesis:
        ahead = seconds * rng.choice((-1, 1))
        return Nemesis(
            lambda scene: scene.sandbox.faults.clock(ahead),
            lambda scene: scene.sandbox.faults.clock(0),
            lasts=1.5,
            aftermath=HANGING,
            patience=90.0,
            exits=frozenset({9}),
        )

    return make


for _seconds in (25, 35, 310):
    makes(f"clock off by {_seconds} s")(_clock(_seconds))
