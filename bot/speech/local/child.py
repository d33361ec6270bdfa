"""The speech process: `python -m bot.speech.local.child`, requests on standard input, answers on standard output.

First a request with the settings, answered by `ready` or `failed`; then jobs, each with an `id`, any number at a time.
Each is answered by `decoded` and `transcript`, or by `refused`, in the order in which they are done; one that `asks` tells
its fingerprint with `decoded`, and goes on when it is told to `go`. One for which there is no room in memory is told that
it `waits`, and that it does no longer. The process ends with its input, with its parent, or with the first error that no
job explains.
"""

import os
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import ctranslate2

from bot.confined.child import run_child
from bot.confined.frames import Frame, pack, read_frame
from bot.confined.limits import allow_cpu, confine
from bot.errors import MediaRefused
from bot.speech.local.asks import Hearing, Signal, Work
from bot.speech.local.driver import Driver
from bot.speech.local.heap import GIVE_BACK_AFTER, give_buffers_back, keep_buffers
from bot.speech.local.hearing import hear
from bot.speech.local.model import Model
from bot.speech.local.room import Room, address_space, expected_seconds
from bot.speech.local.wire import transcript_frame
from bot.speech.settings import Manner
from bot.speech.sound.decode import Sound, decode
from bot.speech.sound.fingerprint import fingerprint
from bot.transcript import Transcript

# None: not wanted after all.
Outcome = Transcript | MediaRefused | None


class Child:
    """Serves one parent."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO, settings: Frame) -> None:
        self._requests = requests
        self._answers = answers
        self._settings = settings
        self._manner = Manner(**settings["manner"])
        # Seconds of sound of the jobs at hand, once they are decoded.
        self._at_hand: dict[int, float] = {}
        self._waiting: dict[int, Frame] = {}
        self._done = 0

    def serve(self) -> None:
        """Load the model, then work until the requests end."""
        given = self._settings
        on_gpu = given["device"] == "cuda" or (given["device"] == "auto" and ctranslate2.get_cuda_device_count() > 0)
        confine(given["memory_bytes"], on_gpu=on_gpu)
        keep_buffers()
        try:
            driver, model = self._load(on_gpu)
        except MemoryError:
            self._answer({"failed": f"it needs more than the {given['memory_bytes']} bytes of memory it may use"})
            return
        except (RuntimeError, ValueError, OSError) as error:
            self._answer({"failed": str(error)})
            return
        room = Room(given["memory_bytes"] - address_space())
        self._answer({"ready": True})
        threading.Thread(target=self._listen, args=(driver, model, room), daemon=True).start()
        try:
            for number, outcome in driver.run():
                self._tell(number, outcome)
                room.leave(number)
                for called in room.called():
                    self._answer({"id": called, "waits": False})
                    driver.post(partial(self._begin, driver, model, room, self._waiting.pop(called)))
                self._tidy()
        except BaseException:  # noqa: BLE001 - whatever it is, it ends the process
            traceback.print_exc()
            # The other threads may be deep in a library, or hold the pipe.
            os._exit(1)

    def _load(self, on_gpu: bool) -> tuple[Driver[Outcome], Model]:
        given = self._settings
        workers = 1 if on_gpu else given["threads"]
        model = Model(
            given["folder"], device=given["device"], compute_type=given["compute_type"], workers=workers, threads=1
        )
        driver: Driver[Outcome] = Driver(model, workers=workers, beam_size=self._manner.beam_size, batch=given["batch"])
        model.warm_up()
        return driver, model

    def _listen(self, driver: Driver[Outcome], model: Model, room: Room) -> None:
        while (asked := read_frame(self._requests)) is not None:
            if "go" in asked:
                driver.post(partial(driver.answer, asked["id"], asked["go"]))
            else:
                driver.post(partial(self._receive, driver, model, room, asked))
        # A parent that has gone wants no answer.
        os._exit(0)

    def _receive(self, driver: Driver[Outcome], model: Model, room: Room, job: Frame) -> Iterator[tuple[int, Outcome]]:
        longest = self._settings["max_seconds"]
        if room.enter(job["id"], expected_seconds(Path(job["path"]), job["seconds"], longest)):
            yield from self._begin(driver, model, room, job)
        else:
            self._waiting[job["id"]] = job
            self._answer({"id": job["id"], "waits": True})

    def _begin(self, driver: Driver[Outcome], model: Model, room: Room, job: Frame) -> Iterator[tuple[int, Outcome]]:
        self._at_hand[job["id"]] = 0.0
        self._allow()
        return driver.add(job["id"], self._job(model, room, job), job["seconds"] or 30.0)

    def _job(self, model: Model, room: Room, job: Frame) -> Hearing[Outcome]:
        try:
            sound: Sound = yield Work(partial(self._decode, Path(job["path"])), front=True)
        except MediaRefused as refusal:
            if isinstance(refusal.__cause__, MemoryError) and len(self._at_hand) > 1:
                # Alone it may have room; the process ends, and is given them one by one.
                raise refusal.__cause__ from None
            return refusal
        self._at_hand[job["id"]] = sound.seconds
        room.grow(job["id"], sound.seconds)
        self._allow()
        voice = (yield Work(partial(fingerprint, sound.samples), front=True)) if job["asks"] else b""
        self._answer({"id": job["id"], "decoded": sound.seconds, "fingerprint": voice.hex()})
        if voice and not (yield Signal()):
            return None
        return (yield from self._hear(model, sound, job))

    def _hear(self, model: Model, sound: Sound, job: Frame) -> Hearing[Outcome]:
        manner = replace(self._manner, hot_words=job["hot_words"])
        return (yield from hear(model, sound, manner, self._settings["name"], hint=job["language"]))

    def _decode(self, path: Path) -> Sound:
        try:
            return decode(path, max_bytes=self._settings["max_bytes"], max_seconds=self._settings["max_seconds"])
        except MediaRefused:
            raise
        except Exception as error:
            # Whatever else the decoder raises on hostile bytes says something about them, not about us.
            traceback.print_exc()
            raise MediaRefused("damaged", f"the recording cannot be decoded: {error}") from error

    def _allow(self) -> None:
        """Processor time for all jobs at hand, from now on: the backstop, should the daemon's own timer be stuck."""
        given = self._settings
        seconds = given["timeout_floor"] + given["timeout_factor"] * sum(self._at_hand.values())
        allow_cpu(float(seconds * (given["threads"] + 2)))

    def _tell(self, number: int, outcome: Outcome) -> None:
        del self._at_hand[number]
        if isinstance(outcome, MediaRefused):
            self._answer({"id": number, "refused": outcome.reason, "text": str(outcome)})
        elif outcome is not None:
            self._answer({"id": number, "transcript": transcript_frame(outcome)})

    def _tidy(self) -> None:
        """With nothing at hand, nobody waits for what giving back costs; else it is done now and then."""
        self._done += 1
        if not self._at_hand or self._done % GIVE_BACK_AFTER == 0:
            give_buffers_back()

    def _answer(self, frame: Frame) -> None:
        self._answers.write(pack(frame))
        self._answers.flush()


if __name__ == "__main__":
    run_child(lambda requests, answers, settings: Child(requests, answers, settings).serve())
