"""Faults of files, channels and accounts."""

import random

from tests.drills.nemesis.base import Deed, Nemesis, log_in_again, makes, with_voices
from tests.drills.play import RECORDINGS, VOICES
from tests.drills.scene import HANDLES, Scene


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

    return with_voices(Nemesis(start, _getting_files))


@makes("file truncated")
def _truncated(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        for file_id in _files(scene):
            scene.sandbox.faults.truncate_file(file_id, 4096)

    def heal(scene: Scene) -> None:
        for file_id in _files(scene):
            scene.sandbox.world.files[file_id].cut = None

    return with_voices(Nemesis(start, heal))


def _getting_files(scene: Scene) -> None:
    scene.sandbox.faults.delay("upload.getFile", 0.0)


@makes("DC migration")
def _migrated(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        for chat in scene.chats[:2]:
            chat.post(voice=RECORDINGS / rng.choice(VOICES), dc=4)

    return with_voices(Nemesis(start))


@makes("channel private and back")
def _private(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        scene.chats[-1].go_private()

    def heal(scene: Scene) -> None:
        scene.chats[-1].set_handle(HANDLES[len(scene.chats) - 1])
        for user in filter(None, (scene.listener, scene.second)):
            scene.chats[-1].invite(user)

    return Nemesis(start, heal, lasts=1.5, aftermath=10.0)


@makes("handle taken over")
def _taken_over(rng: random.Random) -> Nemesis:
    def start(scene: Scene) -> None:
        impostor = scene.sandbox.world.add_channel("Impostor", handle=scene.chats[0].handle)
        impostor.post("Самозванец: ракета, генерал, потери")

    def heal(scene: Scene) -> None:
        scene.chats[0].set_handle(HANDLES[0])

    return Nemesis(start, heal, lasts=1.5, aftermath=4.0)


@makes("session used elsewhere")
def _elsewhere(rng: random.Random) -> Nemesis:
    return Nemesis(
        lambda scene: scene.sandbox.duplicate(scene.listener),
        log_in_again,
        lasts=1.5,
        aftermath=4.0,
        exits=frozenset({4}),
        alarm="used from two places at once",
    )


@makes("one of two accounts banned")
def _banned(rng: random.Random) -> Nemesis:
    return Nemesis(
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
        await log_in_again(scene)

    return Nemesis(lambda scene: scene.sandbox.freeze(scene.listener), heal, lasts=1.5, exits=frozenset({4}))


@makes("analyst chat closed")
def _closed(rng: random.Random) -> Nemesis:
    def shut(closed: bool) -> Deed:
        def set_closed(scene: Scene) -> None:
            scene.desk.closed = closed

        return set_closed

    return Nemesis(shut(True), shut(False), lasts=1.2, patience=75.0)
