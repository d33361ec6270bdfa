"""A window of the archive heard again: what it holds, how far it is, and what changed in which posts."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import ChannelId, Key, RecordingState
from bot.store.appearances import load_first
from bot.store.channels import load_channels
from bot.store.hearing_rows import heard, is_wanted, wanted
from bot.store.keys import IS_NEWEST, Wanted, same_message
from bot.store.nouns import FailedHearing, HearingState, Progress, Reheard, Rehearing, Why
from bot.store.schema import channels, hearings, messages, recordings, search_documents, transcripts, versions


async def want_window(conn: AsyncConnection, what: Rehearing, *, at: datetime, alert: bool) -> int:
    """Ask for a hearing of every file of the window that needs one; how many are new."""
    h = hearings.c
    if alert:
        waiting = hearings.update().where(h.model == what.model, is_wanted(), h.sha256.in_(_files(what)))
        await conn.execute(waiting.values(alert=True))
    begun = wanted(Why.AGAIN, at=at, alert=alert)
    others = hearings.alias()
    waits = sa.exists().where(
        others.c.sha256 == h.sha256, others.c.model == what.model, others.c.state == sa.literal_column("'wanted'")
    )
    failed = hearings.update().where(
        h.model == what.model,
        h.state == HearingState.FAILED,
        h.sha256.in_(_files(what)),
        ~waits,
        ~heard_by(h.sha256, what),
    )
    new = (await conn.execute(failed.values(**begun))).rowcount
    window = _window(what).subquery("window")
    already = sa.exists().where(h.sha256 == window.c.sha256, h.model == what.model, is_wanted())
    row = {"model": what.model, "created_at": at, **begun}
    columns = [sa.literal(value, hearings.c[name].type).label(name) for name, value in row.items()]
    fresh = (
        sa.select(window.c.sha256, *columns)
        .where(~already, ~heard_by(window.c.sha256, what))
        .order_by(window.c.posted_at.desc(), window.c.sha256)
    )
    added = hearings.insert().from_select(["sha256", *row], fresh).execution_options(preserve_rowcount=True)
    return new + (await conn.execute(added)).rowcount


def heard_by(sha256: sa.ColumnElement[str], what: Rehearing) -> sa.ColumnElement[bool]:
    """Whether the model of the rehearing has heard the file."""
    return heard(sha256, what.model, what.identity)


async def load_progress(conn: AsyncConnection, what: Rehearing) -> Progress:
    """Counts, changed posts and failures of what was asked for."""
    h = hearings.c
    ours = (h.model == what.model) & (h.why == Why.AGAIN) & h.sha256.in_(_files(what))
    by_state = sa.select(h.state, sa.func.count()).where(ours).group_by(h.state)
    counts = {HearingState(state): count for state, count in await conn.execute(by_state)}
    done = sa.select(h.outcome).where(ours, h.state == HearingState.DONE, h.outcome != ())
    changed = [one for outcome in await conn.scalars(done.order_by(h.hearing_id)) for one in outcome]
    rows = await _posts(conn, [one.key for one in changed])
    first = await load_first(conn, {row.recording_id for row in rows.values()} - {None})
    pinned = await load_channels(conn, channels.c.channel_id.in_({key.channel_id for key in rows}))
    reheard = [
        Reheard(
            channel=pinned[one.key.channel_id],
            message=row.message,
            after=first[row.recording_id].after(row.message) if row.recording_id in first else timedelta(),
            changed=one,
        )
        for one in changed
        if (row := rows.get(one.key)) is not None
    ]
    reheard.sort(key=lambda one: (one.message.posted_at, one.message.key), reverse=True)
    return Progress(counts=counts, changed=tuple(reheard), failed=await _failed(conn, ours))


def _window(what: Rehearing) -> sa.Select[Any]:
    """The files of the window that have a transcript, with when each was last posted in it."""
    d, r = search_documents, recordings.c
    joined = (
        recordings.join(transcripts, transcripts.c.sha256 == r.sha256)
        .join(versions, versions.c.recording_id == r.recording_id)
        .join(messages, IS_NEWEST)
        .join(d, same_message(messages, d))
    )
    query = sa.select(r.sha256, sa.func.max(d.c.posted_at).label("posted_at")).select_from(joined)
    query = query.where(r.state == RecordingState.DONE, d.c.posted_at >= what.since).group_by(r.sha256)
    if what.until is not None:
        query = query.where(d.c.posted_at < what.until)
    if what.channel_id is not None:
        query = query.where(d.c.channel_id == what.channel_id)
    return query


def _files(what: Rehearing) -> sa.Select[Any]:
    return _window(what).with_only_columns(recordings.c.sha256)


async def _posts(conn: AsyncConnection, keys: Collection[Key]) -> dict[Key, Any]:
    """The newest state of each post, with the recording that it bears."""
    newest = Wanted(conn, keys).within(messages).join(versions, IS_NEWEST)
    query = sa.select(versions.c.message, versions.c.recording_id).select_from(newest)
    return {row.message.key: row for row in await conn.execute(query)}


async def _failed(conn: AsyncConnection, ours: sa.ColumnElement[bool]) -> tuple[FailedHearing, ...]:
    h, r = hearings.c, recordings.c
    query = (
        sa.select(h.hearing_id, h.reason, r.channel_id, r.message_id)
        .select_from(hearings.join(recordings, r.sha256 == h.sha256))
        .where(ours, h.state == HearingState.FAILED)
        .order_by(h.hearing_id, r.recording_id)
    )
    rows = {row.hearing_id: row for row in reversed((await conn.execute(query)).all())}
    pinned = await load_channels(conn, channels.c.channel_id.in_({row.channel_id for row in rows.values()}))
    return tuple(
        FailedHearing(
            channel=pinned[ChannelId(row.channel_id)], message_id=row.message_id, reason=row.reason or "unknown"
        )
        for _, row in sorted(rows.items())
    )
