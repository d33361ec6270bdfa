"""One client session on the wire: what comes in is checked and handed on, what goes out is numbered and packed.

A session lives as long as its client names it, over any number of TCP connections
(https://core.telegram.org/mtproto/description#session). Answers are remembered by the msg_id of their request until the
client acknowledges them, so a request that is sent twice is worked on once. Pushes are not: what a broken connection
swallowed, the client must ask for.
"""

import os
import struct
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Protocol

from telethon.crypto import AuthKey
from telethon.tl import TLObject, functions, types

from bot.sandbox.cipher import Envelope, seal
from bot.sandbox.incoming import Duplicate, Incoming, Received, Refused, unpack
from bot.sandbox.outgoing import Outgoing

# Seconds during which a salt is the one to use; it is accepted for as long again.
SALT_SECONDS = 1800
_REMEMBERED = 1000
_RPC_RESULT = 0xF35C6D01


class Link(Protocol):
    """The TCP connection on which a session was last heard."""

    def send(self, packet: bytes) -> None:
        """Send one packet, if the connection still stands."""

    def close_after(self, seconds: float) -> None:
        """End the connection unless it is told so again before."""


class Salts:
    """The server salts of all keys. They follow from the clock, so that nothing has to be kept."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._skipped = 0

    def rotate(self) -> None:
        """From now on no salt given out so far is accepted."""
        self._skipped += 2

    def current(self, key: AuthKey) -> int:
        """The salt to use now."""
        return self._salt(key, self._period())

    def accepted(self, key: AuthKey, salt: int) -> bool:
        """Whether it is the current salt or the one before."""
        return any(salt == self._salt(key, self._period() - age) for age in (0, 1))

    def future(self, key: AuthKey, count: int) -> list[types.FutureSalt]:
        """The salts of the coming periods, the current one first."""
        start = int(self._clock()) // SALT_SECONDS * SALT_SECONDS
        return [
            types.FutureSalt(
                start + n * SALT_SECONDS, start + (n + 2) * SALT_SECONDS, self._salt(key, self._period() + n)
            )
            for n in range(min(count, 64))
        ]

    def _period(self) -> int:
        return int(self._clock()) // SALT_SECONDS + self._skipped

    @staticmethod
    def _salt(key: AuthKey, period: int) -> int:
        return int.from_bytes(sha256(key.key + struct.pack("<q", period)).digest()[:8], "little", signed=True)


class Session:
    """One session of one authorization key; `serve(session, msg_id, request)` is called for each new RPC.

    `take_unknown()`: whether an object that no client knows is to go into the next packet.
    """

    def __init__(
        self,
        session_id: int,
        key: AuthKey,
        *,
        salts: Salts,
        clock: Callable[[], float],
        serve: Callable[["Session", int, Any], None],
        take_unknown: Callable[[], bool],
    ) -> None:
        self.id = session_id
        self.key = key
        self.link: Link | None = None
        # Set by the first request that is not wrapped in invokeWithoutUpdates.
        self.wants_updates = False
        self._salts = salts
        self._clock = clock
        self._serve = serve
        self._received = Received(clock)
        self._outgoing = Outgoing(clock, self._send, take_unknown)
        # Request msg_id -> its answer; None while it is worked on, empty once the client has acknowledged it.
        self._answers: OrderedDict[int, bytes | None] = OrderedDict()
        self._greeted = False

    def receive(self, envelope: Envelope, link: Link) -> None:
        """Take in one packet of the client."""
        self.link = link
        if not self._salts.accepted(self.key, envelope.salt):
            salt = self._salts.current(self.key)
            self._outgoing.reply(types.BadServerSalt(envelope.msg_id, envelope.seqno, 48, salt))
            return
        try:
            messages = self._received.open(envelope)
        except Refused as refusal:
            self._outgoing.reply(types.BadMsgNotification(envelope.msg_id, envelope.seqno, refusal.code))
            return
        self._greet(min(message.msg_id for message in messages))
        for message in messages:
            self._take(message)

    @property
    def listens(self) -> bool:
        """Whether pushes are wanted and there is a connection for them."""
        return self.wants_updates and self.link is not None

    def push(self, updates: TLObject) -> None:
        """Send an update; lost for good when the connection breaks."""
        self._outgoing.push(updates)

    def answer(self, msg_id: int, result: bytes, *, lost: bool = False) -> None:
        """Answer request `msg_id` with a serialised result; a `lost` answer goes out only when it is asked for again."""
        body = struct.pack("<Iq", _RPC_RESULT, msg_id) + result
        self._answers[msg_id] = body
        while len(self._answers) > _REMEMBERED:
            self._answers.popitem(last=False)
        if not lost:
            self._outgoing.answer(msg_id, body)

    def unlink(self, link: Link) -> None:
        """The connection is gone; what was waiting to be sent on it is lost."""
        if self.link is link:
            self.link = None
            self._outgoing.clear()

    def _send(self, msg_id: int, seqno: int, body: bytes) -> None:
        if self.link is not None:
            envelope = Envelope(self._salts.current(self.key), self.id, msg_id, seqno, body)
            self.link.send(seal(self.key, envelope))

    def _greet(self, first_msg_id: int) -> None:
        if not self._greeted:
            self._greeted = True
            unique_id = int.from_bytes(os.urandom(8), "little", signed=True)
            self._outgoing.push(types.NewSessionCreated(first_msg_id, unique_id, self._salts.current(self.key)))

    def _take(self, message: Incoming) -> None:
        request = unpack(message.body)
        try:
            self._received.check(message, request)
        except Duplicate:
            self._repeat(message.msg_id)
        except Refused as refusal:
            self._outgoing.reply(types.BadMsgNotification(message.msg_id, message.seqno, refusal.code))
        else:
            self._dispatch(message.msg_id, request)

    def _repeat(self, msg_id: int) -> None:
        answer = self._answers.get(msg_id)
        if answer:
            self._outgoing.answer(msg_id, answer)

    def _dispatch(self, msg_id: int, request: Any) -> None:
        match request:
            case types.MsgsAck():
                for answered in self._outgoing.acknowledge(request.msg_ids):
                    self._answers[answered] = b""
            case types.MsgsStateReq():
                known = bytes(4 if self._received.knows(one) else 1 for one in request.msg_ids)
                self._outgoing.reply(types.MsgsStateInfo(msg_id, known))
            case types.MsgResendReq():
                for answered in self._outgoing.answered(request.msg_ids):
                    self._repeat(answered)
            case functions.PingRequest():
                self._outgoing.reply(types.Pong(msg_id, request.ping_id))
            case functions.PingDelayDisconnectRequest():
                self._outgoing.reply(types.Pong(msg_id, request.ping_id))
                if self.link is not None:
                    self.link.close_after(request.disconnect_delay)
            case functions.GetFutureSaltsRequest():
                salts = self._salts.future(self.key, request.num)
                self._outgoing.reply(types.FutureSalts(msg_id, int(self._clock()), salts))
            case functions.RpcDropAnswerRequest():
                self.answer(msg_id, bytes(types.RpcAnswerUnknown()))
            case types.HttpWait() | types.MsgsStateInfo() | types.MsgsAllInfo():
                pass
            case _:
                self._answers[msg_id] = None
                self._outgoing.owe(msg_id)
                self._serve(self, msg_id, request)

    def reply(self, message: TLObject) -> None:
        """Send a service message that is not the result of a call."""
        self._outgoing.reply(message)
