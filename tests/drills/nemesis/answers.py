"""Faults of Telegram's answers: too long, refused, late, lost."""

import random

from bot.sandbox.chats import Chat
from tests.drills.nemesis.base import (
    HANGING,
    READING,
    SENDING,
    Maker,
    Nemesis,
    clear_pushes,
    log_in_again,
    makes,
    nothing,
    with_voices,
)
from tests.drills.scene import Scene


@makes("TooLong after 101 events")
def _too_long(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.difference_limit(100)
        scene.sandbox.faults.swallow_push("all", True)
        chat = rng.choice(scene.chats)
        for number in range(101):
            chat.post(f"Подряд {number}: тихо" if number % 10 else f"Подряд {number}: ракета")

    return Nemesis(start, clear_pushes)


@makes("TooLong after 100,001 events")
def _far_too_long(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.sandbox.faults.swallow_push("all", True)
        chat = rng.choice(scene.chats)
        chat.post("Перед тишиной: ракета")
        # 100,001 events without 100,001 posts: the counter moves as for edits.
        bulk(chat, 100_001)
        chat.post("После тишины: генерал")

    return Nemesis(start, clear_pushes)


def bulk(chat: Chat, count: int) -> None:
    """Move the channel's event counter by `count`, as so many edits of its newest post that change nothing."""
    entry = chat.log.entries[-1]
    for _ in range(count):
        chat.log.edited(entry, at=entry.tl.date)


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
        start,
        log_in_again if kind in FATAL else nothing,
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
        return with_voices(nemesis) if kind == "media" else nemesis

    return make


for _kind in ERRORS:
    makes(f"RPC error: {_kind}")(_error_maker(_kind))


@makes("FLOOD_WAIT on one method")
def _flood(rng: random.Random) -> Nemesis:
    method, seconds = rng.choice((*READING[:4], *SENDING)), rng.randint(2, 4)

    def start(scene: Scene) -> None:
        scene.sandbox.faults.flood_wait(method, seconds)
        provoke(scene, method)

    return Nemesis(
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
    return Nemesis(start, aftermath=HANGING, patience=90.0)


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

    return Nemesis(start, heal, lasts=1.5, patience=90.0)
