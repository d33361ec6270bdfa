"""Which sessions are pushed to, and what a broken connection swallows."""

import asyncio
from typing import Any

import pytest
from telethon.tl import functions, types
from telethon.tl.core import RpcResult

from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.rpc import Caller, handles
from bot.sandbox.world import User, World
from tests.sandbox.conftest import Connect, heard, listener, until


@handles(functions.help.GetSupportNameRequest)
def change_something(world: World, caller: Caller, request: Any) -> Any:
    """A call that pushes to its own user."""
    world.push(caller.require_user(), [types.UpdateConfig()], [], [])
    return types.help.SupportName("changed")


async def test_a_post_reaches_every_session_of_a_member(connect: Connect, analyst: User, channel: Chat) -> None:
    """Both of the user's devices hear a post."""
    clients = [await connect(analyst), await connect(analyst)]
    texts = [heard(client) for client in clients]
    channel.post("Storm Shadow near Berdyansk")
    await until(lambda: all(texts))
    assert texts == [["Storm Shadow near Berdyansk"]] * 2


async def test_a_session_without_updates_hears_nothing(raw: Any, analyst: User, channel: Chat) -> None:
    """A session whose calls are all inside invokeWithoutUpdates is not pushed to."""
    deaf, hearing = await listener(raw, analyst, wrapped=True), await listener(raw, analyst)
    channel.post("news")
    assert isinstance(await hearing.expect(types.Updates), types.Updates)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await deaf.packet()


async def test_a_session_is_not_pushed_what_it_did_itself(raw: Any, analyst: User) -> None:
    """The session whose call changes something learns of it from the answer, the user's other session by a push."""
    caller, other = await listener(raw, analyst), await listener(raw, analyst)
    caller.send(bytes(functions.help.GetSupportNameRequest()))
    (answer,) = await caller.messages()
    assert isinstance(answer, RpcResult)
    assert isinstance(await other.expect(types.Updates), types.Updates)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await caller.packet()


async def test_an_exported_authorization_is_not_pushed_to(
    connect: Connect, analyst: User, channel: Chat, sandbox: Sandbox
) -> None:
    """A file sender at another data centre hears nothing; Telethon could not even take it."""
    client = await connect(analyst)
    sender = await client._borrow_exported_sender(4)
    texts = heard(client)
    channel.post("news")
    await until(lambda: texts)
    imported = [device for device in sandbox._hub.logins.of_user(analyst.id) if device.dc == 4]
    assert [device.imported for device in imported] == [True]
    await client._return_exported_sender(sender)
    await sender.disconnect()


async def test_a_push_that_a_broken_connection_swallowed_is_not_repeated(
    connect: Connect, analyst: User, channel: Chat, sandbox: Sandbox
) -> None:
    """What was posted while the client was away comes by asking only."""
    client = await connect(analyst)
    texts = heard(client)
    channel.post("known")
    await until(lambda: texts)
    sandbox.faults.refuse_connections()
    sandbox.faults.drop_connection()
    await asyncio.sleep(0.1)
    channel.post("missed")
    sandbox.faults.refuse_connections(False)
    await until(lambda: sandbox.calls[-1].method == "users.getUsers")
    channel.post("heard")
    await until(lambda: len(texts) == 3)
    assert texts == ["known", "missed", "heard"]
    assert any(call.method == "updates.getChannelDifference" for call in sandbox.calls)


async def test_swallowed_pushes_leave_a_gap_that_telethon_closes(
    connect: Connect, analyst: User, channel: Chat, sandbox: Sandbox
) -> None:
    """A swallowed push is found missing at the next one."""
    client = await connect(analyst)
    texts = heard(client)
    channel.post("first")
    await until(lambda: texts)
    sandbox.faults.swallow_push(channel)
    channel.post("swallowed")
    await asyncio.sleep(0.1)
    assert texts == ["first"]
    channel.post("third")
    await until(lambda: len(texts) == 3)
    assert texts == ["first", "swallowed", "third"]
