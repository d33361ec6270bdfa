"""A sandbox, a store and a watching account put together: what the reader and the fetcher need to work."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from telethon.tl import functions, types

from bot.model import Channel, ChannelId, Heard, How, Kind, Recording, RecordingState
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.convert import raw_message
from bot.telegram.fetcher import Fetcher
from bot.telegram.reader import Reader
from tests.stores import ready_sqlite
from tests.telegram.linked import HandClock, linked

RULES = """
rules:
  - id: berdyansk
    title: Бердянск
    severity: high
    match: Бердянск OR Мариуполь
"""


@dataclass
class House:
    """The rooms under test, and the hands that move them."""

    sandbox: Sandbox
    store: Store
    account: Account
    clock: HandClock
    monitor: Monitor
    announced: list[bool] = field(default_factory=list)

    async def watch(self, title: str, handle: str) -> Chat:
        """A channel that is pinned and watched."""
        chat = self.sandbox.world.add_channel(title, handle=handle)
        user = next(iter(self.sandbox.world.users.values()))
        channel = Channel(
            channel_id=ChannelId(chat.channel_id),
            access_hash=self.sandbox.world.access_hash(user.id, chat.key),
            handle=handle,
            title=title,
        )
        await self.store.channels.pin(channel, account="main")
        return chat

    async def hear(self, chat: Chat) -> int:
        """Record everything that the channel shows now; returns the number of new rows."""
        channel = await self.store.channels.get(ChannelId(chat.channel_id))
        assert channel is not None
        ids = [types.InputMessageID(message.id) for message in chat.messages]
        answer = await self.account.call(
            functions.channels.GetMessagesRequest(types.InputChannel(chat.id, channel.access_hash), ids)
        )
        alive = [message for message in answer.messages if not isinstance(message, types.MessageEmpty)]
        gone = {message.id for message in answer.messages} - {message.id for message in alive}
        return await self.store.intake.record(
            Heard(
                channel_id=ChannelId(chat.channel_id),
                how=How.SWEEP,
                at=self.clock(),
                messages=tuple(raw_message(message) for message in alive),
                deleted=tuple(sorted(gone)),
            )
        )

    async def observe(self, *chats: Chat) -> None:
        """Hear and read these channels."""
        for chat in chats:
            await self.hear(chat)
        await Reader(self.store, self.monitor, Pulse(asyncio.Event())).drain()

    async def wanted(self) -> tuple[Recording, ...]:
        """Every recording that is still wanted, due or not."""
        return await self.store.recordings.due(RecordingState.WANTED, self.clock() + timedelta(days=999), 99)

    @asynccontextmanager
    async def fetching(self, *, limit_bytes: int = 50_000_000, parallel: int = 2) -> AsyncIterator[Pulse]:
        """A fetcher at work; stopped, and its errors raised, at the end."""
        stop = asyncio.Event()
        pulse = Pulse(stop)
        fetcher = Fetcher(
            lambda _: self.account,
            self.store,
            self.monitor,
            pulse,
            limit_bytes=limit_bytes,
            announce=lambda: self.announced.append(True),
            parallel=parallel,
            patience=(0.01, 0.01),
            clock=self.clock,
        )
        task = asyncio.create_task(fetcher.run())
        try:
            yield pulse
        finally:
            stop.set()
            await task

    async def outcome(
        self, recording_id: int, is_there: Callable[[Recording], bool], *, seconds: float = 45.0
    ) -> Recording:
        """The recording, as soon as that is true of it."""
        async with asyncio.timeout(seconds):
            while True:
                recording = await self.store.recordings.get(recording_id)
                if recording is not None and is_there(recording):
                    return recording
                await asyncio.sleep(0.02)

    async def eventually(self, is_so: Callable[[], bool], *, seconds: float = 45.0) -> None:
        """Come back as soon as that is so."""
        async with asyncio.timeout(seconds):
            while True:
                if is_so():
                    return
                await asyncio.sleep(0.01)

    async def try_once(self, recording: Recording, **settings: Any) -> Recording:
        """Run a fetcher until it has done something about the recording; returns what became of it."""
        before = (recording.state, recording.attempts)
        async with self.fetching(**settings):
            return await self.outcome(recording.recording_id, lambda now: (now.state, now.attempts) != before)

    def served(self, method: str) -> list[str | None]:
        """The errors, or None, of every call of a method."""
        return [call.error for call in self.sandbox.calls if call.method == method]


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    """Everything started, with a fresh database and a clock that stands still."""
    clock = HandClock()
    async with Sandbox() as sandbox:
        user = sandbox.world.add_user("Earshot", phone="+9990000001")
        store = await Store.open(ready_sqlite(folder), folder / "media", clock=clock)
        try:
            async with linked(sandbox, user, folder / "sessions", store=store, clock=clock) as account:
                monitor = Monitor(
                    store,
                    parse_rules({"rules.yaml": RULES}),
                    sinks=("chat",),
                    transcribe=frozenset({Kind.VOICE}),
                    announce=lambda: None,
                    clock=clock,
                )
                yield House(sandbox=sandbox, store=store, account=account, clock=clock, monitor=monitor)
        finally:
            await store.close()
