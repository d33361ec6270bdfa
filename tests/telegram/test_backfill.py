"""Reading the past: complete, verified id by id, and to be interrupted anywhere."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import Unreachable
from bot.model import Backfill, Channel, ChannelId
from bot.pulse import Pulse
from bot.sandbox.chats import Chat
from bot.telegram import Account, Backfiller, backfill
from tests.telegram.conftest import Stage, eventually

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

START = datetime(2023, 6, 1, tzinfo=UTC)


def past(stage: Stage, posts: int) -> Chat:
    """A channel with one post an hour since START."""
    chat = stage.channel("Gurulev")
    for number in range(posts):
        chat.post(f"post {number + 1}", at=START + timedelta(hours=number))
    return chat


async def row(stage: Stage, chat: Chat) -> Channel:
    """The channel as stored."""
    channel = await stage.store.channels.get(ChannelId(chat.channel_id))
    assert channel is not None
    return channel


async def read(
    stage: Stage, account: Account, chat: Chat, since: datetime, stop_after: int | None = None
) -> tuple[Backfill, list[Backfill]]:
    """Backfill without pauses; with `stop_after`, told to stop after so many reports."""
    stop, reports = asyncio.Event(), []

    def progress(state: Backfill) -> None:
        reports.append(state)
        if stop_after is not None and len(reports) > stop_after:
            stop.set()

    (channel,) = [c for c in await stage.store.channels.all() if c.channel_id == chat.channel_id]
    done = await backfill(account, stage.store, channel, since=since, progress=progress, stop=stop, pause=0)
    return done, reports


async def test_back_to_the_beginning(stage: Stage) -> None:
    """All 250 posts are recorded, deleted ids are accounted for, and watching now begins at the first."""
    chat = past(stage, 250)
    chat.delete(*range(100, 130))
    async with stage.account() as account:
        await stage.pin(account, chat)
        done, reports = await read(stage, account, chat, START - timedelta(days=1))
    assert done.done
    assert done.messages == 220
    assert [report.reached for report in reports] == [0, 151, 21, 1]
    channel = await row(stage, chat)
    assert channel.watch_from == 1
    assert await stage.store.channels.gaps(channel.channel_id) == ()
    assert await stage.told(chat, 1) == ["post 1"]
    assert await stage.told(chat, 250) == ["post 250"]
    assert await stage.told(chat, 110) == []


async def test_back_to_a_date(stage: Stage) -> None:
    """Reading ends with the page in which the date lies; everything since the date is there."""
    chat = past(stage, 250)
    async with stage.account() as account:
        await stage.pin(account, chat)
        done, _ = await read(stage, account, chat, START + timedelta(hours=149))
    assert done.done
    assert done.reached <= 150
    assert await stage.told(chat, 150) == ["post 150"]
    assert (await row(stage, chat)).watch_from == done.reached
    assert await stage.store.channels.gaps(ChannelId(chat.channel_id)) == ()


async def test_stopped_and_resumed(stage: Stage) -> None:
    """A stopped backfill is resumed at its page, also from another process, and reads nothing twice."""
    chat = past(stage, 350)
    async with stage.account() as account:
        await stage.pin(account, chat)
        stopped, _ = await read(stage, account, chat, START, stop_after=1)
    assert not stopped.done
    assert stopped.messages == 100
    asked = stage.count("messages.getHistory")
    async with stage.account() as account:
        done, _ = await read(stage, account, chat, START)
    assert done.done
    assert done.messages == 350
    assert stage.count("messages.getHistory") - asked == 3


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_failure_at_each_page(stage: Stage, page: int) -> None:
    """Whatever page fails, what was read is kept, and the next run completes it."""
    chat = past(stage, 250)
    async with stage.account() as account:
        await stage.pin(account, chat)
        if page > 1:
            await read(stage, account, chat, START, stop_after=page - 1)
        stage.sandbox.faults.error("messages.getHistory", 500, "INTERNAL")
        with pytest.raises(Unreachable):
            await read(stage, account, chat, START)
        done, _ = await read(stage, account, chat, START)
    assert done.done
    assert done.messages == 250
    assert await stage.store.channels.gaps(ChannelId(chat.channel_id)) == ()


async def test_flood_wait_is_sat_out(stage: Stage) -> None:
    """A flood wait in the middle is waited for, and ended by a stop."""
    chat = past(stage, 150)
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.flood_wait("messages.getHistory", 1)
        done, _ = await read(stage, account, chat, START)
        assert done.done


async def test_further_back(stage: Stage) -> None:
    """A second backfill to an earlier date goes on where the first one ended; a later date asks nothing."""
    chat = past(stage, 350)
    async with stage.account() as account:
        await stage.pin(account, chat)
        first, _ = await read(stage, account, chat, START + timedelta(hours=300))
        second, _ = await read(stage, account, chat, START)
        asked = stage.count("messages.getHistory")
        again, _ = await read(stage, account, chat, START + timedelta(hours=200))
    assert first.done
    assert first.reached > 1
    assert (second.done, second.reached, second.messages) == (True, 1, 350)
    assert again == second
    assert stage.count("messages.getHistory") == asked


async def test_mostly_deleted(stage: Stage) -> None:
    """Where 2,500 ids in a row are deleted, all are accounted for, a bounded number at a time."""
    chat = past(stage, 2520)
    chat.delete(*range(11, 2511))
    async with stage.account() as account:
        await stage.pin(account, chat)
        done, reports = await read(stage, account, chat, START)
    assert (done.done, done.messages) == (True, 20)
    assert [report.reached for report in reports] == [0, 1521, 521, 1]
    assert await stage.store.channels.gaps(ChannelId(chat.channel_id)) == ()


async def test_empty_channel(stage: Stage) -> None:
    """A channel without a past is done at once."""
    chat = stage.channel("Newborn")
    async with stage.account() as account:
        await stage.pin(account, chat)
        done, _ = await read(stage, account, chat, START)
    assert done.done
    assert (await row(stage, chat)).watch_from == 1


async def test_ordered_from_another_process(stage: Stage) -> None:
    """A backfill left as a row is taken up by the daemon that holds the session."""
    chat = past(stage, 150)
    stop = asyncio.Event()
    async with stage.account() as account:
        await stage.pin(account, chat)
        backfiller = Backfiller(account, stage.store, Pulse(stop), reader_nudge=lambda: None, idle_seconds=0.05)
        task = asyncio.create_task(backfiller.run())
        await stage.store.channels.record_backfill(Backfill(channel_id=ChannelId(chat.channel_id), since=START))

        async def done() -> bool:
            state = await stage.store.channels.backfill(ChannelId(chat.channel_id))
            return state is not None and state.done

        await eventually(done)
        stop.set()
        await task
    assert await stage.told(chat, 1) == ["post 1"]


async def test_one_order_holds_up_no_other(stage: Stage) -> None:
    """An order for a channel that cannot be read any more does not keep the others from being worked off."""
    shut, chat = stage.channel("Aaaa"), past(stage, 5)
    stop = asyncio.Event()
    async with stage.account() as account:
        await stage.pin(account, shut, chat)
        for each in (shut, chat):
            await stage.store.channels.record_backfill(Backfill(channel_id=ChannelId(each.channel_id), since=START))
        # Whichever comes first, one of the two is refused.
        stage.sandbox.faults.error("messages.getHistory", 400, "CHANNEL_PRIVATE")
        backfiller = Backfiller(account, stage.store, Pulse(stop), reader_nudge=lambda: None, idle_seconds=0.05)
        task = asyncio.create_task(backfiller.run())

        async def one_done() -> bool:
            states = [await stage.store.channels.backfill(ChannelId(each.channel_id)) for each in (shut, chat)]
            return any(state is not None and state.done for state in states)

        await eventually(one_done, 20)
        stop.set()
        await task


async def test_only_of_channels_that_the_account_carries(stage: Stage) -> None:
    """An order for a channel that another account carries is left to that one, which goes on where this one stopped."""
    chat, stop = past(stage, 150), asyncio.Event()
    async with stage.account() as account, stage.account(name="second") as second:
        await stage.pin(account, chat)
        row_now = await row(stage, chat)
        access_hash = stage.sandbox.world.access_hash(stage.user.id, chat.key)
        await stage.store.accounts.record_hash("second", row_now.channel_id, access_hash)
        await stage.store.channels.carry({row_now.channel_id: "second"})
        await stage.store.channels.record_backfill(Backfill(channel_id=row_now.channel_id, since=START))

        async def untouched() -> bool:
            state = await stage.store.channels.backfill(row_now.channel_id)
            return state is not None and not state.reached

        async def done() -> bool:
            state = await stage.store.channels.backfill(row_now.channel_id)
            return state is not None and state.done

        ours = Backfiller(account, stage.store, Pulse(stop), reader_nudge=lambda: None, idle_seconds=0.05)
        task = asyncio.create_task(ours.run())
        await asyncio.sleep(0.5)
        assert await untouched()
        theirs = Backfiller(second, stage.store, Pulse(stop), reader_nudge=lambda: None, idle_seconds=0.05)
        other = asyncio.create_task(theirs.run())
        await eventually(done)
        stop.set()
        await asyncio.gather(task, other)
    assert await stage.told(chat, 1) == ["post 1"]
