"""A process that dies: run by test_faults, `python -m tests.store.dying URL FOLDER STRIDE`.

For every n, or every so many, it plays the same short day on a channel of its own, in a child that is killed before its n-th statement or
commit, and then once more without a kill; what is kept must equal what an unharmed day leaves.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from bot.model import ChannelId, Receipt, RecordingState
from bot.store import Store
from bot.store.schema import alerts, channels, ledger, outbox, raw_messages, recordings, versions
from tests.store.making import NOON, channel, heard, match, message, observation, raw, transcript, voice

LATER = NOON + timedelta(hours=1)


def kill_at(store: Store, step: int) -> None:
    """Die before the step-th statement or commit."""
    steps = itertools.count(1)

    def count(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = store._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)


async def day(url: str, folder: Path, channel_id: ChannelId, step: int) -> None:
    """Live through a day, to be killed at a step; 0 is unharmed."""
    store = await Store.open(url, folder, clock=lambda: NOON)
    kill_at(store, step)
    await live(store, channel_id)
    await store.close()


async def live(store: Store, channel_id: ChannelId) -> None:
    """A voice note, another post, its transcript, a deletion, alerts sent; as the daemon does it."""
    document = -channel_id
    first, edit = voice(1, document=document, channel_id=channel_id, text="попов"), message(2, "цоков", channel_id)
    bodies = {raw(1).digest: first, raw(2).digest: edit}
    await store.channels.pin(channel(channel_id), account="main")
    await store.intake.record(heard(raw(1), raw(2), channel_id=channel_id, pts=2, top_id=3))
    for one in await store.intake.unread():
        given = observation(one.raw_id, bodies[one.raw.digest], [match()], ("chat", "mail"))
        await store.intake.observe([given])
    for recording in await store.recordings.due(RecordingState.WANTED, LATER, 9):
        await store.recordings.record_fetched(recording.recording_id, sha256=f"{document:064x}", size=1, at=NOON)
    for recording in await store.recordings.due(RecordingState.FETCHED, LATER, 9):
        found = {first.key: (match(form="поповым"),)}
        given = {"sinks": ("chat", "mail"), "at": NOON}
        await store.recordings.record_transcript(recording.recording_id, transcript("поповым"), found, **given)
    await store.intake.record(heard(channel_id=channel_id, deleted=[2, 3], pts=4))
    for sink in ("chat", "mail"):
        for delivery in await store.outbox.due(sink, LATER):
            say([delivery.delivery_id, delivery.random_id])
            await store.outbox.record_sent(delivery.delivery_id, Receipt(reference="1"), NOON)


async def again(url: str, folder: Path, channel_id: ChannelId) -> Any:
    """Live through the day unharmed; return all rows of the channel, without what differs from channel to channel."""
    store = await Store.open(url, folder, clock=lambda: NOON)
    await live(store, channel_id)
    async with store._database.read() as conn:
        rows: list[Any] = [
            (await conn.execute(sa.select(*columns).where(columns[0].table.c.channel_id == channel_id))).all()
            for columns in (
                (channels.c.pts, channels.c.top_id, channels.c.messages, channels.c.versions, channels.c.deleted),
                (ledger.c.first_id, ledger.c.last_id, ledger.c.state),
                (raw_messages.c.message_id, raw_messages.c.state),
                (versions.c.message_id, versions.c.number, versions.c.change),
                (recordings.c.state, recordings.c.attempts),
                (alerts.c.message_id, alerts.c.rule_id, alerts.c.version, alerts.c.spoken),
            )
        ]
        sent = sa.select(alerts.c.message_id, outbox.c.sink, outbox.c.state).join_from(outbox, alerts)
        rows.append((await conn.execute(sent.where(alerts.c.channel_id == channel_id))).all())
    hits = await store.archive.search("поповым", channel_id=channel_id)
    await store.close()
    return [sorted(map(str, table)) for table in rows], [hit.spoken_at for hit in hits]


def say(line: Any) -> None:
    """Tell the test, at once: the next step may be the last."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def in_child(work: Any) -> int:
    """Run a coroutine in a child of this process; return how it ended."""
    sys.stdout.flush()
    child = os.fork()
    if not child:
        code = 1
        try:
            asyncio.run(work)
            code = 0
        finally:
            os._exit(code)
    work.close()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(url: str, folder: Path, stride: int) -> None:
    """Die at every stride-th step; print each delivery that was about to be sent, then `steps N`."""
    unharmed = ChannelId(-1005000000000)
    expected = asyncio.run(again(url, folder, unharmed))
    assert len(expected[0][-1]) == 6, expected
    for lives, step in enumerate(itertools.count(1, stride), start=2):
        channel_id = ChannelId(unharmed - step)
        ended = in_child(day(url, folder, channel_id, step))
        assert ended in (0, -signal.SIGKILL), ended
        found = asyncio.run(again(url, folder, channel_id))
        assert found == expected, f"killed at step {step}: {found} instead of {expected}"
        if ended == 0:
            say({"steps": step, "lives": lives})
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
