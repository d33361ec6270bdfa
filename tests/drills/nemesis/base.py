"""What a fault is, and the register of those that make one."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from tests.drills.scene import Scene
from tests.drills.truth import STEADY

Deed = Callable[[Scene], Awaitable[None] | None]

# Methods that the watching account needs, and those of the bot.
READING = (
    "messages.getPeerDialogs",
    "updates.getChannelDifference",
    "channels.getMessages",
    "messages.getHistory",
    "updates.getState",
)
SENDING = ("messages.sendMessage",)
# Connections that hang are noticed by pings and time-outs, not at once.
HANGING = 45.0


def nothing(_: Scene) -> None:
    """No more than time is needed."""


@dataclass(frozen=True, slots=True)
class Nemesis:
    """One fault: how it starts and heals, how long it is meant to last (seconds), and what may follow from it."""

    start: Deed
    heal: Deed = nothing
    # As in the table.
    name: str = ""
    lasts: float = 0.8
    # Seconds after healing until pushes flow again.
    aftermath: float = STEADY
    # Seconds after healing within which nothing may be open any more.
    patience: float = 30.0
    # The same for a plain listener.
    plain_patience: float = 8.0
    # Exit codes that the daemon may end with on its account.
    exits: frozenset[int] = frozenset()
    # What the analysts must read of it.
    alarm: str | None = None
    # While it lasts nothing can be written, and so nobody can be told of anything.
    mute: bool = False
    # Whether it speaks of voice notes, so that the play needs some.
    voices: int = 0
    # Watching accounts that it needs.
    accounts: int = 1


Maker = Callable[[random.Random], Nemesis]
MAKERS: dict[str, Maker] = {}


def makes(name: str) -> Callable[[Maker], Maker]:
    """Register a maker under the name that the table shows, which its faults bear."""

    def register(maker: Maker) -> Maker:
        MAKERS[name] = lambda rng: replace(maker(rng), name=name)
        return maker

    return register


async def run_deed(deed: Deed, scene: Scene) -> None:
    """Do it, whether it is a coroutine function or not."""
    done = deed(scene)
    if done is not None:
        await done


async def log_in_again(scene: Scene) -> None:
    """What a person does when the login is lost."""
    await asyncio.sleep(0.3)
    if scene.kind != "earshot":
        scene.give_session("main")
        if scene.running:
            scene.send_signal(signal.SIGKILL)
    elif scene.wants_a_login:
        await scene.log_in_again()


def clear_pushes(scene: Scene) -> None:
    """No more faults of pushes."""
    scene.sandbox.faults.pushes.clear()


def with_voices(nemesis: Nemesis) -> Nemesis:
    """The same over a play with voice notes, which take their time."""
    return replace(nemesis, patience=90.0, voices=2)
