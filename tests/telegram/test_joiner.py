"""Joins are paced, follow the priorities, and end where the account is full."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bot.model import ChannelId, Mode
from bot.pulse import Pulse
from bot.sandbox.chats import Chat
from bot.telegram import Account, Seeker, WantedChannel, limits, pin_channels
from bot.telegram.joiner import Joiner
from tests.telegram.conftest import Stage, eventually

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


@dataclass
class Heard:
    """What the joiner called."""

    joined: list[bool] = field(default_factory=list)
    full: list[bool] = field(default_factory=list)


@asynccontextmanager
async def joining(stage: Stage, account: Account, wanted: list[WantedChannel]) -> AsyncIterator[Heard]:
    """Pin these, and have a joiner at work on them."""
    assert (await pin_channels([Seeker(account)], stage.store, wanted)).problems == ()
    stop, heard = asyncio.Event(), Heard()
    joiner = Joiner(
        account,
        stage.store,
        Pulse(stop),
        on_joined=lambda: heard.joined.append(True),
        on_full=lambda: heard.full.append(True),
    )
    task = asyncio.create_task(joiner.run())
    try:
        yield heard
    finally:
        stop.set()
        await task


def members(stage: Stage, *chats: Chat) -> list[bool]:
    """Which of the channels the account is in."""
    return [stage.user.id in chat.members for chat in chats]


async def test_the_most_urgent_first(stage: Stage) -> None:
    """The most urgent channel is joined first; one that is to be polled never."""
    late, urgent, polled = stage.channel("Alpha1"), stage.channel("Beta22"), stage.channel("Gamma3")
    wanted = [
        WantedChannel(handle="alpha1", priority=9),
        WantedChannel(handle="beta22", priority=1),
        WantedChannel(handle="gamma3", priority=1, mode=Mode.POLL),
    ]
    async with stage.account() as account, joining(stage, account, wanted) as heard:

        async def both() -> bool:
            assert not members(stage, late)[0] or members(stage, urgent)[0]
            return all(members(stage, late, urgent)) and len(heard.joined) == 2

        await eventually(both)
        assert not members(stage, polled)[0]
        row = await stage.store.channels.get(ChannelId(urgent.channel_id))
        assert row is not None
        assert row.joined
    assert heard.full == []


async def test_the_budget_sets_the_pace(stage: Stage) -> None:
    """When the budget is spent, nothing more is joined, and what is not joined is watched all the same."""
    chats = [stage.channel("Alpha1"), stage.channel("Beta22")]
    wanted = [WantedChannel(handle=chat.handle) for chat in chats]
    few = limits(resolves_per_hour=9, resolves_per_day=9, joins_per_day=1)
    async with stage.account(limits=few) as account:
        async with joining(stage, account, wanted) as heard:
            await eventually(lambda: _are(heard.joined, 1))
            await asyncio.sleep(3)
        assert account.waits == ()
    assert sum(members(stage, *chats)) == 1
    assert stage.count("channels.joinChannel") == 1


async def test_a_full_account_says_so_once(stage: Stage) -> None:
    """Told that it is in too many channels, the account stops joining and says so; nothing is lost but pushes."""
    stage.channel("Alpha1"), stage.channel("Beta22")
    stage.sandbox.faults.error("channels.joinChannel", 400, "CHANNELS_TOO_MUCH", times=5)
    wanted = [WantedChannel(handle="alpha1"), WantedChannel(handle="beta22")]
    async with stage.account() as account, joining(stage, account, wanted) as heard:
        await eventually(lambda: _are(heard.full, 1))
        await asyncio.sleep(3)
    assert heard.full == [True]
    assert stage.count("channels.joinChannel") == 1


async def test_one_that_cannot_be_joined_holds_up_no_other(stage: Stage) -> None:
    """A channel that refuses us is polled; the next is joined."""
    first, second = stage.channel("Alpha1"), stage.channel("Beta22")
    stage.sandbox.faults.error("channels.joinChannel", 400, "INVITE_REQUEST_SENT")
    wanted = [WantedChannel(handle="alpha1", priority=1), WantedChannel(handle="beta22", priority=2)]
    async with stage.account() as account, joining(stage, account, wanted) as heard:
        await eventually(lambda: _are(heard.joined, 1))
    assert members(stage, first, second) == [False, True]


async def test_telegram_asks_to_wait(stage: Stage) -> None:
    """A flood wait on joins leaves the channels pinned and polled, and no further join is tried meanwhile."""
    stage.channel("Alpha1"), stage.channel("Beta22")
    stage.sandbox.faults.flood_wait("channels.joinChannel", 900)
    wanted = [WantedChannel(handle="alpha1"), WantedChannel(handle="beta22")]
    async with stage.account() as account, joining(stage, account, wanted):

        async def waits() -> bool:
            return [wait.method for wait in account.waits] == ["channels.joinChannel"]

        await eventually(waits)
        await asyncio.sleep(3)
    assert stage.count("channels.joinChannel") == 1


async def _are(told: list[bool], count: int) -> bool:
    return len(told) == count
