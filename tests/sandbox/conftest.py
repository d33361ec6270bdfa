"""A running sandbox, Telethon clients for it, and a raw MTProto client that can break the rules."""

import asyncio
import os
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from telethon import TelegramClient, events
from telethon.crypto import AuthKey
from telethon.crypto import rsa as client_rsa
from telethon.extensions import BinaryReader
from telethon.network import ConnectionTcpFull
from telethon.network.connection.tcpintermediate import IntermediatePacketCodec
from telethon.sessions import MemorySession
from telethon.tl import TLObject, functions, types
from telethon.tl.alltlobjects import LAYER
from telethon.tl.core import MessageContainer, RpcResult

from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.cipher import Envelope, seal, unseal
from bot.sandbox.world import User

PHONE = "+99966 1 0001"
TOKEN = "7000000001:sandbox-token"

Connect = Callable[..., Awaitable[TelegramClient]]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox with the data centres 2 and 4."""
    async with Sandbox() as running:
        client_rsa.add_key(running.public_key.read_bytes(), old=False)
        # Telethon keeps the first configuration it ever gets, with its ports, for all clients of the process.
        TelegramClient._config = None
        yield running


@pytest.fixture
def analyst(sandbox: Sandbox) -> User:
    """A person who can log in."""
    return sandbox.world.add_user("Analyst", phone=PHONE)


@pytest.fixture
async def connect(sandbox: Sandbox) -> AsyncIterator[Connect]:
    """Make a connected client: `await connect()` anew, `await connect(user)` logged in without handshake."""
    clients: list[TelegramClient] = []

    async def make(user: User | None = None, *, key: bytes | None = None, **options: Any) -> TelegramClient:
        session = MemorySession()
        session.set_dc(sandbox.dc, sandbox.host, sandbox.port)
        if user is not None:
            key = os.urandom(256)
            sandbox.register_key(key, user=user)
        if key is not None:
            session.auth_key = AuthKey(key)
        options = {"connection": ConnectionTcpFull, "retry_delay": 0.05, "flood_sleep_threshold": 0} | options
        client = TelegramClient(session, 1, "hash", **options)
        clients.append(client)
        await client.connect()
        return client

    yield make
    for client in clients:
        await client.disconnect()


class RawClient:
    """MTProto by hand over the intermediate transport: says what the test wants, right or wrong."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: AuthKey) -> None:
        self.key = key
        self.session_id = int.from_bytes(os.urandom(8), "little", signed=True)
        self.salt = 0
        self.sequence = 0
        self._reader = reader
        self._writer = writer
        self._codec = IntermediatePacketCodec(None)
        self._last_id = 0

    def next_id(self, ahead: float = 0) -> int:
        """A client msg_id for now, or so many seconds ahead."""
        wanted = int((time.time() + ahead) * (1 << 32)) & ~3
        self._last_id = wanted if ahead else max(wanted, self._last_id + 4)
        return wanted if ahead else self._last_id

    def next_seqno(self) -> int:
        """The seqno of the next content-related message."""
        self.sequence += 1
        return 2 * self.sequence - 1

    def send(self, body: bytes, *, msg_id: int | None = None, seqno: int | None = None) -> int:
        """Send one message; its msg_id."""
        msg_id = self.next_id() if msg_id is None else msg_id
        seqno = self.next_seqno() if seqno is None else seqno
        self.send_bytes(seal(self.key, Envelope(self.salt, self.session_id, msg_id, seqno, body), from_client=True))
        return msg_id

    def send_bytes(self, packet: bytes) -> None:
        """Send a packet as it is."""
        self._writer.write(self._codec.encode_packet(packet))

    async def packet(self) -> bytes:
        """The next packet of the server."""
        async with asyncio.timeout(5):
            packet: bytes = await self._codec.read_packet(self._reader)
        return packet

    async def envelope(self) -> Envelope:
        """The next encrypted message of the server."""
        return unseal(self.key, await self.packet(), from_client=False)

    async def messages(self) -> list[Any]:
        """The next messages, out of their container if they came in one."""
        message = BinaryReader((await self.envelope()).body).tgread_object()
        return [inner.obj for inner in message.messages] if isinstance(message, MessageContainer) else [message]

    async def expect(self, kind: type) -> Any:
        """The next message of that kind; others are passed over."""
        while True:
            for message in await self.messages():
                if isinstance(message, kind):
                    return message

    async def close(self) -> None:
        """Leave."""
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def introduced(request: TLObject, layer: int = LAYER) -> bytes:
    """A request that also introduces the client, as the first one must."""
    return bytes(
        functions.InvokeWithLayerRequest(
            layer, functions.InitConnectionRequest(1, "model", "1", "1", "en", "", "en", request)
        )
    )


def container(*messages: tuple[int, int, bytes]) -> bytes:
    """A container of (msg_id, seqno, body)."""
    inner = b"".join(struct.pack("<qii", msg_id, seqno, len(body)) + body for msg_id, seqno, body in messages)
    return struct.pack("<Ii", MessageContainer.CONSTRUCTOR_ID, len(messages)) + inner


@pytest.fixture
async def raw(sandbox: Sandbox) -> AsyncIterator[Callable[..., Awaitable[RawClient]]]:
    """Make a raw client with a key of its own: `await raw()`, logged in with `await raw(user)`."""
    clients: list[RawClient] = []

    async def make(user: User | None = None, *, key: bytes | None = None) -> RawClient:
        if key is None:
            key = os.urandom(256)
            sandbox.register_key(key, user=user)
        reader, writer = await asyncio.open_connection(sandbox.host, sandbox.port)
        writer.write(IntermediatePacketCodec.tag)
        client = RawClient(reader, writer, AuthKey(key))
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.close()


async def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for may be anything
            await asyncio.sleep(0.01)


@pytest.fixture
def channel(sandbox: Sandbox, analyst: User) -> Chat:
    """A channel that the analyst is a member of."""
    channel = sandbox.world.add_channel("Channel", handle="channel")
    channel.invite(analyst)
    return channel


def heard(client: TelegramClient) -> list[str]:
    """The texts that the client hears from now on."""
    texts: list[str] = []

    async def note(event: Any) -> None:
        texts.append(event.raw_text)

    client.add_event_handler(note, events.NewMessage())
    return texts


async def listener(raw: Any, user: User, wrapped: bool = False) -> RawClient:
    """A raw client that has made its first call, inside invokeWithoutUpdates or not."""
    client: RawClient = await raw(user)
    config = functions.help.GetConfigRequest()
    request = introduced(functions.InvokeWithoutUpdatesRequest(config) if wrapped else config)
    client.send(request)
    client.salt = (await client.expect(types.BadServerSalt)).new_server_salt
    client.send(request)
    await client.expect(RpcResult)
    return client
