"""Alarms become notices: once when raised, once when over, across restarts, few lines at a time, and never in silence."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts import plain
from bot.errors import StoreError
from bot.health.facts import AccountFacts, Disk, Facts
from bot.health.watchman import MOST_LINES, Watchman
from bot.model import AccountState
from bot.pulse import Pulse
from bot.store import Store
from tests.health.makers import BOUNDS, NOON, channel, facts, minutes
from tests.stores import opened, ready_sqlite

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

FULL = Disk(folder="/data", free=1, total=100)


class Watch:
    """A watchman on a real store, whose time and facts a test sets. `again` is what a restart does."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.facts = facts()
        self.announced = 0
        self.broken = False
        self.stop = asyncio.Event()
        self.again()

    def again(self) -> None:
        self.watchman = Watchman(
            self.store,
            Pulse(self.stop),
            facts=self._facts,
            bounds=BOUNDS,
            sinks=("chat", "mail"),
            announce=self._announce,
            tidy=plain,
            every=0.01,
            clock=lambda: self.now,
        )

    def _announce(self) -> None:
        self.announced += 1

    def _facts(self) -> Facts:
        if self.broken:
            raise ZeroDivisionError
        return self.facts

    async def looks(self, times: int = 1, *, pause: timedelta = timedelta(seconds=30)) -> None:
        """Look so many times, each one some seconds after the one before."""
        for _ in range(times):
            self.now += pause
            known = self.facts.accounts.items()
            swept = {name: replace(one, swept_at=one.swept_at and self.now) for name, one in known}
            self.facts = replace(self.facts, accounts=swept)
            await self.watchman.look()

    async def told(self, sink: str = "chat") -> list[str]:
        """The notices for a sink so far."""
        return [row.notice or "" for row in await self.store.outbox.due(sink, self.now + minutes(1), 1000)]


async def eventually(check: Callable[[], Awaitable[object]]) -> None:
    """Wait until it holds; a failure after ten seconds."""
    for _ in range(1000):
        if await check():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    """A watchman with nothing to say."""
    async with opened(ready_sqlite(tmp_path), tmp_path) as store:
        await store.accounts.record_state("main", AccountState.ACTIVE, reason=None, at=NOON)
        yield Watch(store)


async def test_told_once_and_once_more_when_over(watch: Watch) -> None:
    """A disk that fills up is told to every sink when it is found, and when it is over: never in between."""
    await watch.looks(3)
    assert await watch.told() == []
    watch.facts = replace(watch.facts, disk=FULL)
    await watch.looks(5)
    assert [text[:8] for text in await watch.told()] == ["⚠ The di"]
    assert [alarm.name for alarm in watch.watchman.alarms] == ["disk"]
    watch.facts = facts()
    await watch.looks(10)
    raised, over = await watch.told()
    assert over.startswith("✓ Over after ")
    assert over.endswith(raised.removeprefix("⚠ "))
    assert await watch.told("mail") == [raised, over]
    assert (await watch.store.alarms.in_force(), watch.announced) == ({}, 2)


async def test_a_restart_repeats_nothing_and_loses_nothing(watch: Watch) -> None:
    """An alarm raised before a restart is not raised again after it, and its end is told."""
    watch.facts = replace(watch.facts, disk=FULL)
    await watch.looks()
    watch.again()
    await watch.looks(3)
    assert len(await watch.told()) == 1
    watch.again()
    watch.facts = facts()
    await watch.looks(10)
    assert len(await watch.told()) == 2


async def test_what_comes_and_goes_is_told_once(watch: Watch) -> None:
    """A bound that is crossed back and forth every half minute is one alarm, over when it stays away."""
    for number in range(20):
        watch.facts = replace(watch.facts, disk=FULL if number % 2 else facts().disk)
        await watch.looks()
    assert len(await watch.told()) == 1


async def test_few_lines_in_one_round(watch: Watch) -> None:
    """When much breaks at once, the last of a few lines stands for the rest; all of it is in force."""
    names = [f"account{number}" for number in range(5)]
    for name in names:
        await watch.store.accounts.record_state(name, AccountState.BANNED, reason="banned", at=NOON)
    for number in range(1, 4):
        await watch.store.channels.pin(channel(number, account="gone"), account="gone")
    main = AccountFacts(clock_offset=99.0, unknown_constructors=1)
    watch.facts = replace(
        facts(), started_at=NOON - minutes(99), disk=FULL, accounts={name: main for name in ("main", *names)}
    )
    await watch.looks()
    told = await watch.told()
    in_force = await watch.store.alarms.in_force()
    assert len(told) == MOST_LINES
    assert (
        told[-1]
        == f"⚠ {len(in_force) - MOST_LINES + 1} more alarms came or went; `earshot status` lists those in force"
    )
    watch.facts = facts()
    for name in names:
        await watch.store.accounts.record_state(name, AccountState.ACTIVE, reason=None, at=NOON)
    await watch.store.channels.carry({channel(number).channel_id: "main" for number in range(1, 4)})
    await watch.looks(10)
    assert len(await watch.told()) == 2 * MOST_LINES
    assert await watch.store.alarms.in_force() == {}


async def test_many_channels_become_one_alarm_without_a_line_for_each(watch: Watch) -> None:
    """Three late channels are three lines; when all thirty are late, one more line, and one when it is over."""
    for number in range(1, 31):
        await watch.store.channels.pin(channel(number, account="main"), account="main")
    await watch.store.channels.carry({channel(number).channel_id: "second" for number in range(1, 4)})
    second = AccountFacts(swept_at=None)
    watch.facts = replace(facts(), accounts={**facts().accounts, "second": second}, started_at=NOON - minutes(99))
    await watch.looks()
    assert sorted(await watch.store.alarms.in_force()) == [f"lag:-100100000000{number}" for number in range(1, 4)]
    watch.facts = replace(watch.facts, accounts={"main": second, "second": second})
    await watch.looks(3)
    assert list(await watch.store.alarms.in_force()) == ["lag"]
    assert len(await watch.told()) == 4
    watch.facts = replace(
        facts(), accounts={"main": AccountFacts(swept_at=NOON), "second": AccountFacts(swept_at=NOON)}
    )
    await watch.looks(10)
    last = (await watch.told())[4:]
    assert len(last) == 1
    assert "30 channels are behind" in last[0]


async def test_a_watchman_that_fails_is_an_alarm_itself(watch: Watch) -> None:
    """Its own error is told once, it goes on looking, and its recovery is told."""
    watch.broken = True
    running = asyncio.create_task(watch.watchman.run())
    await eventually(watch.told)
    await asyncio.sleep(0.1)
    assert [alarm.name for alarm in watch.watchman.alarms] == ["watchman"]
    assert await watch.told() == ["⚠ Earshot cannot watch itself (ZeroDivisionError); its log says more"]
    watch.broken = False
    await asyncio.sleep(0.1)
    watch.now += minutes(3)

    async def over() -> bool:
        return not await watch.store.alarms.in_force()

    await eventually(over)
    assert (await watch.told())[1].startswith("✓ Over after")
    assert watch.watchman.idle_for() < 5
    watch.stop.set()
    await running


async def test_a_title_that_would_look_like_ours(watch: Watch) -> None:
    """A channel without a handle is told by its title, which is a stranger's: no lines, no hidden characters."""
    hostile = channel(1, handle=None, title="Evil\n⚠ Over\u202e t.me/evil", account=None)
    await watch.store.channels.pin(hostile, account="gone")
    watch.facts = replace(facts(), started_at=NOON - minutes(99))
    watch.again()
    await watch.looks()
    (told,) = await watch.told()
    assert told.startswith("⚠ Evil ⚠ Over t[.]me/evil is ")


async def test_a_store_that_can_only_be_read_is_a_standstill(watch: Watch, tmp_path: Path) -> None:
    """Also while there is nothing to write: posts would be heard and not stored, and nobody would know."""
    await watch.looks()
    database = sqlite3.connect(tmp_path / "earshot.db", timeout=10, isolation_level=None)
    for what in ("INSERT", "UPDATE"):
        database.execute(f"CREATE TRIGGER no_{what} BEFORE {what} ON told BEGIN SELECT RAISE(FAIL, 'read-only'); END")
    with pytest.raises(StoreError, match="read-only"):
        await watch.looks(pause=minutes(1))
    running = asyncio.create_task(watch.watchman.run())
    await eventually(watch.told)
    watch.stop.set()
    await running
    (told,) = await watch.told()
    assert told.startswith("⚠ Earshot cannot watch itself: The database ")
    database.close()


async def test_a_store_that_cannot_be_written_ends_nothing(watch: Watch, tmp_path: Path) -> None:
    """When not even the failure can be told, the watchman goes on, and its standstill is what is seen."""
    await watch.store.close()
    (tmp_path / "earshot.db").write_bytes(b"no database at all, and long enough to be seen as such" * 100)
    running = asyncio.create_task(watch.watchman.run())
    await asyncio.sleep(0.3)
    assert not running.done()
    assert watch.watchman.idle_for() >= 0.3
    watch.stop.set()
    await running
