"""Recordings on their way to a transcript: wanted, fetched, done; or failed with a reason, or skipped."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import ChannelId, How, Key, Kind, Match, Message, MessageId, Recording, RecordingState, Transcript
from bot.store.alert_rows import Raised, load_forms, raise_alerts
from bot.store.channels import load_channels
from bot.store.engine import Database, insert_new, verb
from bot.store.index import index_posts
from bot.store.keys import IS_NEWEST
from bot.store.nouns import Appearance
from bot.store.schema import channels, messages, recordings, transcripts, versions

_PENDING = (RecordingState.WANTED, RecordingState.FETCHED)


class Recordings:
    """Every recording is fetched and transcribed once, however often it is posted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def due(self, state: RecordingState, now: datetime, limit: int) -> tuple[Recording, ...]:
        """Those in `state` whose next try has come: urgent channels first, then the newest posts.

        Each names a post that is still there to fetch it from, while there is one.
        """
        c = recordings.c
        query = (
            _with_channel()
            .where(c.state == state, sa.or_(c.next_try.is_(None), c.next_try <= now))
            .order_by(channels.c.priority, c.posted_at.desc(), c.recording_id.desc())
            .limit(limit)
        )
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
            return await _load_appearances(conn, recording_id)

    @verb
    async def record_fetched(self, recording_id: int, *, sha256: str, size: int, at: datetime) -> None:
        """Its bytes lie among the media files under `sha256`."""
        await self._move(
            recording_id,
            (RecordingState.WANTED,),
            state=RecordingState.FETCHED,
            state_since=at,
            sha256=sha256,
            size=size,
            attempts=0,
            next_try=None,
            reason=None,
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
    ) -> int:
        """Keep the transcript (once per file), raise alerts on the posts that bear it, index its words.

        Return the number of new alerts; 0 when the recording was done already. Raise StoreError when it was never
        fetched, or when `matches` names a post that is not recorded.
        """
        async with self._database.write() as conn:
            query = sa.select(recordings.c.state, recordings.c.sha256).where(recordings.c.recording_id == recording_id)
            row = (await conn.execute(query)).first()
            if row is None or row.sha256 is None:
                raise StoreError(f"Recording {recording_id} has not been fetched: it cannot have a transcript")
            if row.state == RecordingState.DONE:
                return 0
            kept = {"sha256": row.sha256, "transcript": transcript, "created_at": at}
            await insert_new(conn, transcripts, [kept])
            done = recordings.update().where(recordings.c.recording_id == recording_id)
            await conn.execute(done.values(state=RecordingState.DONE, state_since=at, next_try=None, reason=None))
            bearing = await _bearing(conn, recording_id)
            await index_posts(conn, [(message, transcript) for message, _ in bearing])
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
        attempts = recordings.c.attempts + 1
        await self._move(recording_id, _PENDING, attempts=attempts, next_try=next_try, reason=reason)

    @verb
    async def record_failed(self, recording_id: int, *, reason: str, at: datetime) -> None:
        """It was given up for good: `reason` is shown with the post."""
        await self._move(
            recording_id, _PENDING, state=RecordingState.FAILED, state_since=at, next_try=None, reason=reason
        )

    async def _move(self, recording_id: int, states: Sequence[RecordingState], **values: Any) -> None:
        """Change a recording that is in one of `states`; any other is past this, and stays as it is."""
        there = recordings.update().where(recordings.c.recording_id == recording_id, recordings.c.state.in_(states))
        async with self._database.write() as conn:
            await conn.execute(there.values(**values))


def _with_channel() -> sa.Select[Any]:
    joined = recordings.join(channels, channels.c.channel_id == recordings.c.channel_id).outerjoin(
        transcripts, transcripts.c.sha256 == recordings.c.sha256
    )
    return sa.select(recordings, channels.c.language, channels.c.priority, transcripts.c.transcript).select_from(joined)


async def _load(conn: AsyncConnection, query: sa.Select[Any]) -> tuple[Recording, ...]:
    rows = (await conn.execute(query)).mappings().all()
    places = await _live_places(conn, [row["recording_id"] for row in rows])
    return tuple(_recording(row, places.get(row["recording_id"], ())) for row in rows)


async def _live_places(conn: AsyncConnection, recording_ids: Sequence[int]) -> dict[int, list[Key]]:
    """The posts that bear each recording and are still there, the oldest first."""
    places: dict[int, list[Key]] = {}
    query = _bearers(versions.c.recording_id.in_(recording_ids)).where(messages.c.deleted_at.is_(None))
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
        sha256=row["sha256"],
        attempts=row["attempts"],
        reason=row["reason"],
        language=row["language"],
        priority=row["priority"],
        twin=row["transcript"],
    )


async def _bearing(conn: AsyncConnection, recording_id: int) -> list[tuple[Message, int]]:
    """(newest state, its version) of every post that bears the recording, deleted ones included."""
    rows = await conn.execute(_bearers(versions.c.recording_id == recording_id))
    return [(row.message, row.number) for row in rows]


def _bearers(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Posts whose newest state bears a recording, the oldest first."""
    v = versions.c
    query = sa.select(v.message, v.number, v.how, v.recording_id).select_from(messages.join(versions, IS_NEWEST))
    return query.where(which).order_by(versions.c.stored_at, versions.c.message_id)


async def _load_appearances(conn: AsyncConnection, recording_id: int) -> tuple[Appearance, ...]:
    rows = (await conn.execute(_bearers(versions.c.recording_id == recording_id))).all()
    if not rows:
        return ()
    forms = await load_forms(conn, [row.message.key for row in rows])
    pinned = await load_channels(conn, channels.c.channel_id.in_({row.message.channel_id for row in rows}))
    return tuple(
        Appearance(
            channel=pinned[row.message.channel_id],
            message=row.message,
            version=row.number,
            how=How(row.how),
            forms=forms.get(row.message.key, frozenset()),
        )
        for row in rows
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
