"""The analysts' chat over real Telethon and TCP: once, exact, and with errors that say whose fault it is."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from telethon.tl import types

from bot.errors import SinkError
from bot.model import Entity, Parcel
from bot.sandbox import Sandbox
from bot.sandbox.world import User
from bot.telegram.account import Account
from bot.telegram.chat import AnalystChat
from bot.telegram.login import login_bot
from tests.telegram.linked import HandClock, linked

TOKEN = "424242:sandbox"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Telegram with one bot and one analyst."""
    async with Sandbox() as sandbox:
        sandbox.world.add_bot("Earshot", TOKEN)
        sandbox.world.add_user("Analyst", phone="+9990001111", handle="analyst")
        yield sandbox


@pytest.fixture
def bot(sandbox: Sandbox) -> User:
    """The alert bot."""
    return sandbox.world.users[424242]


@pytest.fixture
def person(sandbox: Sandbox) -> User:
    """The analyst."""
    return next(user for user in sandbox.world.users.values() if not user.is_bot)


@pytest.fixture
def clock() -> HandClock:
    """A clock that stands still."""
    return HandClock()


@pytest.fixture
async def account(sandbox: Sandbox, bot: User, tmp_path: Path, clock: HandClock) -> AsyncIterator[Account]:
    """The bot's account, connected."""
    async with linked(sandbox, bot, tmp_path / "sessions", name="bot", clock=clock) as account:
        yield account


@pytest.fixture
async def room(sandbox: Sandbox, bot: User, person: User) -> Any:
    """The analysts' supergroup, with the bot in it."""
    room = sandbox.world.add_channel("Дежурные", megagroup=True)
    room.invite(person, admin=True)
    room.invite(bot)
    return room


def sends(sandbox: Sandbox) -> int:
    """How many sends reached the server."""
    return sum(call.method == "messages.sendMessage" for call in sandbox.calls)


async def test_text_and_entities_arrive_exactly(account: Account, room: Any) -> None:
    """Emoji and Cyrillic arrive unchanged, with every entity over the very same letters, and without a preview."""
    text = "👍 Штаб под Бердянском 👨‍👩‍👧 https://t.me/x"
    word = text.index("Бердянском")
    parcel = Parcel(
        text=text,
        entities=(
            Entity(kind="bold", start=0, length=1),
            Entity(kind="text_link", start=word, length=10, url="https://t.me/x/1"),
            Entity(kind="code", start=word + 11, length=5),
        ),
        random_id=7,
    )
    receipt = await AnalystChat(account, room.channel_id).send(parcel)
    (posted,) = [message for message in room.messages if message.text]
    assert receipt.reference == str(posted.id)
    assert (posted.text, posted.random_id) == (text, 7)
    units = posted.text.encode("utf-16-le")
    pieces = [units[2 * e.offset : 2 * (e.offset + e.length)].decode("utf-16-le") for e in posted.entities]
    assert pieces == ["👍", "Бердянском", "👨‍👩‍👧"]
    assert [type(e) for e in posted.entities] == [
        types.MessageEntityBold,
        types.MessageEntityTextUrl,
        types.MessageEntityCode,
    ]
    assert posted.tl.media is None


async def test_an_entity_out_of_bounds_costs_no_alert(account: Account, room: Any) -> None:
    """Formatting that does not fit the text is left out, the text is sent."""
    parcel = Parcel(text="тревога", entities=(Entity(kind="bold", start=3, length=9),), random_id=7)
    await AnalystChat(account, room.channel_id).send(parcel)
    assert room.texts == ["тревога"]


async def test_a_lost_reply_sends_once(sandbox: Sandbox, account: Account, room: Any) -> None:
    """A send whose answer was lost is repeated with the same random_id, and is seen once in the chat."""
    chat = AnalystChat(account, room.channel_id, timeout=0.3)
    sandbox.faults.lose_reply("messages.sendMessage")
    parcel = Parcel(text="тревога", random_id=2**63 - 1)
    with pytest.raises(SinkError) as caught:
        await chat.send(parcel)
    assert not caught.value.permanent
    assert (await chat.send(parcel)).reference == "duplicate"
    assert room.texts == ["тревога"]


async def test_a_cut_line_sends_once(sandbox: Sandbox, account: Account, room: Any) -> None:
    """A connection cut while the answer is on its way leads to one message, too."""
    chat = AnalystChat(account, room.channel_id, timeout=5)
    sandbox.faults.delay("messages.sendMessage", 0.2)
    sandbox.faults.lose_reply("messages.sendMessage")
    sending = asyncio.create_task(chat.send(Parcel(text="тревога", random_id=8)))
    await asyncio.sleep(0.4)
    sandbox.faults.delay("messages.sendMessage", 0)
    sandbox.faults.drop_connection()
    assert (await sending).reference
    assert room.texts == ["тревога"]


@pytest.mark.parametrize(
    ("text", "word"), [("д" * 4097, "MESSAGE_TOO_LONG"), ("👍" * 2049, "MESSAGE_TOO_LONG"), (" ", "MESSAGE_EMPTY")]
)
async def test_a_bad_message_is_final(account: Account, room: Any, text: str, word: str) -> None:
    """What is wrong with the alert itself cannot be cured by another try."""
    with pytest.raises(SinkError, match=word) as caught:
        await AnalystChat(account, room.channel_id).send(Parcel(text=text, random_id=7))
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("code", "word", "hint"),
    [
        (403, "CHAT_WRITE_FORBIDDEN", "may not write"),
        (400, "CHAT_ADMIN_REQUIRED", "administrator"),
        (400, "PEER_ID_INVALID", "press Start"),
        (400, "USER_IS_BLOCKED", "blocked"),
        (400, "CHANNEL_PRIVATE", "private"),
        (400, "SOMETHING_NEW_INVALID", "SOMETHING_NEW_INVALID"),
        (500, "INTERNAL", "another try"),
        (401, "SESSION_REVOKED", "another device"),
        (420, "FROZEN_METHOD_INVALID", "frozen"),
    ],
)
async def test_a_bad_chat_is_not_the_alerts_fault(
    sandbox: Sandbox, account: Account, room: Any, code: int, word: str, hint: str
) -> None:
    """What is wrong with the chat or the account leaves the alert due, and the words say what to do."""
    sandbox.faults.error("messages.sendMessage", code, word, times=9)
    with pytest.raises(SinkError, match=hint) as caught:
        await AnalystChat(account, room.channel_id).send(Parcel(text="тревога", random_id=7))
    assert not caught.value.permanent


@pytest.mark.parametrize("word", ["FLOOD_WAIT_30", "SLOWMODE_WAIT_30"])
async def test_waits_are_passed_on_and_obeyed(
    sandbox: Sandbox, account: Account, room: Any, clock: HandClock, word: str
) -> None:
    """The seconds that Telegram asks for reach the dispatcher, and no packet leaves before they are over."""
    chat = AnalystChat(account, room.channel_id, clock=clock)
    sandbox.faults.error("messages.sendMessage", 420, word)
    for passed in (0, 10):
        clock.forward(seconds=passed)
        with pytest.raises(SinkError) as caught:
            await chat.send(Parcel(text="тревога", random_id=7))
        assert (caught.value.permanent, caught.value.retry_after) == (False, 30 - passed)
    assert sends(sandbox) == 1
    clock.forward(seconds=21)
    await chat.send(Parcel(text="тревога", random_id=7))
    assert room.texts == ["тревога"]


async def test_every_way_to_name_a_chat(sandbox: Sandbox, account: Account, bot: User, person: User) -> None:
    """A handle, a channel id, a group id and a person's id are all reached; a handle is looked up once."""
    world = sandbox.world
    channel = world.add_channel("Сводка", handle="svodka_chat")
    channel.invite(bot, admin=True)
    group = world.add_group("Смена", [person, bot])
    by_handle = AnalystChat(account, "@svodka_chat")
    for random_id in (1, 2):
        await by_handle.send(Parcel(text="по имени", random_id=random_id))
    await AnalystChat(account, channel.channel_id).send(Parcel(text="по номеру", random_id=3))
    await AnalystChat(account, str(channel.channel_id)).send(Parcel(text="словами", random_id=4))
    await AnalystChat(account, group.channel_id).send(Parcel(text="в группу", random_id=5))
    await AnalystChat(account, person.id).send(Parcel(text="лично", random_id=6))
    assert channel.texts == ["по имени", "по имени", "по номеру", "словами"]
    assert group.texts == ["в группу"]
    assert sum(call.method == "contacts.resolveUsername" for call in sandbox.calls) == 1


async def test_a_group_that_became_a_supergroup_is_followed(
    sandbox: Sandbox, account: Account, bot: User, person: User
) -> None:
    """Alerts go on into the supergroup that a group has become."""
    group = sandbox.world.add_group("Смена", [person, bot])
    chat = AnalystChat(account, group.channel_id)
    await chat.send(Parcel(text="до", random_id=1))
    heir = group.migrate()
    await chat.send(Parcel(text="после", random_id=2))
    await chat.send(Parcel(text="ещё", random_id=3))
    assert heir.texts == ["после", "ещё"]
    assert sends(sandbox) == 4


async def test_being_thrown_out_is_said(account: Account, bot: User, room: Any) -> None:
    """A bot that was removed says so, and writes again when it is back."""
    chat = AnalystChat(account, room.channel_id)
    room.kick(bot)
    with pytest.raises(SinkError, match="member") as caught:
        await chat.send(Parcel(text="тревога", random_id=7))
    assert not caught.value.permanent
    room.invite(bot)
    await chat.send(Parcel(text="тревога", random_id=7))
    assert room.texts == ["тревога"]


async def test_check_says_where_alerts_go(account: Account, room: Any, person: User) -> None:
    """A chat that can be written to is named with its title and id."""
    assert await AnalystChat(account, room.channel_id).check() == f"alerts go to Дежурные ({room.channel_id})"
    assert "Analyst" in await AnalystChat(account, person.id).check()


async def test_check_says_what_is_wrong(sandbox: Sandbox, account: Account, bot: User, person: User) -> None:
    """A chat that cannot be written to is told before the first alert, with what to do."""
    world = sandbox.world
    reader = world.add_channel("Чужой", handle="not_ours")
    reader.invite(bot)
    group = world.add_group("Смена", [person, bot])
    group.migrate()
    outside = world.add_channel("Снаружи", handle="outside")
    cases = {
        reader.channel_id: "administrator",
        group.channel_id: "supergroup -100",
        "@outside": "not a member",
        "@nobody_here": "no such channel",
        -100123: "no such",
    }
    assert outside.handle == "outside"
    for chat, hint in cases.items():
        with pytest.raises(SinkError, match=hint) as caught:
            await AnalystChat(account, chat).check()
        assert not caught.value.permanent
        assert str(chat) in str(caught.value)


async def test_a_lost_session_is_replaced_by_the_token(
    sandbox: Sandbox, account: Account, bot: User, room: Any
) -> None:
    """A bot that was logged out logs in anew and delivers; with a bad token the alert waits and the reason is said."""
    assert bot.bot_token is not None
    chat = AnalystChat(account, room.channel_id, login=partial(login_bot, account, bot.bot_token))
    sandbox.revoke(bot)
    await chat.send(Parcel(text="one", random_id=1))
    assert room.texts == ["one"]
    bot.bot_token = "1:another"
    sandbox.revoke(bot)
    with pytest.raises(SinkError, match="bot token") as refused:
        await chat.send(Parcel(text="two", random_id=2))
    assert not refused.value.permanent


async def test_an_edit_changes_the_message_and_no_other(sandbox: Sandbox, account: Account, room: Any) -> None:
    """Text and entities are replaced, an edit that changes nothing is a success, and only the alert itself is touched."""
    chat = AnalystChat(account, room.channel_id)
    sent = await chat.send(Parcel(text="HIGH #12\nпопов", random_id=7))
    other = await chat.send(Parcel(text="HIGH #13\nцоков", random_id=8))
    now = Parcel(text="HIGH #12\nnot confirmed", entities=(Entity(kind="bold", start=9, length=3),), random_id=9)
    for _ in range(2):
        assert await chat.edit(sent.reference, now) == sent
    texts = [message.text for message in room.messages if message.text]
    assert texts == ["HIGH #12\nnot confirmed", "HIGH #13\nцоков"]
    # The number of another alert, of nothing, and one that nobody recorded.
    for reference in (other.reference, "999", "duplicate"):
        with pytest.raises(SinkError) as refused:
            await chat.edit(reference, now)
        assert refused.value.permanent
    assert [message.text for message in room.messages if message.text] == texts
