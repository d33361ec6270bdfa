"""Rows of hearings, within the transactions of others: wanted, dropped, and what was heard before put aside."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.engine import insert_new
from bot.store.nouns import HearingState, Why
from bot.store.schema import hearings, recordings, transcripts
from bot.transcript import Transcript


async def want(
    conn: AsyncConnection,
    sha256: str,
    model: str,
    why: Why,
    *,
    at: datetime,
    identity: str | None = None,
    alert: bool = False,
) -> bool:
    """Ask for a hearing; whether it is new. Nothing is asked for that was heard, or that waits to be."""
    h = hearings.c
    here = (h.sha256 == sha256) & (h.model == model)
    if await conn.scalar(sa.select(sa.literal(1)).where(heard(sa.literal(sha256), model, identity))):
        return False
    if alert:
        await conn.execute(hearings.update().where(here, is_wanted()).values(alert=True))
    once_more = hearings.update().where(here, h.state == HearingState.FAILED, ~_is_waiting(sha256, model))
    if (await conn.execute(once_more.values(**wanted(why, at=at, alert=alert)))).rowcount:
        return True
    row = {"sha256": sha256, "model": model, "created_at": at, **wanted(why, at=at, alert=alert)}
    return bool(await insert_new(conn, hearings, [row], h.hearing_id))


def wanted(why: Why, *, at: datetime, alert: bool) -> dict[str, Any]:
    """What a hearing that is asked for begins with."""
    return {
        "why": why,
        "alert": alert,
        "state": HearingState.WANTED,
        "state_since": at,
        "attempts": 0,
        "next_try": None,
        "reason": None,
    }


def heard(sha256: sa.ColumnElement[str], model: str, identity: str | None) -> sa.ColumnElement[bool]:
    """Whether the file was heard by these weights; where they are not known, by a model of this name on request."""
    # Under another name: the file may be named by a row of `hearings` itself.
    h, t = hearings.alias("heard").c, transcripts.c
    done = sa.exists().where(h.sha256 == sha256, h.state == HearingState.DONE)
    if identity is None:
        return done.where(h.model == model, h.why != Why.FIRST)
    return done.where(h.identity == identity) | sa.exists().where(t.sha256 == sha256, t.model == identity)


def is_wanted() -> sa.ColumnElement[bool]:
    """Spelled out, not bound: both planners then see that the index of those wanted serves."""
    return hearings.c.state == sa.literal_column("'wanted'")


async def drop_unheard(conn: AsyncConnection, sha256: str, *, reason: str, but: int, at: datetime) -> None:
    """No recording but that one, which has left it, was heard as this file: nobody would listen to it."""
    c = recordings.c
    borne = sa.exists().where(c.sha256 == sha256, c.recording_id != but)
    waiting = hearings.update().where(hearings.c.sha256 == sha256, is_wanted(), ~borne)
    await conn.execute(waiting.values(state=HearingState.FAILED, state_since=at, reason=reason))


async def replace_transcript(
    conn: AsyncConnection, sha256: str, transcript: Transcript, *, hearing_id: int, at: datetime
) -> None:
    """Make this the transcript of the file; that of the first hearing is put with the others."""
    t = transcripts.c
    row = (await conn.execute(transcripts.select().where(t.sha256 == sha256))).one()
    if row.hearing_id is None:
        first = {
            "sha256": sha256,
            "model": row.transcript.model,
            "identity": row.transcript.model,
            "created_at": row.created_at,
            "transcript": row.transcript,
            **wanted(Why.FIRST, at=row.created_at, alert=False),
            "state": HearingState.DONE,
        }
        await conn.execute(hearings.insert().values(first))
    now = {"transcript": transcript, "model": transcript.model, "created_at": at, "hearing_id": hearing_id}
    await conn.execute(transcripts.update().where(t.sha256 == sha256).values(now))


def _is_waiting(sha256: str, model: str) -> sa.ColumnElement[bool]:
    other = hearings.alias()
    waiting = other.c.state == sa.literal_column("'wanted'")
    return sa.exists().where(other.c.sha256 == sha256, other.c.model == model, waiting)
