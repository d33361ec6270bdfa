"""Several accounts as one: channels spread, handed over when an account is lost, and nothing missed meanwhile."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.errors import AccountDead, EarshotError, LoginNeeded, Stuck
from bot.model import AccountState, Alarm, ChannelId, Mode
from bot.sandbox.chats import Chat
from bot.sandbox.world import User
from bot.telegram import Account, Fleet, Voice, WantedChannel, limits
from tests.telegram.conftest import PATIENCE, Stage, eventually
from tests.telegram.linked import linked

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

GENEROUS = limits(resolves_per_hour=100, resolves_per_day=200, joins_per_day=50)


async def _nothing() -> None:
    """Nothing happens."""


@dataclass
class Told:
    """What people were told, by name."""

    lines: dict[str, str] = field(default_factory=dict)
    alarms: dict[str, str] = field(default_factory=dict)
    # What happens while people are told.
    meanwhile: Callable[[], Awaitable[None]] = _nothing

    @property
    def voice(self) -> Voice:
        """Writes down here."""

        async def tell(name: str, text: str) -> None:
            self.lines.setdefault(name, text)
            await self.meanwhile()

        async def alarm(alarm: Alarm, text: str) -> None:
            self.alarms.setdefault(alarm.name, text)

        return Voice(tell=tell, alarm=alarm)


class Harbour:
    """A stage with accounts `main`, `second`, ..., each a person of its own."""

    def __init__(self, stage: Stage, *names: str) -> None:
        self.stage = stage
        self.told = Told()
        self.limits = GENEROUS
        self.stuck_seconds = 600.0
        self.users: dict[str, User] = {
            name: stage.sandbox.world.add_user(name, phone=f"+99900055{number:02}") for number, name in enumerate(names)
        }
        # Accounts whose session is not there.
        self.without_session: set[str] = set()

    def open_account(self, name: str) -> AbstractAsyncContextManager[Account]:
        """As the application opens it."""
        if name in self.without_session:
            raise LoginNeeded(f"{name}: there is no session yet")
        return linked(
            self.stage.sandbox,
            self.users[name],
            self.stage.folder,
            name=name,
            store=self.stage.store,
            limits=self.limits,
        )

    def fleet(self, stop: asyncio.Event, wanted: list[WantedChannel]) -> Fleet:
        """The fleet, not opened yet."""
        return Fleet(
            self.stage.store,
            stop,
            tuple(self.users),
            wanted,
            open_account=self.open_account,
            voice=self.told.voice,
            sweep_seconds=self.sweep_seconds,
            stuck_seconds=self.stuck_seconds,
            reader_nudge=lambda: None,
            lost_seconds=1.0,
        )

    sweep_seconds = 1.0

    @asynccontextmanager
    async def at_work(self, wanted: list[WantedChannel]) -> AsyncIterator[Fleet]:
        """The fleet, all channels pinned, its loops running; what ended it is raised at the end."""
        stop = asyncio.Event()
        fleet = self.fleet(stop, wanted)
        try:
            await fleet.open()
            await fleet.pin()
            task = asyncio.create_task(fleet.run())
            try:
                yield fleet
            finally:
                stop.set()
                await task
        finally:
            await fleet.close()

    async def carriers(self) -> dict[int, str | None]:
        """Channel id to the account that carries it, as stored."""
        return {channel.channel_id: channel.account for channel in await self.stage.store.channels.all()}

    async def states(self) -> dict[str, AccountState]:
        """Account to state, as stored."""
        return {account.name: account.state for account in await self.stage.store.accounts.all()}


def want(chats: list[Chat], mode: Mode = Mode.POLL) -> list[WantedChannel]:
    """These channels by handle."""
    return [WantedChannel(handle=chat.handle, mode=mode) for chat in chats]


def channels(stage: Stage, count: int) -> list[Chat]:
    """So many channels with two posts each."""
    return [stage.channel(f"Channel{number}", posts=2) for number in range(count)]


async def test_spread_and_heard(stage: Stage) -> None:
    """Channels are spread evenly, each looked up by the account that carries it, and all are heard."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 6)
    async with harbour.at_work(want(chats)) as fleet:
        load = Counter((await harbour.carriers()).values())
        assert load == {"main": 3, "second": 3}
        for chat in chats:
            await stage.hears(chat, chat.post("new"), "new")
            account = fleet.account_of(ChannelId(chat.channel_id))
            assert account.name == (await harbour.carriers())[chat.channel_id]
    assert stage.count("contacts.resolveUsername") == 6
    asked = Counter(call.user_id for call in stage.sandbox.calls if call.method == "contacts.resolveUsername")
    assert set(asked.values()) == {3}


LOSSES: dict[str, tuple[Callable[[Stage, User], None], AccountState]] = {
    "banned": (lambda stage, user: stage.sandbox.ban(user), AccountState.BANNED),
    "frozen": (lambda stage, user: stage.sandbox.freeze(user, hard=True), AccountState.FROZEN),
    "revoked": (lambda stage, user: stage.sandbox.revoke(user), AccountState.REVOKED),
    "used elsewhere": (lambda stage, user: stage.sandbox.duplicate(user), AccountState.REVOKED),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_account_loses_nothing(stage: Stage, loss: str) -> None:
    """When an account is lost, people are told, its channels are heard by the other, and what was posted in between is there."""
    lose, state = LOSSES[loss]
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 4)
    async with harbour.at_work(want(chats)):
        orphans = [chat for chat in chats if (await harbour.carriers())[chat.channel_id] == "second"]
        assert len(orphans) == 2
        stage.sandbox.faults.swallow_push("all", times=True)
        lose(stage, harbour.users["second"])
        before = [(chat, chat.post("in between")) for chat in chats]

        async def told() -> bool:
            return "account:second" in harbour.told.alarms

        await eventually(told)
        assert set((await harbour.carriers()).values()) == {"main"}
        for chat, message_id in [*before, *((chat, chat.post("afterwards")) for chat in orphans)]:
            await stage.hears(chat, message_id, chat.message(message_id).text)
            await stage.complete(chat)
    assert (await harbour.states())["second"] is state
    assert state.value in harbour.told.alarms["account:second"]
    assert "heard from now on: 2 by main" in harbour.told.alarms["account:second"]


async def test_the_last_loss_ends_it(stage: Stage) -> None:
    """With the last account lost, the fleet ends with the reason."""
    harbour, chats = Harbour(stage, "main"), channels(stage, 1)
    fleet = harbour.fleet(asyncio.Event(), want(chats))
    await fleet.open()
    await fleet.pin()
    stage.sandbox.ban(harbour.users["main"])
    with pytest.raises(AccountDead, match="USER_DEACTIVATED_BAN"):
        await asyncio.wait_for(fleet.run(), PATIENCE)
    await fleet.close()
    assert await harbour.states() == {"main": AccountState.BANNED}
    assert harbour.told.alarms == {}


async def test_without_a_session(stage: Stage) -> None:
    """An account that has no session is a state, not the end, while another works; when none has one, that is the error."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 2)
    harbour.without_session = {"second"}
    async with harbour.at_work(want(chats)):
        assert set((await harbour.carriers()).values()) == {"main"}
    assert await harbour.states() == {"main": AccountState.ACTIVE, "second": AccountState.REVOKED}
    harbour.without_session = {"main", "second"}
    fleet = harbour.fleet(asyncio.Event(), want(chats))
    with pytest.raises(LoginNeeded, match="main: there is no session yet"):
        await fleet.open()
    await fleet.close()


async def test_lost_while_pinning(stage: Stage) -> None:
    """An account that turns out to be lost while channels are handed out gets none."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 4)
    stop = asyncio.Event()
    fleet = harbour.fleet(stop, want(chats))
    await fleet.open()
    stage.sandbox.ban(harbour.users["second"])
    pinned = await fleet.pin()
    assert {channel.account for channel in pinned.channels} == {"main"}
    assert len(pinned.channels) == 4
    task = asyncio.create_task(fleet.run())

    async def told() -> bool:
        return "account:second" in harbour.told.alarms

    await eventually(told)
    stop.set()
    await task
    await fleet.close()


async def test_lost_when_all_is_handed_out(stage: Stage) -> None:
    """An account that is lost between the last answer and the books does not stand in them as being at work."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 2)
    async with harbour.at_work(want(chats)) as fleet:

        async def lose() -> None:
            stage.sandbox.ban(harbour.users["second"])

            async def booked() -> bool:
                return (await harbour.states())["second"] is AccountState.BANNED

            await eventually(booked)

        harbour.told.meanwhile = lose
        chats[0].set_handle("another")
        await fleet.pin()
        assert harbour.told.lines, "nobody was told of the new name, so nothing happened meanwhile"
        assert (await harbour.states())["second"] is AccountState.BANNED


async def test_a_loss_that_cannot_be_stored_is_stored_later(stage: Stage) -> None:
    """Else the account would stand there as being at work, and no alarm would say otherwise."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 2)
    async with harbour.at_work(want(chats)) as fleet:
        database = sqlite3.connect(stage.folder.parent / "earshot.db", timeout=PATIENCE, isolation_level=None)
        database.execute("CREATE TRIGGER full BEFORE UPDATE ON accounts BEGIN SELECT RAISE(FAIL, 'full'); END")
        stage.sandbox.ban(harbour.users["second"])

        async def lost() -> bool:
            return "second" not in fleet.crews

        await eventually(lost)
        await asyncio.sleep(0.5)
        assert (await harbour.states())["second"] is AccountState.ACTIVE
        database.execute("DROP TRIGGER full")
        database.close()

        async def booked() -> bool:
            return (await harbour.states())["second"] is AccountState.BANNED

        await eventually(booked)


async def test_all_lost_while_pinning(stage: Stage) -> None:
    """When every account turns out to be lost while channels are handed out, that is the error, however often one tries."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 1)
    fleet = harbour.fleet(asyncio.Event(), want(chats))
    await fleet.open()
    for user in harbour.users.values():
        stage.sandbox.ban(user)
    for _ in range(2):
        with pytest.raises(AccountDead, match="USER_DEACTIVATED_BAN"):
            await fleet.pin()
    await fleet.close()


async def test_a_full_account_makes_room_elsewhere(stage: Stage) -> None:
    """When Telegram lets an account join no more, what it has not joined goes to another that has room."""
    stage.sandbox.world.limits.channels = 3
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 4)
    for number in range(2):
        stage.sandbox.world.add_channel(f"Own {number}").invite(harbour.users["main"])
    async with harbour.at_work(want(chats, Mode.JOIN)):

        async def joined() -> bool:
            return all(channel.joined for channel in await stage.store.channels.all())

        await eventually(joined)
        assert Counter((await harbour.carriers()).values()) == {"main": 1, "second": 3}


async def test_what_an_account_is_in_already_goes_to_it(stage: Stage) -> None:
    """A channel that one account is in already is carried by it, takes no slot, and its name is not looked up."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 3)
    for chat in chats:
        chat.invite(harbour.users["second"])
    async with harbour.at_work(want(chats, Mode.JOIN)):
        assert set((await harbour.carriers()).values()) == {"second"}
    assert stage.count("contacts.resolveUsername") == 0
    assert stage.count("channels.joinChannel") == 0


async def test_a_move_is_checked_against_the_pinned_id(stage: Stage) -> None:
    """A handle that another channel has taken over does not lead the new carrier to the impostor."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 2)
    async with harbour.at_work(want(chats)):
        carriers = await harbour.carriers()
        (orphan,) = [chat for chat in chats if carriers[chat.channel_id] == "second"]
        handle = orphan.handle
        assert handle is not None
        impostor = stage.channel("Impostor")
        impostor.set_handle(handle)
        impostor.post("lies")
        stage.sandbox.ban(harbour.users["second"])

        async def told() -> bool:
            return "account:second" in harbour.told.alarms

        await eventually(told)
        assert "waiting to be looked up by another account: 1" in harbour.told.alarms["account:second"]
    ids = {channel.channel_id for channel in await stage.store.channels.all()}
    assert ids == {chat.channel_id for chat in chats}


async def test_a_channel_that_could_not_be_handed_over_is_soon_looked_for_again(stage: Stage) -> None:
    """A channel that is private while its account is lost is heard again soon after it is back, nothing missing."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 2)
    async with harbour.at_work(want(chats)) as fleet:
        carriers = await harbour.carriers()
        (orphan,) = [chat for chat in chats if carriers[chat.channel_id] == "second"]
        orphan.make_private()
        stage.sandbox.ban(harbour.users["second"])

        async def handed_out() -> bool:
            return "account:second" in harbour.told.alarms

        await eventually(handed_out)
        orphan.make_public()
        post = orphan.post("after all that")

        async def heard() -> bool:
            channel = await stage.store.channels.get(ChannelId(orphan.channel_id))
            return channel is not None and channel.account == "main" and channel.top_id >= post

        await eventually(heard)
        assert fleet.account_of(ChannelId(orphan.channel_id)).name == "main"


async def test_the_budget_holds_when_many_move(stage: Stage) -> None:
    """With a small budget, a lost account's channels are taken over as far as it goes, the most urgent first."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 6)
    harbour.limits = limits(resolves_per_hour=4, resolves_per_day=4, joins_per_day=5)
    wanted = [
        WantedChannel(handle=chat.handle, mode=Mode.POLL, priority=1 + number) for number, chat in enumerate(chats)
    ]
    async with harbour.at_work(wanted):
        mine = [chat for chat in chats if (await harbour.carriers())[chat.channel_id] == "second"]
        stage.sandbox.ban(harbour.users["second"])

        async def told() -> bool:
            return "account:second" in harbour.told.alarms

        await eventually(told)
        rows = {channel.channel_id: channel for channel in await stage.store.channels.all()}
        reached = [bool(rows[ChannelId(chat.channel_id)].access_hash) for chat in mine]
        assert reached == [True, False, False]
        await stage.hears(mine[0], mine[0].post("new"), "new")
    assert stage.count("contacts.resolveUsername") == 7


async def test_no_names_looked_up_over_restarts(stage: Stage) -> None:
    """Sixty channels over two accounts: after the first start, five more and the sweeps in between look no name up."""
    harbour, chats = Harbour(stage, "main", "second"), channels(stage, 60)
    async with harbour.at_work(want(chats)):
        pass
    assert stage.count("contacts.resolveUsername") == 60
    for number in range(5):
        async with harbour.at_work(want(chats)):
            message_id = chats[number].post("new")
            await stage.hears(chats[number], message_id, "new")
    assert stage.count("contacts.resolveUsername") == 60


async def test_another_account_takes_its_share_only_when_needed(stage: Stage) -> None:
    """Adding an account to a running deployment moves nothing that has room where it is."""
    harbour, chats = Harbour(stage, "main"), channels(stage, 4)
    async with harbour.at_work(want(chats)):
        pass
    harbour.users["second"] = stage.sandbox.world.add_user("second", phone="+9990006600")
    async with harbour.at_work(want(chats)):
        assert set((await harbour.carriers()).values()) == {"main"}
    assert stage.count("contacts.resolveUsername") == 4


async def test_new_words_are_told_once(stage: Stage) -> None:
    """A refusal in words that nobody knows is told, with the method, once."""
    harbour, chats = Harbour(stage, "main"), channels(stage, 1)
    async with harbour.at_work(want(chats)):
        stage.sandbox.faults.error("messages.getPeerDialogs", 400, "TELEPATHY_REQUIRED")

        async def told() -> bool:
            return bool(harbour.told.lines)

        await eventually(told)
    assert harbour.told.lines == {
        "new:TELEPATHY_REQUIRED:messages.getPeerDialogs": "Telegram said something new: TELEPATHY_REQUIRED to "
        "messages.getPeerDialogs"
    }


@pytest.mark.drill
async def test_a_standstill_is_mended(stage: Stage) -> None:
    """When overviews are never answered though the connection stands, it is made anew, and what came since is heard."""
    harbour, chats = Harbour(stage, "main"), channels(stage, 1)
    # More than one lost answer costs: the new listener may have asked before the fault is over.
    harbour.stuck_seconds = 15.0
    async with harbour.at_work(want(chats)) as fleet:
        first = fleet.crews["main"].listener
        await stage.hears(chats[0], chats[0].post("before"), "before")
        stage.sandbox.faults.delay("messages.getPeerDialogs", 3600)
        stage.sandbox.faults.swallow_push("all", times=True)

        async def rebuilt() -> bool:
            return fleet.crews["main"].listener is not first

        await eventually(rebuilt)
        assert (await harbour.states())["main"] is AccountState.STUCK
        stage.sandbox.faults.delay("messages.getPeerDialogs", 0)
        await stage.hears(chats[0], chats[0].post("after"), "after")

        async def well() -> bool:
            return (await harbour.states())["main"] is AccountState.ACTIVE

        await eventually(well)


async def test_stuck_twice_is_the_end(stage: Stage) -> None:
    """When nothing comes over the new connection either, the process is to be started afresh."""
    harbour, chats = Harbour(stage, "main"), channels(stage, 1)
    harbour.stuck_seconds = 2.0
    stop = asyncio.Event()
    fleet = harbour.fleet(stop, want(chats))
    await fleet.open()
    await fleet.pin()
    stage.sandbox.faults.delay("messages.getPeerDialogs", 3600)
    stage.sandbox.faults.delay("updates.getChannelDifference", 3600)
    with pytest.raises(Stuck) as stuck:
        await asyncio.wait_for(fleet.run(), 40)
    assert stuck.value.exit_code == 9
    assert isinstance(stuck.value, EarshotError)
    await fleet.close()


@pytest.mark.drill
async def test_an_unreachable_network_ends_nothing(stage: Stage) -> None:
    """While the server cannot be reached nobody is stuck; once it is back, hearing goes on."""
    harbour, chats = Harbour(stage, "main"), channels(stage, 1)
    harbour.stuck_seconds = 2.0
    async with harbour.at_work(want(chats)) as fleet:
        await stage.hears(chats[0], chats[0].post("before"), "before")
        first = fleet.crews["main"].listener
        stage.sandbox.faults.refuse_connections()
        stage.sandbox.faults.drop_connection()
        await asyncio.sleep(6)
        assert fleet.crews["main"].listener is first
        stage.sandbox.faults.refuse_connections(False)
        await stage.hears(chats[0], chats[0].post("after"), "after")
