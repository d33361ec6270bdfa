"""Names become pinned ids, once; whatever is wrong with one channel is a line about it."""

import pytest

from bot.errors import AccountDead
from bot.model import Channel, ChannelId, Mode
from bot.telegram import Account, Pinned, Seeker, WantedChannel, pin_channels
from bot.telegram.channels import join
from tests.telegram.conftest import Stage

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


def want(*handles: str, mode: Mode = Mode.POLL) -> list[WantedChannel]:
    """Channels by handle."""
    return [WantedChannel(handle=handle, mode=mode) for handle in handles]


async def pinned(stage: Stage, account: Account, wanted: list[WantedChannel]) -> dict[str | None, Channel]:
    """Pin without a problem, and join what is to be joined; the channels by handle."""
    found = await pin_channels([Seeker(account)], stage.store, wanted)
    assert found.problems == ()
    for channel in found.channels:
        if channel.mode is Mode.JOIN and not channel.joined:
            await join(account, stage.store, channel)
    return {channel.handle: channel for channel in await stage.store.channels.all() if channel.watched}


async def pin(stage: Stage, account: Account, wanted: list[WantedChannel], **options: bool) -> Pinned:
    """Pin with one account."""
    return await pin_channels([Seeker(account)], stage.store, wanted, **options)  # type: ignore[arg-type]


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
        found = await pin(
            stage,
            account,
            [*want("nobody_here", "someone", "alpha1"), WantedChannel(channel_id=ChannelId(-1001))],
        )
    assert [channel.handle for channel in found.channels] == ["alpha1"]
    assert len(found.problems) == 3
    assert found.problems[0].startswith("@nobody_here: no such channel")
    assert found.problems[1].startswith("@someone: this name belongs to a person")
    assert found.problems[2].startswith("-1001: this account does not know the channel")


async def test_flood_on_names(stage: Stage) -> None:
    """After a flood wait on names, known channels are still watched and no further name is asked for."""
    for name in ("Alpha1", "Beta22", "Gamma3"):
        stage.channel(name)
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
        stage.sandbox.faults.flood_wait("contacts.resolveUsername", 50_000)
        found = await pin(stage, account, want("beta22", "gamma3", "alpha1"))
    assert [channel.handle for channel in found.channels] == ["alpha1"]
    assert len(found.problems) == 2
    assert found.waiting
    assert all("Telegram asks to wait with contacts.resolveUsername" in problem for problem in found.problems)
    assert stage.count("contacts.resolveUsername") == 2


async def test_renamed(stage: Stage) -> None:
    """A channel that is called otherwise now keeps being watched by its id, and is remarked on; no name is asked for."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
        chat.set_handle("omega9")
        found = await pin(stage, account, want("alpha1"))
    assert [channel.channel_id for channel in found.channels] == [chat.channel_id]
    assert found.problems == ()
    ((name, text),) = found.remarks.items()
    assert name == f"renamed:{chat.channel_id}:alpha1:omega9"
    assert "is now @omega9" in text
    assert stage.count("contacts.resolveUsername") == 1


async def test_swapped_names(stage: Stage) -> None:
    """Two channels that swap names stay the two that were pinned; the daily look says who has the names now."""
    one, two = stage.channel("Alpha1"), stage.channel("Beta22")
    async with stage.account() as account:
        before = await pinned(stage, account, want("alpha1", "beta22"))
        one.set_handle("spare7")
        two.set_handle("alpha1")
        one.set_handle("beta22")
        found = await pin(stage, account, want("alpha1", "beta22"))
        daily = await pin(stage, account, want("alpha1", "beta22"), look_up_lost=True)
    assert {channel.handle: channel.channel_id for channel in found.channels} == {
        handle: channel.channel_id for handle, channel in before.items()
    }
    assert len(found.remarks) == 2
    taken = {name for name in daily.remarks if name.startswith("taken:")}
    assert taken == {
        f"taken:{one.channel_id}:alpha1:{two.channel_id}",
        f"taken:{two.channel_id}:beta22:{one.channel_id}",
    }
    assert stage.count("contacts.resolveUsername") == 4


async def test_lost_name_that_nobody_has(stage: Stage) -> None:
    """A name that nobody took over is no more than lost; the look-up that found nobody is no problem."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
        chat.set_handle("omega9")
        daily = await pin(stage, account, want("alpha1"), look_up_lost=True)
    assert list(daily.remarks) == [f"renamed:{chat.channel_id}:alpha1:omega9"]
    assert daily.problems == ()


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
        found = await pin(stage, account, want("alpha1"))
    assert found.channels == ()
    (kept,) = await stage.store.channels.all("second")
    assert (kept.channel_id, kept.access_hash, kept.watched) == (chat.channel_id, 0, True)
    (problem,) = found.problems
    assert f"now belongs to another channel ({other.channel_id}" in problem


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
            await pin(stage, account, want("alpha1"))


async def test_privates_among_many(stage: Stage) -> None:
    """One unreadable channel among many does not keep the others' names from being compared."""
    chats = [stage.channel(f"Channel{number}") for number in range(9)]
    async with stage.account() as account:
        wanted = want(*[chat.handle or "" for chat in chats])
        await pinned(stage, account, wanted)
        chats[4].ban()
        chats[7].title = "New title"
        found = await pin(stage, account, wanted)
    assert len(found.channels) == 9
    assert "New title" in {channel.title for channel in found.channels}


async def test_channel_without_hash_is_missing(stage: Stage) -> None:
    """A channel known from another account, whose hash cannot be had now, stays watched and counts as missing."""
    chat = stage.channel("Alpha1")
    async with stage.account() as account:
        await pinned(stage, account, want("alpha1"))
    async with stage.account(name="second") as account:
        stage.sandbox.faults.flood_wait("contacts.resolveUsername", 900)
        found = await pin(stage, account, want("alpha1"))
    assert (found.channels, len(found.problems)) == ((), 1)
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
