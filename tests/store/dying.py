"""A process that dies: run by test_faults, `python -m tests.store.dying URL FOLDER STRIDE posts|watch`.

For every n, or every so many, it plays the same short life on a channel of its own, in a child that is killed before its n-th statement or
commit, and then once more without a kill; what is kept must equal what an unharmed day leaves.
"""

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from bot.model import (
    AccountState,
    Alarm,
    Backfill,
    ChannelId,
    Correction,
    How,
    MessageId,
    Receipt,
    RecordingState,
    Source,
)
from bot.store import Corrected, Store
from bot.store.schema import (
    access_hashes,
    alerts,
    backfills,
    channels,
    gaps,
    hearings,
    ledger,
    outbox,
    raw_messages,
    rechecks,
    recordings,
    tallies,
    transcripts,
    versions,
)
from tests.store.making import NOON, channel, heard, match, message, observation, raw, transcript, voice

LATER = NOON + timedelta(hours=1)
Live = Callable[[Store, ChannelId], Awaitable[None]]


def kill_at(store: Store, step: int) -> None:
    """Die before the step-th statement or commit."""
    steps = itertools.count(1)

    def count(*_: object) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = store._database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)


async def die(url: str, folder: Path, channel_id: ChannelId, live: Live, step: int) -> None:
    """Live, to be killed at a step."""
    store = await Store.open(url, folder, clock=lambda: NOON)
    kill_at(store, step)
    await live(store, channel_id)
    await store.close()


async def posts(store: Store, channel_id: ChannelId) -> None:
    """A voice note, another post, two transcripts, a deletion, alerts sent and corrected; as the daemon does it."""
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
        found = {first.key: (match(form="поповым", source=Source.TRANSCRIPT),)}
        given = {"sinks": ("chat", "mail"), "at": NOON}
        said = transcript("поповым")
        await store.recordings.record_transcript(recording.recording_id, said, found, second="large", **given)
    for hearing in await store.hearings.due(LATER, 9):
        corrected = [
            Corrected(
                alert_id=alert_id,
                match=replace(alert, spans=()),
                correction=Correction(at=NOON, model="large", was=("поповым",)),
                notice="not confirmed",
            )
            for alert_id, alert in (await store.hearings.alerts([first.key]))[first.key]
        ]
        given = {"corrected": corrected, "sinks": ("chat", "mail"), "at": NOON}
        await store.hearings.record(hearing.hearing_id, transcript("о", "поповым"), {}, **given)
    await store.intake.record(heard(channel_id=channel_id, deleted=[2, 3], pts=4))
    for sink in ("chat", "mail"):
        # A correction is due once the alert is sent.
        while due := await store.outbox.due(sink, LATER):
            for delivery in due:
                say([delivery.delivery_id, delivery.random_id])
                await store.outbox.record_sent(delivery.delivery_id, Receipt(reference="1"), NOON)


async def watch(store: Store, channel_id: ChannelId) -> None:
    """What is kept beside the posts: gaps, looks again, a move to another account, alarms, a repair, a backfill."""
    account, alarm = f"account{channel_id}", f"gap:{channel_id}"
    await store.channels.pin(channel(channel_id, watch_from=MessageId(3), top_id=MessageId(4)), account="main")
    await store.intake.record(heard(raw(4), channel_id=channel_id, pts=4))
    post = message(4, "попов", channel_id)
    await store.intake.observe([observation(one.raw_id, post, [match()], ()) for one in await store.intake.unread()])
    await store.intake.record(heard(channel_id=channel_id, top_id=9, pts=5, gap_reason="not pushed"))
    unanswered = (MessageId(6), MessageId(7))
    said = heard(channel_id=channel_id, deleted=[5], how=How.SWEEP, unanswered=unanswered, gap_reason="not answered")
    await store.intake.record(said)
    for _ in range(2):
        await store.rechecks.record_done(await store.rechecks.due("main", LATER, 9), LATER)
    await store.accounts.record_state(account, AccountState.FROZEN, reason="x", at=NOON)
    await store.channels.pin(channel(channel_id, access_hash=5, joined=True), account=account)
    await store.channels.carry({channel_id: account})
    # For a sink of its own: the others are not to find more than the alerts.
    await store.alarms.raise_(Alarm(name=alarm, since=NOON, text="x"), (account,), "open", NOON)
    await store.alarms.clear(alarm, (account,), "closed", NOON)
    await store.alarms.tell_once(f"daily:{channel_id}", (account,), "a day", NOON)
    await store.channels.order_repair(channel_id, NOON)
    await store.channels.record_repaired(channel_id, NOON)
    done = Backfill(channel_id=channel_id, since=NOON, reached=MessageId(2), done=True)
    await store.channels.record_backfill(done)


LIVES: dict[str, Live] = {"posts": posts, "watch": watch}


async def again(url: str, folder: Path, channel_id: ChannelId, live: Live) -> Any:
    """Live unharmed; return all rows of the channel, without what differs from channel to channel."""
    store = await Store.open(url, folder, clock=lambda: NOON)
    await live(store, channel_id)
    async with store._database.read() as conn:
        rows: list[Any] = [
            (await conn.execute(sa.select(*columns).where(columns[0].table.c.channel_id == channel_id))).all()
            for columns in (
                (channels.c.pts, channels.c.top_id, channels.c.messages, channels.c.versions, channels.c.deleted),
                (channels.c.watch_from, channels.c.repair_wanted, channels.c.account == f"account{channel_id}"),
                (ledger.c.first_id, ledger.c.last_id, ledger.c.state, ledger.c.how),
                (gaps.c.first_id, gaps.c.last_id, gaps.c.since, gaps.c.reason),
                (tallies.c.state, tallies.c.how, tallies.c.ids),
                (rechecks.c.message_id, rechecks.c.step, rechecks.c.due_at),
                (access_hashes.c.access_hash, access_hashes.c.joined),
                (backfills.c.reached, backfills.c.done),
                (raw_messages.c.message_id, raw_messages.c.state),
                (versions.c.message_id, versions.c.number, versions.c.change),
                (recordings.c.state, recordings.c.attempts),
                (alerts.c.message_id, alerts.c.rule_id, alerts.c.version, alerts.c.spoken),
            )
        ]
        sent = sa.select(alerts.c.message_id, outbox.c.sink, outbox.c.state).join_from(outbox, alerts)
        rows.append((await conn.execute(sent.where(alerts.c.channel_id == channel_id))).all())
        on = alerts.c.alert_id == outbox.c.corrects
        edits = sa.select(alerts.c.message_id, outbox.c.sink, outbox.c.state, outbox.c.notice).join_from(
            outbox, alerts, on
        )
        rows.append((await conn.execute(edits.where(alerts.c.channel_id == channel_id))).all())
        sha256 = f"{-channel_id:064x}"
        h, t = hearings.c, transcripts.c
        rows.append((await conn.execute(sa.select(h.why, h.state, h.transcript).where(h.sha256 == sha256))).all())
        rows.append((await conn.execute(sa.select(t.transcript).where(t.sha256 == sha256))).all())
        told = (await conn.scalars(sa.select(outbox.c.notice).where(outbox.c.sink == f"account{channel_id}"))).all()
    # A killed life may be told of again, but what was raised was cleared, and what is told once is.
    rows.append([(told.count("open") - told.count("closed"), "open" in told, told.count("a day"))])
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


def main(url: str, folder: Path, stride: int, live: Live) -> None:
    """Die at every stride-th step; print each delivery that was about to be sent, then `steps N`."""
    unharmed = ChannelId(-1005000000000)
    expected = asyncio.run(again(url, folder, unharmed, live))
    for lives, step in enumerate(itertools.count(1, stride), start=2):
        channel_id = ChannelId(unharmed - step)
        ended = in_child(die(url, folder, channel_id, live, step))
        assert ended in (0, -signal.SIGKILL), ended
        found = asyncio.run(again(url, folder, channel_id, live))
        assert found == expected, f"killed at step {step}: {found} instead of {expected}"
        if ended == 0:
            say({"steps": step, "lives": lives})
            return


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), LIVES[sys.argv[4]])
