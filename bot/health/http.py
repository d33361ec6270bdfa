"""What is alive, how late, what is open: over HTTP on loopback."""

import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.errors import ConfigError
from bot.health import systemd
from bot.health.facts import CanaryFacts
from bot.health.jsonable import to_json
from bot.model import Alarm, Clock, utc_now
from bot.pulse import Pulse

# Name -> the seconds without progress so far, and those after which the loop counts as stuck.
Loops = Mapping[str, tuple[Callable[[], float], float]]


class Health:
    """The loops of a running service, and for how long each has shown no progress."""

    def __init__(
        self,
        loops: Loops,
        snapshot: Callable[[], Awaitable[object]],
        *,
        alarms: Callable[[], Sequence[Alarm]] = tuple,
        canary: Callable[[], CanaryFacts | None] = lambda: None,
        metrics: Callable[[], Awaitable[bytes]] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`snapshot`: what /status shows. `alarms`: those in force. `canary`: how it fares. `metrics`: for Prometheus."""
        self._loops = loops
        self._snapshot = snapshot
        self._alarms = alarms
        self._canary = canary
        self._metrics = metrics
        self._clock = clock
        self._started = clock()

    @property
    def stuck(self) -> list[str]:
        """Names of the loops without progress for longer than their bound."""
        return [name for name, (idle_for, bound) in self._loops.items() if idle_for() > bound]

    def report(self) -> dict[str, Any]:
        """`ok`, `stuck` (names of loops), `alarms`, `canary`, `started_at` and `pid`, as JSON values.

        An alarm alone is no reason for `ok` to be false: whoever restarts what is not ok would mend nothing.
        """
        stuck = self.stuck
        noticed = {"alarms": to_json(tuple(self._alarms())), "canary": to_json(self._canary())}
        return {"ok": not stuck, "stuck": stuck, **noticed, "started_at": self._started.isoformat(), "pid": os.getpid()}

    async def _healthz(self, _: web.Request) -> web.Response:
        report = self.report()
        return web.json_response(report, status=200 if report["ok"] else 503)

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response({**self.report(), "store": to_json(await self._snapshot())})

    async def _prometheus(self, _: web.Request) -> web.Response:
        if self._metrics is None:
            raise web.HTTPNotFound
        return web.Response(body=await self._metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def serve(self, port: int) -> web.AppRunner:
        """Answer GET /healthz, /status and /metrics on 127.0.0.1; ConfigError when the port is taken.

        Clean up the runner at the end.
        """
        app = web.Application()
        for path, answer in (("/healthz", self._healthz), ("/status", self._status), ("/metrics", self._prometheus)):
            app.router.add_get(path, answer)
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
        await systemd.watch(lambda: self.stuck, pulse)


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


async def ask(port: int, path: str, *, timeout: float = 3.0) -> dict[str, Any] | None:
    """What a running daemon on this machine answers to GET `path`; None when none does, but perhaps something else."""
    limit = ClientTimeout(total=timeout)
    try:
        async with ClientSession(timeout=limit) as http, http.get(f"http://127.0.0.1:{port}{path}") as answer:
            result = await answer.json()
    except (ClientError, TimeoutError, ValueError):
        return None
    return result if isinstance(result, dict) and {"ok", "stuck", "started_at", "pid"} <= result.keys() else None
