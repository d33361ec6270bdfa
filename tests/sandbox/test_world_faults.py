"""Faults of the world: ids that answers leave out, a limit of differences, a channel that goes private and comes back."""

import pytest
from telethon.tl import functions, types

from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.world import User, World
from tests.sandbox.asking import Asker


@pytest.fixture
def world() -> World:
    """An empty world."""
    return World()


@pytest.fixture
def reader(world: World) -> Asker:
    """A person."""
    return Asker(world, world.add_user("Reader", phone="+9990000001"))


@pytest.fixture
def chat(world: World, reader: Asker) -> Chat:
    """A channel of five posts that the person is a member of."""
    chat = world.add_channel("Channel", handle="channel")
    chat.invite(reader.user)
    for number in range(5):
        chat.post(f"post {number + 1}")
    return chat


async def test_omitted_ids_come_neither_as_message_nor_as_empty(world: World, reader: Asker, chat: Chat) -> None:
    """Answers by id, history and differences leave them out, without anything in their place."""
    world.switches.omit_ids(chat, {2, 4})
    channel = reader.channel(chat)
    ids = [types.InputMessageID(number) for number in range(1, 7)]
    by_id = await reader.ask(functions.channels.GetMessagesRequest(channel, ids))
    assert [type(m) for m in by_id.messages] == [types.Message] * 3 + [types.MessageEmpty]
    assert [m.id for m in by_id.messages] == [1, 3, 5, 6]
    page = functions.messages.GetHistoryRequest(reader.peer(chat), 0, None, 0, 100, 0, 0, 0)
    assert [m.id for m in (await reader.ask(page)).messages] == [5, 3, 1]
    chat.delete(2, 3)
    asked = functions.updates.GetChannelDifferenceRequest(channel, types.ChannelMessagesFilterEmpty(), 1, 100)
    difference = await reader.ask(asked)
    assert [m.id for m in difference.new_messages] == [1, 5]
    assert [u.messages for u in difference.other_updates] == [[3]]
    assert (difference.pts, difference.final) == (chat.log.pts, True)
    world.switches.omit_ids(chat, ())
    assert len((await reader.ask(page)).messages) == 3


async def test_too_long_beyond_a_number_of_events(world: World, reader: Asker, chat: Chat) -> None:
    """A client that is behind by more than the limit is told TooLong, one that is behind by the limit is not."""
    world.limits.difference = 3
    answers = []
    for pts in (chat.log.pts - 4, chat.log.pts - 3):
        asked = functions.updates.GetChannelDifferenceRequest(
            reader.channel(chat), types.ChannelMessagesFilterEmpty(), pts, 100
        )
        answers.append(type(await reader.ask(asked)))
    assert answers == [types.updates.ChannelDifferenceTooLong, types.updates.ChannelDifference]


async def test_private_for_a_while(world: World, reader: Asker, chat: Chat) -> None:
    """A channel that goes private refuses its members too; back again, it has its handle, its members and all posts."""
    channel = reader.channel(chat)
    asked = functions.channels.GetMessagesRequest(channel, [types.InputMessageID(6)])
    chat.make_private()
    reader.take()
    chat.post("unseen")
    assert reader.take() == []
    assert await reader.refused(asked) == "400 CHANNEL_PRIVATE"
    assert await reader.refused(functions.contacts.ResolveUsernameRequest("channel")) == "400 USERNAME_NOT_OCCUPIED"
    chat.make_public()
    assert [type(update) for update in reader.take()] == [types.UpdateChannel]
    assert (await reader.ask(asked)).messages[0].message == "unseen"
    assert chat.handle == "channel"
    assert reader.user.id in chat.members


async def test_a_handle_is_taken_over(world: World, reader: Asker, chat: Chat) -> None:
    """A handle given to another channel names that one; the first keeps its id and loses its name."""
    impostor = world.add_channel("Impostor")
    impostor.set_handle("channel")
    found = await reader.ask(functions.contacts.ResolveUsernameRequest("channel"))
    assert found.peer.channel_id == impostor.id
    assert chat.handle is None


@pytest.mark.parametrize("hard", [False, True])
def test_a_frozen_account(hard: bool) -> None:
    """A frozen account does not write; frozen hard, it does not read either."""
    sandbox = Sandbox()
    user: User = sandbox.world.add_user("Reader", phone="+9990000001")
    sandbox.register_key(bytes(256), user=user)
    sandbox.freeze(user, hard=hard)
    refused = []
    (device,) = sandbox._hub.logins.of_user(user.id)
    for method in ("channels.joinChannel", "updates.getState", "users.getUsers"):
        try:
            sandbox._hub.logins.check(device, method)
        except Exception as refusal:  # noqa: BLE001 - whatever it says
            refused.append((method, str(refusal)))
    assert [method for method, _ in refused] == (
        ["channels.joinChannel", "updates.getState", "users.getUsers"] if hard else ["channels.joinChannel"]
    )
    assert {text for _, text in refused} == {"420 FROZEN_METHOD_INVALID"}
