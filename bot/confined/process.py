"""Such a process as the daemon sees it: two pipes and a process group that can be killed."""

import asyncio
import os
import signal
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path

import structlog

import bot
from bot.confined.frames import HEADER_BYTES, Frame, body_length, pack, unpack
from bot.errors import ChildDied

log = structlog.get_logger()

# Where there is nothing, and nothing can be made: a folder of its own would stay behind when the daemon is killed.
_NOWHERE = "/nonexistent"
# The child gets these of our environment and no other: no token, no proxy, no key.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES")
_LAST_LINES = 20


class ChildProcess:
    """A running child, which has no file of its own."""

    def __init__(self, process: asyncio.subprocess.Process, what: str) -> None:
        self._what = what
        self._process = process
        self._errors: deque[str] = deque(maxlen=_LAST_LINES)
        self._listener = asyncio.create_task(self._listen())

    @classmethod
    async def spawn(cls, module: str, *, what: str, threads: int) -> "ChildProcess":
        """Start `python -m module`, which waits for its settings. `what`: one word, as errors and the log name it."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module),
            cwd="/",
            env=environment(threads),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process, what)

    @property
    def pid(self) -> int:
        """Its process id, and its group's."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    async def send(self, frame: Frame) -> None:
        """Give it a request; ChildDied when it is gone."""
        assert self._process.stdin is not None  # noqa: S101 - asked for in spawn
        try:
            self._process.stdin.write(pack(frame))
            await self._process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise await self._obituary() from error

    async def receive(self) -> Frame:
        """Its next answer; ChildDied when it is gone or mad."""
        assert self._process.stdout is not None  # noqa: S101 - asked for in spawn
        try:
            header = await self._process.stdout.readexactly(HEADER_BYTES)
            return unpack(await self._process.stdout.readexactly(body_length(header)))
        except asyncio.IncompleteReadError as error:
            raise await self._obituary() from error
        except ValueError as error:
            raise ChildDied(f"the {self._what} process sent nonsense: {error}") from error

    async def kill(self) -> None:
        """End it and everything it may have started; repeating it does nothing."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()
        await self._listener

    async def _listen(self) -> None:
        """Keep its last words, and keep the pipe from filling."""
        assert self._process.stderr is not None  # noqa: S101 - asked for in spawn
        while line := await self._process.stderr.read(4096):
            for text in line.decode(errors="replace").splitlines():
                self._errors.append(text)
                log.debug(f"{self._what}.child", text=text)

    async def _obituary(self) -> ChildDied:
        code = await self._process.wait()
        await self._listener
        if code < 0:
            return ChildDied(f"the {self._what} process was killed by {signal.Signals(-code).name}")
        words = next((line for line in reversed(self._errors) if line.strip()), "without a word")
        return ChildDied(f"the {self._what} process ended ({code}): {words}")


def environment(threads: int) -> dict[str, str]:
    """All that the child gets to see; `threads`: for the libraries that ask for them there."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return kept | {
        "PYTHONPATH": str(Path(bot.__file__).parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "HOME": _NOWHERE,
        "TMPDIR": _NOWHERE,
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": str(threads),
        # numpy's: its threads spin while they wait for each other, which was two thirds of a spectrogram's processor time.
        "OPENBLAS_NUM_THREADS": "1",
        # Each further arena reserves 64 MiB of the address space that is counted.
        "MALLOC_ARENA_MAX": "2",
        "CUDA_CACHE_DISABLE": "1",
        # onnxruntime 1.32 (voice activity) reports home by default.
        "ORT_DISABLE_TELEMETRY": "1",
    }
