"""Room for requests: few at once, and a lost one takes nobody's place for long."""

import asyncio
from contextlib import ExitStack

from bot.telegram.lanes import WAITING, Lanes


class Kind:
    """A kind of request."""


class OtherKind:
    """Another one."""


async def hold(lanes: Lanes, kind: type, until: asyncio.Event, log: list[str], name: str) -> None:
    """Take a place, say so, and keep it."""
    async with lanes.place(kind):
        log.append(name)
        await until.wait()


async def test_few_at_once_of_each_kind() -> None:
    """Of each kind as many are under way as there is room for; the next begins when one ends."""
    lanes, until, log = Lanes(2, slow_seconds=60.0), asyncio.Event(), list[str]()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(hold(lanes, Kind, until, log, f"kind {number}"))
        group.create_task(hold(lanes, OtherKind, until, log, "other"))
        await asyncio.sleep(0.01)
        assert log == ["kind 0", "kind 1", "other"]
        until.set()
    assert log == ["kind 0", "kind 1", "other", "kind 2"]


async def test_slow_ones_give_their_places_up() -> None:
    """Requests whose answers are lost hold nobody up, and end as any other without giving the place a second time."""
    lanes, until, log = Lanes(1, slow_seconds=0.02), asyncio.Event(), list[str]()
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(hold(lanes, Kind, until, log, f"lost {number}"))
        async with asyncio.timeout(20):
            while len(log) < 3:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        until.set()
    lanes, until, log = Lanes(1, slow_seconds=60.0), asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(hold(lanes, Kind, until, log, f"one {number}"))
        await asyncio.sleep(0.01)
        assert log == ["one 0"]
        until.set()


async def test_a_failure_leaves_its_place() -> None:
    """A request that fails, or is cancelled while it waits, takes no place with it."""
    lanes, until, log = Lanes(1, slow_seconds=60.0), asyncio.Event(), list[str]()
    holding = asyncio.create_task(hold(lanes, Kind, until, log, "first"))
    waiting = asyncio.create_task(hold(lanes, Kind, until, log, "never"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    holding.cancel()
    await asyncio.gather(holding, waiting, return_exceptions=True)
    until.set()
    await hold(lanes, Kind, until, log, "next")
    assert log == ["first", "next"]


async def test_nothing_is_asked_while_the_store_is_behind() -> None:
    """While as many answers as may are being recorded, requests wait, whatever their kind; whoever gives up takes no place."""
    lanes, until, log = Lanes(1, slow_seconds=60.0), asyncio.Event(), list[str]()
    until.set()
    with ExitStack() as recorded:
        for _ in range(WAITING - 1):
            recorded.enter_context(lanes.recording())
        await hold(lanes, Kind, until, log, "room")
        with lanes.recording():
            tasks = [asyncio.create_task(hold(lanes, Kind, until, log, name)) for name in ("gives up", "waits")]
            await asyncio.sleep(0.01)
            tasks[0].cancel()
            await asyncio.sleep(0.01)
            assert log == ["room"]
        await asyncio.gather(*tasks, return_exceptions=True)
    assert log == ["room", "waits"]
