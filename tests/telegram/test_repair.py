"""Closing gaps on request."""

import pytest

from bot.errors import ChannelUnavailable
from bot.model import Channel, ChannelId
from bot.sandbox.chats import Chat
from bot.telegram import repair
from tests.telegram.conftest import Stage

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


async def row(stage: Stage, chat: Chat) -> Channel:
    """The channel as stored."""
    channel = await stage.store.channels.get(ChannelId(chat.channel_id))
    assert channel is not None
    return channel


async def left_open(stage: Stage, posts: int) -> Chat:
    """A channel whose posts the server hid for a while, so that all but the last are gaps."""
    chat = stage.channel("Holes")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.swallow_push(chat, True)
        hidden = [chat.post(f"post {number}") for number in range(posts)]
        chat.post("last")
        stage.sandbox.faults.omit_ids(chat, hidden)
        async with stage.listening(account):
            await stage.hears(chat, hidden[-1] + 1, "last")
    stage.sandbox.faults.omit_ids(chat, [])
    return chat


async def test_what_can_be_closed(stage: Stage) -> None:
    """Gaps are asked for at once, long ones by pages; the number of ids closed is returned, and new posts come along."""
    chat = await left_open(stage, 250)
    chat.delete(17)
    new = chat.post("new")
    reports: list[int] = []
    async with stage.account() as account:
        assert await repair(account, stage.store, await row(stage, chat), progress=reports.append) == 250
    assert reports[-1] == 0
    assert await stage.store.channels.gaps(ChannelId(chat.channel_id)) == ()
    assert await stage.told(chat, 1) == ["post 0"]
    assert await stage.told(chat, 17) == []
    assert await stage.told(chat, new) == ["new"]


async def test_what_stays_open(stage: Stage) -> None:
    """Ids that the server answers in no way stay a gap, and are asked for once."""
    chat = await left_open(stage, 5)
    stage.sandbox.faults.omit_ids(chat, [2, 3])
    async with stage.account() as account:
        assert await repair(account, stage.store, await row(stage, chat), progress=lambda left: None) == 3
        (gap,) = await stage.store.channels.gaps(ChannelId(chat.channel_id))
        assert (gap.first, gap.last, gap.reason) == (2, 3, "asked for, not answered")
        assert await repair(account, stage.store, await row(stage, chat), progress=lambda left: None) == 0


async def test_trouble_at_telegram(stage: Stage) -> None:
    """A failure that may pass is tried again; a channel that cannot be read is said to be so."""
    chat = await left_open(stage, 5)
    async with stage.account() as account:
        stage.sandbox.faults.error("messages.getPeerDialogs", 500, "INTERNAL")
        stage.sandbox.faults.error("channels.getMessages", 500, "INTERNAL")
        assert await repair(account, stage.store, await row(stage, chat), progress=lambda left: None) == 5
        chat.ban()
        with pytest.raises(ChannelUnavailable):
            await repair(account, stage.store, await row(stage, chat), progress=lambda left: None)
