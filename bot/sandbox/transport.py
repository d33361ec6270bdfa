"""How packets lie in the TCP stream (https://core.telegram.org/mtproto/mtproto-transports).

The client's first bytes say which way it is: abridged, intermediate, padded intermediate, full, or any but full inside
the obfuscated stream.
"""

import asyncio
import struct
from typing import Any, Protocol
from zlib import crc32

from telethon.crypto import AESModeCTR
from telethon.network.connection.tcpabridged import AbridgedPacketCodec
from telethon.network.connection.tcpfull import FullPacketCodec
from telethon.network.connection.tcpintermediate import IntermediatePacketCodec, RandomizedIntermediatePacketCodec

from bot.sandbox.cipher import BadPacket

# Telegram's own bound on a client's packet is near one megabyte.
MAX_PACKET = 2 * 1024 * 1024
_OBFUSCATED = {
    AbridgedPacketCodec.obfuscate_tag: AbridgedPacketCodec,
    IntermediatePacketCodec.obfuscate_tag: IntermediatePacketCodec,
    RandomizedIntermediatePacketCodec.obfuscate_tag: RandomizedIntermediatePacketCodec,
}


class _Bytes(Protocol):
    async def readexactly(self, n: int) -> bytes: ...


class _StrictFull(FullPacketCodec):
    """Telethon's codec reads without looking at the packet's number; a server looks."""

    def __init__(self) -> None:
        super().__init__(None)
        self._received = 0

    async def read_packet(self, reader: _Bytes) -> bytes:
        head = await reader.readexactly(8)
        length, number = struct.unpack("<ii", head)
        if number != self._received or not 12 < length <= MAX_PACKET:
            raise BadPacket(f"full transport: packet {number} of {length} bytes, expected number {self._received}")
        self._received += 1
        rest = await reader.readexactly(length - 8)
        if struct.unpack("<I", rest[-4:])[0] != crc32(head + rest[:-4]):
            raise BadPacket("full transport: wrong checksum")
        return rest[:-4]


class _Stream:
    """The incoming bytes: those peeked at first, decrypted where the stream is obfuscated."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._peeked = b""
        self.cipher: AESModeCTR | None = None

    async def peek(self, n: int) -> bytes:
        if len(self._peeked) < n:
            self._peeked += await self._reader.readexactly(n - len(self._peeked))
        return self._peeked[:n]

    def forget(self) -> None:
        self._peeked = b""

    async def readexactly(self, n: int) -> bytes:
        if n > MAX_PACKET or n < 0:
            raise BadPacket(f"a packet of {n} bytes")
        data, self._peeked = self._peeked[:n], self._peeked[n:]
        if len(data) < n:
            data += await self._reader.readexactly(n - len(data))
        return bytes(self.cipher.decrypt(data)) if self.cipher else data


class Transport:
    """Packets in and out of one TCP connection."""

    def __init__(self, stream: _Stream, codec: Any, cipher: AESModeCTR | None) -> None:
        self._stream = stream
        self._codec = codec
        self._cipher = cipher

    @classmethod
    async def accept(cls, reader: asyncio.StreamReader) -> "Transport":
        """Recognise the client's transport; BadPacket when it is none."""
        stream = _Stream(reader)
        if await stream.peek(1) == AbridgedPacketCodec.tag:
            stream.forget()
            return cls(stream, AbridgedPacketCodec(None), None)
        tag = await stream.peek(4)
        for codec in (IntermediatePacketCodec, RandomizedIntermediatePacketCodec):
            if tag == codec.obfuscate_tag:
                stream.forget()
                return cls(stream, codec(None), None)
        if (await stream.peek(8))[4:] == b"\0\0\0\0":
            return cls(stream, _StrictFull(), None)
        return await cls._accept_obfuscated(stream)

    @classmethod
    async def _accept_obfuscated(cls, stream: _Stream) -> "Transport":
        head = await stream.peek(64)
        stream.forget()
        backwards = head[55:7:-1]
        stream.cipher = AESModeCTR(head[8:40], head[40:56])
        codec = _OBFUSCATED.get(bytes(stream.cipher.decrypt(head))[56:60])
        if codec is None:
            raise BadPacket("the first bytes name no transport")
        return cls(stream, codec(None), AESModeCTR(backwards[:32], backwards[32:48]))

    async def read(self) -> bytes:
        """The next packet; IncompleteReadError or OSError when the connection ends."""
        packet: bytes = await self._codec.read_packet(self._stream)
        return packet

    def pack(self, packet: bytes) -> bytes:
        """The bytes that carry a packet."""
        data: bytes = self._codec.encode_packet(packet)
        return bytes(self._cipher.encrypt(data)) if self._cipher else data
