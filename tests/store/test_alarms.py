"""Alarms and what is told once."""

from datetime import timedelta

from bot.model import Alarm
from bot.store import Store
from tests.store.making import NOON

LATE = Alarm(name="lag:-1001", since=NOON, text="@x is 14 min behind")


async def notices(store: Store, sink: str = "chat") -> list[str | None]:
    """What waits for a sink."""
    return [delivery.notice for delivery in await store.outbox.due(sink, NOON + timedelta(days=1), 99)]


async def test_raised_and_cleared_once(store: Store) -> None:
    """An alarm is told when it comes and when it goes, however often either is said."""
    assert [await store.alarms.raise_(LATE, ("chat", "mail"), "late", NOON) for _ in range(2)] == [True, False]
    assert await store.alarms.in_force() == {LATE.name: LATE}
    assert (await store.archive.status(NOON)).alarms == (LATE,)
    assert [await store.alarms.clear(LATE.name, ("chat", "mail"), "well", NOON) for _ in range(2)] == [True, False]
    assert await store.alarms.in_force() == {}
    assert await notices(store) == await notices(store, "mail") == ["late", "well"]
    assert await store.alarms.raise_(LATE, ("chat",), "late again", NOON)
    assert await notices(store) == ["late", "well", "late again"]


async def test_oldest_first(store: Store) -> None:
    """Alarms in force are named by age; without sinks they are kept all the same."""
    for name, hours in (("clock", 2), ("canary", 0), ("speech", 1)):
        await store.alarms.raise_(Alarm(name=name, since=NOON + timedelta(hours=hours), text=name), (), "x", NOON)
    assert list(await store.alarms.in_force()) == ["canary", "speech", "clock"]
    assert await notices(store) == []


async def test_told_once(store: Store) -> None:
    """The line of a day is told once for each day, also after a restart."""
    told = [
        await store.alarms.tell_once(f"daily:{day}", ("chat",), f"on {day}", NOON)
        for day in ("2023-07-12", "2023-07-12", "2023-07-13")
    ]
    assert told == [True, False, True]
    assert await notices(store) == ["on 2023-07-12", "on 2023-07-13"]
