"""The speech process: `python -m bot.speech.child`, requests on standard input, answers on standard output.

First a request with the settings, answered by `ready` or `failed`; then jobs, each answered by `decoded` and
`transcript`, or by `refused`, or by `failed`. It ends with its input, with its parent, or with the first `failed`.
"""

import os
import traceback
from pathlib import Path
from typing import BinaryIO

import ctranslate2

from bot.errors import MediaRefused
from bot.speech.decode import Sound, decode
from bot.speech.limits import allow_cpu, confine, die_with
from bot.speech.whisper import Whisper, warm_up
from bot.speech.wire import Frame, pack, read_frame, transcript_frame


class Child:
    """Serves one parent, one job at a time."""

    def __init__(self, requests: BinaryIO, answers: BinaryIO, settings: Frame) -> None:
        self._requests = requests
        self._answers = answers
        self._settings = settings

    def serve(self) -> None:
        """Load the model, then work until the requests end."""
        whisper = self._load()
        while whisper is not None and (job := read_frame(self._requests)) is not None:
            try:
                self._transcribe(whisper, job)
            except MediaRefused as refusal:
                self._answer({"refused": refusal.reason, "text": str(refusal)})

    def _load(self) -> Whisper | None:
        given = self._settings
        on_gpu = given["device"] == "cuda" or (given["device"] == "auto" and ctranslate2.get_cuda_device_count() > 0)
        confine(given["memory_bytes"], on_gpu=on_gpu)
        try:
            whisper = Whisper(
                given["folder"],
                device=given["device"],
                compute_type=given["compute_type"],
                threads=given["threads"],
                beam_size=given["beam_size"],
                name=given["name"],
            )
            warm_up(whisper)
        except MemoryError:
            self._answer({"failed": f"it needs more than the {given['memory_bytes']} bytes of memory it may use"})
            return None
        except (RuntimeError, ValueError, OSError) as error:
            self._answer({"failed": str(error)})
            return None
        self._answer({"ready": True})
        return whisper

    def _transcribe(self, whisper: Whisper, job: Frame) -> None:
        allow_cpu(self._cpu_seconds(0))
        sound = self._decode(Path(job["path"]))
        self._answer({"decoded": sound.seconds})
        allow_cpu(self._cpu_seconds(sound.seconds))
        transcript = whisper.transcribe(sound, job["language"])
        self._answer({"transcript": transcript_frame(transcript)})

    def _decode(self, path: Path) -> Sound:
        try:
            return decode(path, max_bytes=self._settings["max_bytes"], max_seconds=self._settings["max_seconds"])
        except MediaRefused:
            raise
        except Exception as error:
            # Whatever else the decoder raises on hostile bytes says something about them, not about us.
            traceback.print_exc()
            raise MediaRefused("damaged", f"the recording cannot be decoded: {error}") from error

    def _cpu_seconds(self, sound_seconds: float) -> float:
        given = self._settings
        return float((given["timeout_floor"] + given["timeout_factor"] * sound_seconds) * (given["threads"] + 1))

    def _answer(self, frame: Frame) -> None:
        self._answers.write(pack(frame))
        self._answers.flush()


def main() -> None:
    """Take the pipes away from everybody else (a library may print), then serve."""
    with os.fdopen(os.dup(0), "rb") as requests, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        os.close(0)
        os.open(os.devnull, os.O_RDONLY)
        settings = read_frame(requests)
        if settings is None:
            return
        die_with(settings["parent"])
        Child(requests, answers, settings).serve()


if __name__ == "__main__":
    main()
