"""Names become pinned ids, once; whatever is wrong with one channel is a line about it."""

import asyncio

import pytest

from bot.errors import AccountDead
from bot.model import Channel, ChannelId, Mode
from bot.pulse import Pulse
from bot.telegram import Account, Pinner, WantedChannel, pin_channels
from tests.telegram.conftest import Stage, eventually

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


def want(*handles: str, mode: Mode = Mode.POLL) -> list[WantedChannel]:
    """Channels by handle."""
    return [WantedChannel(handle=handle, mode=mode) for handle in handles]


async def pinned(stage: Stage, account: Account, wanted: list[WantedChannel]) -> dict[str | None, Channel]:
    """Pin without a problem; the channels by handle."""
    found, problems = await pin_channels(account, stage.store, wanted, join_pause=0)
    assert problems == []
    return {channel.handle: channel for channel in found}


async def test_pinned_from_now_on(stage: Stage) -> None:
    """A new channel is pinned by id and hash, watched from the message after its newest, with the pts of that moment."""
    chat = stage.channel("Gurulev", posts=7)
    chat.edit(3, "edited")
    async with stage.account() as account:
        wanted = [
            WantedChannel(handle="gurulev", category="lawmaker", priority=1, language="ru", mode=Mode.POLL),
        ]
        channel = (await pinned(stage, account, wanted))["gurulev"]
    assert channel.channel_id == chat.channel_id
    assert channel.access_hash == stage.sandbox.world.access_hash(stage.user.id, chat.key)
    assert (channel.title, channel.category, channel.priority, channel.language) == ("Gurulev", "lawmaker", 1, "ru")
    assert (channel.top_id, channel.watch_from, channel.pts) == (7, 8, chat.log.pts)
    assert not channel.joined


async def test_second_start_resolves_nothing(stage: Stage) -> None:
    """Starting again looks no name up, joins nothing anew, and moves nothing."""
    for name in ("Alpha1", "Beta22", "Gamma3"):
        stage.channel(name, posts=2)
    wanted = want("alpha1", "beta22", "gamma3", mode=Mode.JOIN)
    async with stage.account() as account:
        first = await pinned(stage, account, wanted)
    resolved, joined = stage.count("contacts.resolveUsername"), stage.count("channels.joinChannel")
    assert (resolved, joined) == (3, 3)
    stage.sandbox.world.channels[next(iter(stage.sandbox.world.channels))].post("meanwhile")
    async with stage.account() as account:
        assert await pinned(stage, account, wanted) == first
    assert stage.count("contacts.resolveUsername") == resolved
    assert stage.count("channels.joinChannel") == joined


async def test_settings_follow_the_configuration(stage: Stage) -> None:
    """A changed category, priority or language is taken over; what is known of the channel stays."""
    stage.channel("Alpha1", posts=2)
    async with stage.account() as account:
        before = (await pinned(stage, account, want("alpha1")))["alpha1"]
        wanted = [WantedChannel(handle="ALPHA1", category="blogger", priority=2, language="uk", mode=Mode.POLL)]
        after = (await pinned(stage, account, wanted))["ALPHA1"]
    assert (after.category, after.priority, after.language) == ("blogger", 2, "uk")
    assert (after.watch_from, after.pts) == (before.watch_from, before.pts)
    assert stage.count("contacts.resolveUsername") == 1


async def test_problems_stop_nobody(stage: Stage) -> None:
    """Unknown names, people and bad names are a line each; the others are pinned."""
    stage.channel("Alpha1")
    stage.sandbox.world.add_user("Person", phone="+9990003333", handle="someone")
    async with stage.account() as account:
        found, problems = await pin_channels(
            account,
            stage.store,
            [*want("nobody_here", "someone", "alpha1"), WantedChannel(channel_id=ChannelId(-1001))],
        )
    assert [channel.handle for channel in found] == ["alpha1"]
    assert len(problems) == 3
    assert problems[0].startswith("@nobody_here: no such channel")
    assert problems[1].startswith("@someone: this name belongs to a person")
    assert problems[2].startswith("-1001: this account does not know the channel")


async def test_flood_on_names(stage: Stage) -> None:
    """After a flood wait on names, known channels are still watched and no further name is asked for."""
    for name in ("Alpha1", "Beta22", "Gamma3"):
        stage.channel(name)
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
        stage.sandbox.faults.flood_wait("contacts.resolveUsername", 50_000)
        found, problems = await pin_channels(account, stage.store, want("beta22", "gamma3", "alpha1"))
    assert [channel.handle for channel in found] == ["alpha1"]
    assert len(problems) == 2
    assert all("Telegram asks to wait with contacts.resolveUsername" in problem for problem in problems)
    assert stage.count("contacts.resolveUsername") == 2


async def test_flood_on_joins(stage: Stage) -> None:
    """A flood wait on joins leaves the channels pinned and polled."""
    stage.channel("Alpha1"), stage.channel("Beta22")
    stage.sandbox.faults.flood_wait("channels.joinChannel", 900)
    async with stage.account() as account:
        found = await pinned(stage, account, want("alpha1", "beta22", mode=Mode.JOIN))
        assert [channel.joined for channel in found.values()] == [False, False]
        assert [wait.method for wait in account.waits] == ["channels.joinChannel"]
    assert stage.count("channels.joinChannel") == 1


async def test_full_account(stage: Stage) -> None:
    """An account that may join no more follows by polling, and says so."""
    stage.channel("Alpha1")
    stage.sandbox.faults.error("channels.joinChannel", 400, "CHANNELS_TOO_MUCH")
    async with stage.account() as account:
        found, problems = await pin_channels(account, stage.store, want("alpha1", mode=Mode.JOIN))
    assert not found[0].joined
    assert problems == ["@alpha1: not joined, but polled: Telegram refused channels.joinChannel: CHANNELS_TOO_MUCH"]


async def test_renamed(stage: Stage) -> None:
    """A channel that is called otherwise now keeps being watched by its id, and is reported; its name is not asked for."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
        chat.set_handle("omega9")
        found, problems = await pin_channels(account, stage.store, want("alpha1"))
    assert [channel.channel_id for channel in found] == [chat.channel_id]
    assert len(problems) == 1
    assert "is now @omega9" in problems[0]
    assert stage.count("contacts.resolveUsername") == 1


async def test_swapped_names(stage: Stage) -> None:
    """Two channels that swap names stay the two that were pinned."""
    one, two = stage.channel("Alpha1"), stage.channel("Beta22")
    async with stage.account() as account:
        before = await pinned(stage, account, want("alpha1", "beta22"))
        one.set_handle("spare7")
        two.set_handle("alpha1")
        one.set_handle("beta22")
        found, problems = await pin_channels(account, stage.store, want("alpha1", "beta22"))
    assert {channel.handle: channel.channel_id for channel in found} == {
        handle: channel.channel_id for handle, channel in before.items()
    }
    assert len(problems) == 2


async def test_new_name_in_the_configuration(stage: Stage) -> None:
    """When the configuration follows a rename, the channel keeps its past."""
    chat = stage.channel("Alpha1", posts=3)
    async with stage.account() as account:
        before = (await pinned(stage, account, want("alpha1")))["alpha1"]
        chat.set_handle("omega9")
        chat.post("meanwhile")
        after = (await pinned(stage, account, want("omega9")))["omega9"]
    assert (after.channel_id, after.watch_from, after.pts) == (before.channel_id, before.watch_from, before.pts)


async def test_left_the_configuration(stage: Stage) -> None:
    """A channel that has left the configuration is kept and no longer watched; it may come back."""
    stage.channel("Alpha1"), stage.channel("Beta22")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1", "beta22"))
        assert set(await pinned(stage, account, want("beta22"))) == {"beta22"}
        gone = await stage.store.channels.find("@alpha1")
        assert gone is not None
        assert not gone.watched
        assert gone.access_hash
        assert (await pinned(stage, account, want("alpha1", "beta22")))["alpha1"].watched
    assert stage.count("contacts.resolveUsername") == 2


async def test_new_account_takes_hashes_from_its_dialogs(stage: Stage) -> None:
    """Another account finds the hashes of channels it is in without looking up a name."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
    stage.user = stage.sandbox.world.add_user("Second", phone="+9990004444")
    chat.invite(stage.user)
    async with stage.account(name="second") as account:
        found = await pinned(stage, account, want("alpha1"))
    assert found["alpha1"].access_hash == stage.sandbox.world.access_hash(stage.user.id, chat.key)
    assert stage.count("contacts.resolveUsername") == 1


async def test_name_taken_over(stage: Stage) -> None:
    """Where a hash must be looked up by name and the name is another's now, the id stays and the fact is reported."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
    other = stage.channel("Impostor")
    other.set_handle("alpha1")
    stage.user = stage.sandbox.world.add_user("Second", phone="+9990004444")
    async with stage.account(name="second") as account:
        found, problems = await pin_channels(account, stage.store, want("alpha1"))
    assert found == []
    (kept,) = await stage.store.channels.all(account="second")
    assert (kept.channel_id, kept.access_hash, kept.watched) == (chat.channel_id, 0, True)
    assert len(problems) == 1
    assert f"now belongs to another channel ({other.channel_id}" in problems[0]


async def test_by_id(stage: Stage) -> None:
    """A private channel that the account is in is pinned by its id."""
    chat = stage.sandbox.world.add_channel("Closed")
    chat.invite(stage.user)
    async with stage.account() as account:
        wanted = [WantedChannel(channel_id=ChannelId(chat.channel_id))]
        found = await pinned(stage, account, wanted)
    assert next(iter(found.values())).joined


async def test_dead_account_is_no_channel_problem(stage: Stage) -> None:
    """A lost account ends the pinning with its reason."""
    stage.channel("Alpha1")
    async with stage.account() as account:
        stage.sandbox.revoke(stage.user)
        with pytest.raises(AccountDead):
            await pin_channels(account, stage.store, want("alpha1"))


async def test_privates_among_many(stage: Stage) -> None:
    """One unreadable channel among many does not keep the others' names from being compared."""
    chats = [stage.channel(f"Channel{number}") for number in range(9)]
    async with stage.account() as account:
        wanted = want(*[chat.handle or "" for chat in chats])
        await pinned(stage, account, wanted)
        chats[4].ban()
        chats[7].title = "New title"
        found, _ = await pin_channels(account, stage.store, wanted)
    assert len(found) == 9
    assert "New title" in {channel.title for channel in found}


async def test_what_was_missing_at_start_is_pinned_later(stage: Stage) -> None:
    """A handle that leads nowhere at start is tried again, and watched from when it is there; the others go on."""
    stage.channel("Alpha1")
    wanted = want("alpha1", "beta22")
    stop = asyncio.Event()
    async with stage.account() as account:
        first, problems = await pin_channels(account, stage.store, wanted, join_pause=0)
        assert [channel.handle for channel in first] == ["alpha1"]
        assert len(problems) == 1
        pinner = Pinner(account, stage.store, wanted, Pulse(stop), missing=True, every=0.05)
        task = asyncio.create_task(pinner.run())
        stage.channel("Beta22", posts=3)

        async def there() -> bool:
            found = await stage.store.channels.find("beta22")
            return found is not None and found.watch_from == 4

        await eventually(there)
        stop.set()
        await task


async def test_name_that_nobody_has_is_looked_up_less_and_less(stage: Stage) -> None:
    """Tries to pin what stays missing lie further and further apart, for looking names up is limited hardest."""
    stop = asyncio.Event()
    async with stage.account() as account:
        pinner = Pinner(account, stage.store, want("nobody1"), Pulse(stop), missing=True, every=0.1)
        task = asyncio.create_task(pinner.run())
        await asyncio.sleep(1.2)
        stop.set()
        await task
    # After 0.1, 0.2, 0.4, 0.8 seconds.
    assert 1 <= stage.count("contacts.resolveUsername") <= 4


async def test_nudge_looks_no_name_up(stage: Stage) -> None:
    """A pinner that is nudged, as all loops are when something was recorded, looks a missing name up no sooner."""
    stop = asyncio.Event()
    pulse = Pulse(stop)
    async with stage.account() as account:
        pinner = Pinner(account, stage.store, want("nobody1"), pulse, missing=True, every=60.0)
        task = asyncio.create_task(pinner.run())
        for _ in range(5):
            pulse.nudge()
            await asyncio.sleep(0.05)
        stop.set()
        await task
    assert stage.count("contacts.resolveUsername") == 0


async def test_channel_without_hash_is_missing(stage: Stage) -> None:
    """A channel known from another account, whose hash cannot be had now, stays watched and counts as missing."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
    async with stage.account(name="second") as account:
        stage.sandbox.faults.flood_wait("contacts.resolveUsername", 900)
        found, problems = await pin_channels(account, stage.store, want("alpha1"))
    assert (found, len(problems)) == ([], 1)
    kept = await stage.store.channels.get(ChannelId(chat.channel_id))
    assert kept is not None
    assert kept.watched


async def test_another_account_under_the_same_name(stage: Stage) -> None:
    """When somebody else logs in as the watching account, hashes and memberships of the one before are replaced."""
    chats = [stage.channel("Alpha1"), stage.channel("Beta22")]
    wanted = want("alpha1", "beta22", mode=Mode.JOIN)
    async with stage.account() as account:
        await pinned(stage, account, wanted)
    stage.user = stage.sandbox.world.add_user("Second", phone="+9990004444")
    async with stage.account() as account:
        found = await pinned(stage, account, wanted)
        hashes = {channel.channel_id: channel.access_hash for channel in found.values()}
        assert hashes == {chat.channel_id: stage.sandbox.world.access_hash(stage.user.id, chat.key) for chat in chats}
        async with stage.listening(account):
            for chat in chats:
                await stage.hears(chat, chat.post("pushed"), "pushed")
    assert stage.count("channels.joinChannel") == 4
