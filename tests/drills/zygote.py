"""A process that has imported everything and forks daemons on request: a start costs milliseconds, not seconds of imports.

`Zygote` is the side of the tests; `python -m tests.drills.zygote FD` is the process itself. They talk over a socket pair,
one JSON object a packet, the child's standard error travelling as a file descriptor. A child dies with its zygote, and the
zygote with the socket.
"""

import asyncio
import ctypes
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NoReturn

# What a daemon, a plain listener and their first database need.
WARM = (
    "bot.__main__",
    "alembic.command",
    "aiosqlite",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "telethon.tl.alltlobjects",
    "telethon.sessions.sqlite",
    "tests.drills.bombs",
    "tests.drills.plain_listener",
)
_PACKET = 1 << 16
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


class Forked:
    """A child of the zygote, with the part of `asyncio.subprocess.Process` that a stage uses."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = asyncio.Event()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def wait(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    def end(self, code: int) -> None:
        """It has ended."""
        self.returncode = code
        self._ended.set()


class Zygote:
    """The handle: made once, used in one event loop after another by `attach` and `detach`."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.drills.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # BLAS threads would not survive the fork.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        self._socket = ours
        self._asked: deque[asyncio.Future[Forked]] = deque()
        self._children: dict[int, Forked] = {}

    def attach(self) -> None:
        """Take part in the running event loop."""
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def detach(self) -> None:
        """Leave the running event loop; all children must have ended."""
        asyncio.get_running_loop().remove_reader(self._socket)

    async def fork(
        self,
        target: str,
        arguments: Sequence[str],
        *,
        stderr: int,
        env: Mapping[str, str],
        bomb: Mapping[str, Any] | None,
    ) -> Forked:
        """Fork a child that runs `target` ("module:function") with `arguments` as sys.argv; see `bombs` for `bomb`."""
        request = {"target": target, "arguments": list(arguments), "env": dict(env), "bomb": bomb}
        answer: asyncio.Future[Forked] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        socket.send_fds(self._socket, [json.dumps(request).encode()], [stderr])
        return await answer

    def close(self) -> None:
        """End the zygote and what it forked."""
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        try:
            packet = self._socket.recv(_PACKET)
        except ConnectionResetError:
            packet = b""
        if not packet:
            self._over()
            return
        told = json.loads(packet)
        if "code" in told:
            self._children.pop(told["pid"]).end(told["code"])
        else:
            child = self._children[told["pid"]] = Forked(told["pid"])
            asked = self._asked.popleft()
            if asked.cancelled():
                child.send_signal(signal.SIGKILL)
            else:
                asked.set_result(child)

    def _over(self) -> None:
        """The zygote is gone, and its children with it: nobody waits for them in vain."""
        self.detach()
        for asked in self._asked:
            asked.set_exception(RuntimeError("the zygote has ended"))
        for child in self._children.values():
            child.end(-signal.SIGKILL)


# --- the process ------------------------------------------------------------------------------------------------------


def serve(sock: socket.socket) -> None:
    """Fork on request, report what ended, until the other side closes."""
    for module in WARM:
        importlib.import_module(module)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Ctrl-C is for the tests; the end comes by the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready, _, _ = select.select([sock, woken], [], [])
        if woken in ready:
            os.read(woken, 4096)
            _report(sock)
        if sock in ready:
            packet, descriptors, _, _ = socket.recv_fds(sock, _PACKET, 1)
            if not packet:
                return
            _fork(sock, json.loads(packet), descriptors[0])


def _report(sock: socket.socket) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            sock.send(json.dumps({"pid": ended[0], "code": os.waitstatus_to_exitcode(ended[1])}).encode())


def _fork(sock: socket.socket, request: dict[str, Any], stderr: int) -> None:
    pid = os.fork()
    if pid == 0:
        sock.close()
        _become(request, stderr)
    os.close(stderr)
    sock.send(json.dumps({"pid": pid}).encode())


def _become(request: dict[str, Any], stderr: int) -> NoReturn:
    """The child: never returns."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(stderr, 2)
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)
    os.environ.update(request["env"])
    code = 1
    try:
        if request["bomb"]:
            importlib.import_module("tests.drills.bombs").arm(**request["bomb"])
        module, _, function = request["target"].partition(":")
        sys.argv = ["earshot", *request["arguments"]]
        getattr(importlib.import_module(module), function)()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - the edge of the process
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
