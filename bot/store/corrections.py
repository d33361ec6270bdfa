"""Alerts that another hearing puts otherwise: changed with an outbox row for each sink that was to have them."""

from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.canary import CANARY
from bot.model import Correction, Key, Match, Source
from bot.store.alert_rows import due_row
from bot.store.engine import insert_new
from bot.store.keys import Wanted
from bot.store.nouns import Corrected
from bot.store.schema import alerts, corrections, outbox


async def load_spoken_alerts(conn: AsyncConnection, keys: Collection[Key]) -> dict[Key, list[tuple[int, Match]]]:
    """(alert, match) of the alerts on these messages of which words were spoken, the oldest first."""
    a = alerts.c
    query = (
        sa.select(a.channel_id, a.message_id, a.alert_id, a.match)
        .select_from(Wanted(conn, keys).within(alerts))
        .where(a.rule_id != CANARY)
        .order_by(a.alert_id)
    )
    found: dict[Key, list[tuple[int, Match]]] = {}
    for channel_id, message_id, alert_id, match in await conn.execute(query):
        if any(span.source is Source.TRANSCRIPT for span in match.spans):
            found.setdefault(Key(channel_id=channel_id, message_id=message_id), []).append((alert_id, match))
    return found


async def correct(conn: AsyncConnection, found: Sequence[Corrected], *, hearing_id: int, at: datetime) -> int:
    """Change the alerts and have every sink told that was given them; how many are changed."""
    told = 0
    for one in found:
        match = alerts.update().where(alerts.c.alert_id == one.alert_id).values(match=one.match)
        if one.correction is None:
            await conn.execute(match)
            continue
        before = await conn.scalar(sa.select(alerts.c.match).where(alerts.c.alert_id == one.alert_id))
        row = {
            "alert_id": one.alert_id,
            "hearing_id": hearing_id,
            "at": at,
            "correction": one.correction,
            "before": before,
        }
        if not await insert_new(conn, corrections, [row], corrections.c.correction_id):
            continue
        await conn.execute(match)
        sinks = await conn.scalars(sa.select(outbox.c.sink).where(outbox.c.alert_id == one.alert_id))
        rows = [{**due_row(sink, at, notice=one.notice), "corrects": one.alert_id} for sink in sinks]
        if rows:
            await conn.execute(outbox.insert(), rows)
        told += 1
    return told


async def load_corrections(conn: AsyncConnection, alert_ids: Collection[int]) -> dict[int, Correction]:
    """The last correction of each alert that has one."""
    c = corrections.c
    query = sa.select(c.alert_id, c.correction).where(c.alert_id.in_(alert_ids)).order_by(c.correction_id)
    return {alert_id: correction for alert_id, correction in await conn.execute(query)}
