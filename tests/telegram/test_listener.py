"""The listener over real Telethon against the sandbox: whatever happens to the pushes, the ledger ends complete."""

import asyncio
import sqlite3

import pytest
from telethon.tl import types

from bot.errors import AccountDead, LoginNeeded
from bot.model import Backfill, ChannelId, ChannelState, Heard, How, MessageId, Mode, utc_now
from bot.pulse import Pulse
from bot.telegram import Listener
from tests.telegram.conftest import PATIENCE, Stage, eventually

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


async def test_pushes_are_recorded(stage: Stage) -> None:
    """A post, its edit and its deletion are recorded as they are pushed, without asking the server."""
    chat = stage.channel("Rybar", posts=3)
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            asked = stage.count("updates.getChannelDifference")
            number = chat.post("first")
            await stage.hears(chat, number, "first")
            chat.edit(number, "second")
            await stage.hears(chat, number, "first", "second")
            chat.delete(number)
            await stage.hears(chat, number, "first", "second", None)
            assert stage.count("updates.getChannelDifference") == asked


async def test_downtime_is_made_good(stage: Stage) -> None:
    """Posts, edits and deletions made while the daemon was stopped are recorded at its next start."""
    chat = stage.channel("Sladkov")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            kept, changed, gone = chat.post("kept"), chat.post("before"), chat.post("gone")
            await stage.complete(chat)
    assert await stage.told(chat, gone) == ["gone"]
    chat.edit(changed, "after")
    chat.delete(gone)
    new = chat.post("new")
    brief = chat.post("posted and deleted")
    chat.delete(brief)
    service = chat.set_title("Sladkov+")
    async with stage.account() as account, stage.listening(account):
        await stage.hears(chat, new, "new")
        await stage.hears(chat, changed, "before", "after")
        await stage.hears(chat, gone, "gone", None)
        assert await stage.told(chat, kept) == ["kept"]
        await stage.complete(chat)
        assert (await stage.store.channels.get(ChannelId(chat.channel_id))).top_id >= service


async def test_posts_between_pinning_and_listening(stage: Stage) -> None:
    """What is posted after a channel was added and before the first push is recorded; older posts are not asked for."""
    chat = stage.channel("Wargonzo", posts=5)
    async with stage.account() as account:
        await stage.pin(account, chat)
        numbers = [chat.post(f"early {i}") for i in range(3)]
        async with stage.listening(account):
            for i, number in enumerate(numbers):
                await stage.hears(chat, number, f"early {i}")
        assert await stage.told(chat, 5) == []


async def test_pushed_before_the_channels_are_known(stage: Stage) -> None:
    """A post that is pushed, and deleted again, between the connection and the first look at our channels is recorded."""
    ours, other = stage.channel("Alekhin"), stage.channel("Stranger")
    async with stage.account() as account:
        await stage.pin(account, ours)
        stop = asyncio.Event()
        listener = Listener(account, stage.store, Pulse(stop), sweep_seconds=60, reader_nudge=lambda: None)
        pushed: list[object] = []
        account.listen(pushed.append)
        brief = ours.post("posted and deleted")
        ours.delete(brief)
        other.post("not ours")

        async def two() -> bool:
            return len(pushed) >= 2

        await eventually(two)
        async with asyncio.TaskGroup() as group:
            group.create_task(listener.run())
            await stage.hears(ours, brief, "posted and deleted", None)
            stop.set()


async def test_cut_connections(stage: Stage) -> None:
    """Twenty cuts of the connection, with posts during each, cost no post."""
    chat = stage.channel("Kotenok")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            for number in range(20):
                chat.post(f"before {number}")
                stage.sandbox.faults.drop_connection()
                chat.post(f"during {number}")
                await asyncio.sleep(0.05)
            await stage.complete(chat)
            for post in chat.messages:
                assert await stage.told(chat, post.id) == [post.text]


async def test_swallowed_pushes_are_found_by_the_sweep(stage: Stage) -> None:
    """A post that is never pushed is recorded within one sweep."""
    chat = stage.channel("Medvedev")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.swallow_push(chat, True)
        async with stage.listening(account, sweep_seconds=0.5):
            number = chat.post("unheard")
            await stage.hears(chat, number, "unheard")
            chat.edit(number, "changed unheard")
            await stage.hears(chat, number, "unheard", "changed unheard")
            chat.delete(number)
            await stage.hears(chat, number, "unheard", "changed unheard", None)


async def test_gap_is_asked_for(stage: Stage) -> None:
    """A push behind a lost one makes the listener ask for what lies between, half a second later."""
    chat = stage.channel("Kadyrov")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            stage.sandbox.faults.swallow_push(chat, 1)
            lost, heard = chat.post("lost"), chat.post("heard")
            await stage.hears(chat, lost, "lost")
            await stage.hears(chat, heard, "heard")


@pytest.mark.parametrize("method", ["channels.getMessages", "updates.getChannelDifference"])
async def test_gap_that_shows_while_asking(stage: Stage, method: str) -> None:
    """A push behind a lost one that comes while the server is being asked something else is not forgotten."""
    chat = stage.channel("Busy", posts=3)
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account) as listener:
            start = Backfill(channel_id=ChannelId(chat.channel_id), since=utc_now(), reached=MessageId(1), done=True)
            await stage.store.channels.record_backfill(start)
            stage.sandbox.faults.swallow_push(chat, 1)
            first = chat.post("first")
            stage.sandbox.faults.delay(method, 0.7)
            listener._hear(types.UpdatesTooLong())
            await asyncio.sleep(0.4)
            stage.sandbox.faults.swallow_push(chat, 1)
            lost, heard = chat.post("lost"), chat.post("heard")
            for number, text in ((first, "first"), (lost, "lost"), (heard, "heard")):
                await stage.hears(chat, number, text)


async def test_polled_channel(stage: Stage) -> None:
    """A channel that is not joined is followed by sweeps alone."""
    chat = stage.channel("Duma")
    async with stage.account() as account:
        await stage.pin(account, chat, mode=Mode.POLL)
        async with stage.listening(account, sweep_seconds=0.5):
            await stage.hears(chat, chat.post("law"), "law")
        assert stage.count("channels.joinChannel") == 0


async def test_difference_too_long(stage: Stage) -> None:
    """When the difference is too long, 300 posts are read from history, and edits and deletions among the newest seen."""
    chat = stage.channel("Osvedomitel")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            first = chat.post("first")
            await stage.complete(chat)
    numbers = [chat.post(f"post {i}") for i in range(300)]
    chat.delete(*numbers[50:60])
    chat.edit(numbers[-1], "edited")
    stage.sandbox.faults.difference_too_long(chat)
    async with stage.account() as account, stage.listening(account):
        await stage.complete(chat)
        await stage.hears(chat, numbers[-1], "edited")
        assert await stage.told(chat, first) == ["first"]
        for i in (0, 49, 60, 150, 298):
            assert await stage.told(chat, numbers[i]) == [f"post {i}"]
        after = chat.post("after")
        await stage.hears(chat, after, "after")


async def test_too_long_finds_changes_of_the_newest(stage: Stage) -> None:
    """After a difference that is too long, edits and deletions of posts we hold are found by reading them again."""
    chat = stage.channel("Colonel")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            changed, gone = chat.post("before"), chat.post("gone")
            await stage.complete(chat)
    chat.edit(changed, "after")
    chat.delete(gone)
    chat.post("newest")
    stage.sandbox.faults.difference_too_long(chat)
    async with stage.account() as account, stage.listening(account):
        await stage.hears(chat, changed, "before", "after")
        await stage.hears(chat, gone, "gone", None)


async def test_private_channel_and_back(stage: Stage) -> None:
    """A channel that goes private is recorded as such, delays no other, and is brought up to date when it is back."""
    chat, other = stage.channel("Shut"), stage.channel("Open")
    async with stage.account() as account:
        await stage.pin(account, chat, other)
        async with stage.listening(account, sweep_seconds=0.4):
            await stage.hears(chat, chat.post("before"), "before")
            chat.ban()
            await eventually(lambda: _has_state(stage, chat.channel_id, ChannelState.PRIVATE))
            hidden = chat.post("while private")
            await stage.hears(other, other.post("elsewhere"), "elsewhere")
            chat.unban()
            await stage.hears(chat, hidden, "while private")
            await eventually(lambda: _has_state(stage, chat.channel_id, ChannelState.ACTIVE))


async def _has_state(stage: Stage, channel_id: int, state: ChannelState) -> bool:
    channel = await stage.store.channels.get(ChannelId(channel_id))
    return channel is not None and channel.state is state


async def test_flooded_difference_does_not_hold_up_posts(stage: Stage) -> None:
    """While getChannelDifference is flooded, new posts are recorded from history, and other channels go on."""
    chat, other = stage.channel("Flooded"), stage.channel("Drier")
    async with stage.account() as account:
        await stage.pin(account, chat, other)
        async with stage.listening(account, sweep_seconds=0.5):
            stage.sandbox.faults.flood_wait("updates.getChannelDifference", 900)
            stage.sandbox.faults.swallow_push(chat, 1)
            lost, heard = chat.post("lost"), chat.post("heard")
            await stage.hears(chat, lost, "lost")
            await stage.hears(chat, heard, "heard")
            await stage.hears(other, other.post("other"), "other")
            await stage.hears(chat, chat.post("later"), "later")
        assert stage.count("updates.getChannelDifference") == 1


async def test_flooded_overview_does_not_hold_up_polled_channels(stage: Stage) -> None:
    """While the overview is flooded, channels that are not joined are asked one by one at every sweep."""
    chat = stage.channel("Polled")
    async with stage.account() as account:
        await stage.pin(account, chat, mode=Mode.POLL)
        async with stage.listening(account, sweep_seconds=0.3):
            asked = stage.count("messages.getPeerDialogs")
            stage.sandbox.faults.flood_wait("messages.getPeerDialogs", 900)
            await stage.hears(chat, chat.post("first"), "first")
            await eventually(lambda: _is_flooded(stage))
            await stage.hears(chat, chat.post("second"), "second")
        assert stage.count("messages.getPeerDialogs") <= asked + 2


async def _is_flooded(stage: Stage) -> bool:
    return any(wait.method == "messages.getPeerDialogs" for wait in await stage.store.accounts.waits(utc_now()))


async def test_trouble_at_telegram_is_not_answered_with_haste(stage: Stage) -> None:
    """Sweeps that fail are tried again after growing pauses, and the first that gets through counts."""
    chat = stage.channel("Troubled")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account) as listener:
            before = listener.swept_at
            stage.sandbox.faults.error("messages.getPeerDialogs", 500, "INTERNAL", times=2)
            begun = asyncio.get_running_loop().time()
            listener._hear(types.UpdatesTooLong())

            async def swept() -> bool:
                return listener.swept_at != before

            await eventually(swept)
            assert asyncio.get_running_loop().time() - begun > 2.9


async def test_sweep_under_way_is_not_watched_busily(stage: Stage) -> None:
    """While a sweep that is due again is still under way, the loop sleeps."""
    chat = stage.channel("Slowly")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account) as listener:
            stage.sandbox.faults.delay("messages.getPeerDialogs", 0.5)
            waits = 0
            wait = listener._pulse.wait

            async def counted(seconds: float) -> bool:
                nonlocal waits
                waits += 1
                return await wait(seconds)

            listener._pulse.wait = counted  # type: ignore[method-assign]
            listener._hear(types.UpdatesTooLong())
            await asyncio.sleep(0.1)
            listener._hear(types.UpdatesTooLong())
            await asyncio.sleep(0.3)
            assert waits < 6


async def test_pts_that_went_back(stage: Stage) -> None:
    """When the server counts from lower than we do, new ids still have its history read, and its count is taken."""
    chat = stage.channel("Reset")
    async with stage.account() as account:
        await stage.pin(account, chat)
        ours = Heard(channel_id=ChannelId(chat.channel_id), how=How.PUSH, at=utc_now(), pts=1_000_000)
        await stage.store.intake.record(ours)
        number = chat.post("after the reset")
        async with stage.listening(account):
            await stage.hears(chat, number, "after the reset")
            asked = stage.count("messages.getPeerDialogs")
            await stage.hears(chat, chat.post("pushed"), "pushed")
            assert stage.count("messages.getPeerDialogs") == asked


async def test_lost_reply_does_not_deafen(stage: Stage) -> None:
    """A difference that is never answered holds up its own channel alone."""
    chat, other = stage.channel("Stuck"), stage.channel("Free")
    async with stage.account() as account:
        await stage.pin(account, chat, other)
        async with stage.listening(account):
            stage.sandbox.faults.lose_reply("updates.getChannelDifference")
            stage.sandbox.faults.swallow_push(chat, 1)
            chat.post("lost"), chat.post("behind")
            await asyncio.sleep(0.7)
            # Less than the time after which the call is given up.
            await stage.hears(other, other.post("other"), "other", seconds=20)


@pytest.mark.parametrize(("blow", "error"), [("revoke", AccountDead), ("duplicate", AccountDead), ("ban", AccountDead)])
async def test_lost_account_ends_the_listener(stage: Stage, blow: str, error: type[Exception]) -> None:
    """A session revoked, used elsewhere or banned while we listen ends the listener with the reason."""
    chat = stage.channel("Anyone")
    async with stage.account() as account:
        await stage.pin(account, chat)
        listener = Listener(account, stage.store, Pulse(asyncio.Event()), sweep_seconds=0.3, reader_nudge=lambda: None)
        task = asyncio.create_task(listener.run())
        await asyncio.sleep(0.2)
        getattr(stage.sandbox, blow)(stage.user)
        with pytest.raises((error, LoginNeeded)):
            await asyncio.wait_for(task, PATIENCE)


async def test_long_gap_of_deleted_ids(stage: Stage) -> None:
    """A run of 250 ids that were posted and deleted while we were away is accounted for as deleted."""
    chat = stage.channel("Purge")
    async with stage.account() as account:
        await stage.pin(account, chat)
    gone = [chat.post(f"gone {i}") for i in range(250)]
    last = chat.post("last")
    chat.delete(*gone)
    stage.sandbox.faults.difference_too_long(chat)
    async with stage.account() as account, stage.listening(account):
        await stage.complete(chat)
        assert await stage.told(chat, last) == ["last"]
        assert (await stage.store.channels.get(ChannelId(chat.channel_id))).top_id == last


async def test_pushes_lost_for_many_channels(stage: Stage) -> None:
    """With pushes off for a third of 30 channels, every post is recorded within a sweep and what a request takes."""
    chats = [stage.channel(f"Channel{number}") for number in range(30)]
    async with stage.account() as account:
        await stage.pin(account, *chats, mode=Mode.POLL)
        for chat in chats[10:]:
            chat.invite(stage.user)
        for chat in chats[10:20]:
            stage.sandbox.faults.swallow_push(chat, True)
        async with stage.listening(account, sweep_seconds=1.0):
            numbers = [(chat, chat.post(f"post in {chat.title}")) for chat in chats for _ in range(3)]
            for chat, number in numbers:
                await stage.hears(chat, number, f"post in {chat.title}")


async def test_store_failure_loses_nothing(stage: Stage) -> None:
    """What cannot be stored is not acknowledged: once the database takes rows again, it is asked for."""
    chat = stage.channel("Fullup")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            database = sqlite3.connect(stage.folder.parent / "earshot.db", timeout=PATIENCE, isolation_level=None)
            database.execute("CREATE TRIGGER full BEFORE INSERT ON raw_messages BEGIN SELECT RAISE(FAIL, 'full'); END")
            first, second = chat.post("first"), chat.post("second")
            await asyncio.sleep(0.5)
            assert await stage.told(chat, first) == []
            third = chat.post("third")
            await asyncio.sleep(0.2)
            database.execute("DROP TRIGGER full")
            database.close()
            for number, text in ((first, "first"), (second, "second"), (third, "third")):
                await stage.hears(chat, number, text)


async def test_update_too_long_sweeps(stage: Stage) -> None:
    """Whether the server says so of one channel or of all, a "too long" makes the listener ask."""
    one, two = stage.channel("Number1"), stage.channel("Number2")
    async with stage.account() as account:
        await stage.pin(account, one, two)
        async with stage.listening(account) as listener:
            stage.sandbox.faults.swallow_push("all", True)
            first = one.post("first")
            listener._hear(types.UpdateChannelTooLong(channel_id=one.id))
            await stage.hears(one, first, "first")
            second = two.post("second")
            listener._hear(types.UpdatesTooLong())
            await stage.hears(two, second, "second")


async def test_new_channel_while_listening(stage: Stage) -> None:
    """A channel pinned while the listener runs is heard from the next sweep on, one taken out no longer."""
    one, two = stage.channel("Number1"), stage.channel("Number2")
    async with stage.account() as account:
        await stage.pin(account, one)
        async with stage.listening(account, sweep_seconds=0.3) as listener:
            await stage.pin(account, two)
            # One may have been under way.
            await stage.sweeps(listener, 2)
            ignored, heard = one.post("ignored"), two.post("heard")
            await stage.hears(two, heard, "heard")
            assert await stage.told(one, ignored) == []


async def test_server_that_lost_its_count(stage: Stage) -> None:
    """A pts that the server does not accept is replaced by its own, and history says what was missed."""
    chat = stage.channel("Counted")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.error("updates.getChannelDifference", 400, "PERSISTENT_TIMESTAMP_INVALID")
        async with stage.listening(account):
            stage.sandbox.faults.swallow_push(chat, 1)
            lost, heard = chat.post("lost"), chat.post("heard")
            await stage.hears(chat, lost, "lost")
            await stage.hears(chat, heard, "heard")
            await stage.hears(chat, chat.post("after"), "after")


async def test_server_restart(stage: Stage) -> None:
    """While the server is away nothing fails; what was posted meanwhile is recorded when it is back."""
    chat = stage.channel("Away")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            await stage.sandbox.stop()
            number = chat.post("unseen")
            await asyncio.sleep(0.5)
            await stage.sandbox.start()
            await stage.hears(chat, number, "unseen")


async def test_stop_is_prompt(stage: Stage) -> None:
    """The listener stops at once, also while an answer is outstanding."""
    chat = stage.channel("Slow")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.delay("messages.getPeerDialogs", 30)
        stop = asyncio.Event()
        listener = Listener(account, stage.store, Pulse(stop), sweep_seconds=60, reader_nudge=lambda: None)
        task = asyncio.create_task(listener.run())
        await asyncio.sleep(0.1)
        stop.set()
        await asyncio.wait_for(task, 20)
