"""What a client may send: containers opened, msg_id and seqno checked, objects read.

Error codes: https://core.telegram.org/mtproto/service_messages_about_messages#notice-of-ignored-error-message
"""

import struct
import zlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import TLRequest, types
from telethon.tl.core import GzipPacked, MessageContainer

from bot.sandbox.cipher import Envelope

# Seconds by which a msg_id may lie behind and ahead of the server's clock
# (https://core.telegram.org/mtproto/description#message-identifier-msg-id).
TOO_OLD, TOO_NEW = 300, 30
_REMEMBERED = 2000
_MESSAGE = struct.Struct("<qii")


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message of the client, still serialised."""

    msg_id: int
    seqno: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that is no request of this layer; `error` is how Telegram names the problem."""

    constructor: int
    error: str


class Refused(Exception):
    """The message is ignored and its sender told so, with a bad_msg_notification of this code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"bad message: {code}")
        self.code = code


class Duplicate(Exception):
    """The message was received before."""


class Received:
    """The messages that a session has received so far."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ids: OrderedDict[int, None] = OrderedDict()
        self._highest = (0, 0)

    def open(self, envelope: Envelope) -> list[Incoming]:
        """The messages in a packet; Refused when the packet as a whole is wrong."""
        self._check_time(envelope.msg_id)
        if _constructor(envelope.body) != MessageContainer.CONSTRUCTOR_ID:
            return [Incoming(envelope.msg_id, envelope.seqno, envelope.body)]
        if envelope.msg_id in self._ids:
            raise Refused(19)
        messages = _container(envelope.body)
        if any(message.msg_id >= envelope.msg_id for message in messages):
            raise Refused(64)
        if envelope.seqno % 2:
            raise Refused(34)
        self._remember(envelope.msg_id)
        return messages

    def check(self, message: Incoming, content: Any) -> None:
        """Note the message as received; Duplicate or Refused when it is not to be acted on."""
        # No check of the time: an old message may be sent again inside a new container.
        if message.msg_id % 4:
            raise Refused(18)
        if message.msg_id in self._ids:
            raise Duplicate
        is_call = isinstance(content, TLRequest | Unreadable)
        if is_call and message.seqno % 2 == 0:
            raise Refused(35)
        if isinstance(content, types.MsgsAck) and message.seqno % 2:
            raise Refused(34)
        self._check_order(message)
        self._remember(message.msg_id)

    def knows(self, msg_id: int) -> bool:
        """Whether it was received and is still remembered."""
        return msg_id in self._ids

    def _check_time(self, msg_id: int) -> None:
        if msg_id % 4:
            raise Refused(18)
        ahead = (msg_id >> 32) - self._clock()
        if ahead < -TOO_OLD:
            raise Refused(16)
        if ahead > TOO_NEW:
            raise Refused(17)

    def _check_order(self, message: Incoming) -> None:
        highest_id, highest_seqno = self._highest
        if message.msg_id > highest_id:
            if message.seqno < highest_seqno or (message.seqno == highest_seqno and message.seqno % 2):
                raise Refused(32)
            self._highest = (message.msg_id, message.seqno)
        elif message.seqno > highest_seqno:
            raise Refused(33)

    def _remember(self, msg_id: int) -> None:
        self._ids[msg_id] = None
        while len(self._ids) > _REMEMBERED:
            self._ids.popitem(last=False)


def unpack(body: bytes) -> Any:
    """The TL object in a message body, decompressed if need be; Unreadable when there is none."""
    reader = BinaryReader(body)
    try:
        content = reader.tgread_object()
        if isinstance(content, GzipPacked):
            return unpack(content.data)
    except TypeNotFoundError as error:
        return Unreadable(error.invalid_constructor_id, "INPUT_METHOD_INVALID")
    except (BufferError, struct.error, zlib.error, RuntimeError, ValueError, OverflowError, OSError, EOFError):
        return Unreadable(_constructor(body), "INPUT_FETCH_ERROR")
    if reader.tell_position() != len(body):
        return Unreadable(_constructor(body), "INPUT_REQUEST_TOO_LONG")
    return content


def _container(body: bytes) -> list[Incoming]:
    messages: list[Incoming] = []
    count = int.from_bytes(body[4:8], "little")
    if not 0 < count <= MessageContainer.MAXIMUM_LENGTH + 1:
        raise Refused(64)
    at = 8
    for _ in range(count):
        if at + _MESSAGE.size > len(body):
            raise Refused(64)
        msg_id, seqno, length = _MESSAGE.unpack_from(body, at)
        at += _MESSAGE.size
        inner = body[at : at + length]
        if length % 4 or len(inner) != length or _constructor(inner) == MessageContainer.CONSTRUCTOR_ID:
            raise Refused(64)
        messages.append(Incoming(msg_id, seqno, inner))
        at += length
    if at != len(body):
        raise Refused(64)
    return messages


def _constructor(body: bytes) -> int:
    return int.from_bytes(body[:4], "little")
