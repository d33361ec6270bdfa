"""Stopping and starting the server, and clients whose clock is wrong."""

import asyncio
import os
import time
from typing import Any

from telethon import TelegramClient
from telethon.crypto import AuthKey
from telethon.sessions import MemorySession
from telethon.tl import functions

from bot.sandbox import Sandbox
from bot.sandbox.world import User
from tests.sandbox.conftest import Connect, listener


async def test_a_restart_keeps_port_world_and_logins(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """After a stop and a start the client is back by itself, still logged in."""
    client = await connect(analyst, connection_retries=100)
    port = sandbox.port
    await sandbox.stop()
    await asyncio.sleep(0.2)
    await sandbox.start()
    assert sandbox.port == port
    me = await client.get_me()
    assert me.id == analyst.id


async def test_a_stop_breaks_off_the_calls_under_way(raw: Any, analyst: User, sandbox: Sandbox) -> None:
    """Stopping does not wait for a slow call, and can be done twice."""
    client = await listener(raw, analyst)
    sandbox.faults.delay("help.getNearestDc", 60)
    client.send(bytes(functions.help.GetNearestDcRequest()))
    await asyncio.sleep(0.05)
    async with asyncio.timeout(2):
        await sandbox.stop()
        await sandbox.stop()


async def test_a_wrong_clock_is_corrected() -> None:
    """A client whose clock is an hour off is told, and then understood."""
    async with Sandbox(clock=lambda: time.time() + 3600) as ahead:
        user = ahead.world.add_user("Analyst", phone="+99966 1 0001")
        session = MemorySession()
        session.set_dc(ahead.dc, ahead.host, ahead.port)
        session.auth_key = AuthKey(os.urandom(256))
        ahead.register_key(session.auth_key.key, user=user)
        client = TelegramClient(session, 1, "hash")
        await client.connect()
        assert (await client.get_me()).id == user.id
        await client.disconnect()
