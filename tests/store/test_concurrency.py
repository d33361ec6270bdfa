"""Many tasks, several processes, killed tasks."""

import asyncio
from pathlib import Path

import pytest

from bot.model import Receipt, RecordingState
from bot.store import Store
from tests.store.making import (
    BLOGGER,
    LAWMAKER,
    NOON,
    heard,
    key,
    match,
    message,
    observation,
    put,
    raw,
    transcript,
    voice,
)
from tests.store.making import channel as pinned
from tests.stores import opened


@pytest.mark.slow
async def test_twenty_tasks(store: Store) -> None:
    """Twenty tasks that record, observe, read and send at once leave each thing once."""

    async def listen(task: int) -> None:
        for number in range(10):
            # Every id is heard by two tasks.
            await store.intake.record(heard(raw(task // 2 * 10 + number + 1), pts=task))

    async def read() -> None:
        for _ in range(6):
            unread = await store.intake.unread(20)
            states = [message(one.raw.message_id, "попов") for one in unread]
            await store.intake.observe(
                [observation(one.raw_id, state, [match()]) for one, state in zip(unread, states, strict=True)]
            )
            await store.intake.known(states)

    async def send() -> None:
        for _ in range(6):
            for delivery in await store.outbox.due("chat", NOON):
                await store.outbox.record_sent(delivery.delivery_id, Receipt(reference="1"), NOON)
            await store.archive.status(NOON)
            await store.archive.search("попов")

    await asyncio.gather(*map(listen, range(12)), *(read() for _ in range(4)), *(send() for _ in range(4)))
    while await store.intake.unread():
        await read()
    status = (await store.archive.status(NOON)).channels[0]
    assert (status.messages, status.versions, status.gaps, status.channel.pts) == (60, 60, 0, 11)
    assert (await store.archive.status(NOON)).alerts == {"popov": 60}
    assert len(await store.archive.search("попов", limit=100)) == 60


async def test_several_processes(url: str, tmp_path: Path) -> None:
    """Stores of several processes write to one database without getting into each other's way."""
    async with opened(url, tmp_path) as one, opened(url, tmp_path) as other:
        for channel in (LAWMAKER, BLOGGER):
            await one.channels.pin(pinned(channel), account="main")

        async def work(store: Store, shift: int) -> None:
            for number in range(1, 30):
                await store.intake.record(heard(raw(number), raw(number + shift), channel_id=LAWMAKER))

        await asyncio.gather(work(one, 0), work(other, 0), work(one, 1), work(other, 1))
        assert await one.channels.gaps(LAWMAKER) == ()
        assert len(await other.intake.unread(100)) == 30


async def test_cancelled(store: Store) -> None:
    """A verb that is cancelled at any moment happens or does not, and the next one works."""
    for number in range(1, 40):
        verb = asyncio.ensure_future(store.intake.record(heard(raw(number), top_id=number)))
        for _ in range(number):
            await asyncio.sleep(0)
        verb.cancel()
        await asyncio.gather(verb, return_exceptions=True)
        gaps = await store.channels.gaps(LAWMAKER)
        unread = {one.raw.message_id for one in await store.intake.unread()}
        channel = await store.channels.get(LAWMAKER)
        assert channel
        missing = {number for gap in gaps for number in range(gap.first, gap.last + 1)}
        assert unread.isdisjoint(missing)
        assert unread | missing == set(range(1, channel.top_id + 1))
    await store.intake.record(heard(*map(raw, range(1, 40))))
    assert await store.channels.gaps(LAWMAKER) == ()


async def test_same_bytes_at_once(store: Store) -> None:
    """Two recordings of the same bytes, transcribed at once, share one transcript."""
    await put(store, voice(1, document=1), voice(2, document=2))
    pending = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    ids = [one.recording_id for one in pending]
    await asyncio.gather(*(store.recordings.record_fetched(one, sha256="c" * 64, size=1, at=NOON) for one in ids))
    said = transcript("привет")
    await asyncio.gather(*(store.recordings.record_transcript(one, said, {}, sinks=(), at=NOON) for one in ids))
    assert await store.archive.transcript(key(1)) == await store.archive.transcript(key(2)) == said
