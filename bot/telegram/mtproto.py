"""Telethon's wire, made to survive what a listening post meets. Measured with Telethon 1.45.0:

* one object of an unknown kind makes it drop the whole packet, with the answers that others wait for. Here each message
  of a packet is read by itself; what cannot be read is acknowledged, counted and told;
* it judges the server's messages by this machine's clock, so that one that is 35 s slow makes it deaf. Here the server's
  own time is measured and kept by a steady clock;
* a peer that has gone without a word is found after two minutes, and a slow one is taken for a dead one. Here any byte
  that comes in is a sign of life;
* a lost answer in a key exchange is waited for without end.

Private parts are overridden, which is why the version is pinned.
"""

import asyncio
import random
import struct
import zlib
from collections.abc import Callable
from gzip import decompress
from hashlib import sha256
from typing import Any

import structlog
from telethon import errors as vendor
from telethon.crypto import AES
from telethon.extensions import BinaryReader
from telethon.extensions.messagepacker import MessagePacker
from telethon.network import ConnectionTcpFull, MTProtoSender
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import TLObject
from telethon.tl.core import GzipPacked, MessageContainer, TLMessage

from bot.telegram.clockwork import ServerClock, steady, time_of

log = structlog.get_logger()

# How often a connection is pinged, in seconds, and how long it takes to believe that an answer is lost.
KEEPALIVE_SECONDS = 20.0
# A slow connection may owe a pong for so many keepalives, as long as anything comes in.
PONGS_OWED = 6

_KEY_AND_HASH = struct.Struct("<Q16s")
_HEAD = struct.Struct("<qqqii")
_MESSAGE = struct.Struct("<qii")
# What Telethon raises for bytes that are no object, or one that it does not know.
_NOT_READ = (
    vendor.TypeNotFoundError, BufferError, struct.error, zlib.error, RuntimeError, ValueError, OverflowError, OSError,
    EOFError, TypeError, IndexError,
)  # fmt: skip


class Unreadable(TLObject):
    """Stands where a message could not be read; `constructor` is the first number of what Telethon does not know."""

    CONSTRUCTOR_ID = 0
    SUBCLASS_OF_ID = 0

    def __init__(self, constructor: int) -> None:
        self.constructor = constructor


def read(body: bytes) -> TLObject:
    """The object in a message; a container has `Unreadable` in the places of those of its messages that are."""
    constructor = int.from_bytes(body[:4], "little")
    try:
        if constructor == MessageContainer.CONSTRUCTOR_ID:
            return _container(body)
        if constructor == GzipPacked.CONSTRUCTOR_ID:
            return read(decompress(BinaryReader(body[4:]).tgread_bytes()))
        found = BinaryReader(body).tgread_object()
    except _NOT_READ as error:
        return Unreadable(getattr(error, "invalid_constructor_id", constructor))
    return found if isinstance(found, TLObject) else Unreadable(constructor)


def _container(body: bytes) -> MessageContainer:
    messages, at = [], 8
    for _ in range(int.from_bytes(body[4:8], "little")):
        msg_id, seqno, length = _MESSAGE.unpack_from(body, at)
        at += _MESSAGE.size
        messages.append(TLMessage(msg_id, seqno, read(body[at : at + length])))
        at += length
    return MessageContainer(messages)


class State(MTProtoState):
    """One session's keys, numbers and clock.

    Who has not our key cannot make a message, but can keep one and send it later or again. What stops that: a session id
    that is new with every connection, so that nothing from an earlier one is accepted; no message id twice, and none below
    those remembered; and no message more than 300 s older or 30 s newer than the server's time. That time comes from the
    server alone: a message of this session was made after we first named it, and a pong after its ping, so each tells
    the time to within half of its round trip, however wrong our own clock is. A message out of those bounds is passed
    over, and `on_stray` is called, to make a new connection and with it a new measurement.
    """

    def __init__(self, auth_key: Any, loggers: Any, *, clock: ServerClock, on_stray: Callable[[], None]) -> None:
        self._clock = clock
        self._on_stray = on_stray
        super().__init__(auth_key, loggers)

    def reset(self) -> None:
        """Begin a new session."""
        super().reset()
        # When the server could first know of this session, on the steady clock.
        self._named_at: float | None = None
        self._accepted = 0
        # Whether the server has said that it keeps this session.
        self.kept = False

    def encrypt_message_data(self, data: bytes) -> bytes:
        """The packet for one message of ours."""
        if self._named_at is None:
            self._named_at = self._clock.steady()
        return bytes(super().encrypt_message_data(data))

    def decrypt_message_data(self, body: bytes) -> TLMessage | None:
        """The message in a packet; None when it is to be passed over. Raises SecurityError or InvalidBufferError."""
        received = self._clock.steady()
        _, session_id, msg_id, seqno, length = _HEAD.unpack_from(plain := self._unseal(body))
        padding = len(plain) - _HEAD.size - length
        if session_id != self.id or self._named_at is None:
            raise vendor.SecurityError("a message of another session")
        if msg_id % 2 != 1 or length < 4 or length % 4 or not 12 <= padding <= 1024:
            raise vendor.SecurityError("a malformed message")
        if self._is_old(msg_id):
            return None
        if not self._accepted:
            self._clock.measure(time_of(msg_id), sent=self._named_at, received=received)
        elif not self._clock.plausible(time_of(msg_id)):
            log.warning("message of another time", seconds=round(time_of(msg_id) - self._clock.now()))
            self._on_stray()
            return None
        self._accepted += 1
        self._recent_remote_ids.append(msg_id)
        self._highest_remote_id = max(msg_id, self._highest_remote_id)
        return TLMessage(msg_id, seqno, read(plain[_HEAD.size : _HEAD.size + length]))

    def update_time_offset(self, correct_msg_id: int) -> int:
        """The server refused a message for its time. Its first message has set our clock; later it needs a new session."""
        if self._accepted > 1:
            # What it accepted before has higher numbers than what would follow.
            self._on_stray()
        self._last_msg_id = 0
        return 0

    def _get_new_msg_id(self) -> int:
        wanted = int(self._clock.now() * (1 << 32)) & ~3
        self._last_msg_id = max(wanted, self._last_msg_id + 4)
        return self._last_msg_id

    def _unseal(self, body: bytes) -> bytes:
        if len(body) < _KEY_AND_HASH.size + _HEAD.size:
            raise vendor.InvalidBufferError(body)
        key_id, msg_key = _KEY_AND_HASH.unpack_from(body)
        if key_id != self.auth_key.key_id:
            raise vendor.SecurityError("a message under another key")
        aes_key, aes_iv = self._calc_key(self.auth_key.key, msg_key, False)
        plain = bytes(AES.decrypt_ige(body[_KEY_AND_HASH.size :], aes_key, aes_iv))
        if sha256(self.auth_key.key[96:128] + plain).digest()[8:24] != msg_key:
            raise vendor.SecurityError("a message that was changed on its way")
        return plain

    def _is_old(self, msg_id: int) -> bool:
        """Whether it came before, or is older than all that are remembered."""
        known = self._recent_remote_ids
        if msg_id > self._highest_remote_id:
            return False
        return msg_id in known or (len(known) == known.maxlen and msg_id < min(known))


class Link(ConnectionTcpFull):
    """A TCP connection that knows when it last heard anything (on the steady clock)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heard_at = 0.0

    async def connect(self, timeout: float | None = None, ssl: Any = None) -> None:
        """Connect; nothing is left of the connection before, neither packets nor the error that ended it."""
        self._send_queue, self._recv_queue = asyncio.Queue(1), asyncio.Queue(1)
        await super().connect(timeout=timeout, ssl=ssl)

    async def disconnect(self) -> None:
        """Break it off: closing in order would wait for a peer that may be gone."""
        if self._connected:
            for task in (self._send_task, self._recv_task):
                if task is not asyncio.current_task():
                    task.cancel()
            self._writer.transport.abort()
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
        async with asyncio.timeout(self._keepalive):
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
