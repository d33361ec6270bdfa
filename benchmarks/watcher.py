"""Our side: store, account, listener and reader as the service has them, without the rest of the service."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from bot import EXAMPLE
from bot.model import Channel, Heard, Kind
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.rules import RuleSet, parse_rules
from bot.store import Store
from bot.telegram import Account, Listener, Reader, Server

# What the daemon tells its log at INFO is not for a benchmark's reader.
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@dataclass(frozen=True, slots=True)
class Ears:
    """A listener at work."""

    store: Store
    listener: Listener
    stopwatch: "Stopwatch"
    # `time.monotonic` when the listener began.
    begun: float


@asynccontextmanager
async def listening(
    folder: Path,
    server: Server,
    key: str,
    *,
    sweep_seconds: float,
    read: bool = True,
) -> AsyncIterator[Ears]:
    """Listener and, with `read`, reader at work on the database of the folder."""
    stop = asyncio.Event()
    reading = Pulse(stop)
    async with opened_store(folder) as store, opened_account(folder, store, server, key) as account:
        monitor = Monitor(
            store, example_rules(), sinks=("chat",), transcribe=frozenset({Kind.VOICE}), announce=lambda: None
        )
        reader = Reader(store, monitor, reading)
        stopwatch = Stopwatch(store)
        listener = Listener(account, store, Pulse(stop), sweep_seconds=sweep_seconds, reader_nudge=reading.nudge)
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.run())
            if read:
                group.create_task(reader.run())
            try:
                yield Ears(store, listener, stopwatch, begun)
            finally:
                stop.set()


def example_rules() -> RuleSet:
    """The rules that ship with Earshot."""
    return parse_rules({str(path): path.read_text("utf-8") for path in sorted((EXAMPLE / "rules").rglob("*.yaml"))})


async def is_so(condition: Callable[[], bool], *, seconds: float = 300.0) -> None:
    """Wait for it."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is looked at does not tell when it changes
            await asyncio.sleep(0.02)


@asynccontextmanager
async def opened_store(folder: Path) -> AsyncIterator[Store]:
    """The store in a folder, made if need be."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240
    store = await Store.open(f"sqlite:///{folder}/earshot.db", folder / "media")
    try:
        yield store
    finally:
        await store.close()


async def pin(folder: Path, channels: Sequence[Channel]) -> None:
    """A database in which these channels are pinned for the account `main`."""
    async with opened_store(folder) as store:
        for channel in channels:
            await store.channels.pin(channel, account="main")


@asynccontextmanager
async def opened_account(folder: Path, store: Store, server: Server, key: str) -> AsyncIterator[Account]:
    """The account `main`, by a key that the server accepts."""
    path = folder / "sessions" / "main.session"
    write_session(path, server, key)
    async with Account.open(path, 1, "0" * 32, name="main", store=store, server=server) as account:
        yield account


def write_session(path: Path, server: Server, key: str) -> None:
    """A session file as a login leaves it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    state = {"format": 1, "dc": server.dc, "host": server.host, "port": server.port, "auth_key": key}
    path.write_text(json.dumps(state))


class Stopwatch:
    """Stands before `store.intake` and notes when each message had been committed."""

    def __init__(self, store: Store) -> None:
        # (channel id, message id) -> `time.monotonic` of its first commit.
        self.stored: dict[tuple[int, int], float] = {}
        self._intake = store.intake
        store.intake = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._intake, name)

    async def record(self, heard: Heard) -> int:
        """As the store's."""
        new = await self._intake.record(heard)
        now = time.monotonic()
        for message in heard.messages:
            self.stored.setdefault((heard.channel_id, message.message_id), now)
        return new
