"""The figures of the status, each from an index or a counter."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import ChannelId, DeliveryState, Kind, RecordingState
from bot.store.accounts import load_waits
from bot.store.channels import load_channels
from bot.store.nouns import ChannelStatus, FailedRecording, Lag, Status
from bot.store.schema import alerts, channels, ledger, outbox, raw_messages, recordings, versions

_LAG_OVER = timedelta(hours=24)
_FAILURES_SHOWN = 20


async def load_status(conn: AsyncConnection, now: datetime) -> Status:
    """What is kept, what waits, and what is missing."""
    due = outbox.c.state == sa.literal_column("'due'")
    r = recordings.c
    since = {
        state: at for state, at in await conn.execute(sa.select(r.state, sa.func.min(r.state_since)).group_by(r.state))
    }
    by_state = await _counts(conn, r.state)
    return Status(
        channels=await _channels(conn, now),
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
    )


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


async def _channels(conn: AsyncConnection, now: datetime) -> tuple[ChannelStatus, ...]:
    c = channels.c
    query = sa.select(c.channel_id, c.messages, c.versions, c.deleted, c.newest_at)
    counters = {row["channel_id"]: row for row in (await conn.execute(query)).mappings()}
    lags, accounted = await _lags(conn, now), await _accounted(conn)
    return tuple(
        ChannelStatus(
            channel=channel,
            **{name: counters[channel_id][name] for name in ("messages", "versions", "deleted", "newest_at")},
            gaps=max(0, channel.top_id - channel.watch_from + 1) - accounted.get(channel_id, 0),
            lag=lags.get(channel_id),
        )
        for channel_id, channel in (await load_channels(conn)).items()
    )


async def _accounted(conn: AsyncConnection) -> Mapping[ChannelId, int]:
    """How many of each channel's ids from watch_from to top_id the ledger accounts for."""
    c, row = channels.c, ledger.c
    last = sa.case((row.last_id > c.top_id, c.top_id), else_=row.last_id)
    first = sa.case((row.first_id < c.watch_from, c.watch_from), else_=row.first_id)
    within = (row.last_id >= c.watch_from) & (row.first_id <= c.top_id)
    query = sa.select(row.channel_id, sa.cast(sa.func.sum(last - first + 1), sa.BigInteger)).select_from(
        ledger.join(channels, c.channel_id == row.channel_id)
    )
    rows = await conn.execute(query.where(within).group_by(row.channel_id))
    return {channel_id: count for channel_id, count in rows}


async def _lags(conn: AsyncConnection, now: datetime) -> Mapping[ChannelId, Lag]:
    c = versions.c
    query = sa.select(c.channel_id, c.lag).where(c.lag.is_not(None), c.stored_at > now - _LAG_OVER, c.stored_at <= now)
    found: dict[ChannelId, list[int]] = defaultdict(list)
    for channel_id, lag in await conn.execute(query):
        found[channel_id].append(lag)
    return {channel_id: _lag(sorted(lags)) for channel_id, lags in found.items()}


def _lag(microseconds: Sequence[int]) -> Lag:
    """Nearest-rank percentiles of a sorted sample."""

    def rank(share: int) -> float:
        return microseconds[(len(microseconds) * share + 99) // 100 - 1] / 1e6

    return Lag(posts=len(microseconds), p50=rank(50), p99=rank(99), max=rank(100))


async def _failed(conn: AsyncConnection) -> tuple[FailedRecording, ...]:
    c = recordings.c
    query = recordings.select().where(c.state == RecordingState.FAILED).order_by(c.state_since.desc(), c.recording_id)
    return tuple(
        FailedRecording(
            recording_id=row.recording_id,
            channel_id=row.channel_id,
            message_id=row.message_id,
            kind=Kind(row.kind),
            reason=row.reason or "",
            at=row.state_since,
        )
        for row in await conn.execute(query.limit(_FAILURES_SHOWN))
    )
