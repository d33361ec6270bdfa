"""Unmodified Telethon over TCP on the world: reading, downloading, sending, events, buttons."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from telethon import Button, TelegramClient, errors, events
from telethon.tl import functions, types

from bot.sandbox import Sandbox
from bot.sandbox.chats import Chat
from bot.sandbox.world import User
from tests.sandbox.conftest import Connect


@pytest.fixture
def channel(sandbox: Sandbox, analyst: User) -> Chat:
    """A channel that the analyst is in."""
    chat = sandbox.world.add_channel("Osvedomitel", handle="milinfo")
    chat.invite(analyst)
    return chat


@pytest.fixture
def bot(sandbox: Sandbox) -> User:
    return sandbox.world.add_bot("Alerts", "7000000001:x")


async def until(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fails after five seconds."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the world gives no signal
            await asyncio.sleep(0.01)


def listen(client: TelegramClient) -> list:
    """Collect (event name, ids, text) of what the client is told."""
    heard: list[tuple] = []

    async def new(event) -> None:
        heard.append(("new", event.message.id, event.message.message))

    async def edited(event) -> None:
        heard.append(("edit", event.message.id, event.message.message))

    async def deleted(event) -> None:
        heard.append(("delete", *event.deleted_ids))

    client.add_event_handler(new, events.NewMessage)
    client.add_event_handler(edited, events.MessageEdited)
    client.add_event_handler(deleted, events.MessageDeleted)
    return heard


async def test_history_is_walked_both_ways(connect: Connect, analyst, channel):
    """iter_messages finds every living message in both directions, from an id and from a date."""
    start = datetime(2026, 7, 12, tzinfo=UTC)
    for number in range(250):
        channel.post(f"n{number + 1}", at=start + timedelta(minutes=number))
    channel.delete(*range(20, 30))
    client = await connect(analyst)
    living = [i for i in range(1, 251) if not 20 <= i < 30]
    assert [m.id async for m in client.iter_messages("milinfo", wait_time=0)] == living[::-1]
    assert [m.id async for m in client.iter_messages("milinfo", reverse=True, wait_time=0)] == living
    assert [m.id async for m in client.iter_messages("milinfo", min_id=240, wait_time=0)] == list(range(250, 240, -1))
    assert [m.id async for m in client.iter_messages("milinfo", min_id=10, reverse=True, limit=15)] == living[10:25]
    (older,) = await client.get_messages("milinfo", limit=1, offset_date=start + timedelta(minutes=100))
    assert older.id == 100
    found = await client.get_messages("milinfo", ids=[5, 25])
    assert [m and m.message for m in found] == ["n5", None]


async def test_dialogs_and_entities_are_found(connect: Connect, sandbox, analyst, channel):
    """iter_dialogs lists chats with their newest message; a handle and an id lead to the same channel."""
    for number in range(120):
        sandbox.world.add_channel(f"C{number}", handle=f"chan_{number}").invite(analyst)
    channel.post("newest", at=datetime.now(UTC) + timedelta(minutes=1))
    client = await connect(analyst)
    dialogs = [dialog async for dialog in client.iter_dialogs()]
    assert len(dialogs) == 121
    assert (dialogs[0].id, dialogs[0].message.message) == (channel.channel_id, "newest")
    assert (await client.get_entity("milinfo")).id == channel.id
    assert (await client.get_entity(channel.channel_id)).title == "Osvedomitel"


async def test_a_voice_note_is_downloaded_from_the_other_data_centre(connect: Connect, analyst, channel):
    """download_media follows FILE_MIGRATE and joins the parts; an expired reference is fetched anew."""
    data = bytes(range(256)) * 2000
    message_id = channel.post(voice=data, duration=30, dc=4)
    client = await connect(analyst)
    message = await client.get_messages("milinfo", ids=message_id)
    assert message.voice.dc_id == 4
    channel.world.switches.expire_file_reference(message.voice.id)
    assert await client.download_media(message, bytes) == data


async def test_events_are_heard_as_they_happen(connect: Connect, analyst, channel):
    """Posts, edits and deletions reach Telethon's event handlers in order."""
    client = await connect(analyst)
    await client.get_dialogs()
    heard = listen(client)
    first = channel.post("one")
    channel.edit(first, "two")
    channel.post("three")
    channel.delete(first)
    await until(lambda: len(heard) == 4)
    assert sorted(heard) == [("delete", 1), ("edit", 1, "two"), ("new", 1, "one"), ("new", 2, "three")]


async def test_a_swallowed_push_is_made_up_by_the_difference(connect: Connect, sandbox, analyst, channel):
    """A lost push leaves a gap in pts; Telethon asks for the difference and gets what it missed."""
    client = await connect(analyst)
    await client.get_dialogs()
    heard = listen(client)
    channel.post("one")
    await until(lambda: heard)
    sandbox.faults.swallow_push(channel)
    channel.post("two")
    channel.post("three")
    await until(lambda: len(heard) == 3)
    assert [text for _, _, text in heard] == ["one", "two", "three"]
    assert "updates.getChannelDifference" in [call.method for call in sandbox.calls]


async def test_text_and_files_are_sent_edited_and_deleted(connect: Connect, sandbox, analyst, bot):
    """send_message, send_file, edit and delete of a bot in a megagroup are kept by the world and heard by members."""
    desk = sandbox.world.add_channel("Desk", megagroup=True)
    desk.invite(analyst)
    desk.invite(bot)
    hearing, speaking = await connect(analyst), await connect(bot)
    heard = listen(hearing)
    sent = await speaking.send_message(desk.channel_id, "**Alert** 𝕏 [x](https://x.com/)", parse_mode="md")
    assert (sent.id, sent.out, sent.message) == (1, True, "Alert 𝕏 x")
    await sent.edit("changed")
    note = await speaking.send_file(desk.channel_id, b"OggS" * 40_000, voice_note=True, caption="hear")
    await until(lambda: len(heard) == 3)
    assert desk.texts == ["changed", "hear"]
    assert desk.message(1).edits[0].text == "Alert 𝕏 x"
    assert [type(e).__name__ for e in desk.messages[0].edits[0].entities] == [
        "MessageEntityBold",
        "MessageEntityTextUrl",
    ]
    assert desk.file_of(2).data == b"OggS" * 40_000
    await note.delete()
    await until(lambda: ("delete", 2) in heard)
    assert desk.messages[1].deleted


async def test_albums_and_forwards_arrive_together(connect: Connect, analyst, channel, bot):
    """send_file of several photos is one album; forward_messages keeps its origin."""
    desk = channel.world.add_channel("Desk", megagroup=True)
    desk.invite(analyst)
    client = await connect(analyst)
    await client.get_dialogs()
    album = await client.send_file(
        desk.channel_id, [b"\xff\xd8\xff" + b"1" * 50, b"\xff\xd8\xff" + b"2" * 50], caption=["a", "b"]
    )
    assert len({m.grouped_id for m in album}) == 1
    origin = channel.post("said", views=5)
    forward = await client.forward_messages(desk.channel_id, origin, channel.channel_id)
    assert forward.forward.chat.title == "Osvedomitel"
    assert (forward.forward.channel_post, desk.texts) == (origin, ["a", "b", "said"])


async def test_a_button_is_pressed(connect: Connect, analyst, bot, sandbox):
    """message.click reaches the bot's CallbackQuery handler and brings its answer back."""
    desk = sandbox.world.add_channel("Desk", megagroup=True)
    desk.invite(analyst)
    desk.invite(bot)
    pressing, answering = await connect(analyst), await connect(bot)

    async def pressed(event) -> None:
        await event.answer(f"got {event.data.decode()}", alert=True)
        await event.edit("done")

    answering.add_event_handler(pressed, events.CallbackQuery)
    await answering.send_message(
        desk.channel_id, "sure?", buttons=[[Button.inline("Yes", b"y"), Button.inline("No", b"n")]]
    )
    await pressing.get_dialogs()
    (message,) = await pressing.get_messages(desk.channel_id)
    answer = await message.click(data=b"n")
    assert (answer.message, answer.alert) == ("got n", True)
    await until(lambda: desk.texts == ["done"])


async def test_a_bot_talks_in_private_and_in_a_basic_group(connect: Connect, analyst, bot, sandbox):
    """A bot answers whoever wrote to it, in a private chat and in a basic group."""
    group = sandbox.world.add_group("Small", [analyst, bot])
    client = await connect(bot)
    await client.get_me()

    async def answer(event) -> None:
        await event.reply("pong")

    client.add_event_handler(answer, events.NewMessage(pattern="/ping", incoming=True))
    sandbox.world.say(analyst, bot, "/ping")
    group.post("/ping", sender=analyst)
    await until(lambda: group.texts == ["/ping", "pong"])
    await until(lambda: [p.text for p in sandbox.world.conversation(analyst, bot)] == ["/ping", "pong"])
    assert group.messages[1].tl.reply_to is not None


async def test_refusals_become_telethons_errors(connect: Connect, sandbox, analyst, channel):
    """A refusal arrives as the class that Telethon has for it."""
    client = await connect(analyst)
    await client.get_dialogs()
    with pytest.raises(errors.ChatAdminRequiredError):
        await client.send_message("milinfo", "x")
    with pytest.raises(errors.UsernameNotOccupiedError):
        await client(functions.contacts.ResolveUsernameRequest("nobody_here"))
    channel.kick(analyst)
    with pytest.raises(errors.ChannelPrivateError):
        await client.get_messages(types.PeerChannel(channel.id))
    joined = sandbox.world.add_channel("Free", handle="free_for_all")
    result = await client(functions.channels.JoinChannelRequest("free_for_all"))
    assert isinstance(result, types.messages.ChatInviteJoinResultOk)
    assert analyst.id in joined.members
