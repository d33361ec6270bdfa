"""What is alive, how late, what is open: over HTTP on loopback, and to systemd."""

import dataclasses
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from enum import Enum
from typing import Any

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, web

from bot.errors import ConfigError
from bot.model import Clock, utc_now
from bot.pulse import Pulse

log = structlog.get_logger()


class Health:
    """The loops of a running service, and for how long each has shown no progress."""

    def __init__(
        self,
        loops: Mapping[str, tuple[Callable[[], float], float]],
        snapshot: Callable[[], Awaitable[object]],
        *,
        clock: Clock = utc_now,
    ) -> None:
        """`loops`: name to the seconds without progress so far, and those after which it counts as stuck.

        `snapshot`: what /status shows.
        """
        self._loops = loops
        self._snapshot = snapshot
        self._clock = clock
        self._started = clock()

    @property
    def stuck(self) -> list[str]:
        """Names of the loops without progress for longer than their bound."""
        return [name for name, (idle_for, bound) in self._loops.items() if idle_for() > bound]

    def report(self) -> dict[str, Any]:
        """`ok`, `stuck` (names of loops), `started_at` and `pid`, as JSON values."""
        stuck = self.stuck
        return {"ok": not stuck, "stuck": stuck, "started_at": self._started.isoformat(), "pid": os.getpid()}

    async def _healthz(self, _: web.Request) -> web.Response:
        report = self.report()
        return web.json_response(report, status=200 if report["ok"] else 503)

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response({**self.report(), "store": to_json(await self._snapshot())})

    async def serve(self, port: int) -> web.AppRunner:
        """Answer GET /healthz and GET /status on 127.0.0.1; ConfigError when the port is taken. Clean up the runner."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/status", self._status)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except OSError as error:
            await runner.cleanup()
            raise _port_error(port, error) from error
        return runner

    async def watch(self, pulse: Pulse) -> None:
        """Tell systemd that we are ready and alive; without systemd, only log loops that are stuck."""
        notify_systemd("READY=1")
        every = int(os.environ.get("WATCHDOG_USEC", "30000000")) / 1_000_000 / 3
        while not await pulse.wait(every):
            if stuck := self.stuck:
                log.error("loops are stuck", loops=stuck)
            else:
                notify_systemd("WATCHDOG=1")
        notify_systemd("STOPPING=1")


def require_free_port(port: int) -> None:
    """Raise ConfigError when `Health.serve` could not open this port now; it is left free."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError as error:
        raise _port_error(port, error) from error


def _port_error(port: int, error: OSError) -> ConfigError:
    why = os.strerror(error.errno) if error.errno else str(error)
    return ConfigError(f"health.port: 127.0.0.1:{port} cannot be opened ({why}); choose another, or 0 for none")


def notify_systemd(message: str) -> None:
    """Send one sd_notify message where systemd listens (NOTIFY_SOCKET, see sd_notify(3)); nothing elsewhere.

    Nobody there to take it is no reason to stop: a watchdog that hears nothing does that by itself.
    """
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.setblocking(False)
            try:
                channel.connect("\0" + address[1:] if address.startswith("@") else address)
                channel.sendall(message.encode())
            except OSError as error:
                log.warning("systemd not told", message=message, error=str(error))


async def ask(port: int, path: str, *, timeout: float = 3.0) -> dict[str, Any] | None:
    """What a running daemon on this machine answers to GET `path`; None when none does, but perhaps something else."""
    limit = ClientTimeout(total=timeout)
    try:
        async with ClientSession(timeout=limit) as http, http.get(f"http://127.0.0.1:{port}{path}") as answer:
            result = await answer.json()
    except (ClientError, TimeoutError, ValueError):
        return None
    return result if isinstance(result, dict) and {"ok", "stuck", "started_at", "pid"} <= result.keys() else None


def to_json(value: object) -> Any:
    """Frozen nouns as JSON values: ISO times, enum values, bytes as hex. Access hashes, part of a login, are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value) if field.name != "access_hash")
        return {name: to_json(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {_key(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return value.hex() if isinstance(value, bytes) else value


def _key(key: object) -> str:
    return "/".join(str(part) for part in key) if isinstance(key, tuple) else str(key)
