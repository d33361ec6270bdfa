"""The archive of benchmarks/archive.py as rows of an empty database: in bulk, and by the store's verbs.

The search index is written by the store's own function. search.py holds all rows of a small archive that is written in bulk
against those that the verbs write; only the raw forms and the ledger, which no search reads, are left out.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from benchmarks import archive, report
from bot.model import (
    Change,
    Channel,
    Heard,
    How,
    Message,
    Mode,
    RawMessage,
    RecordingState,
)
from bot.store import Observation, Store
from bot.store.engine import Database, parse_url
from bot.store.index import index_posts
from bot.store.posts import version_row
from bot.store.schema import messages, recordings, search_documents, transcripts, versions

_BATCH = 2_000

# --- by bulk ----------------------------------------------------------------------------------------------------------


async def fill(url: str, store: Store, total: int) -> None:
    """Write the archive into the empty database of `url`, which `store` has open."""
    await pin(store)
    database = Database(parse_url(url))
    stream, done = archive.posts(archive.Author(), total), 0
    while batch := list(islice(stream, _BATCH)):
        async with database.write() as conn:
            await _write(conn, batch)
        done += len(batch)
        if done % 100_000 < _BATCH:
            report.tell(f"{done:,} posts")
    await database.close()


async def pin(store: Store) -> None:
    """Watch the channels."""
    for number in range(archive.CHANNELS):
        channel = Channel(
            channel_id=archive.channel_id(number), access_hash=1, handle=f"channel{number:03}", title="", mode=Mode.JOIN
        )
        await store.channels.pin(channel, account="main")


async def _write(conn: AsyncConnection, batch: Sequence[archive.Post]) -> None:
    await conn.execute(messages.insert(), [_message_row(post) for post in batch])
    bearing = [post for post in batch if post.transcript]
    recorded: dict[int, int] = {}
    if bearing:
        await conn.execute(recordings.insert(), [_recording_row(post) for post in bearing])
        await conn.execute(transcripts.insert(), [_transcript_row(post) for post in bearing])
        c = recordings.c
        found = c.document_id.in_([post.message.media.document_id for post in bearing if post.message.media])
        recorded = {row.document_id: row.recording_id for row in await conn.execute(recordings.select().where(found))}
    await conn.execute(versions.insert(), [row for post in batch for row in _version_rows(post, recorded)])
    # As it goes live: the edit comes when the post has long been in the index.
    await index_posts(conn, [(post.before or post.message, post.transcript) for post in batch])
    await index_posts(conn, [(post.message, post.transcript) for post in batch if post.before])


def _message_row(post: archive.Post) -> dict[str, Any]:
    message = post.message
    return {
        "channel_id": message.channel_id,
        "message_id": message.message_id,
        "current": 2 if post.before else 1,
        "service": False,
        "album_id": message.album_id,
    }


def _version_rows(post: archive.Post, recorded: dict[int, int]) -> Iterator[dict[str, Any]]:
    media = post.message.media
    states = [post.before, post.message] if post.before else [post.message]
    for number, state in enumerate(states, start=1):
        yield version_row(
            post.message.key,
            number,
            change=Change.ORIGINAL if number == 1 else Change.EDIT,
            stored_at=state.posted_at,
            how=How.PUSH,
            message=state,
            recording_id=recorded.get(media.document_id) if media else None,
            lag=timedelta() if number == 1 else None,
        )


def _recording_row(post: archive.Post) -> dict[str, Any]:
    message = post.message
    return {
        "document_id": message.media.document_id if message.media else 0,
        "channel_id": message.channel_id,
        "message_id": message.message_id,
        "kind": message.kind,
        "media": message.media,
        "seconds": message.media.duration if message.media else None,
        "posted_at": message.posted_at,
        "state": RecordingState.DONE,
        "state_since": message.posted_at,
        "sha256": _sha256(message),
        "size": 1_000,
        "attempts": 0,
    }


def _transcript_row(post: archive.Post) -> dict[str, Any]:
    return {
        "sha256": _sha256(post.message),
        "transcript": post.transcript,
        "created_at": post.message.posted_at,
        "model": post.transcript.model if post.transcript else None,
    }


def _sha256(message: Message) -> str:
    return hashlib.sha256(repr(message.key).encode()).hexdigest()


# --- and by the store's verbs -----------------------------------------------------------------------------------------


async def put(store: Store, sample: Iterable[archive.Post]) -> None:
    """Write posts as the daemon does."""
    await pin(store)
    for post in sample:
        for state in filter(None, (post.before, post.message)):
            body = repr(state).encode()
            raw = RawMessage(
                message_id=state.message_id, body=body, layer=200, digest=hashlib.sha256(body).digest(), service=False
            )
            at = state.posted_at
            heard = Heard(channel_id=state.channel_id, messages=(raw,), how=How.PUSH, at=at)
            await store.intake.record(heard)
            (unread,) = await store.intake.unread()
            spoken: Literal["wanted"] | None = "wanted" if post.transcript else None
            await store.intake.observe(
                [Observation(raw_id=unread.raw_id, message=state, heard_at=at, how=How.PUSH, speech=spoken)]
            )
        if post.transcript:
            (recording,) = await store.recordings.due(RecordingState.WANTED, archive.END, 1)
            number, at = recording.recording_id, post.message.posted_at
            await store.recordings.record_fetched(number, sha256=_sha256(post.message), size=1_000, at=at)
            await store.recordings.record_transcript(number, post.transcript, {}, sinks=(), at=at)


async def rows(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """All that a search reads, by table; without row ids, and without what only a raw form has."""
    left_out = {"raw_id", "document_id", "recording_id", "created_at", "state_since"}
    database, found = Database(parse_url(url)), {}
    async with database.read() as conn:
        for table in (messages, versions, transcripts, recordings, search_documents):
            columns = [column for column in table.columns if column.name not in left_out]
            key = [column for column in table.primary_key if column.name not in left_out] or columns[:2]
            query = sa.select(*columns).order_by(*key)
            found[table.name] = [tuple(row) for row in await conn.execute(query)]
    await database.close()
    return found
