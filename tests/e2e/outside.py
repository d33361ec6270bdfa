"""Services outside Earshot, on loopback: a dead-man's timer that is asked, and a hook that takes alerts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from bot.sandbox.stage import free_port


class Outside:
    """What it was asked: pings counted, messages kept. `answer`: the status of its answers to pings."""

    def __init__(self, port: int) -> None:
        self.ping_url = f"http://127.0.0.1:{port}/ping/secret-uuid"
        self.hook_url = f"json://127.0.0.1:{port}/hook"
        self.pings = 0
        self.answer = 200
        self.messages: list[str] = []

    async def ping(self, _: web.Request) -> web.Response:
        """Like healthchecks.io's ping API."""
        self.pings += self.answer == 200
        return web.Response(status=self.answer)

    async def hook(self, request: web.Request) -> web.Response:
        """Apprise's JSON."""
        self.messages.append((await request.json())["message"])
        return web.Response()


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """Both, for as long as the block runs."""
    port = free_port()
    service = Outside(port)
    app = web.Application()
    app.router.add_get("/ping/secret-uuid", service.ping)
    app.router.add_post("/hook", service.hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield service
    finally:
        await runner.cleanup()
