"""Posts that raised an alert are looked at again: edits and deletions that nobody told of are found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.errors import AccountDead, LoginNeeded
from bot.model import ChannelId, ChannelState, Heard, How, Key, MessageId, Recheck
from bot.pulse import Pulse
from bot.sandbox.chats import Chat
from bot.telegram import Rechecker
from tests.telegram.conftest import eventually
from tests.telegram.house import House, open_house

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Everything started."""
    async with open_house(tmp_path) as opened:
        yield opened


@asynccontextmanager
async def rechecking(house: House) -> AsyncIterator[list[bool]]:
    """A rechecker at work; yields its nudges to the reader."""
    stop, nudges = asyncio.Event(), list[bool]()
    rechecker = Rechecker(
        house.account, house.store, Pulse(stop), reader_nudge=lambda: nudges.append(True), clock=house.clock
    )
    task = asyncio.create_task(rechecker.run())
    try:
        yield nudges
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def steps(house: House) -> dict[int, int]:
    """Message id -> looks done, of all that are still to be looked at."""
    return {one.key.message_id: one.step for one in await due(house)}


async def become(house: House, expected: dict[int, int]) -> None:
    """Wait until that is what is still to be looked at."""

    async def so() -> bool:
        return await steps(house) == expected

    await eventually(so)


async def versions(house: House, chat: Chat, number: int) -> list[str | None]:
    """The texts of a message as recorded; None stands for its deletion."""
    await house.observe()
    key = Key(channel_id=ChannelId(chat.channel_id), message_id=MessageId(number))
    return [one.message.text if one.message else None for one in await house.store.archive.versions(key)]


async def test_edits_and_deletions_are_found(house: House) -> None:
    """Of three posts that raised alerts, one is edited and one deleted without a word: the next look finds both."""
    chat = await house.watch("Rybar", "rybar")
    kept, changed, gone = (chat.post(f"Бердянск {number}") for number in range(3))
    quiet = chat.post("nothing of note")
    await house.observe(chat)
    assert await steps(house) == {kept: 0, changed: 0, gone: 0}
    chat.edit(changed, "Бердянск, исправлено")
    chat.edit(quiet, "changed, but nobody was told of it")
    chat.delete(gone)
    house.clock.forward(minutes=6)
    async with rechecking(house) as nudges:
        await become(house, {kept: 1, changed: 1})
    assert await versions(house, chat, kept) == ["Бердянск 0"]
    assert await versions(house, chat, changed) == ["Бердянск 1", "Бердянск, исправлено"]
    assert await versions(house, chat, gone) == ["Бердянск 2", None]
    assert await versions(house, chat, quiet) == ["nothing of note"]
    assert nudges == [True]
    assert house.served("channels.getMessages")[-1:] == [None]


async def test_not_before_their_time(house: House) -> None:
    """Nothing is asked before five minutes have passed, and one request does for a hundred posts."""
    chat = await house.watch("Rybar", "rybar")
    numbers = [chat.post(f"Бердянск {number}") for number in range(60)]
    await house.observe(chat)
    asked = len(house.served("channels.getMessages"))
    async with rechecking(house):
        await asyncio.sleep(0.3)
    assert len(house.served("channels.getMessages")) == asked
    house.clock.forward(minutes=6)
    async with rechecking(house):
        await become(house, dict.fromkeys(numbers, 1))
    assert len(house.served("channels.getMessages")) == asked + 1


async def test_a_channel_that_fails_delays_no_other(house: House) -> None:
    """One channel is flooded or gone: its posts wait, those of the other are looked at."""
    shut, free = await house.watch("Shut", "shut1"), await house.watch("Free", "free1")
    first, second = shut.post("Бердянск"), free.post("Бердянск")
    await house.observe(shut, free)
    shut.ban()
    house.clock.forward(minutes=6)

    async def done() -> bool:
        looks = {(one.key.channel_id, one.step) for one in await due(house)}
        return looks == {(shut.channel_id, 0), (free.channel_id, 1)}

    async with rechecking(house):
        await eventually(done)
    assert first == second
    state = ChannelState.PRIVATE
    channel_id = ChannelId(shut.channel_id)
    await house.store.channels.record_state(channel_id, state, reason="CHANNEL_PRIVATE", at=house.clock())
    assert {one.key.channel_id for one in await due(house)} == {free.channel_id}


async def due(house: House) -> tuple[Recheck, ...]:
    """What will be looked at in a year's time."""
    return await house.store.rechecks.due("main", house.clock.now.replace(year=house.clock.now.year + 1), 99)


async def test_a_server_that_lags_is_not_believed(house: House) -> None:
    """While servers answer that know less than we do, nothing is recorded and nothing counts as looked at."""
    chat = await house.watch("Ahead", "ahead1")
    number = chat.post("Бердянск")
    await house.observe(chat)
    ours = Heard(channel_id=ChannelId(chat.channel_id), how=How.PUSH, at=house.clock(), pts=1000)
    await house.store.intake.record(ours)
    house.clock.forward(minutes=6)
    asked = len(house.served("channels.getMessages"))
    async with rechecking(house):
        await house.eventually(lambda: len(house.served("channels.getMessages")) > asked)
        await asyncio.sleep(0.2)
        assert await steps(house) == {number: 0}


async def test_a_lost_account_ends_it(house: House) -> None:
    """The end of the account is raised."""
    chat = await house.watch("Rybar", "rybar")
    chat.post("Бердянск")
    await house.observe(chat)
    house.clock.forward(minutes=6)
    house.sandbox.revoke(next(iter(house.sandbox.world.users.values())))
    rechecker = Rechecker(
        house.account, house.store, Pulse(asyncio.Event()), reader_nudge=lambda: None, clock=house.clock
    )
    with pytest.raises((AccountDead, LoginNeeded)):
        await asyncio.wait_for(rechecker.run(), 45)
