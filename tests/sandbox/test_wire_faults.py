"""The switches that make the server misbehave, as Telethon feels them."""

import asyncio
import time
from typing import Any

import pytest
from telethon.errors import FloodWaitError, RPCError
from telethon.tl import functions, types

from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.world import User
from tests.sandbox.conftest import Connect, listener, until


async def test_swallowing_counts_chats_and_pushes(raw: Any, analyst: User, channel: Chat, sandbox: Sandbox) -> None:
    """Pushes of other chats pass; `True` swallows until it is taken back."""
    quiet = sandbox.world.add_channel("Quiet")
    quiet.invite(analyst)
    client = await listener(raw, analyst)
    sandbox.faults.swallow_push(quiet.channel_id, True)
    for text in ("one", "two"):
        quiet.post(text)
        channel.post(text)
    sandbox.faults.swallow_push(quiet, 0)
    sandbox.faults.swallow_push("all", 1)
    channel.post("three")
    quiet.post("four")
    texts: list[str] = []
    while "four" not in texts:
        texts += [u.updates[0].message.message for u in await client.messages() if isinstance(u, types.Updates)]
    assert texts == ["one", "two", "four"]


async def test_a_swallowed_push_counts_only_when_somebody_listens(
    raw: Any, analyst: User, channel: Chat, sandbox: Sandbox
) -> None:
    """Members without a connection do not use up the order."""
    channel.invite(sandbox.world.add_user("Absent", phone="+99966 1 0003"))
    client = await listener(raw, analyst)
    sandbox.faults.swallow_push(channel)
    channel.post("one")
    channel.post("two")
    (push,) = await client.messages()
    assert push.updates[0].message.message == "two"


async def test_a_flood_wait_is_raised_and_counted(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """FLOOD_WAIT comes as often as ordered, on that method only, and is recorded."""
    client = await connect(analyst)
    sandbox.faults.flood_wait("help.getNearestDc", 900)
    with pytest.raises(FloodWaitError) as caught:
        await client(functions.help.GetNearestDcRequest())
    assert caught.value.seconds == 900
    client._flood_waited_requests.clear()
    await client(functions.help.GetConfigRequest())
    await client(functions.help.GetNearestDcRequest())
    errors = [call.error for call in sandbox.calls if call.method == "help.getNearestDc"]
    assert errors == ["420 FLOOD_WAIT_900", None]


async def test_an_ordered_error_prevents_the_work(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """An error that was ordered is all that happens."""
    client = await connect(analyst)
    sandbox.faults.error("auth.logOut", 400, "TRY_IT_AGAIN", times=2)
    for _ in range(2):
        with pytest.raises(RPCError, match="TRY_IT_AGAIN"):
            await client(functions.auth.LogOutRequest())
    assert await client.get_me() is not None


async def test_a_lost_reply_leaves_the_work_done(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """The work of a call whose reply is lost is done; Telethon asks again after a reconnect, as a new request."""
    client = await connect(analyst)
    sandbox.faults.lose_reply("help.getNearestDc")
    waiting = asyncio.create_task(client(functions.help.GetNearestDcRequest()))
    await until(lambda: any(call.method == "help.getNearestDc" for call in sandbox.calls))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    sandbox.faults.drop_connection()
    assert (await waiting).this_dc == 2
    assert [call.method for call in sandbox.calls].count("help.getNearestDc") == 2


async def test_a_delay_holds_up_one_method_only(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Other calls overtake a delayed one."""
    client = await connect(analyst)
    sandbox.faults.delay("help.getNearestDc", 0.3)
    slow = asyncio.create_task(client(functions.help.GetNearestDcRequest()))
    await asyncio.sleep(0)
    await client(functions.help.GetConfigRequest())
    assert not slow.done()
    await slow
    assert [call.method for call in sandbox.calls][-2:] == ["help.getConfig", "help.getNearestDc"]


async def test_connections_end_after_so_many_answers(raw: Any, analyst: User, sandbox: Sandbox) -> None:
    """`drop_connection(2)` answers two calls, then hangs up."""
    client = await listener(raw, analyst)
    sandbox.faults.drop_connection(after_calls=2)
    for _ in range(2):
        client.send(bytes(functions.help.GetNearestDcRequest()))
        await client.messages()
    with pytest.raises(EOFError):
        await client.packet()


async def test_cleared_faults_are_gone(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """`clear` takes back every switch of the wire."""
    client = await connect(analyst)
    sandbox.faults.flood_wait("help.getNearestDc", 900)
    sandbox.faults.lose_reply("help.getNearestDc")
    sandbox.faults.delay("help.getNearestDc", 60)
    sandbox.faults.clear()
    assert (await client(functions.help.GetNearestDcRequest())).this_dc == 2


async def test_refused_connections_are_refused(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """While the ports are closed nobody connects; those who are connected stay."""
    client = await connect(analyst)
    sandbox.faults.refuse_connections()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(sandbox.host, sandbox.port)
    await client(functions.help.GetNearestDcRequest())
    sandbox.faults.refuse_connections(False)
    _, writer = await asyncio.open_connection(sandbox.host, sandbox.port)
    writer.close()
    await writer.wait_closed()


async def test_the_nth_call_fails(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """An error is given to the n-th call from now, of one method or of any."""
    client = await connect(analyst)
    sandbox.calls.clear()
    sandbox.faults.error_at("help.getNearestDc", 2, 400, "SECOND")
    sandbox.faults.error_at(None, 4, 400, "FOURTH")
    for request in (functions.help.GetNearestDcRequest(), functions.help.GetConfigRequest()) * 2:
        await asyncio.gather(client(request), return_exceptions=True)
    assert [call.error for call in sandbox.calls] == [None, None, "400 SECOND", "400 FOURTH"]


async def test_latency_holds_up_all_side_by_side(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Every answer is late by so much, and twenty at once are not twenty times as late."""
    client = await connect(analyst)
    sandbox.faults.latency(0.2)
    start = asyncio.get_running_loop().time()
    await asyncio.gather(*(client(functions.help.GetNearestDcRequest()) for _ in range(20)))
    assert 0.2 <= asyncio.get_running_loop().time() - start < 2


async def test_the_servers_clock(raw: Any, analyst: User, channel: Chat, sandbox: Sandbox) -> None:
    """Message ids and dates follow the server's clock, and messages of a client that is far off it are refused."""
    sandbox.faults.clock(1000)
    client = await raw(analyst)
    client.send(bytes(functions.PingRequest(1)))
    client.salt = (await client.expect(types.BadServerSalt)).new_server_salt
    client.send(bytes(functions.PingRequest(1)))
    assert (await client.expect(types.BadMsgNotification)).error_code == 16
    client.send(bytes(functions.PingRequest(1)), msg_id=client.next_id(ahead=1000))
    envelope = await client.envelope()
    assert abs((envelope.msg_id >> 32) - time.time() - 1000) < 5
    number = channel.post("from the future")
    assert abs(channel.message(number).date.timestamp() - time.time() - 1000) < 5


async def test_calls_are_counted(connect: Connect, analyst: User, sandbox: Sandbox) -> None:
    """Every call ever is counted by its method."""
    client = await connect(analyst)
    await client(functions.help.GetNearestDcRequest())
    sandbox.calls.clear()
    await client(functions.help.GetNearestDcRequest())
    assert sandbox.counted["help.getNearestDc"] == 2
