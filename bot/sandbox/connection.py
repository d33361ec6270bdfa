"""One TCP connection: packets in, told apart by their key, answered by a handshake or handed to a session."""

import asyncio
import contextlib
import struct
from typing import Any, Protocol

import structlog
from telethon.crypto import AuthKey

from bot.sandbox.cipher import BadPacket, Envelope, unseal
from bot.sandbox.handshake import Handshake
from bot.sandbox.incoming import Unreadable, unpack
from bot.sandbox.transport import Transport

_log = structlog.get_logger()
_PLAIN = struct.Struct("<qqi")
# The transport error for an unknown authorization key (https://core.telegram.org/mtproto/mtproto-transports).
_UNKNOWN_KEY = struct.pack("<i", -404)


class House(Protocol):
    """What a connection asks of the server."""

    def new_handshake(self) -> Handshake:
        """Begin a key exchange."""

    def add_key(self, key: AuthKey, dc: int) -> Any:
        """Keep the key that came out of it."""

    def key(self, key_id: int, dc: int) -> AuthKey | None:
        """A key by its id, if it is valid at that data centre."""

    def clock(self) -> float:
        """The server's time, in seconds since the epoch."""

    def receive(self, key: AuthKey, envelope: Envelope, link: "Connection") -> None:
        """Take in a decrypted packet."""


class Connection:
    """One client's TCP connection to one data centre."""

    def __init__(self, house: House, dc: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.dc = dc
        self._house = house
        self._reader = reader
        self._writer = writer
        self._transport: Transport | None = None
        self._handshake: Handshake | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve until the client leaves or breaks the protocol."""
        try:
            self._transport = await Transport.accept(self._reader)
            while True:
                self._take(await self._transport.read())
        except (asyncio.IncompleteReadError, OSError):
            return
        except BadPacket as error:
            _log.info("sandbox closes a connection", reason=str(error))
        finally:
            self._stop_timer()
            self.close()
            # How the other side went does not matter any more.
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    def send(self, packet: bytes) -> None:
        """Send one packet, if the connection still stands."""
        if self._transport is not None and not self._writer.is_closing():
            self._writer.write(self._transport.pack(packet))

    def close(self) -> None:
        """End the connection after what is written."""
        self._writer.close()

    def abort(self) -> None:
        """Cut the connection; what is not yet sent is lost."""
        self._writer.transport.abort()

    def close_after(self, seconds: float) -> None:
        """End the connection unless it is told so again before."""
        self._stop_timer()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _take(self, packet: bytes) -> None:
        if len(packet) < 8:
            raise BadPacket(f"a packet of {len(packet)} bytes")
        (key_id,) = struct.unpack_from("<Q", packet)
        if key_id == 0:
            self._shake_hands(packet)
            return
        key = self._house.key(key_id, self.dc)
        if key is None:
            self.send(_UNKNOWN_KEY)
            self.close()
            return
        self._house.receive(key, unseal(key, packet), self)

    def _shake_hands(self, packet: bytes) -> None:
        if len(packet) < _PLAIN.size:
            raise BadPacket("a cut unencrypted message")
        _, msg_id, length = _PLAIN.unpack_from(packet)
        if msg_id % 4 or not 0 < length <= len(packet) - _PLAIN.size:
            raise BadPacket("a malformed unencrypted message")
        request = unpack(packet[_PLAIN.size : _PLAIN.size + length])
        if isinstance(request, Unreadable):
            raise BadPacket(f"unencrypted: {request.error}")
        if self._handshake is None:
            self._handshake = self._house.new_handshake()
        answer = bytes(self._handshake.answer(request))
        if self._handshake.key is not None:
            self._house.add_key(self._handshake.key, self.dc)
            self._handshake = None
        self.send(_PLAIN.pack(0, _plain_id(self._house.clock()), len(answer)) + answer)


def _plain_id(now: float) -> int:
    return int(now * (1 << 32)) & ~3 | 1
