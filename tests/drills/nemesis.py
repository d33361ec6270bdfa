"""The nemesis: every fault as an object that starts and heals. What it draws at random comes from the run's seed."""

import asyncio
import random
import resource
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.chats import Chat
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


def _nothing(_: Scene) -> None:
    """No more than time is needed."""


@dataclass(frozen=True, slots=True)
class Nemesis:
    """One fault: how it starts and heals, how long it is meant to last (seconds), and what may follow from it."""

    name: str
    start: Deed
    heal: Deed = _nothing
    lasts: float = 0.8
    # Seconds after healing until pushes flow again.
    aftermath: float = STEADY
    # Seconds after healing within which nothing may be open any more.
    patience: float = 30.0
    # Exit codes that the daemon may end with on its account.
    exits: frozenset[int] = frozenset()
    # What the analysts must read of it.
    alarm: str | None = None
    # Whether it speaks of voice notes, so that the play needs some.
    voices: int = 0
    # Watching accounts that it needs.
    accounts: int = 1


Maker = Callable[[random.Random], Nemesis]
MAKERS: dict[str, Maker] = {}


def makes(name: str) -> Callable[[Maker], Maker]:
    """Register a maker under the name that the table shows."""

    def register(maker: Maker) -> Maker:
        MAKERS[name] = maker
        return maker

    return register


async def run_deed(deed: Deed, scene: Scene) -> None:
    """Do it, whether it is a coroutine function or not."""
    done = deed(scene)
    if done is not None:
        await done


# --- the process ------------------------------------------------------------------------------------------------------


@makes("SIGKILL")
def _killed(rng: random.Random) -> Nemesis:
    return Nemesis("SIGKILL", _signal(signal.SIGKILL), lasts=0.0, exits=frozenset({-9}))


@makes("SIGTERM and start")
def _restarted(rng: random.Random) -> Nemesis:
    return Nemesis("SIGTERM and start", _signal(signal.SIGTERM), lasts=0.0, exits=frozenset({0}))


@makes("SIGSTOP, SIGCONT")
def _stopped(rng: random.Random) -> Nemesis:
    return Nemesis("SIGSTOP, SIGCONT", _signal(signal.SIGSTOP), _signal(signal.SIGCONT), lasts=rng.uniform(0.5, 1.5))


def _signal(number: signal.Signals) -> Deed:
    def send(scene: Scene) -> None:
        if scene.running:
            scene.send_signal(number)

    return send


# --- the network ------------------------------------------------------------------------------------------------------


@makes("TCP cut")
def _cut(rng: random.Random) -> Nemesis:
    return Nemesis("TCP cut", lambda scene: scene.proxy.cut(), lasts=0.0)


@makes("TCP refused")
def _refused(rng: random.Random) -> Nemesis:
    async def start(scene: Scene) -> None:
        await scene.proxy.refuse()
        scene.proxy.cut()

    return Nemesis(
        "TCP refused", start, lambda scene: scene.proxy.refuse(False), lasts=1.0, aftermath=4.0, exits=frozenset({9})
    )


@makes("TCP half-open")
def _half_open(rng: random.Random) -> Nemesis:
    return Nemesis(
        "TCP half-open",
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
        "TCP slow",
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
        "TCP reset after N bytes",
        start,
        lambda scene: scene.proxy.open(),
        lasts=1.2,
        aftermath=4.0,
        exits=frozenset({9}),
    )


@makes("every answer late")
def _late(rng: random.Random) -> Nemesis:
    seconds = rng.uniform(0.05, 0.3)
    return Nemesis(
        "every answer late", lambda s: s.sandbox.faults.latency(seconds), lambda s: s.sandbox.faults.latency(0)
    )


# --- pushes -----------------------------------------------------------------------------------------------------------


@makes("pushes lost, 30 % of channels")
def _some_lost(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        for chat in scene.chats[: max(len(scene.chats) * 3 // 10, 1)]:
            scene.sandbox.faults.swallow_push(chat, True)

    return Nemesis("pushes lost, 30 % of channels", start, lambda s: s.sandbox.faults.pushes.clear(), lasts=1.2)


@makes("pushes lost, all")
def _all_lost(rng: random.Random) -> Nemesis:
    return _pushes("pushes lost, all", lambda scene: scene.sandbox.faults.swallow_push("all", True))


@makes("pushes doubled")
def _doubled(rng: random.Random) -> Nemesis:
    return _pushes("pushes doubled", lambda scene: scene.sandbox.faults.duplicate_push("all", True))


@makes("pushes in the wrong order")
def _reordered(rng: random.Random) -> Nemesis:
    return _pushes("pushes in the wrong order", lambda scene: scene.sandbox.faults.reorder_push("all", True))


@makes("pushes late")
def _delayed(rng: random.Random) -> Nemesis:
    seconds = rng.uniform(0.3, 2.0)
    return _pushes(
        "pushes late", lambda scene: scene.sandbox.faults.delay_push("all", seconds), aftermath=seconds + STEADY
    )


@makes("unknown constructor in a container")
def _spoilt(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.unknown_constructor(rng.randint(1, 4))
        scene.sandbox.faults.spoil_push("all", 3)

    return _pushes("unknown constructor in a container", start)


def _pushes(name: str, start: Deed, *, aftermath: float = STEADY) -> Nemesis:
    return Nemesis(name, start, lambda scene: scene.sandbox.faults.pushes.clear(), aftermath=aftermath)


# --- what Telegram answers --------------------------------------------------------------------------------------------


@makes("TooLong after 101 events")
def _too_long(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.difference_limit(100)
        scene.sandbox.faults.swallow_push("all", True)
        chat = rng.choice(scene.chats)
        for number in range(101):
            chat.post(f"Подряд {number}: тихо" if number % 10 else f"Подряд {number}: ракета")

    return Nemesis("TooLong after 101 events", start, _clear_pushes)


@makes("TooLong after 100,001 events")
def _far_too_long(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.swallow_push("all", True)
        chat = rng.choice(scene.chats)
        chat.post("Перед тишиной: ракета")
        # 100,001 events without 100,001 posts: the counter moves as for edits.
        bulk(chat, 100_001)
        chat.post("После тишины: генерал")

    return Nemesis("TooLong after 100,001 events", start, _clear_pushes)


def bulk(chat: Chat, count: int) -> None:
    """Move the channel's event counter by `count`, as so many edits of its newest post that change nothing."""
    entry = chat.log.entries[-1]
    for _ in range(count):
        chat.log.edited(entry, at=entry.tl.date)


def _clear_pushes(scene: Scene) -> None:
    scene.sandbox.faults.pushes.clear()


def provoke(scene: Scene, method: str | None) -> None:
    """Have the daemon call a method that it calls only when something is missing."""
    faults = scene.sandbox.faults
    if method in ("updates.getChannelDifference", "channels.getMessages", "messages.getHistory"):
        faults.swallow_push("all", 3 if method != "messages.getHistory" else 300)
    if method == "updates.getState":
        scene.proxy.cut()
    if method in ("channels.getMessages", "messages.getHistory"):
        for chat in scene.chats:
            faults.difference_too_long(chat, 2)
    if method == "messages.getHistory":
        # The answer holds the newest 100; a long run below them is read by pages.
        for number in range(260):
            scene.chats[0].post(f"Подряд {number}: тихо")


ERRORS: dict[str, tuple[tuple[int, str], ...]] = {
    "retry": ((500, "INTERDC_2_CALL_ERROR"), (-503, "Timeout"), (500, "HISTORY_GET_FAILED")),
    "wait": ((420, "FLOOD_WAIT_1"), (420, "FLOOD_PREMIUM_WAIT_1"), (420, "SLOWMODE_WAIT_1")),
    "channel": ((400, "CHANNEL_PRIVATE"), (406, "CHANNEL_PRIVATE"), (400, "CHANNEL_INVALID")),
    "media": ((400, "FILE_REFERENCE_EXPIRED"), (400, "FILE_REFERENCE_INVALID")),
    "account dead": ((403, "USER_DEACTIVATED_BAN"), (401, "SESSION_REVOKED"), (420, "FROZEN_METHOD_INVALID")),
    "login": ((401, "AUTH_KEY_UNREGISTERED"), (401, "SESSION_EXPIRED")),
    "bug": ((400, "INPUT_FETCH_ERROR"), (400, "AN_ERROR_THAT_NOBODY_KNOWS"), (400, "PERSISTENT_TIMESTAMP_INVALID")),
}
# A wrong word may end the daemon, for a person to look.
FATAL = frozenset({"account dead", "login"})


def rpc_error(kind: str, code: int, word: str, *, method: str | None, at: int) -> Nemesis:
    """Answer the `at`-th call from now (of a method, or of any) with that error."""

    def start(scene: Scene) -> None:
        scene.sandbox.faults.error_at(method, at, code, word)
        provoke(scene, method)

    return Nemesis(
        f"RPC error: {kind}",
        start,
        _log_in_again if kind in FATAL else _nothing,
        lasts=1.2,
        aftermath=4.0,
        patience=75.0,
        exits=frozenset({4, 9}) if kind in FATAL else frozenset({9}),
    )


def _error_maker(kind: str) -> Maker:
    def make(rng: random.Random) -> Nemesis:
        code, word = rng.choice(ERRORS[kind])
        methods = ("upload.getFile",) if kind == "media" else (*READING, *SENDING, None)
        if kind == "channel":
            methods = READING[:4]
        nemesis = rpc_error(kind, code, word, method=rng.choice(methods), at=rng.randint(1, 6))
        return _with_voices(nemesis) if kind == "media" else nemesis

    return make


for _kind in ERRORS:
    makes(f"RPC error: {_kind}")(_error_maker(_kind))


async def _log_in_again(scene: Scene) -> None:
    """What a person does after exit code 4: look, and log in anew."""
    await asyncio.sleep(0.3)
    if scene.kind != "earshot":
        scene.give_session("main")
        if scene.running:
            scene.send_signal(signal.SIGKILL)
    elif not scene.running and scene.exits and scene.exits[-1] == 4:
        scene.give_session("main")
        await scene.revive()


@makes("FLOOD_WAIT on one method")
def _flood(rng: random.Random) -> Nemesis:
    method, seconds = rng.choice((*READING[:4], *SENDING)), rng.randint(2, 4)

    def start(scene: Scene) -> None:
        scene.sandbox.faults.flood_wait(method, seconds)
        provoke(scene, method)

    return Nemesis(
        "FLOOD_WAIT on one method",
        start,
        lasts=seconds,
        aftermath=4.0,
    )


@makes("reply lost")
def _lost_reply(rng: random.Random) -> Nemesis:
    method = rng.choice((*READING[:3], *SENDING))

    def start(scene: Scene) -> None:
        scene.sandbox.faults.lose_reply(method)
        provoke(scene, method)

    # An answer is waited for 30 s.
    return Nemesis("reply lost", start, aftermath=HANGING, patience=90.0)


@makes("ids left out of every answer")
def _omitted(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        chat = rng.choice(scene.chats)
        top = chat.log.top_id
        scene.sandbox.faults.swallow_push(chat, True)
        scene.sandbox.faults.omit_ids(chat, range(top + 1, top + 4))
        for number in range(4):
            chat.post(f"Пропуск {number}: потери")

    def heal(scene: Scene) -> None:
        for chat in scene.chats:
            scene.sandbox.faults.omit_ids(chat, ())
        scene.sandbox.faults.pushes.clear()

    return Nemesis("ids left out of every answer", start, heal, lasts=1.5, patience=90.0)


# --- media ------------------------------------------------------------------------------------------------------------


def _with_voices(nemesis: Nemesis) -> Nemesis:
    return Nemesis(
        nemesis.name,
        nemesis.start,
        nemesis.heal,
        nemesis.lasts,
        nemesis.aftermath,
        patience=90.0,
        exits=nemesis.exits,
        voices=2,
    )


def _files(scene: Scene) -> list[int]:
    return [
        chat.file_of(message.id).file_id
        for chat in scene.chats
        for message in chat.messages
        if message.tl.media is not None and getattr(message.tl.media, "document", None) is not None
    ]


@makes("file reference expired")
def _expired(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.delay("upload.getFile", 0.3)
        for file_id in _files(scene):
            scene.sandbox.faults.expire_file_reference(file_id)

    return _with_voices(Nemesis("file reference expired", start, _getting_files))


@makes("file truncated")
def _truncated(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        for file_id in _files(scene):
            scene.sandbox.faults.truncate_file(file_id, 4096)

    def heal(scene: Scene) -> None:
        for file_id in _files(scene):
            scene.sandbox.world.files[file_id].cut = None

    return _with_voices(Nemesis("file truncated", start, heal))


def _getting_files(scene: Scene) -> None:
    scene.sandbox.faults.delay("upload.getFile", 0.0)


@makes("DC migration")
def _migrated(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        for chat in scene.chats[:2]:
            chat.post(voice=voice_file(rng), dc=4)

    return _with_voices(Nemesis("DC migration", start))


def voice_file(rng: random.Random) -> Any:
    """A recording that holds a word of a rule."""
    from tests.drills.play import RECORDINGS, VOICES

    return RECORDINGS / rng.choice(VOICES)


# --- the machine ------------------------------------------------------------------------------------------------------


@makes("disk full")
def _full(rng: random.Random) -> Nemesis:
    """No file of the daemon may grow; its log is a pipe, as under systemd."""

    def limit(size: int) -> Deed:
        def set_limit(scene: Scene) -> None:
            if scene.running:
                hard = resource.prlimit(scene.pid, resource.RLIMIT_FSIZE)[1]
                resource.prlimit(scene.pid, resource.RLIMIT_FSIZE, (hard if size < 0 else size, hard))

        return set_limit

    return Nemesis("disk full", limit(0), limit(-1), lasts=1.2, aftermath=4.0, exits=frozenset({5}))


@makes("database locked")
def _locked(rng: random.Random) -> Nemesis:
    lock = _Lock()
    return Nemesis("database locked", lock.take, lock.give, lasts=rng.uniform(1.0, 3.0), exits=frozenset({5}))


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
            f"clock off by {seconds} s",
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


# --- channels and accounts --------------------------------------------------------------------------------------------


@makes("channel private and back")
def _private(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.chats[-1].go_private()

    def heal(scene: Scene) -> None:
        from tests.drills.scene import HANDLES

        scene.chats[-1].set_handle(HANDLES[len(scene.chats) - 1])
        for user in filter(None, (scene.listener, scene.second)):
            scene.chats[-1].invite(user)

    return Nemesis("channel private and back", start, heal, lasts=1.5, aftermath=10.0)


@makes("handle taken over")
def _taken_over(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        impostor = scene.sandbox.world.add_channel("Impostor", handle=scene.chats[0].handle)
        impostor.post("Самозванец: ракета, генерал, потери")

    def heal(scene: Scene) -> None:
        from tests.drills.scene import HANDLES

        scene.chats[0].set_handle(HANDLES[0])

    return Nemesis("handle taken over", start, heal, lasts=1.5, aftermath=4.0)


@makes("session used elsewhere")
def _elsewhere(rng: random.Random) -> Nemesis:
    return Nemesis(
        "session used elsewhere",
        lambda scene: scene.sandbox.duplicate(scene.listener),
        _log_in_again,
        lasts=1.5,
        aftermath=4.0,
        exits=frozenset({4}),
        alarm="used from two places at once",
    )


@makes("one of two accounts banned")
def _banned(rng: random.Random) -> Nemesis:
    return Nemesis(
        "one of two accounts banned",
        lambda scene: scene.sandbox.ban(scene.listener),
        lasts=1.0,
        aftermath=15.0,
        patience=75.0,
        alarm="banned",
        accounts=2,
    )


@makes("account frozen")
def _frozen(rng: random.Random) -> Nemesis:
    async def heal(scene: Scene) -> None:
        scene.sandbox.unfreeze(scene.listener)
        await _log_in_again(scene)

    return Nemesis(
        "account frozen", lambda scene: scene.sandbox.freeze(scene.listener), heal, lasts=1.5, exits=frozenset({4})
    )


@makes("analyst chat closed")
def _closed(rng: random.Random) -> Nemesis:
    def shut(closed: bool) -> Deed:
        def set_closed(scene: Scene) -> None:
            scene.desk.closed = closed

        return set_closed

    return Nemesis("analyst chat closed", shut(True), shut(False), lasts=1.2, patience=75.0)
