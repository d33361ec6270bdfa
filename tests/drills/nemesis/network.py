"""Faults of the network: connections and pushes."""

import random

from tests.drills.nemesis.base import HANGING, Deed, Nemesis, clear_pushes, makes
from tests.drills.scene import Scene
from tests.drills.truth import STEADY


@makes("TCP cut")
def _cut(rng: random.Random) -> Nemesis:
    return Nemesis(lambda scene: scene.proxy.cut(), lasts=0.0)


@makes("TCP refused")
def _refused(rng: random.Random) -> Nemesis:
    async def start(scene: Scene) -> None:
        await scene.proxy.refuse()
        scene.proxy.cut()

    return Nemesis(start, lambda scene: scene.proxy.refuse(False), lasts=1.0, aftermath=4.0, exits=frozenset({9}))


@makes("TCP half-open")
def _half_open(rng: random.Random) -> Nemesis:
    return Nemesis(
        lambda scene: scene.proxy.half_open(),
        lambda scene: scene.proxy.open(),
        aftermath=HANGING,
        patience=90.0,
        exits=frozenset({9}),
    )


@makes("TCP slow")
def _slow(rng: random.Random) -> Nemesis:
    rate = rng.choice((2_000, 8_000))
    return Nemesis(
        lambda scene: scene.proxy.slow(rate),
        lambda scene: scene.proxy.open(),
        lasts=1.5,
        exits=frozenset({9}),
    )


@makes("TCP reset after N bytes")
def _reset(rng: random.Random) -> Nemesis:
    count = rng.choice((200, 1_000, 4_000))

    def start(scene: Scene) -> None:
        scene.proxy.cut()
        scene.proxy.reset_after(count)

    return Nemesis(
        start,
        lambda scene: scene.proxy.open(),
        lasts=1.2,
        aftermath=4.0,
        exits=frozenset({9}),
    )


@makes("every answer late")
def _late(rng: random.Random) -> Nemesis:
    seconds = rng.uniform(0.05, 0.3)
    return Nemesis(lambda s: s.sandbox.faults.latency(seconds), lambda s: s.sandbox.faults.latency(0))


# --- pushes ---


@makes("pushes lost, 30 % of channels")
def _some_lost(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        for chat in scene.chats[: max(len(scene.chats) * 3 // 10, 1)]:
            scene.sandbox.faults.swallow_push(chat, True)

    return Nemesis(start, clear_pushes, lasts=1.2)


@makes("pushes lost, all")
def _all_lost(rng: random.Random) -> Nemesis:
    return _pushes(lambda scene: scene.sandbox.faults.swallow_push("all", True))


@makes("pushes doubled")
def _doubled(rng: random.Random) -> Nemesis:
    return _pushes(lambda scene: scene.sandbox.faults.duplicate_push("all", True))


@makes("pushes in the wrong order")
def _reordered(rng: random.Random) -> Nemesis:
    return _pushes(lambda scene: scene.sandbox.faults.reorder_push("all", True))


@makes("pushes late")
def _delayed(rng: random.Random) -> Nemesis:
    seconds = rng.uniform(0.3, 2.0)
    return _pushes(lambda scene: scene.sandbox.faults.delay_push("all", seconds), aftermath=seconds + STEADY)


@makes("unknown constructor in a container")
def _spoilt(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.unknown_constructor(rng.randint(1, 4))
        scene.sandbox.faults.spoil_push("all", 3)

    return _pushes(start)


def _pushes(start: Deed, *, aftermath: float = STEADY) -> Nemesis:
    return Nemesis(start, clear_pushes, aftermath=aftermath)
