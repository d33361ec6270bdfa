"""Budgets: never more calls than allowed in any stretch of time, counted over restarts, refused before any packet."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import functions

from bot.errors import BudgetSpent
from bot.store import Store
from bot.telegram.budget import DAY, HOUR, JOIN, RESOLVE, Budget, Limit, limits, not_before
from tests.stores import opened, ready_sqlite
from tests.telegram.conftest import Stage
from tests.telegram.linked import HandClock

START = datetime(2023, 7, 12, tzinfo=UTC)
SMALL = limits(resolves_per_hour=2, resolves_per_day=3, joins_per_day=7)


@given(
    st.lists(st.integers(0, 90), min_size=1, max_size=60),
    st.integers(1, 5),
    st.integers(1, 3),
)
def test_no_stretch_holds_more_than_allowed(pauses: list[int], few: int, times: int) -> None:
    """Whoever calls whenever it is allowed makes at most `count` calls within any `span`, and is let in again in time."""
    allowed = (Limit(count=few, span=timedelta(minutes=10)), Limit(count=few * times, span=HOUR))
    now, made = START, []
    for pause in pauses:
        now += timedelta(minutes=pause / 10)
        until = not_before(made, allowed, now)
        if until is None:
            made.append(now)
        else:
            assert until > now
            assert not_before(made, allowed, until) is None
    for limit in allowed:
        for index, moment in enumerate(made):
            assert sum(moment <= other < moment + limit.span for other in made[index:]) <= limit.count


def test_nothing_allowed() -> None:
    """A limit of none never lets a call through."""
    assert not_before([], (Limit(count=0, span=DAY),), START) == START + DAY


async def spend(budget: Budget, method: str, times: int) -> None:
    """Spend so often."""
    for _ in range(times):
        await budget.spend(method)


async def test_it_survives_a_restart(tmp_path: Path) -> None:
    """What an earlier process spent counts; the hour and the day each have their limit; other accounts have their own."""
    clock = HandClock()
    async with opened(ready_sqlite(tmp_path), tmp_path, clock=clock) as store:

        async def start(name: str = "main") -> Budget:
            budget = Budget(name, store, SMALL, clock)
            await budget.recall()
            return budget

        await spend(await start(), RESOLVE, 2)
        again = await start()
        with pytest.raises(BudgetSpent, match="our own limit") as spent:
            await again.spend(RESOLVE)
        assert spent.value.until == clock.now + HOUR
        await spend(await start("second"), RESOLVE, 2)
        clock.forward(minutes=61)
        await spend(again, RESOLVE, 1)
        clock.forward(minutes=61)
        with pytest.raises(BudgetSpent):
            await (await start()).spend(RESOLVE)
        clock.forward(hours=22)
        await spend(await start(), RESOLVE, 1)


async def test_joins_are_paced() -> None:
    """Five joins may come at once, then one a minute, and no more in a day than allowed."""
    clock = HandClock()
    budget = Budget("main", None, SMALL, clock)
    await spend(budget, JOIN, 5)
    with pytest.raises(BudgetSpent):
        await budget.spend(JOIN)
    clock.forward(minutes=5)
    await spend(budget, JOIN, 2)
    clock.forward(hours=1)
    with pytest.raises(BudgetSpent):
        await budget.spend(JOIN)
    assert budget.calls[JOIN] == 7


async def test_other_methods_are_only_counted() -> None:
    """A method without a limit is counted and never refused."""
    budget = Budget("main", None, SMALL, HandClock())
    await spend(budget, "messages.getHistory", 1000)
    assert budget.calls["messages.getHistory"] == 1000


async def test_a_store_that_fails_is_no_licence(tmp_path: Path) -> None:
    """When the database cannot take it down, the budget is obeyed from memory."""
    store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media")
    await store.close()
    (tmp_path / "earshot.db").unlink()
    (tmp_path / "earshot.db").mkdir()
    budget = Budget("main", store, SMALL, HandClock())
    await spend(budget, RESOLVE, 2)
    with pytest.raises(BudgetSpent):
        await budget.spend(RESOLVE)


@pytest.mark.slow
async def test_nothing_leaves_once_it_is_spent(stage: Stage) -> None:
    """A look-up beyond the budget is refused before any packet, and is no flood wait of Telegram's."""
    stage.channel("Alpha1")
    allowed = limits(resolves_per_hour=1, resolves_per_day=1, joins_per_day=0)
    async with stage.account(limits=allowed) as account:
        request = functions.contacts.ResolveUsernameRequest("alpha1")
        await account.call(request)
        with pytest.raises(BudgetSpent):
            await account.call(request)
        assert account.waits == ()
        assert account.calls[RESOLVE] == 1
    assert stage.count(RESOLVE) == 1
