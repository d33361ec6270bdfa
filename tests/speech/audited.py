"""The decoder under audit: a confined process in which opening anything, while it decodes, is death.

`AuditedDecoder` is the side of the tests. The other side is `python -m tests.speech.audited`: it confines itself as the
speech process does, opens each file in one thread and decodes it in another, whose filter ends the process at the first
attempt to open a file or a socket or to start a program.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bot.confined.limits import confine, die_with
from bot.confined.seccomp import forbid_opening
from bot.errors import MediaRefused
from bot.speech.sound.decode import RATE, decode_file
from tests.speech import hostile

REPOSITORY = Path(__file__).parents[2]
# What `decode` may say; `unreadable` is about our own disk and no file's doing.
REASONS = frozenset({"empty", "too-large", "container", "no-audio", "too-long", "damaged"})
MAX_BYTES = 20_000_000
MAX_SECONDS = 600.0
MEMORY_BYTES = 1_000_000_000
PATIENCE_SECONDS = 30.0
# A request that the audit must not survive.
_OPEN = b"open "
_PERIOD = RATE // 10
_ALIKE = 0.5
# Between this many files the victim is decoded, so that what it sounds like lies about in freed memory.
_AGAIN = 16


def victim_period() -> NDArray[np.float32]:
    """A tenth of a second of noise that no other sound resembles."""
    return np.random.default_rng(42).uniform(-0.5, 0.5, _PERIOD).astype(np.float32)


def write_victim(path: Path) -> None:
    """A WAV or MOV file, by its suffix, that repeats the period for two seconds."""
    container = {".wav": "wav", ".mov": "mov"}[path.suffix]
    samples = (np.tile(victim_period(), 20) * 32767).astype(np.int16)
    path.write_bytes(hostile.encode(samples, container=container, codec="pcm_s16le", rate=RATE))


def likeness(samples: NDArray[np.float32]) -> float:
    """How much of the victim is in there: the best correlation of any tenth of a second with its period, 0 to 1."""
    period = victim_period()
    best = 0.0
    for begin in range(0, max(1, len(samples) - _PERIOD), 2**17 - _PERIOD):
        block = samples[begin : begin + 2**17].astype(np.float64)
        if len(block) < _PERIOD:
            continue
        size = 1 << (len(block) + _PERIOD).bit_length()
        found = np.fft.irfft(np.fft.rfft(block, size) * np.conj(np.fft.rfft(period, size)), size)
        energy = np.concatenate([[0.0], np.cumsum(block**2)])
        energy = np.maximum(energy[_PERIOD:] - energy[:-_PERIOD], 1e-9)
        scale = np.sqrt(energy * float((period.astype(np.float64) ** 2).sum()))
        best = max(best, float((np.abs(found[: len(scale)]) / scale).max()))
    return best


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    # A word of REASONS, `decoded`, or a fault: `unnamed`, `foreign sound`, `opened something`, `crashed`, `stuck`.
    what: str
    # The refusal's or the fault's text.
    text: str = ""
    seconds: float = 0.0
    cpu: float = 0.0
    # Most resident bytes of the process while it decoded.
    peak: int = 0

    @property
    def good(self) -> bool:
        """Sound of its own, or a refusal with a known name."""
        return self.what == "decoded" or self.what in REASONS


class AuditedDecoder:
    """`with AuditedDecoder(victim) as decoder: decoder.decode(path)`; a process that ended is started anew."""

    def __init__(self, victim: Path) -> None:
        self._victim = victim
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def decode(self, path: Path) -> Outcome:
        """Have it decoded under audit."""
        return self._ask(os.fsencode(path))

    def open(self, path: Path) -> Outcome:
        """Have the decoder's thread open `path`: whether the audit sees it."""
        return self._ask(_OPEN + os.fsencode(path))

    def _ask(self, request: bytes) -> Outcome:
        process = self._running()
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        assert process.stdin is not None
        process.stdin.write(request + b"\n")
        process.stdin.flush()
        answer = self._answer(process)
        if answer is None:
            return self._obituary(process)
        status = Path(f"/proc/{process.pid}/status").read_text()
        peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
        return Outcome(answer["what"], answer["text"], answer["seconds"], answer["cpu"], peak)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tests.speech.audited", str(os.getpid()), str(self._victim)],
                cwd=self._victim.parent,
                # One arena: glibc asks the kernel through a file how to shrink a second one.
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), "MALLOC_ARENA_MAX": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert self._answer(self._process) == {"ready": True}
        return self._process

    def _answer(self, process: "subprocess.Popen[bytes]") -> dict[str, Any] | None:
        assert process.stdout is not None
        if not select.select([process.stdout], [], [], PATIENCE_SECONDS)[0]:
            return None
        line = process.stdout.readline()
        return json.loads(line) if line else None

    def _obituary(self, process: "subprocess.Popen[bytes]") -> Outcome:
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._end()
            return Outcome("stuck", f"no answer in {PATIENCE_SECONDS:g} s")
        self._end()
        if code == -signal.SIGSYS:
            return Outcome("opened something", "a file, a socket or a program")
        return Outcome("crashed", signal.Signals(-code).name if code < 0 else f"exit {code}")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


# --- the other side ---------------------------------------------------------------------------------------------------


def _decode(path: Path, sealed: ThreadPoolExecutor) -> dict[str, Any]:
    begun = time.process_time()
    what, text, seconds = "decoded", "", 0.0
    try:
        with path.open("rb") as file:
            sound = sealed.submit(decode_file, file, max_bytes=MAX_BYTES, max_seconds=MAX_SECONDS).result()
        spent = time.process_time() - begun
        seconds, alike = sound.seconds, likeness(sound.samples)
        if alike > _ALIKE:
            what, text = "foreign sound", f"alike {alike:.2f}"
    except MediaRefused as refused:
        spent = time.process_time() - begun
        what, text = refused.reason, str(refused)
    except Exception as error:  # noqa: BLE001 - what has no name is what the audit is after
        spent = time.process_time() - begun
        what, text = "unnamed", repr(error)
    return {"what": what, "text": text, "seconds": seconds, "cpu": spent}


def _sealed() -> None:
    if not forbid_opening(deadly=True):
        sys.exit("this kernel or architecture has no system call filter: the audit would see nothing")


def main() -> None:
    """Answer one line for each path."""
    parent, victim = int(sys.argv[1]), Path(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    die_with(parent)
    confine(MEMORY_BYTES, on_gpu=False)
    with ThreadPoolExecutor(1, initializer=_sealed) as sealed:
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for number, line in enumerate(sys.stdin.buffer):
            if line.startswith(_OPEN):
                sealed.submit(Path(os.fsdecode(line[len(_OPEN) : -1])).open).result()
            if number % _AGAIN == 0 and _decode(victim, sealed)["what"] != "foreign sound":
                sys.exit("the victim itself was not recognised")
            print(json.dumps(_decode(Path(os.fsdecode(line[:-1])), sealed)), file=answers, flush=True)


if __name__ == "__main__":
    main()
