"""What is heard at once is one transaction, and nobody pays for another's failure."""

import asyncio

from sqlalchemy import event

from bot.errors import StoreError
from bot.model import ChannelId, Heard, MessageId
from bot.store import Store
from bot.store.group_commit import TOGETHER
from tests.store.making import BLOGGER, LAWMAKER, heard, raw

STRANGER = ChannelId(-1009999999999)


def commits(store: Store) -> list[None]:
    """Grows by one with each commit."""
    seen: list[None] = []
    event.listen(store._database.engine.sync_engine, "commit", lambda _: seen.append(None))
    return seen


async def record(store: Store, *told: Heard) -> list[int | BaseException]:
    """All at once."""
    return await asyncio.gather(*(store.intake.record(one) for one in told), return_exceptions=True)


async def test_one_transaction_for_what_waits(store: Store) -> None:
    """What comes while the first is written is two transactions more, as full as they may be."""
    seen = commits(store)
    told = [heard(raw(number), channel_id=(LAWMAKER, BLOGGER)[number % 2]) for number in range(1, 2 * TOGETHER + 2)]
    assert await record(store, *told) == [1] * len(told)
    assert len(seen) == 3
    assert [one.raw.message_id for one in await store.intake.unread(1000)] == list(range(1, 2 * TOGETHER + 2))


async def test_order(store: Store) -> None:
    """Those of one channel are carried out in the order in which they came: the same state again is nothing new."""
    assert await record(store, heard(raw(1, "a")), heard(raw(1, "b")), heard(raw(1, "a")), heard(raw(1, "a"))) == [
        1,
        1,
        1,
        0,
    ]


async def test_failures_stay_apart(store: Store) -> None:
    """One that cannot be written raises where it was called; the others are committed, each in its own transaction."""
    seen = commits(store)
    found = await record(
        store, heard(raw(1)), heard(raw(1), channel_id=STRANGER), heard(raw(1), channel_id=BLOGGER), heard(raw(2))
    )
    assert [found[0], *found[2:]] == [1, 1, 1]
    assert isinstance(found[1], StoreError)
    assert "not pinned" in str(found[1])
    assert len(seen) == 3
    assert {(one.channel_id, one.raw.message_id) for one in await store.intake.unread()} == {
        (LAWMAKER, 1),
        (LAWMAKER, 2),
        (BLOGGER, 1),
    }


async def test_a_caller_that_is_cancelled(store: Store) -> None:
    """What was brought is written all the same, and nobody waits for ever."""
    tasks = [asyncio.create_task(store.intake.record(heard(raw(number)))) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    for task in tasks[:2]:
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in found] == [True, True, False]
    assert [one.raw.message_id for one in await store.intake.unread()] == [MessageId(1), MessageId(2), MessageId(3)]
