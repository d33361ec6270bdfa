"""Who must be alone waits for the others, and the others for whoever is alone."""

import asyncio

from bot.speech.local.door import Door


async def test_many_are_inside_together() -> None:
    """Nobody waits for anybody."""
    door = Door()
    async with door.together(), door.together():
        pass


async def test_alone_waits_and_bars_the_way() -> None:
    """It enters when all are out; who comes meanwhile enters after it."""
    door, order = Door(), []

    async def alone() -> None:
        async with door.alone():
            order.append("alone")
            await asyncio.sleep(0)
            order.append("out")

    async def together() -> None:
        async with door.together():
            order.append("together")

    async with door.together():
        first = asyncio.create_task(alone())
        await asyncio.sleep(0)
        second = asyncio.create_task(together())
        await asyncio.sleep(0.01)
        assert order == []
    await asyncio.gather(first, second)
    assert order == ["alone", "out", "together"]


async def test_two_that_must_be_alone_go_one_after_the_other() -> None:
    """They never meet, and a cancelled one leaves the way free."""
    door, inside = Door(), 0

    async def alone() -> None:
        nonlocal inside
        async with door.alone():
            inside += 1
            assert inside == 1
            await asyncio.sleep(0.001)
            inside -= 1

    tasks = [asyncio.create_task(alone()) for _ in range(5)]
    await asyncio.sleep(0)
    tasks[3].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(1), door.together():
        pass
