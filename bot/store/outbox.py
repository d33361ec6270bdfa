"""The outbox: alerts and notices on their way to the sinks, in order, each with its random_id."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import (
    AlbumItem,
    Alert,
    AlertId,
    Channel,
    ChannelId,
    Delivery,
    DeliveryState,
    FirstPost,
    Message,
    Receipt,
)
from bot.store.alert_rows import due_row
from bot.store.appearances import load_first
from bot.store.channels import load_channels
from bot.store.corrections import load_corrections
from bot.store.engine import Database, verb
from bot.store.english import close_english, load_english
from bot.store.named import load_named
from bot.store.schema import alerts, channels, messages, outbox, recordings, transcripts, translations, versions


class Outbox:
    """Rows that are due are sent; a row leaves `due` only for `sent` or `failed`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def due(self, sink: str, now: datetime, limit: int = 20) -> tuple[Delivery, ...]:
        """What may be sent now, the oldest first. Nothing overtakes: a row that must wait holds back those after it.

        What only adds English is given when nothing else waits, and alone: an alert may come at any time.
        """
        async with self._database.read() as conn:
            rows: list[RowMapping] = []
            for row in await _first_waiting(conn, sink, limit):
                if row["next_try"] is not None and row["next_try"] > now:
                    break
                if any(row["corrects"] is not None and row["corrects"] == before["alert_id"] for before in rows):
                    # How it is corrected depends on what becomes of the alert.
                    break
                rows.append(row)
            # First: what is seen below may be newer, and is then brought once more.
            newest = int(await conn.scalar(sa.select(sa.func.max(outbox.c.delivery_id))) or 0)
            known = await _load_alerts(conn, [one for row in rows if (one := _alert_id(row)) is not None])
            sent = await _load_sent(conn, sink, {row["corrects"] for row in rows} - {None})
        return tuple(replace(_delivery(row, known, sent.get(row["corrects"])), upto=newest) for row in rows)

    @verb
    async def next_due(self, sink: str) -> datetime | None:
        """When the oldest row may be sent (a past time: now); None when nothing waits."""
        async with self._database.read() as conn:
            row = next(iter(await _first_waiting(conn, sink, 1)), None)
        return None if row is None else row["next_try"] or row["created_at"]

    @verb
    async def record_sent(
        self, delivery_id: int, receipt: Receipt, at: datetime, *, english_upto: int | None = None
    ) -> None:
        """The sink has it.

        `english_upto`: with the post in English, as far as corrections up to this row bring it; they are brought no more.
        """
        async with self._database.write() as conn:
            sent = {"state": DeliveryState.SENT, "state_since": at, "reference": receipt.reference, "next_try": None}
            moved = await conn.execute(_still_due(delivery_id).values(**sent))
            if english_upto is not None and moved.rowcount:
                await close_english(conn, delivery_id, receipt.reference, at, upto=english_upto)

    @verb
    async def record_retry(self, delivery_id: int, *, reason: str, next_try: datetime) -> None:
        """The sink did not take it this time."""
        await self._move(delivery_id, attempts=outbox.c.attempts + 1, reason=reason, next_try=next_try)

    @verb
    async def record_failed(self, delivery_id: int, *, reason: str, at: datetime) -> None:
        """The sink will never take it; the row stays, with the reason."""
        await self._move(delivery_id, state=DeliveryState.FAILED, state_since=at, reason=reason, next_try=None)

    @verb
    async def add_notice(self, sinks: Sequence[str], text: str, at: datetime) -> None:
        """Send a line of plain text to each sink, behind what is due already."""
        if not sinks:
            return
        async with self._database.write() as conn:
            await conn.execute(outbox.insert(), [due_row(sink, at, notice=text) for sink in sinks])

    async def _move(self, delivery_id: int, **values: Any) -> None:
        async with self._database.write() as conn:
            await conn.execute(_still_due(delivery_id).values(**values))


def _still_due(delivery_id: int) -> sa.Update:
    return outbox.update().where(outbox.c.delivery_id == delivery_id, outbox.c.state == DeliveryState.DUE)


def _alert_id(row: RowMapping) -> int | None:
    """The alert that a row is about."""
    found: int | None = row["alert_id"] or row["corrects"]
    return found


def _delivery(row: RowMapping, known: Mapping[int, Alert], sent: Any | None) -> Delivery:
    copied = ("delivery_id", "sink", "random_id", "attempts", "created_at", "notice")
    about = _alert_id(row)
    return Delivery(
        **{name: row[name] for name in copied},
        alert=None if about is None else known.get(about),
        edits=sent.reference if sent else None,
        sent_at=sent.state_since if sent else None,
        adds_english=row["english"],
    )


async def _load_sent(conn: AsyncConnection, sink: str, alert_ids: Collection[int]) -> dict[int, Any]:
    """Receipt and time of those of the alerts that the sink has."""
    c = outbox.c
    query = sa.select(c.alert_id, c.reference, c.state_since).where(
        c.alert_id.in_(alert_ids), c.sink == sink, c.state == DeliveryState.SENT
    )
    return {row.alert_id: row for row in await conn.execute(query)} if alert_ids else {}


async def _first_waiting(conn: AsyncConnection, sink: str, limit: int) -> Sequence[RowMapping]:
    """The rows that are first in the queue; one that only adds English when there is no other."""
    rows: Sequence[RowMapping]
    rows = (await conn.execute(_waiting(sink).where(~outbox.c.english).limit(limit))).mappings().all()
    return rows if rows else (await conn.execute(_waiting(sink).limit(1))).mappings().all()


def _waiting(sink: str) -> sa.Select[Any]:
    # The state is spelled out, not bound: both planners then see that the index of due rows serves.
    due = outbox.c.state == sa.literal_column("'due'")
    return outbox.select().where(outbox.c.sink == sink, due).order_by(outbox.c.delivery_id)


async def _load_alerts(conn: AsyncConnection, alert_ids: Sequence[int]) -> dict[int, Alert]:
    """Alerts with all that an analyst is shown."""
    if not alert_ids:
        return {}
    rows = (await conn.execute(_shown().where(alerts.c.alert_id.in_(alert_ids)))).mappings().all()
    wanted = {row["channel_id"] for row in rows} | {_origin(row["message"]) for row in rows}
    pinned = await load_channels(conn, channels.c.channel_id.in_(wanted - {None}))
    items = await _load_items(conn, rows)
    first = await _load_first(conn, rows)
    corrected = await load_corrections(conn, alert_ids)
    return {
        row["alert_id"]: replace(
            _alert(row, pinned, items.get(row["alert_id"], ())),
            first=first.get(row["alert_id"]),
            corrected=corrected.get(row["alert_id"]),
        )
        for row in rows
    }


async def _load_first(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> dict[int, FirstPost]:
    """Of the alerts on reposts of a recording: where it was first posted."""
    first = await load_first(conn, {row["recording_id"] for row in rows} - {None})
    known = await load_channels(conn, channels.c.channel_id.in_({one.key.channel_id for one in first.values()}))
    found = {row["alert_id"]: first.get(row["recording_id"]) for row in rows}
    return {
        row["alert_id"]: FirstPost(
            channel=known[one.key.channel_id], message_id=one.key.message_id, after=one.after(row["message"])
        )
        for row in rows
        if (one := found[row["alert_id"]]) is not None and one.key != row["message"].key
    }


async def _load_items(conn: AsyncConnection, rows: Sequence[RowMapping]) -> dict[int, tuple[AlbumItem, ...]]:
    """Of the alerts on albums: the other items in which words were found, with the English that they have."""
    named = await load_named(conn, rows)
    english = await load_english(conn, {(item.message.key, item.version) for items in named.values() for item in items})
    return {
        alert_id: tuple(replace(item, english=english.get((item.message.key, item.version))) for item in items)
        for alert_id, items in named.items()
    }


def _origin(message: Message) -> ChannelId | None:
    return message.forward.channel_id if message.forward else None


def _shown() -> sa.Select[Any]:
    a, m, v, t = alerts.c, messages.c, versions.c, translations.c
    joined = (
        alerts.join(messages, (m.channel_id == a.channel_id) & (m.message_id == a.message_id))
        .join(versions, (v.channel_id == a.channel_id) & (v.message_id == a.message_id) & (v.number == a.version))
        .outerjoin(recordings, recordings.c.recording_id == v.recording_id)
        .outerjoin(
            transcripts,
            (transcripts.c.sha256 == recordings.c.sha256) & (recordings.c.state == sa.literal_column("'done'")),
        )
        .outerjoin(
            translations, (t.channel_id == a.channel_id) & (t.message_id == a.message_id) & (t.version == a.version)
        )
    )
    columns = (v.message, v.stored_at, v.recording_id, m.current, m.deleted_at, transcripts.c.transcript, t.translation)
    return sa.select(alerts, *columns).select_from(joined)


def _alert(row: Mapping[str, Any], pinned: Mapping[ChannelId, Channel], items: tuple[AlbumItem, ...]) -> Alert:
    origin = _origin(row["message"])
    return Alert(
        alert_id=AlertId(row["alert_id"]),
        match=row["match"],
        channel=pinned[row["channel_id"]],
        origin=None if origin is None else pinned.get(origin),
        message=row["message"],
        version=row["version"],
        stored_at=row["stored_at"],
        created_at=row["created_at"],
        transcript=row["transcript"],
        english=row["translation"],
        items=items,
        update_of=None if row["update_of"] is None else AlertId(row["update_of"]),
        edited_since=row["current"] != row["version"],
        deleted_since=row["deleted_at"] is not None,
    )
