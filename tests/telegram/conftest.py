"""A sandbox Telegram, a real store, and an account between them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from bot.model import ChannelId, Key, MessageId, Mode, utc_now
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.world import User
from bot.store import Store
from bot.telegram import Account, Listener, Reader, Seeker, Server, WantedChannel, pin_channels
from bot.telegram.channels import join
from tests.stores import ready_sqlite
from tests.telegram.linked import linked

# Seconds to wait for what must happen: many, for the machine may be slow, and fewer than two sweeps lie apart.
PATIENCE = 45.0


async def eventually(happened: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Wait until it is so; fail after that many seconds."""
    async with asyncio.timeout(seconds):
        while not await happened():  # noqa: ASYNC110 - rows do not tell when they change
            await asyncio.sleep(0.02)


@dataclass
class Stage:
    """What a test of hearing needs."""

    sandbox: Sandbox
    store: Store
    user: User
    folder: Path
    listeners: list[Listener] = field(default_factory=list)

    @property
    def server(self) -> Server:
        """The sandbox as configuration names it."""
        return Server(
            host=self.sandbox.host, port=self.sandbox.port, dc=self.sandbox.dc, public_key=self.sandbox.public_key
        )

    def account(self, **options: object) -> "asyncio.AbstractAsyncContextManager[Account]":
        """The user's account, logged in, on a session of its own."""
        return linked(self.sandbox, self.user, self.folder, store=self.store, **options)  # type: ignore[arg-type]

    def channel(self, title: str, posts: int = 0) -> Chat:
        """A public channel named after its title."""
        chat = self.sandbox.world.add_channel(title, handle=title.lower())
        for number in range(posts):
            chat.post(f"{title} {number + 1}")
        return chat

    async def pin(self, account: Account, *chats: Chat, mode: Mode = Mode.JOIN) -> None:
        """Watch exactly these channels, without a problem."""
        wanted = [WantedChannel(handle=chat.handle, mode=mode) for chat in chats]
        pinned = await pin_channels([Seeker(account)], self.store, wanted)
        assert pinned.problems == ()
        for channel in pinned.channels:
            if mode is Mode.JOIN and not channel.joined:
                await join(account, self.store, channel)

    @asynccontextmanager
    async def listening(self, account: Account, *, sweep_seconds: float = 600.0) -> AsyncIterator[Listener]:
        """The listener at work, past its first sweep."""
        stop = asyncio.Event()
        listener = Listener(account, self.store, Pulse(stop), sweep_seconds=sweep_seconds, reader_nudge=lambda: None)
        task = asyncio.create_task(listener.run())
        try:

            async def swept() -> bool:
                return listener.swept_at is not None or task.done()

            await eventually(swept)
            yield listener
        finally:
            stop.set()
            await task

    async def sweeps(self, listener: Listener, times: int) -> None:
        """Wait until so many more sweeps have ended."""
        for _ in range(times):
            before = listener.swept_at

            async def swept(before: datetime | None = before) -> bool:
                return listener.swept_at != before

            await eventually(swept)

    async def told(self, chat: Chat, message_id: int) -> list[str | None]:
        """The texts of a message's versions as recorded so far; None stands for its deletion."""
        stop = asyncio.Event()
        monitor = Monitor(
            self.store, parse_rules({}), sinks=(), transcribe=frozenset(), announce=lambda: None, clock=utc_now
        )
        await Reader(self.store, monitor, Pulse(stop)).drain()
        key = Key(channel_id=ChannelId(chat.channel_id), message_id=MessageId(message_id))
        return [version.message.text if version.message else None for version in await self.store.archive.versions(key)]

    async def hears(self, chat: Chat, message_id: int, *texts: str | None, seconds: float = PATIENCE) -> None:
        """Wait until the message has exactly these versions."""
        try:
            await eventually(lambda: self._is_told(chat, message_id, list(texts)), seconds)
        except TimeoutError:
            assert await self.told(chat, message_id) == list(texts)

    async def _is_told(self, chat: Chat, message_id: int, texts: list[str | None]) -> bool:
        return await self.told(chat, message_id) == texts

    async def complete(self, chat: Chat, seconds: float = PATIENCE) -> None:
        """Wait until the ledger reaches the newest post and has no gap."""

        async def done() -> bool:
            channel = await self.store.channels.get(ChannelId(chat.channel_id))
            assert channel is not None
            newest = max((post.id for post in chat.messages if not post.deleted), default=0)
            return channel.top_id >= newest and not await self.store.channels.gaps(channel.channel_id)

        await eventually(done, seconds)

    def count(self, method: str) -> int:
        """How often a method was called."""
        return sum(call.method == method for call in self.sandbox.calls)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A started sandbox, an empty SQLite store, and a person who watches."""
    async with Sandbox() as sandbox:
        user = sandbox.world.add_user("Watcher", phone="+9990001111")
        store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media")
        try:
            yield Stage(sandbox=sandbox, store=store, user=user, folder=tmp_path / "sessions")
        finally:
            await store.close()
