"""Writing observations: versions, recordings, alerts and the search index of a batch, in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import Change, ChannelId, How, Key, Kind, Message, RecordingState
from bot.store.alert_rows import Raised, raise_alerts
from bot.store.engine import insert_new
from bot.store.index import index_posts
from bot.store.ledger import IdState
from bot.store.ledger_rows import assign_ids
from bot.store.nouns import Observation
from bot.store.pauses import keep_pauses
from bot.store.posts import Post, load_posts, version_row, write_posts
from bot.store.schema import channels, raw_messages, recordings, transcripts
from bot.transcript import Transcript


async def write_observations(
    conn: AsyncConnection, batch: Sequence[Observation], *, at: datetime
) -> tuple[int, dict[ChannelId, dict[int, datetime]]]:
    """Write those of the observations whose raw message is still unread.

    Return the number of new alerts; and by channel the posts that turned out to be deleted, with when.
    """
    unread = await _still_unread(conn, batch)
    if not unread:
        return 0, {}
    posts = await load_posts(conn, {one.message.key for one in unread})
    bearers = await _keep_recordings(conn, unread)
    before = await _load_before(conn, unread)
    rows: list[dict[str, Any]] = []
    raised: list[Raised] = []
    gone: dict[ChannelId, dict[int, datetime]] = defaultdict(dict)
    hows: dict[Key, How] = {}
    for one in unread:
        post = posts[one.message.key]
        previous = post.current
        number, new = post.place(one.message)
        if new and previous is not None:
            raised += (Raised(key=post.key, version=previous, match=match, sinks=one.sinks) for match in one.before)
        if new:
            watched = one.message.message_id >= before[one.message.channel_id].watch_from
            counts = one.how is not How.BACKFILL and watched
            rows.append(_state_row(one, number, bearers, lag=number == 1 and counts))
            if (deletion := post.tell_deletion()) is not None:
                rows.append(deletion)
                if not post.service:
                    gone[post.key.channel_id][post.key.message_id] = deletion["stored_at"]
            hows[post.key] = one.how
        raised += (Raised(key=post.key, version=number, match=match, sinks=one.sinks) for match in one.matches)
    await write_posts(conn, posts.values(), rows)
    await _mark_restricted(conn, posts.values(), hows)
    await _index(conn, posts.values(), bearers)
    await keep_pauses(conn, before.values(), rows)
    alerts = await raise_alerts(conn, raised, spoken=False, at=at)
    read = raw_messages.update().where(raw_messages.c.raw_id.in_([one.raw_id for one in unread]))
    await conn.execute(read.values(state="read", reason=None))
    return alerts, gone


async def _still_unread(conn: AsyncConnection, batch: Sequence[Observation]) -> list[Observation]:
    """Leave out what an earlier, repeated call has written already."""
    query = sa.select(raw_messages.c.raw_id, raw_messages.c.state)
    rows = await conn.execute(query.where(raw_messages.c.raw_id.in_({one.raw_id for one in batch})))
    states = {raw_id: state for raw_id, state in rows}
    fresh: dict[int, Observation] = {}
    for one in batch:
        if one.raw_id not in states:
            raise StoreError(f"Raw message {one.raw_id} is not recorded: record it before observing it")
        if states[one.raw_id] != "read":
            fresh.setdefault(one.raw_id, one)
    return list(fresh.values())


def _state_row(one: Observation, number: int, bearers: dict[int, int], *, lag: bool) -> dict[str, Any]:
    message = one.message
    return version_row(
        message.key,
        number,
        change=Change.ORIGINAL if number == 1 else Change.EDIT,
        stored_at=one.heard_at,
        how=one.how,
        raw_id=one.raw_id,
        message=message,
        recording_id=bearers.get(message.media.document_id) if message.media else None,
        # A post can be heard within the second that Telegram rounds down to.
        lag=max(one.heard_at - message.posted_at, timedelta()) if lag else None,
    )


async def _load_before(conn: AsyncConnection, batch: Sequence[Observation]) -> dict[int, Any]:
    """Of each channel where watching begins, and what it had before this batch."""
    c = channels.c
    query = sa.select(c.channel_id, c.watch_from, c.messages, c.usual_gap)
    rows = await conn.execute(query.where(c.channel_id.in_({one.message.channel_id for one in batch})))
    return {row.channel_id: row for row in rows}


async def _keep_recordings(conn: AsyncConnection, batch: Sequence[Observation]) -> dict[int, int]:
    """Make a recording of every new document with speech; return recording ids by document id."""
    rows: dict[int, dict[str, Any]] = {}
    wanted: set[int] = set()
    for one in batch:
        if one.message.media is None or one.speech is None:
            continue
        rows.setdefault(one.message.media.document_id, _recording_row(one, one.message))
        if one.speech == "wanted":
            wanted.add(one.message.media.document_id)
    if not rows:
        return {}
    c = recordings.c
    for document_id in wanted & rows.keys():
        rows[document_id]["state"] = RecordingState.WANTED
    await insert_new(conn, recordings, list(rows.values()))
    skipped = recordings.update().where(c.document_id.in_(wanted), c.state == RecordingState.SKIPPED)
    await conn.execute(skipped.values(state=RecordingState.WANTED, state_since=batch[0].heard_at))
    query = sa.select(c.document_id, c.recording_id).where(c.document_id.in_(rows))
    return {document_id: recording_id for document_id, recording_id in await conn.execute(query)}


def _recording_row(one: Observation, message: Message) -> dict[str, Any]:
    return {
        "document_id": message.media.document_id if message.media else 0,
        "channel_id": message.channel_id,
        "message_id": message.message_id,
        "kind": message.kind,
        "media": message.media,
        "seconds": _seconds(message),
        "posted_at": message.posted_at,
        "state": RecordingState.SKIPPED,
        "state_since": one.heard_at,
        "attempts": 0,
    }


def _seconds(message: Message) -> float | None:
    seconds = message.media.duration if message.media else None
    return seconds if seconds is not None and isfinite(seconds) else None


async def _mark_restricted(conn: AsyncConnection, posts: Iterable[Post], hows: Mapping[Key, How]) -> None:
    withheld: dict[tuple[int, How], set[int]] = defaultdict(set)
    for post in posts:
        if post.changed and post.newest is not None and post.newest.restricted:
            withheld[post.key.channel_id, hows[post.key]].add(post.key.message_id)
    for (channel_id, how), ids in withheld.items():
        await assign_ids(conn, channel_id, [(ids, IdState.RESTRICTED)], how)


async def _index(conn: AsyncConnection, posts: Iterable[Post], bearers: dict[int, int]) -> None:
    """Index the newest state of each post, with the transcript of its recording where there is one."""
    heard: dict[int, Transcript] = {}
    if bearers:
        joined = recordings.join(transcripts, transcripts.c.sha256 == recordings.c.sha256)
        query = sa.select(recordings.c.document_id, transcripts.c.transcript).select_from(joined)
        done = recordings.c.state == RecordingState.DONE
        rows = await conn.execute(query.where(done, recordings.c.recording_id.in_(bearers.values())))
        heard = {document_id: transcript for document_id, transcript in rows}
    newest = [post.newest for post in posts if post.changed and post.newest is not None]
    await index_posts(
        conn,
        [
            (message, heard.get(message.media.document_id) if message.media else None)
            for message in newest
            if message.kind is not Kind.SERVICE
        ],
    )
