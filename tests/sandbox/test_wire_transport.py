"""Each transport that a client may choose, and what the server does with bytes that are none."""

import asyncio
import os
import struct
from typing import Any

import pytest
from telethon.errors import AuthKeyNotFound
from telethon.network import (
    ConnectionTcpAbridged,
    ConnectionTcpFull,
    ConnectionTcpIntermediate,
    ConnectionTcpObfuscated,
)
from telethon.network.connection.tcpintermediate import IntermediatePacketCodec, RandomizedIntermediatePacketCodec
from telethon.tl import functions, types

from bot.sandbox import Sandbox
from bot.sandbox.world import User
from tests.sandbox.conftest import Connect, introduced


class PaddedCodec(RandomizedIntermediatePacketCodec):
    """Telethon uses padding only behind a proxy; its own tag makes it a transport of its own."""

    tag = b"\xdd\xdd\xdd\xdd"


class ConnectionPadded(ConnectionTcpIntermediate):
    """The padded intermediate transport."""

    packet_codec = PaddedCodec


class ConnectionObfuscatedPadded(ConnectionTcpObfuscated):
    """The padded intermediate transport inside the obfuscated stream."""

    packet_codec = RandomizedIntermediatePacketCodec


class ConnectionObfuscatedIntermediate(ConnectionTcpObfuscated):
    """The intermediate transport inside the obfuscated stream."""

    packet_codec = IntermediatePacketCodec


@pytest.mark.parametrize(
    "connection",
    [
        ConnectionTcpFull,
        ConnectionTcpAbridged,
        ConnectionTcpIntermediate,
        ConnectionPadded,
        ConnectionTcpObfuscated,
        ConnectionObfuscatedPadded,
        ConnectionObfuscatedIntermediate,
    ],
)
async def test_telethon_makes_a_key_and_calls(connection: Any, connect: Connect, sandbox: Sandbox) -> None:
    """A client on any transport makes its key, gets small answers, and large ones over several packets."""
    client = await connect(connection=connection)
    config = await client(functions.help.GetConfigRequest())
    assert {(dc.id, dc.ip_address, dc.port) for dc in config.dc_options} == {
        (dc, *address) for dc, address in sandbox.world.dcs.items()
    }
    noise = os.urandom(3000)
    with pytest.raises(Exception, match=r"API_ID|api_id"):
        await client(functions.auth.ExportLoginTokenRequest(0, noise.hex(), []))


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + b" " * 64, id="http"),
        pytest.param(b"\1\2\3\4\1\2\3\4" + b"\0" * 56, id="obfuscated without a name"),
        pytest.param(b"\xef\1abcd", id="packet too short"),
        pytest.param(b"\xee\xee\xee\xee" + struct.pack("<i", 1 << 30), id="packet too long"),
        pytest.param(b"\xee\xee\xee\xee" + struct.pack("<i", -5), id="negative length"),
        pytest.param(struct.pack("<ii", 24, 0) + b"\0" * 16, id="full: wrong checksum"),
        pytest.param(struct.pack("<ii", 5, 0) + b"\0" * 16, id="full: too short"),
        pytest.param(b"\xee\xee\xee\xee" + struct.pack("<iqqi", 28, 0, 4, 8) + b"\1" * 8, id="plain: rubbish"),
        pytest.param(b"\xee\xee\xee\xee" + struct.pack("<iqq", 16, 0, 4), id="plain: cut"),
    ],
)
async def test_bytes_that_are_no_transport_end_the_connection(garbage: bytes, sandbox: Sandbox) -> None:
    """The server hangs up on rubbish and stays in service."""
    reader, writer = await asyncio.open_connection(sandbox.host, sandbox.port)
    writer.write(garbage)
    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


async def test_an_unknown_key_is_told(connect: Connect) -> None:
    """A key that the server does not know is answered with transport error 404, and Telethon says so."""
    client = await connect()
    await client.disconnect()
    client._sender.auth_key.key = os.urandom(256)
    with pytest.raises(AuthKeyNotFound):
        await client.connect()
    with pytest.raises(AuthKeyNotFound):
        await client.disconnected


async def test_a_key_is_valid_at_its_own_data_centre_only(analyst: User, sandbox: Sandbox, raw: Any) -> None:
    """A key that was made at another data centre is unknown."""
    key = os.urandom(256)
    sandbox.register_key(key, user=analyst, dc=4)
    client = await raw(key=key)
    client.send(introduced(functions.help.GetConfigRequest()))
    assert await client.packet() == struct.pack("<i", -404)


async def test_a_tampered_packet_ends_the_connection(raw: Any) -> None:
    """A packet whose msg_key does not fit is not answered."""
    client = await raw()
    client.send(introduced(functions.help.GetConfigRequest()))
    await client.expect(types.BadServerSalt)
    sealed = struct.pack("<Q", client.key.key_id) + os.urandom(16 + 160)
    client.send_bytes(sealed)
    with pytest.raises(asyncio.IncompleteReadError):
        await client.packet()
