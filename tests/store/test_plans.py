"""No verb reads a whole table."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.model import Alarm, MessageId, RecordingState
from bot.store import Rehearing
from tests.store.making import (
    BLOGGER,
    LAWMAKER,
    NOON,
    channel,
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
from tests.stores import opened, ready_sqlite

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

# Reading all of these is a status's business, and they stay small or are read from an index alone.
_SMALL = re.compile(
    r"SCAN (json_each|CONSTANT|\d+|\(subquery|wanted|channels|waits|accounts|alarms|events|gaps|by_age|placed|search_index|\w+ USING (COVERING )?INDEX)"
)


async def test_every_select_uses_an_index(tmp_path: Path) -> None:
    """The plans of all that the verbs ask lead over indexes, for one key and for many."""
    async with opened(ready_sqlite(tmp_path), tmp_path) as store:
        asked: dict[str, Any] = {}

        def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
            asked.setdefault(statement, parameters[0] if many else parameters)

        event.listen(store._database.engine.sync_engine, "before_cursor_execute", note)
        posts = [
            voice(number, document=number, channel_id=one) for number in range(1, 4) for one in (LAWMAKER, BLOGGER)
        ]
        for one in (LAWMAKER, BLOGGER):
            await store.channels.pin(channel(one), account="main")
            await store.intake.record(heard(raw(1), raw(2), raw(3), channel_id=one))
        await store.intake.known(posts)
        unread = await store.intake.unread()
        await store.intake.observe(
            [observation(one.raw_id, state, [match()]) for one, state in zip(unread, posts, strict=False)]
        )
        for recording in await store.recordings.due(RecordingState.WANTED, NOON, 9):
            number = recording.recording_id
            await store.recordings.record_fetched(number, sha256=f"{number:064}", size=1, at=NOON)
            await store.recordings.appearances(number)
            found = {posts[0].key: (match(form="б"),)}
            await store.recordings.record_transcript(
                number, transcript("а"), found, sinks=("chat",), at=NOON, second="b"
            )
        for hearing in await store.hearings.due(NOON, 9):
            await store.hearings.record(hearing.hearing_id, transcript("б"), {}, sinks=("chat",), at=NOON)
            await store.hearings.of(hearing.sha256)
        await store.hearings.alerts([key(1), key(2)])
        window = Rehearing(model="c", identity="c d", since=NOON - timedelta(days=1), channel_id=LAWMAKER)
        await store.hearings.want_again(window, at=NOON, alert=True)
        await store.hearings.progress(window)
        await store.intake.record(heard(deleted=[1, 2]))
        await store.twins.record_fingerprint(f"{1:064}", b"1", {1, 2})
        await store.twins.find_similar({1, 2}, 9)
        await store.twins.appearances(f"{1:064}")
        await store.twins.make_twin(1, f"{2:064}")
        await store.outbox.due("chat", NOON)
        await store.outbox.next_due("chat")
        albums = [voice(number, document=number, album_id=7) for number in range(20, 45)]
        await put(store, *albums, matches=[match()])
        await store.intake.known(albums)
        (item,) = await store.recordings.due(RecordingState.WANTED, NOON, 1)
        await store.recordings.appearances(item.recording_id)
        await store.intake.record(heard(deleted=list(range(20, 45))))
        assert len(await store.events.untold()) == 1
        await store.archive.search("а", channel_id=LAWMAKER, since=NOON)
        await store.archive.search("а", order="best")
        await store.archive.versions(key(1))
        await store.archive.transcript(key(1))
        await store.archive.status(NOON)
        await store.channels.gaps(LAWMAKER)
        await store.channels.coverage(LAWMAKER, since=NOON, until=NOON)
        await store.channels.carry({LAWMAKER: "main"})
        await store.channels.order_repair(LAWMAKER, NOON)
        await store.channels.record_repaired(LAWMAKER, NOON)
        await store.intake.record(heard(raw(9), top_id=12))
        await store.intake.record(heard(raw(10), unanswered=(MessageId(8),)))
        await store.rechecks.next_due("main")
        await store.rechecks.record_done(await store.rechecks.due("main", NOON + timedelta(days=1), 9), NOON)
        await store.accounts.spend("main", "m", NOON)
        await store.accounts.spent("main", "m", NOON)
        await store.alarms.raise_(Alarm(name="clock", since=NOON, text="x"), ("chat",), "x", NOON)
        await store.alarms.clear("clock", ("chat",), "x", NOON)
        await store.alarms.tell_once("daily", ("chat",), "x", NOON)
        await store.intake.known([message(1), message(9)])
        event.remove(store._database.engine.sync_engine, "before_cursor_execute", note)
        async with store._database.read() as conn:
            for statement, parameters in asked.items():
                if not statement.startswith(("SELECT", "WITH", "UPDATE", "DELETE")):
                    continue
                plan = [
                    row[3] for row in await conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters))
                ]
                whole = [step for step in plan if step.startswith("SCAN") and not _SMALL.match(step)]
                assert not whole, f"{statement}\n{plan}"
        assert len(asked) > 40
