"""What is read from Telethon's wire, and what is passed over. Measured with Telethon 1.45.0:

* one object of an unknown kind makes it drop the whole packet, with the answers that others wait for. Here each message
  of a packet is read by itself, and what cannot be read keeps its place, to be acknowledged and counted;
* it judges the server's messages by this machine's clock, so that one that is 35 s slow makes it deaf. Here the server's
  own time is measured and kept by a steady clock.

Private parts are overridden, which is why the version is pinned.
"""

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
from telethon.network.mtprotostate import MTProtoState
from telethon.tl import TLObject
from telethon.tl.core import GzipPacked, MessageContainer, TLMessage

from bot.telegram.clockwork import ServerClock, time_of

log = structlog.get_logger()

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

    _highest_remote_id: int

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
