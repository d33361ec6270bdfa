"""Telethon's connection to one data centre, made to survive what a listening post meets. Measured with Telethon 1.45.0:

* a peer that has gone without a word is found after two minutes, and a slow one is taken for a dead one. Here any byte
  that comes in is a sign of life;
* a lost answer in a key exchange is waited for without end;
* `asyncio.wait_for`, which it connects with, loses a cancellation that comes in the same step as the outcome (Python
  3.11), and the attempts go on after their caller's patience has ended;
* what cannot be read, and a server that has lost our session, are told to nobody.

Private parts are overridden, which is why the version is pinned.
"""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import structlog
from telethon.extensions.messagepacker import MessagePacker
from telethon.network import ConnectionTcpFull, MTProtoSender
from telethon.tl.core import TLMessage

from bot.telegram.clockwork import ServerClock, steady, time_of
from bot.telegram.mtproto import State, Unreadable

log = structlog.get_logger()

# How often a connection is pinged, in seconds, and how long it takes to believe that an answer is lost.
KEEPALIVE_SECONDS = 20.0
# A slow connection may owe a pong for so many keepalives, as long as anything comes in.
PONGS_OWED = 6


class Link(ConnectionTcpFull):
    """A TCP connection that knows when it last heard anything (on the steady clock)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heard_at = 0.0

    async def connect(self, timeout: float | None = None, ssl: Any = None) -> None:
        """Connect; nothing is left of the connection before, neither packets nor the error that ended it."""
        self._send_queue: asyncio.Queue[bytes] = asyncio.Queue(1)
        self._recv_queue: asyncio.Queue[tuple[bytes | None, BaseException | None]] = asyncio.Queue(1)
        async with asyncio.timeout(timeout):
            await super().connect(ssl=ssl)

    async def disconnect(self) -> None:
        """Break it off: closing in order would wait for a peer that may be gone."""
        if self._connected:
            for task in (self._send_task, self._recv_task):
                if task is not asyncio.current_task():
                    task.cancel()
            self._writer.transport.abort()
            if self._recv_queue.empty():
                # When it broke while sending, Telethon tells nobody who waits for what comes in.
                self._recv_queue.put_nowait((None, ConnectionError("the connection was closed")))
        await super().disconnect()

    async def _recv(self) -> bytes:
        return bytes(await self._codec.read_packet(self))

    async def readexactly(self, count: int) -> bytes:
        """As `asyncio.StreamReader.readexactly`."""
        data = b""
        while len(data) < count:
            part = await self._reader.read(count - len(data))
            if not part:
                raise asyncio.IncompleteReadError(data, count)
            self.heard_at = steady()
            data += part
        return data


class Wire(MTProtoSender):
    """A connection to one data centre; see the module.

    `on_unreadable` is called for each message that could not be read, `on_forgotten` when the server has lost what it knew
    of our session, and with it what it was going to push.
    """

    def __init__(
        self,
        auth_key: Any,
        *,
        loggers: Any,
        keepalive: float,
        on_unreadable: Callable[[], None],
        on_forgotten: Callable[[], None] = lambda: None,
        **options: Any,
    ) -> None:
        super().__init__(auth_key, loggers=loggers, **options)
        self.clock = ServerClock()
        self._state = State(self.auth_key, loggers, clock=self.clock, on_stray=self.again)
        self._send_queue = MessagePacker(self._state, loggers=loggers)
        self._handlers[Unreadable.CONSTRUCTOR_ID] = self._handle_unreadable
        self._keepalive = keepalive
        self._on_unreadable = on_unreadable
        self._on_forgotten = on_forgotten
        self._keeping: asyncio.Task[None] | None = None
        # The id of the ping that is not yet answered.
        self._ping: int | None = None
        # When the ping was sent that is not yet answered, on the steady clock, and how many keepalives have passed since.
        self._pinged_at = 0.0
        self._owed = 0

    def again(self) -> None:
        """Make a new connection; what is in the air is sent again on it."""
        if self._transport_connected():
            self._start_reconnect(None)

    async def connect(self, connection: Link) -> bool:
        """Connect, with a new session."""
        if not self.is_connected():
            self._state.reset()
        connected = await super().connect(connection)
        if connected:
            self._keeping = asyncio.get_running_loop().create_task(self._keep_alive())
        return bool(connected)

    async def _connect(self) -> None:
        # A ping of the connection before says nothing about this one.
        self._ping = None
        await super()._connect()

    async def _disconnect(self, error: BaseException | None = None) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
        await super()._disconnect(error=error)

    async def _try_gen_auth_key(self, attempt: int) -> bool:
        # Three answers, and arithmetic that takes a slow machine a second.
        async with asyncio.timeout(3 * self._keepalive):
            return bool(await super()._try_gen_auth_key(attempt))

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(self._keepalive)
            try:
                self._look_after()
            except Exception:
                # Without this task a dead peer is never found.
                log.exception("connection not looked after")

    def _look_after(self) -> None:
        if not self._transport_connected():
            return
        if self._ping is None:
            self._pinged_at, self._owed = steady(), 0
            self._keepalive_ping(random.getrandbits(63))
        elif self._connection.heard_at > self._pinged_at and self._owed < PONGS_OWED:
            self._owed += 1
        else:
            log.warning("connection is dead")
            self._start_reconnect(None)

    async def _handle_pong(self, message: TLMessage) -> None:
        if message.obj.ping_id == self._ping:
            self.clock.measure(time_of(message.msg_id), sent=self._pinged_at, received=steady())
        await super()._handle_pong(message)

    async def _handle_container(self, message: TLMessage) -> None:
        for inner in message.obj.messages:
            try:
                await self._process_message(inner)
            except Exception:
                # The answers behind it are waited for.
                log.exception("message not processed", kind=type(inner.obj).__name__)

    async def _handle_unreadable(self, message: TLMessage) -> None:
        log.warning("message not understood; the library may be too old", constructor=f"{message.obj.constructor:08x}")
        self._on_unreadable()

    async def _handle_new_session_created(self, message: TLMessage) -> None:
        await super()._handle_new_session_created(message)
        if self._state.kept:
            self._on_forgotten()
        self._state.kept = True
