"""Recordings on their way to a transcript: wanted, fetched, done; or failed with a reason, or skipped."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import ChannelId, Key, Kind, Match, MessageId, Recording, RecordingState
from bot.store.alert_rows import Raised, due_row, raise_alerts
from bot.store.appearances import bearers, bearing, load_appearances
from bot.store.engine import Database, insert_new, verb
from bot.store.hearing_rows import drop_unheard, want
from bot.store.index import index_posts
from bot.store.nouns import Appearance, Why
from bot.store.schema import channels, messages, outbox, recordings, transcripts, versions
from bot.store.urgency import in_order, is_due
from bot.transcript import Transcript

_PENDING = (RecordingState.WANTED, RecordingState.FETCHED)


class Recordings:
    """Every recording is fetched and transcribed once, however often it is posted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def due(self, state: RecordingState, now: datetime, limit: int) -> tuple[Recording, ...]:
        """Those in `state` whose next try has come, the most urgent first: see `urgency`.

        Each names a post that is still there to fetch it from, while there is one. Among the wanted ones are those done
        of which there was only a part, among the fetched ones those of which a fuller file has come.
        """
        query = in_order(_with_channel().where(is_due(state, now)), now).limit(limit)
        async with self._database.read() as conn:
            return await _load(conn, query)

    @verb
    async def get(self, recording_id: int) -> Recording | None:
        """The recording of this id."""
        async with self._database.read() as conn:
            query = _with_channel().where(recordings.c.recording_id == recording_id)
            return next(iter(await _load(conn, query)), None)

    @verb
    async def appearances(self, recording_id: int) -> tuple[Appearance, ...]:
        """The posts whose newest text bears it, deleted ones included, the oldest first."""
        async with self._database.read() as conn:
            return await load_appearances(conn, [recording_id])

    @verb
    async def record_fetched(self, recording_id: int, *, sha256: str, size: int, at: datetime) -> None:
        """Its bytes lie among the media files under `sha256`.

        Of one that is done in part they are to be transcribed too, unless they are the same as before: there is no more.
        Bytes that were found to be a recording in another encoding are that recording wherever they come.
        """
        c = recordings.c
        this = recordings.update().where(c.recording_id == recording_id)
        again = this.where(c.state == RecordingState.DONE, c.next_try.is_not(None))
        own = sa.func.coalesce(c.own_sha256, c.sha256)
        fetched = {"state": RecordingState.FETCHED, "state_since": at, "next_try": None, "reason": None}
        async with self._database.write() as conn:
            await conn.execute(again.where(own == sha256).values(next_try=None))
            await conn.execute(again.where(own != sha256).values(fuller=sha256, size=size, attempts=0, next_try=at))
            twin = await conn.scalar(sa.select(c.sha256).where(c.own_sha256 == sha256).limit(1))
            file = {"sha256": twin or sha256, "own_sha256": sha256 if twin else None}
            await conn.execute(
                this.where(c.state == RecordingState.WANTED).values(**fetched, **file, size=size, attempts=0)
            )

    @verb
    async def record_transcript(
        self,
        recording_id: int,
        transcript: Transcript,
        matches: Mapping[Key, tuple[Match, ...]],
        *,
        sinks: tuple[str, ...],
        at: datetime,
        partial: str = "",
        notices: Sequence[str] = (),
        second: str | None = None,
    ) -> int:
        """Keep the transcript (once per file), raise alerts on the posts that bear it, index its words, give notices.

        `partial`: how much of the recording it covers, when that is not all: then the file is fetched once more.
        `second`: the model that is to hear the file once more, when there is time.
        Return the number of new alerts; 0 when the recording was done already. Raise StoreError when it was never
        fetched, or when `matches` names a post that is not recorded.
        """
        async with self._database.write() as conn:
            c = recordings.c
            this = c.recording_id == recording_id
            row = (await conn.execute(sa.select(c.state, c.sha256, c.fuller).where(this))).first()
            if row is None or row.sha256 is None:
                raise StoreError(f"Recording {recording_id} has not been fetched: it cannot have a transcript")
            if row.state == RecordingState.DONE and row.fuller is None:
                return 0
            sha256 = row.fuller or row.sha256
            heard = {"sha256": sha256, "transcript": transcript, "model": transcript.model, "created_at": at}
            await insert_new(conn, transcripts, [heard])
            if second is not None:
                await want(conn, sha256, second, Why.SECOND, at=at)
            if row.fuller is not None:
                await drop_unheard(conn, row.sha256, reason="a fuller file has come", but=recording_id, at=at)
            done = {"state": RecordingState.DONE, "state_since": at, "sha256": sha256, "fuller": None, "attempts": 0}
            again = at if partial and row.fuller is None else None
            await conn.execute(recordings.update().where(this).values(**done, next_try=again, reason=partial or None))
            told = [due_row(sink, at, notice=notice) for notice in notices for sink in sinks]
            if told:
                await conn.execute(outbox.insert(), told)
            posts = await bearing(conn, [recording_id])
            await index_posts(conn, [(message, transcript) for message, _ in posts])
            numbers = await _current(conn, matches)
            raised = [
                Raised(key=key, version=numbers[key], match=match, sinks=sinks)
                for key, found in matches.items()
                for match in found
            ]
            return await raise_alerts(conn, raised, spoken=True, at=at)

    @verb
    async def record_retry(self, recording_id: int, *, reason: str, next_try: datetime) -> None:
        """The current stage did not succeed this time."""
        c = recordings.c
        this = recordings.update().where(c.recording_id == recording_id, sa.or_(c.state.in_(_PENDING), _in_part()))
        async with self._database.write() as conn:
            await conn.execute(this.values(attempts=c.attempts + 1, next_try=next_try, reason=reason))

    @verb
    async def record_wanted(self, recording_id: int, *, reason: str, at: datetime) -> None:
        """What was fetched is of no use: it is wanted as before. `Recording.sha256` tells of the useless part."""
        c = recordings.c
        this = recordings.update().where(c.recording_id == recording_id, c.state == RecordingState.FETCHED)
        wanted = {"state": RecordingState.WANTED, "state_since": at, "attempts": 0, "next_try": at, "reason": reason}
        async with self._database.write() as conn:
            await conn.execute(this.values(**wanted))

    @verb
    async def record_failed(
        self, recording_id: int, *, reason: str, at: datetime, sinks: Sequence[str] = (), notice: str | None = None
    ) -> None:
        """It was given up for good: `reason` is shown with the post, and the sinks are given the notice, once.

        One that is done in part stays so, with the reason.
        """
        this = recordings.update().where(recordings.c.recording_id == recording_id)
        failed = {"state": RecordingState.FAILED, "state_since": at, "next_try": None, "reason": reason}
        async with self._database.write() as conn:
            await conn.execute(this.where(_in_part()).values(next_try=None, fuller=None, reason=reason))
            moved = await conn.execute(this.where(recordings.c.state.in_(_PENDING)).values(**failed))
            if moved.rowcount and notice and sinks:
                await conn.execute(outbox.insert(), [due_row(sink, at, notice=notice) for sink in sinks])


def _in_part() -> sa.ColumnElement[bool]:
    """Done, but only in part, and asked for again or come again."""
    return (recordings.c.state == RecordingState.DONE) & recordings.c.next_try.is_not(None)


def _with_channel() -> sa.Select[Any]:
    joined = recordings.join(channels, channels.c.channel_id == recordings.c.channel_id).outerjoin(
        transcripts, transcripts.c.sha256 == sa.func.coalesce(recordings.c.fuller, recordings.c.sha256)
    )
    return sa.select(recordings, channels.c.language, channels.c.priority, transcripts.c.transcript).select_from(joined)


async def _load(conn: AsyncConnection, query: sa.Select[Any]) -> tuple[Recording, ...]:
    rows = (await conn.execute(query)).mappings().all()
    places = await _live_places(conn, [row["recording_id"] for row in rows])
    return tuple(_recording(row, places.get(row["recording_id"], ())) for row in rows)


async def _live_places(conn: AsyncConnection, recording_ids: Sequence[int]) -> dict[int, list[Key]]:
    """The posts that bear each recording and are still there, the oldest first."""
    places: dict[int, list[Key]] = {}
    query = bearers(versions.c.recording_id.in_(recording_ids)).where(messages.c.deleted_at.is_(None))
    for row in await conn.execute(query):
        places.setdefault(row.recording_id, []).append(row.message.key)
    return places


def _recording(row: Mapping[str, Any], live: Sequence[Key]) -> Recording:
    first = Key(channel_id=ChannelId(row["channel_id"]), message_id=MessageId(row["message_id"]))
    place = live[0] if live and first not in live else first
    return Recording(
        recording_id=row["recording_id"],
        channel_id=place.channel_id,
        message_id=place.message_id,
        kind=Kind(row["kind"]),
        media=row["media"],
        state=RecordingState(row["state"]),
        sha256=row["fuller"] or row["sha256"],
        size=row["size"],
        attempts=row["attempts"],
        reason=row["reason"],
        language=row["language"],
        priority=row["priority"],
        twin=row["transcript"],
    )


async def _current(conn: AsyncConnection, matches: Mapping[Key, tuple[Match, ...]]) -> dict[Key, int]:
    """The version on which each match falls. Raise StoreError for a post that is not recorded."""
    numbers = {}
    for key, found in matches.items():
        if not found:
            continue
        place = (messages.c.channel_id == key.channel_id) & (messages.c.message_id == key.message_id)
        number = await conn.scalar(sa.select(messages.c.current).where(place))
        if number is None:
            raise StoreError(f"Message {key.message_id} of channel {key.channel_id} is not recorded: nothing to match")
        numbers[key] = number
    return numbers
