"""The network that fails: the proxy in front of the sandbox, as a plain TCP client feels it."""

import asyncio
import contextlib
import time
from pathlib import Path

import pytest
import yaml
from telethon.tl import functions

from bot.sandbox import Sandbox
from bot.sandbox.proxy import Proxy
from bot.sandbox.stage import Stage
from bot.sandbox.world import User
from tests.sandbox.conftest import Connect


async def reads(reader: asyncio.StreamReader, seconds: float = 0.3) -> bytes | None:
    """What comes next; None for nothing."""
    try:
        return await asyncio.wait_for(reader.read(1), seconds)
    except TimeoutError:
        return None


async def test_telethon_through_it(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """A client that connects to the proxy is served, and told the proxy's ports for all data centres."""
    async with Proxy(sandbox) as proxy:
        client = await connect()
        await client.disconnect()
        client.session.set_dc(sandbox.dc, "127.0.0.1", proxy.port)
        await client.connect()
        config = await client(functions.help.GetConfigRequest())
        assert {option.port for option in config.dc_options}.isdisjoint({sandbox.port})
        assert config.dc_options[0].port == proxy.port
        assert proxy.accepted == 1
        await client.disconnect()
    assert sandbox.world.dcs[sandbox.dc] == ("127.0.0.1", sandbox.port)


async def test_cut_resets_and_lets_new_ones_in(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """All connections end with a reset; Telethon's next one works."""
    async with Proxy(sandbox) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await asyncio.sleep(0.05)
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()


async def test_half_open_swallows_and_stays_deaf(connect: Connect, sandbox: Sandbox) -> None:
    """Nothing comes and nothing ends; opened again, that connection stays mute and a new one works."""
    async with Proxy(sandbox) as proxy:
        session = (await connect()).session
        session.set_dc(sandbox.dc, "127.0.0.1", proxy.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        await asyncio.sleep(0.05)
        proxy.half_open()
        writer.write(b"\0" * 16)
        assert await reads(reader) is None
        proxy.open()
        assert await reads(reader) is None
        writer.close()
        other, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"\0" * 64)
        assert await reads(other, 5) == b""
        writer.close()


async def test_slow(sandbox: Sandbox) -> None:
    """At 1,000 bytes a second, 400 bytes take at least a quarter of a second to get through."""
    received = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal received
        with contextlib.suppress(ConnectionResetError):
            while data := await reader.read(4096):
                received += len(data)
        writer.close()

    server = await asyncio.start_server(count, "127.0.0.1", 0)
    sandbox.world.dcs[sandbox.dc] = ("127.0.0.1", server.sockets[0].getsockname()[1])
    async with Proxy(sandbox) as proxy:
        proxy.slow(1000)
        start = time.monotonic()
        _, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"x" * 400)
        async with asyncio.timeout(10):
            while received < 400:  # noqa: ASYNC110 - the server counts
                await asyncio.sleep(0.01)
        assert time.monotonic() - start > 0.25
        writer.close()
    server.close()


async def test_reset_after_so_many_bytes(sandbox: Sandbox) -> None:
    """Each new connection is reset once so many bytes went through it; told to open, they pass."""
    async with Proxy(sandbox) as proxy:
        proxy.reset_after(10)
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
            writer.write(b"\xee" * 10)
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            writer.close()


async def test_refused(sandbox: Sandbox) -> None:
    """Closed ports refuse; opened again, they are the same."""
    async with Proxy(sandbox) as proxy:
        port = proxy.port
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await proxy.refuse(False)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()


async def test_nobody_behind_it(sandbox: Sandbox) -> None:
    """While the sandbox is down, a connection is reset."""
    async with Proxy(sandbox) as proxy:
        await sandbox.stop()
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        await sandbox.start()


async def test_a_stage_with_a_network(tmp_path: Path) -> None:
    """The daemon's configuration on such a stage names the proxy, and so does the sandbox."""
    async with Stage(tmp_path / "earshot", proxy=True) as stage:
        stage.configure([])
        settings = yaml.safe_load((stage.folder / "earshot.yaml").read_text())
        assert settings["telegram"]["server"]["port"] == stage.proxy.port != stage.sandbox.port
        assert stage.sandbox.world.dcs[stage.sandbox.dc][1] == stage.proxy.port
