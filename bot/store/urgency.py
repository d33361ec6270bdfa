"""What is transcribed first: urgent channels, channels in which rules fire, short recordings, the newest."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from bot.model import RecordingState
from bot.store.schema import alerts, channels, recordings

# How far back a channel's alerts count, and how many of them make it how warm. Few steps: within one, what is new counts.
_LATELY = timedelta(days=7)
_WARM = (20, 5, 1)
# Seconds; a recording of unknown length is a short one until it is decoded.
SHORT = 60.0


def in_order(query: sa.Select[Any], now: datetime) -> sa.Select[Any]:
    """Rows of recordings with their channels, the most urgent first.

    None is dropped and none waits for a place: with more to do than can be done the newest are heard in time, and the
    others when there is time.
    """
    c = alerts.c
    lately = c.created_at > now - _LATELY
    heat = (
        sa.select(c.channel_id, sa.func.count().label("alerts")).where(lately).group_by(c.channel_id).subquery("heat")
    )
    warmth = sa.case(*((heat.c.alerts >= count, step) for step, count in enumerate(_WARM)), else_=len(_WARM))
    long = sa.case((recordings.c.seconds >= SHORT, 1), else_=0)
    newest = (recordings.c.posted_at.desc(), recordings.c.recording_id.desc())
    return query.outerjoin(heat, heat.c.channel_id == channels.c.channel_id).order_by(
        channels.c.priority, warmth, long, *newest
    )


def is_due(state: RecordingState, now: datetime) -> sa.ColumnElement[bool]:
    """Recordings in this state, or done in part and on their way to the whole, whose next try has come."""
    c = recordings.c
    waiting = (c.state == state) & sa.or_(c.next_try.is_(None), c.next_try <= now)
    in_part = (c.state == RecordingState.DONE) & (c.next_try <= now)
    match state:
        case RecordingState.WANTED:
            return waiting | (in_part & c.fuller.is_(None))
        case RecordingState.FETCHED:
            return waiting | (in_part & c.fuller.is_not(None))
        case _:
            return waiting
