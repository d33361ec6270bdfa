"""Further hearings of a file: asked for, heard after everything that is new, and what each changed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import Changed, Key, Match, RecordingState
from bot.store.alert_rows import Raised, raise_alerts
from bot.store.appearances import bearing, recordings_of
from bot.store.corrections import correct, load_spoken_alerts
from bot.store.engine import Database, verb
from bot.store.hearing_rows import is_wanted, replace_transcript, want
from bot.store.index import index_posts
from bot.store.nouns import Corrected, Hearing, HearingState, Progress, Rehearing, Why
from bot.store.rehearing import load_progress, want_window
from bot.store.schema import channels, hearings, recordings, transcripts
from bot.store.urgency import in_order, is_due
from bot.transcript import Transcript


class Hearings:
    """A file's transcript is that of its last hearing; every other one stays here."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def want_hearing(
        self, sha256: str, model: str, why: Why, *, at: datetime, identity: str | None = None, alert: bool = False
    ) -> bool:
        """Ask for another hearing of a file; whether that is new.

        It is not while one by this model waits, or was done (by `identity`, the weights as transcripts name them, where
        that is given); one that failed is asked for anew. Raise StoreError for a file that has no transcript yet.
        """
        async with self._database.write() as conn:
            if await _current(conn, sha256) is None:
                raise StoreError(f"The file {sha256} has not been transcribed yet: its first hearing comes first")
            return await want(conn, sha256, model, why, at=at, identity=identity, alert=alert)

    @verb
    async def want_again(self, what: Rehearing, *, at: datetime, alert: bool = False) -> int:
        """Ask for hearings of all that a window holds, the newest first; how many are new. See `want_hearing`."""
        async with self._database.write() as conn:
            return await want_window(conn, what, at=at, alert=alert)

    @verb
    async def progress(self, what: Rehearing) -> Progress:
        """How many of them wait, are done and failed, and what changed in which posts."""
        async with self._database.read() as conn:
            return await load_progress(conn, what)

    @verb
    async def due(self, now: datetime, limit: int) -> tuple[Hearing, ...]:
        """Those whose next try has come; none while any recording waits for its first.

        Second ones come before those on request; second ones as urgent as their recordings (see `urgency`), the others
        in the order in which they were asked for.
        """
        async with self._database.read() as conn:
            first = sa.select(recordings.c.recording_id).where(is_due(RecordingState.FETCHED, now)).limit(1)
            if await conn.scalar(first) is not None:
                return ()
            urgent = in_order(_with_recording(Why.SECOND, now), now).limit(limit)
            rows = [*(await conn.execute(urgent)).mappings()]
            if len(rows) < limit:
                rest = _with_recording(Why.AGAIN, now).order_by(hearings.c.hearing_id).limit(limit - len(rows))
                rows += (await conn.execute(rest)).mappings()
        return tuple(_hearing(row, language=row["language"], declared=row["seconds"]) for row in rows)

    @verb
    async def of(self, sha256: str) -> tuple[Hearing, ...]:
        """Every hearing of a file, the oldest first; the one that is its transcript among them, once there are two."""
        c = hearings.c
        # The first one's row is made when a second one takes its place.
        rank = sa.case((c.why == Why.FIRST, 0), else_=1)
        query = hearings.select().where(c.sha256 == sha256).order_by(rank, c.created_at, c.hearing_id)
        async with self._database.read() as conn:
            return tuple(_hearing(row) for row in (await conn.execute(query)).mappings())

    @verb
    async def current(self, sha256: str) -> Transcript | None:
        """The transcript of a file: that of its last hearing."""
        async with self._database.read() as conn:
            return await _current(conn, sha256)

    @verb
    async def alerts(self, keys: Sequence[Key]) -> dict[Key, list[tuple[int, Match]]]:
        """(alert id, match) of the alerts on these messages that rest on speech, the oldest first."""
        async with self._database.read() as conn:
            return await load_spoken_alerts(conn, keys)

    @verb
    async def record(
        self,
        hearing_id: int,
        transcript: Transcript,
        matches: Mapping[Key, tuple[Match, ...]],
        *,
        corrected: Sequence[Corrected] = (),
        outcome: Sequence[Changed] = (),
        sinks: tuple[str, ...],
        at: datetime,
    ) -> int:
        """It was heard: make it the file's transcript, index its words, raise alerts, correct others; all or nothing.

        Return the number of new alerts; 0 when it was recorded already.
        """
        async with self._database.write() as conn:
            this = hearings.c.hearing_id == hearing_id
            row = (await conn.execute(hearings.select().where(this, is_wanted()))).first()
            if row is None:
                return 0
            await replace_transcript(conn, row.sha256, transcript, hearing_id=hearing_id, at=at)
            done = {"state": HearingState.DONE, "state_since": at, "next_try": None, "reason": None}
            heard = {"transcript": transcript, "identity": transcript.model, "outcome": tuple(outcome)}
            await conn.execute(hearings.update().where(this).values(**done, **heard))
            posts = await bearing(conn, await recordings_of(conn, row.sha256))
            await index_posts(conn, [(message, transcript) for message, _ in posts])
            versions = {message.key: number for message, number in posts}
            raised = [
                Raised(key=key, version=versions[key], match=match, sinks=sinks)
                for key, found in matches.items()
                for match in found
            ]
            new = await raise_alerts(conn, raised, spoken=True, at=at)
            await correct(conn, corrected, hearing_id=hearing_id, at=at)
            return new

    @verb
    async def record_retry(self, hearing_id: int, *, reason: str, next_try: datetime) -> None:
        """It did not succeed this time."""
        c = hearings.c
        waiting = hearings.update().where(c.hearing_id == hearing_id, is_wanted())
        async with self._database.write() as conn:
            await conn.execute(waiting.values(attempts=c.attempts + 1, next_try=next_try, reason=reason))

    @verb
    async def record_failed(self, hearing_id: int, *, reason: str, at: datetime) -> None:
        """It was given up: the file keeps the transcript that it has."""
        waiting = hearings.update().where(hearings.c.hearing_id == hearing_id, is_wanted())
        failed = {"state": HearingState.FAILED, "state_since": at, "next_try": None, "reason": reason}
        async with self._database.write() as conn:
            await conn.execute(waiting.values(**failed))


async def _current(conn: AsyncConnection, sha256: str) -> Transcript | None:
    found: Transcript | None = await conn.scalar(
        sa.select(transcripts.c.transcript).where(transcripts.c.sha256 == sha256)
    )
    return found


def _with_recording(why: Why, now: datetime) -> sa.Select[Any]:
    """Hearings that are due, each with the first recording of its file and that one's channel."""
    h, r = hearings.c, recordings.c
    twin = recordings.alias("twin")
    first = (
        sa.select(sa.func.min(twin.c.recording_id))
        .where(twin.c.sha256 == h.sha256, twin.c.state == RecordingState.DONE)
        .scalar_subquery()
    )
    joined = hearings.join(recordings, r.recording_id == first).join(channels, channels.c.channel_id == r.channel_id)
    is_now = sa.or_(h.next_try.is_(None), h.next_try <= now)
    query = sa.select(hearings, channels.c.language, r.seconds).select_from(joined)
    return query.where(is_wanted(), h.why == why, is_now)


def _hearing(row: RowMapping, *, language: str | None = None, declared: float | None = None) -> Hearing:
    copied = ("hearing_id", "sha256", "model", "alert", "created_at", "state_since", "attempts", "reason", "transcript")
    return Hearing(
        **{name: row[name] for name in copied},
        why=Why(row["why"]),
        state=HearingState(row["state"]),
        outcome=row["outcome"] or (),
        language=language,
        declared=declared,
    )
