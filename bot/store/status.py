"""The figures of the status, each from an index or a counter."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.canary import CANARY
from bot.model import ChannelId, DeliveryState, Gap, Kind, RecordingState
from bot.store.accounts import load_accounts, load_waits
from bot.store.alarms import load_alarms
from bot.store.channels import load_channels
from bot.store.coverage import gap_of
from bot.store.hearing_rows import is_wanted
from bot.store.nouns import (
    ChannelStatus,
    Day,
    FailedRecording,
    HearingState,
    Lag,
    RetryingRecording,
    Status,
    Why,
)
from bot.store.schema import alerts, channels, gaps, hearings, outbox, raw_messages, recordings, versions
from bot.store.translations import load_queue

_DAY = timedelta(hours=24)
_FAILURES_SHOWN = 20


async def load_status(conn: AsyncConnection, now: datetime) -> Status:
    """What is kept, what waits, and what is missing."""
    # What only adds English to an alert that was sent may wait.
    due = (outbox.c.state == sa.literal_column("'due'")) & ~outbox.c.english
    r = recordings.c
    since = {
        state: at for state, at in await conn.execute(sa.select(r.state, sa.func.min(r.state_since)).group_by(r.state))
    }
    by_state = await _counts(conn, r.state)
    lags = await _lags(conn, now)
    return Status(
        channels=await _channels(conn, lags),
        recordings={RecordingState(state): count for (state,), count in by_state.items()},
        oldest_wanted=since.get(RecordingState.WANTED),
        oldest_fetched=since.get(RecordingState.FETCHED),
        outbox={
            (sink, DeliveryState(state)): count
            for (sink, state), count in (await _counts(conn, outbox.c.sink, outbox.c.state)).items()
        },
        oldest_due=await conn.scalar(sa.select(sa.func.min(outbox.c.created_at)).where(due)),
        held_up=await _held_up(conn, due),
        unread=await _raw(conn, "unread"),
        quarantined=await _raw(conn, "quarantined"),
        waits=await load_waits(conn, now),
        alerts={rule_id: count for (rule_id,), count in (await _counts(conn, alerts.c.rule_id)).items()},
        failed=await _failed(conn),
        retrying=await _retrying(conn),
        accounts=await load_accounts(conn),
        alarms=await load_alarms(conn),
        oldest_gap=await _oldest_gap(conn),
        oldest_due_by=await _oldest_due_by(conn, due),
        hearings=await _hearings(conn),
        oldest_hearing=await conn.scalar(sa.select(sa.func.min(hearings.c.state_since)).where(is_wanted())),
        **await load_queue(conn),
        day=await _day(conn, now, lags),
    )


async def _hearings(conn: AsyncConnection) -> dict[HearingState, int]:
    """By state. A first hearing has a row only once there is a second, and is none of these."""
    c = hearings.c
    query = sa.select(c.state, sa.func.count()).where(c.why != Why.FIRST).group_by(c.state)
    return {HearingState(state): count for state, count in await conn.execute(query)}


async def _oldest_due_by(conn: AsyncConnection, due: sa.ColumnElement[bool]) -> dict[str, datetime]:
    query = sa.select(outbox.c.sink, sa.func.min(outbox.c.created_at)).where(due).group_by(outbox.c.sink)
    return {sink: since for sink, since in await conn.execute(query)}


async def _held_up(conn: AsyncConnection, due: sa.ColumnElement[bool]) -> dict[str, str]:
    first = sa.select(sa.func.min(outbox.c.delivery_id)).where(due).group_by(outbox.c.sink)
    tried = sa.select(outbox.c.sink, outbox.c.reason).where(
        outbox.c.delivery_id.in_(first), outbox.c.reason.is_not(None)
    )
    return {sink: reason for sink, reason in await conn.execute(tried)}


async def _counts(conn: AsyncConnection, *by: sa.Column[Any]) -> dict[tuple[Any, ...], int]:
    rows = await conn.execute(sa.select(*by, sa.func.count()).group_by(*by).order_by(*by))
    return {tuple(row[:-1]): row[-1] for row in rows}


async def _raw(conn: AsyncConnection, state: str) -> int:
    # Spelled out, not bound, so that both planners see the partial index.
    counted = sa.select(sa.func.count()).select_from(raw_messages)
    return await conn.scalar(counted.where(raw_messages.c.state == sa.literal_column(f"'{state}'"))) or 0


async def _channels(conn: AsyncConnection, lags: Mapping[ChannelId, Lag]) -> tuple[ChannelStatus, ...]:
    c = channels.c
    query = sa.select(c.channel_id, c.messages, c.versions, c.deleted, c.newest_at, c.usual_gap)
    counters = {row["channel_id"]: row for row in (await conn.execute(query)).mappings()}
    open_ids = sa.cast(sa.func.sum(gaps.c.last_id - gaps.c.first_id + 1), sa.BigInteger)
    missing = {
        channel_id: count
        for channel_id, count in await conn.execute(sa.select(gaps.c.channel_id, open_ids).group_by(gaps.c.channel_id))
    }
    oldest, unseen = await _oldest_gaps(conn), await _unseen(conn)
    return tuple(
        ChannelStatus(
            channel=channel,
            **{name: counters[channel_id][name] for name in ("messages", "versions", "deleted", "newest_at")},
            gaps=missing.get(channel_id, 0),
            lag=lags.get(channel_id),
            usual_gap=None if (usual := counters[channel_id]["usual_gap"]) is None else usual / 1e6,
            oldest_gap=oldest.get(channel_id),
            unseen_since=unseen.get(channel_id),
        )
        for channel_id, channel in (await load_channels(conn)).items()
    )


async def _oldest_gaps(conn: AsyncConnection) -> Mapping[ChannelId, Gap]:
    """The oldest gap of each channel that has one."""
    by_age = sa.func.row_number().over(partition_by=gaps.c.channel_id, order_by=(gaps.c.since, gaps.c.first_id))
    numbered = sa.select(gaps, by_age.label("place")).subquery("by_age")
    columns = (numbered.c[column.name] for column in gaps.c)
    rows = await conn.execute(sa.select(*columns).where(numbered.c.place == 1))
    return {row.channel_id: gap_of(row) for row in rows}


async def _unseen(conn: AsyncConnection) -> Mapping[ChannelId, datetime]:
    """Since when the newest id of a channel is in a gap."""
    c = channels.c
    top = gaps.join(channels, (c.channel_id == gaps.c.channel_id) & (c.top_id == gaps.c.last_id))
    rows = await conn.execute(sa.select(gaps.c.channel_id, gaps.c.since).select_from(top))
    return {channel_id: since for channel_id, since in rows}


async def _oldest_gap(conn: AsyncConnection) -> Gap | None:
    watched = gaps.c.channel_id.in_(sa.select(channels.c.channel_id).where(channels.c.watched))
    row = (await conn.execute(gaps.select().where(watched).order_by(gaps.c.since).limit(1))).first()
    return None if row is None else gap_of(row)


async def _day(conn: AsyncConnection, now: datetime, lags: Mapping[ChannelId, Lag]) -> Day:
    a = alerts.c
    raised = (a.created_at > now - _DAY) & (a.created_at <= now) & (a.rule_id != CANARY)
    own = set(await conn.scalars(sa.select(channels.c.channel_id).where(channels.c.category == CANARY)))
    lags = {channel_id: lag for channel_id, lag in lags.items() if channel_id not in own}
    query = (
        sa.select(outbox.c.state, sa.func.count())
        .select_from(alerts.join(outbox, outbox.c.alert_id == a.alert_id))
        .where(raised)
        .group_by(outbox.c.state)
    )
    delivered = {state: count for state, count in await conn.execute(query)}
    worst = max(lags, key=lambda channel_id: lags[channel_id].max, default=None)
    return Day(
        posts=sum(lag.posts for lag in lags.values()),
        alerts=await conn.scalar(sa.select(sa.func.count()).select_from(alerts).where(raised)) or 0,
        **{state.value: delivered.get(state.value, 0) for state in DeliveryState},
        worst_lag=None if worst is None else lags[worst].max,
        worst_channel=worst,
    )


async def _lags(conn: AsyncConnection, now: datetime) -> Mapping[ChannelId, Lag]:
    """Nearest-rank percentiles of each channel. Reckoned by the database: a day of a thousand channels is many rows."""
    c = versions.c
    by_lag = sa.func.row_number().over(partition_by=c.channel_id, order_by=c.lag)
    by_age = sa.func.row_number().over(partition_by=c.channel_id, order_by=(c.stored_at.desc(), c.lag.desc()))
    posts = sa.func.count().over(partition_by=c.channel_id)
    placed = (
        sa.select(c.channel_id, c.stored_at, c.lag, by_lag.label("place"), by_age.label("age"), posts.label("posts"))
        .where(c.lag.is_not(None), c.stored_at > now - _DAY, c.stored_at <= now)
        .subquery("placed")
        .c
    )

    def at(condition: sa.ColumnElement[bool], column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        return sa.func.max(sa.case((condition, column)), type_=column.type)

    def rank(share: int) -> sa.ColumnElement[Any]:
        return at(placed.place == (placed.posts * share + 99) // 100, placed.lag)

    newest = placed.age == 1
    query = sa.select(
        placed.channel_id,
        placed.posts,
        rank(50),
        rank(99),
        rank(100),
        at(newest, placed.lag),
        at(newest, placed.stored_at),
    ).group_by(placed.channel_id, placed.posts)
    return {
        channel_id: Lag(
            posts=count, p50=p50 / 1e6, p99=p99 / 1e6, max=worst / 1e6, newest=last / 1e6, newest_at=newest_at
        )
        for channel_id, count, p50, p99, worst, last, newest_at in await conn.execute(query)
    }


async def _failed(conn: AsyncConnection) -> tuple[FailedRecording, ...]:
    c = recordings.c
    # Spelled out, not bound, so that both planners see the partial index.
    in_part = (c.state == sa.literal_column("'done'")) & c.reason.is_not(None) & c.next_try.is_(None)
    found: list[Any] = []
    for which in (c.state == RecordingState.FAILED, in_part):
        query = recordings.select().where(which).order_by(c.state_since.desc(), c.recording_id)
        found += (await conn.execute(query.limit(_FAILURES_SHOWN))).all()
    found.sort(key=lambda row: (row.state_since, -row.recording_id), reverse=True)
    return tuple(
        FailedRecording(
            recording_id=row.recording_id,
            channel_id=row.channel_id,
            message_id=row.message_id,
            kind=Kind(row.kind),
            reason=row.reason or "",
            at=row.state_since,
            in_part=row.state == RecordingState.DONE,
        )
        for row in found[:_FAILURES_SHOWN]
    )


async def _retrying(conn: AsyncConnection) -> tuple[RetryingRecording, ...]:
    c = recordings.c
    query = recordings.select().where(c.next_try.is_not(None)).order_by(c.next_try, c.recording_id)
    return tuple(
        RetryingRecording(
            recording_id=row.recording_id,
            channel_id=row.channel_id,
            message_id=row.message_id,
            kind=Kind(row.kind),
            state=RecordingState(row.state),
            attempts=row.attempts,
            reason=row.reason or "",
            next_try=row.next_try,
        )
        for row in await conn.execute(query.limit(_FAILURES_SHOWN))
    )
