"""Pushes that come twice, late, in the wrong order or unreadable, and packets with an object nobody knows."""

import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from telethon.errors import TypeNotFoundError
from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.pushes import UNKNOWN
from bot.sandbox.world import User
from tests.sandbox.conftest import RawClient, listener

Raw = Callable[..., Awaitable[RawClient]]


async def pushed(client: RawClient, last: str) -> list[str]:
    """The texts pushed up to `last`."""
    texts: list[str] = []
    while last not in texts:
        texts += [u.updates[0].message.message for u in await client.messages() if isinstance(u, types.Updates)]
    return texts


async def test_a_push_comes_twice(raw: Raw, analyst: User, channel: Chat, sandbox: Sandbox) -> None:
    """Each of the next so many pushes of that chat is sent twice; then they come once again."""
    client = await listener(raw, analyst)
    sandbox.faults.duplicate_push(channel, 2)
    for text in ("one", "two", "three"):
        channel.post(text)
    assert await pushed(client, "three") == ["one", "one", "two", "two", "three"]


async def test_a_push_comes_after_the_next_one(raw: Raw, analyst: User, channel: Chat, sandbox: Sandbox) -> None:
    """A held push follows the next one of its chat, whatever other chats do meanwhile."""
    other = sandbox.world.add_channel("Other")
    other.invite(analyst)
    client = await listener(raw, analyst)
    sandbox.faults.reorder_push(channel)
    channel.post("one")
    other.post("elsewhere")
    channel.post("two")
    channel.post("three")
    assert await pushed(client, "three") == ["elsewhere", "two", "one", "three"]


async def test_a_held_push_is_sent_when_faults_are_cleared(
    raw: Raw, analyst: User, channel: Chat, sandbox: Sandbox
) -> None:
    """Nothing is lost by reordering when no other push follows."""
    client = await listener(raw, analyst)
    sandbox.faults.reorder_push("all", True)
    channel.post("one")
    sandbox.faults.clear()
    assert await pushed(client, "one") == ["one"]


async def test_a_push_comes_late(raw: Raw, analyst: User, channel: Chat, sandbox: Sandbox) -> None:
    """Pushes of a delayed chat are overtaken by those of others, and come in their order."""
    other = sandbox.world.add_channel("Other")
    other.invite(analyst)
    client = await listener(raw, analyst)
    sandbox.faults.delay_push(channel, 0.2)
    channel.post("one")
    channel.post("two")
    other.post("elsewhere")
    assert await pushed(client, "two") == ["elsewhere", "one", "two"]


async def test_a_push_of_an_unknown_kind(raw: Raw, analyst: User, channel: Chat, sandbox: Sandbox) -> None:
    """A spoilt push cannot be read; the next one can."""
    client = await listener(raw, analyst)
    sandbox.faults.spoil_push(channel)
    channel.post("one")
    with pytest.raises(TypeNotFoundError):
        await client.messages()
    channel.post("two")
    assert await pushed(client, "two") == ["two"]


async def test_an_unknown_object_beside_good_ones(raw: Raw, analyst: User, sandbox: Sandbox) -> None:
    """The next packet is a container of the unknown object and the answer that is waited for."""
    client = await listener(raw, analyst)
    sandbox.faults.unknown_constructor()
    client.send(bytes(functions.help.GetNearestDcRequest()))
    body = (await client.envelope()).body
    count, _, _, length = struct.unpack_from("<iqii", body, 4)
    assert (count, body[24:28]) == (2, UNKNOWN)
    reader = BinaryReader(body[24 + length + 16 :])
    answer: Any = reader.tgread_object()
    assert BinaryReader(answer.body).tgread_object().this_dc == 2
    client.send(bytes(functions.help.GetNearestDcRequest()))
    await client.messages()
