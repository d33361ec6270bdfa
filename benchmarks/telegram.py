"""The sandbox Telegram in a process of its own, on the other core, told what to do through a pipe.

    async with Telegram() as telegram:
        places = await telegram.ask(scenery.make_channels, 1_000)

`ask(function, *arguments)` calls `function(sandbox, *arguments)` over there, plain or async, and brings the result back.
"""

import asyncio
import inspect
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.sandbox import Sandbox
from bot.telegram import Server

SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong over there, in words."""

    words: str


class Telegram:
    """A running sandbox in its own process; leaving ends it. Orders are carried out one after the other."""

    def __init__(self) -> None:
        self._pipe, self._theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_run, args=(self._theirs,), daemon=True)
        self._thread = ThreadPoolExecutor(1)

    async def __aenter__(self) -> "Telegram":
        self._process.start()
        self.server: Server = await self.ask(_server)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pipe.send(None)
        await asyncio.to_thread(self._process.join)
        self._thread.shutdown()

    async def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The result of `function(sandbox, *arguments)`; RuntimeError with the words of what it raised."""
        answer = await asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, (function, arguments))
        if isinstance(answer, Failure):
            raise RuntimeError(f"{function.__name__} failed in the sandbox's process: {answer.words}")
        return answer

    async def log_in(self, user_id: int) -> str:
        """A new authorization key of the user, in hex, as if it had logged in."""
        key = os.urandom(256)
        await self.ask(_log_in, key, user_id)
        return key.hex()

    def _exchange(self, order: Any) -> Any:
        self._pipe.send(order)
        return self._pipe.recv()


def _run(pipe: Connection) -> None:
    asyncio.run(_serve(pipe))


async def _serve(pipe: Connection) -> None:
    async with Sandbox() as sandbox:
        while order := await asyncio.to_thread(pipe.recv):
            function, arguments = order
            try:
                result = function(sandbox, *arguments)
                pipe.send(await result if inspect.isawaitable(result) else result)
            except Exception as error:  # noqa: BLE001 - the asker is told, and decides
                pipe.send(Failure(f"{type(error).__name__}: {error}"))


def _server(sandbox: Sandbox) -> Server:
    return Server(host=sandbox.host, port=sandbox.port, dc=sandbox.dc, public_key=Path(sandbox.public_key))


def _log_in(sandbox: Sandbox, key: bytes, user_id: int) -> None:
    sandbox.register_key(key, user=sandbox.world.users[user_id])
