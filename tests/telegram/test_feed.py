"""What a channel goes through, over real Telethon against the sandbox: closed and back, silent ids, moves, orders."""

import asyncio

import pytest
from telethon.tl import functions, types

from bot.model import Channel, ChannelId, ChannelState, Gap, How, MessageId, Mode, utc_now
from bot.pulse import Pulse
from bot.sandbox.chats import Chat
from bot.telegram import Account, Listener, Seeker, WantedChannel, pin_channels
from tests.telegram.conftest import PATIENCE, Stage, eventually

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


async def row(stage: Stage, chat: Chat) -> Channel:
    """The channel as stored."""
    channel = await stage.store.channels.get(ChannelId(chat.channel_id))
    assert channel is not None
    return channel


async def gaps(stage: Stage, chat: Chat) -> list[tuple[int, int, str]]:
    """First id, last id and reason of its gaps."""
    found: tuple[Gap, ...] = await stage.store.channels.gaps(ChannelId(chat.channel_id))
    return [(gap.first, gap.last, gap.reason) for gap in found]


class Asked:
    """Stands before an account's `call` and keeps the requests."""

    def __init__(self, account: Account) -> None:
        self.requests: list[object] = []
        self._call = account.call
        account.call = self._asked  # type: ignore[method-assign]

    async def _asked(self, request: object, **options: object) -> object:
        self.requests.append(request)
        return await self._call(request, **options)  # type: ignore[arg-type]

    def ids(self) -> list[int]:
        """All ids that were asked for one by one."""
        lists = [one.id for one in self.requests if isinstance(one, functions.channels.GetMessagesRequest)]
        return [wanted.id for ids in lists for wanted in ids]

    def overviews(self) -> list[int]:
        """How many channels each overview asked about."""
        return [len(one.peers) for one in self.requests if isinstance(one, functions.messages.GetPeerDialogsRequest)]


async def test_closed_for_a_while(stage: Stage) -> None:
    """A channel that closes and comes back is told with evidence; 40 posts, edits and deletions meanwhile are made good."""
    chat = stage.channel("Shut")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account, sweep_seconds=0.4):
            kept, changed, gone = chat.post("kept"), chat.post("before"), chat.post("gone")
            await stage.hears(chat, gone, "gone")
            chat.make_private()
            await eventually(lambda: in_state(stage, chat, ChannelState.PRIVATE))
            told = await row(stage, chat)
            assert "CHANNEL_PRIVATE" in (told.state_reason or "")
            assert told.state_since is not None
            numbers = [chat.post(f"hidden {number}") for number in range(40)]
            chat.edit(changed, "after")
            chat.delete(gone, numbers[7])
            chat.make_public()
            await stage.complete(chat)
            await stage.hears(chat, changed, "before", "after")
            await stage.hears(chat, gone, "gone", None)
            await stage.hears(chat, kept, "kept")
            for place in (0, 39):
                await stage.hears(chat, numbers[place], f"hidden {place}")
            await eventually(lambda: in_state(stage, chat, ChannelState.ACTIVE))
            await stage.hears(chat, chat.post("pushed again"), "pushed again")


async def in_state(stage: Stage, chat: Chat, state: ChannelState) -> bool:
    """Whether the channel is stored as being in that state."""
    return (await row(stage, chat)).state is state


async def test_lost_membership_is_noticed(stage: Stage) -> None:
    """When we are in a public channel no longer, the overview says so, so that it is joined again, and polled until then."""
    chat = stage.channel("Dropped")
    async with stage.account() as account:
        await stage.pin(account, chat)
        assert (await row(stage, chat)).joined
        async with stage.listening(account, sweep_seconds=0.4):
            chat.remove(stage.user)

            async def noticed() -> bool:
                return not (await row(stage, chat)).joined

            await eventually(noticed)
            await stage.hears(chat, chat.post("polled"), "polled")


async def test_silent_id(stage: Stage) -> None:
    """An id that the server answers in no way stays a gap that says why, and is not asked for at every sweep."""
    chat = stage.channel("Silent")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.swallow_push(chat, 2)
        silent, told = chat.post("silent"), chat.post("told")
        stage.sandbox.faults.omit_ids(chat, [silent])
        asked = Asked(account)
        async with stage.listening(account, sweep_seconds=0.2) as listener:
            await stage.hears(chat, told, "told")

            async def explained() -> bool:
                return await gaps(stage, chat) == [(silent, silent, "asked for, not answered")]

            await eventually(explained)
            before = asked.ids().count(silent)
            await stage.sweeps(listener, 4)
            assert asked.ids().count(silent) == before
        stage.sandbox.faults.omit_ids(chat, [])
        async with stage.listening(account):
            await stage.complete(chat)
        assert await stage.told(chat, silent) == ["silent"]


async def test_how_each_id_was_learned(stage: Stage) -> None:
    """The coverage says which ids were pushed, told by a difference, or found by a sweep."""
    chat = stage.channel("Learned")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account):
            pushed = chat.post("pushed")
            await stage.complete(chat)
            stage.sandbox.faults.swallow_push(chat, 1)
            chat.post("lost")
            await stage.hears(chat, chat.post("behind"), "behind")
        coverage = await stage.store.channels.coverage(ChannelId(chat.channel_id))
        assert (coverage.first, coverage.gaps) == (pushed, ())
        assert coverage.ids == {("stored", How.PUSH): 2, ("stored", How.DIFFERENCE): 1}


async def test_urgent_channels_are_looked_at_twice_as_often(stage: Stage) -> None:
    """Between two sweeps of all channels there is one of the urgent channel alone."""
    urgent, other = stage.channel("Urgent"), stage.channel("Other")
    async with stage.account() as account:
        wanted = [WantedChannel(handle=urgent.handle, priority=1), WantedChannel(handle=other.handle, priority=5)]
        assert (await pin_channels([Seeker(account)], stage.store, wanted)).problems == ()
        asked = Asked(account)
        async with stage.listening(account, sweep_seconds=1.0) as listener:
            await stage.sweeps(listener, 4)
        overviews = asked.overviews()
        assert overviews[0] == 2
        assert set(overviews) == {1, 2}


@pytest.mark.drill
async def test_lost_replies_cost_their_own_channels_alone(stage: Stage) -> None:
    """Twelve differences are never answered, more than may be asked at once; the thirteenth channel is heard meanwhile."""
    stuck = [stage.channel(f"Stuck{number}") for number in range(12)]
    free = stage.channel("Free1")
    async with stage.account() as account:
        await stage.pin(account, *stuck, free)
        async with stage.listening(account):
            stage.sandbox.faults.lose_reply("updates.getChannelDifference", times=12)
            for chat in stuck:
                stage.sandbox.faults.swallow_push(chat, 1)
                chat.post("lost"), chat.post("behind")

            async def all_lost() -> bool:
                return stage.count("updates.getChannelDifference") >= 12

            await eventually(all_lost)
            stage.sandbox.faults.swallow_push(free, 1)
            lost, behind = free.post("lost"), free.post("behind")
            # Less than the time after which a question is given up.
            await stage.hears(free, lost, "lost", seconds=9)
            await stage.hears(free, behind, "behind", seconds=9)
            for chat in stuck:
                await stage.complete(chat)


@pytest.mark.drill
async def test_lost_overview(stage: Stage) -> None:
    """An overview that is never answered holds up no pushes, and is asked for again."""
    chat = stage.channel("Overlooked")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account) as listener:
            stage.sandbox.faults.lose_reply("messages.getPeerDialogs")
            listener.sweep_now()
            await asyncio.sleep(0.1)
            await stage.hears(chat, chat.post("pushed"), "pushed", seconds=9)
            stage.sandbox.faults.swallow_push(chat, 1)
            await stage.hears(chat, chat.post("swept"), "swept")


async def test_channels_that_move(stage: Stage) -> None:
    """A channel that another account is to carry is dropped, one that comes is heard from where it was left."""
    one, two = stage.channel("Number1"), stage.channel("Number2")
    async with stage.account() as account:
        await stage.pin(account, one, two)
        await stage.store.channels.carry({ChannelId(two.channel_id): "other"})
        left = two.post("left behind")
        async with stage.listening(account) as listener:
            await stage.hears(one, one.post("ours"), "ours")
            assert await stage.told(two, left) == []
            await stage.store.channels.carry({ChannelId(one.channel_id): "other", ChannelId(two.channel_id): "main"})
            listener.reload()
            await stage.hears(two, left, "left behind")
            theirs = one.post("theirs")
            await stage.hears(two, two.post("pushed"), "pushed")
            assert await stage.told(one, theirs) == []


async def test_lost_time(stage: Stage) -> None:
    """After a suspend the connection is made anew, whatever it says of itself, and every channel is looked at."""
    chat = stage.channel("Asleep")
    async with stage.account() as account:
        await stage.pin(account, chat)
        reconnected = []
        leave = account.listen(lambda update: None, lambda: reconnected.append(True))
        async with stage.listening(account) as listener:
            stage.sandbox.faults.swallow_push(chat, True)
            number = chat.post("while asleep")
            listener._woken(60.0)
            await stage.hears(chat, number, "while asleep")

            async def anew() -> bool:
                return bool(reconnected)

            await eventually(anew)
        leave()


async def test_repair_by_order(stage: Stage) -> None:
    """A repair that was ordered through the store asks for silent ids at once, and is then done."""
    chat = stage.channel("Ordered")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stage.sandbox.faults.swallow_push(chat, 2)
        silent, told = chat.post("silent"), chat.post("told")
        stage.sandbox.faults.omit_ids(chat, [silent])
        async with stage.listening(account, sweep_seconds=0.5) as listener:
            await stage.hears(chat, told, "told")
            await stage.sweeps(listener, 1)
            stage.sandbox.faults.omit_ids(chat, [])
            await stage.store.channels.order_repair(ChannelId(chat.channel_id), utc_now())
            await stage.complete(chat)

            async def done() -> bool:
                return (await row(stage, chat)).repair_wanted is None

            await eventually(done)
        assert await stage.told(chat, silent) == ["silent"]


async def test_repair_that_has_to_wait(stage: Stage) -> None:
    """While ids may not be asked for, an ordered repair is not done, and nobody is kept from hearing."""
    chat, other = stage.channel("Waiting"), stage.channel("Hearing")
    async with stage.account() as account:
        await stage.pin(account, chat, other)
        stage.sandbox.faults.swallow_push(chat, 2)
        silent, told = chat.post("silent"), chat.post("told")
        stage.sandbox.faults.omit_ids(chat, [silent])
        async with stage.listening(account, sweep_seconds=0.5) as listener:
            await stage.hears(chat, told, "told")
            await stage.sweeps(listener, 1)
            stage.sandbox.faults.omit_ids(chat, [])
            stage.sandbox.faults.flood_wait("channels.getMessages", 900)
            await stage.store.channels.order_repair(ChannelId(chat.channel_id), utc_now())
            await stage.sweeps(listener, 3)
            await stage.hears(other, other.post("other"), "other")
            await stage.hears(chat, chat.post("pushed"), "pushed")
            assert (await row(stage, chat)).repair_wanted is not None
            assert await gaps(stage, chat) == [(silent, silent, "asked for, not answered")]


async def test_progress(stage: Stage) -> None:
    """Hints, sweeps and answers count as progress."""
    chat = stage.channel("Moving")
    async with stage.account() as account:
        await stage.pin(account, chat)
        async with stage.listening(account) as listener:
            before = listener.progress_at
            assert before > 0
            await stage.hears(chat, chat.post("post"), "post")
            assert listener.progress_at > before


async def test_too_long_for_one_of_many_posts(stage: Stage) -> None:
    """After more events than the server tells, posts, edits and deletions of posts that we hold are found all the same."""
    chat = stage.channel("Verbose")
    async with stage.account() as account:
        await stage.pin(account, chat, mode=Mode.POLL)
        async with stage.listening(account):
            held = [chat.post(f"held {number}") for number in range(150)]
            listener_sees = MessageId(held[-1])
        async with stage.listening(account):
            await stage.complete(chat)
        stage.sandbox.faults.difference_limit(101)
        for number in range(110):
            chat.post(f"new {number}")
        chat.edit(held[3], "edited")
        chat.delete(held[140])
        async with stage.listening(account):
            await stage.complete(chat)
            await stage.hears(chat, held[3], "held 3", "edited")
            await stage.hears(chat, held[140], "held 140", None)
        assert (await row(stage, chat)).top_id > listener_sees


async def test_spent_listener_leaves_nothing(stage: Stage) -> None:
    """A listener that has ended does nothing any more, whoever calls."""
    chat = stage.channel("Ended")
    async with stage.account() as account:
        await stage.pin(account, chat)
        stop = asyncio.Event()
        listener = Listener(account, stage.store, Pulse(stop), sweep_seconds=60, reader_nudge=lambda: None)
        task = asyncio.create_task(listener.run())
        await asyncio.sleep(0.3)
        stop.set()
        await asyncio.wait_for(task, PATIENCE)
        listener._hear(types.UpdateChannelTooLong(channel_id=chat.id))
        asked = len(stage.sandbox.calls)
        await asyncio.sleep(0.2)
        assert len(stage.sandbox.calls) == asked
