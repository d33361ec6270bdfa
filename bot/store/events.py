"""Events: what happened to a channel over several posts, noticed in the transaction that completes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import ChannelId, Event, EventKind, Key, MessageId
from bot.store.alert_rows import Raised, due_row, raise_alerts
from bot.store.engine import Database, insert_new, verb
from bot.store.nouns import Deletion
from bot.store.past import load_past
from bot.store.schema import events, messages, outbox, told, versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """How many deletions of one channel, recorded within how long, are a burst."""

    posts: int = 20
    within: timedelta = timedelta(minutes=10)


# What is recorded as deleted in one transaction has one time; those of the next moments have their own event.
_TOGETHER = timedelta(seconds=1)
_TICK = timedelta(microseconds=1)

# What the settings begin with.
BURST = Burst()


class Events:
    """What is to be told of channels as a whole."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def untold(self, kind: EventKind = EventKind.DELETION_BURST, *, limit: int = 20) -> tuple[Event, ...]:
        """The events of this kind that nobody has been told of, the oldest first."""
        is_told = sa.exists().where(told.c.name == _name(events.c.event_id))
        query = events.select().where(~is_told, events.c.kind == kind).order_by(events.c.event_id).limit(limit)
        async with self._database.read() as conn:
            return tuple(_event(dict(row)) for row in (await conn.execute(query)).mappings())

    @verb
    async def deletions(self, event: Event) -> tuple[Deletion, ...]:
        """The posts that an event of kind `deleted` is about, as they were."""
        v = versions.c
        gone = sa.select(v.message_id, v.stored_at).where(
            v.channel_id == event.channel_id,
            v.message_id.between(event.first_id, event.last_id),
            v.change == sa.literal_column("'deleted'"),
            v.stored_at <= event.at,
            v.stored_at > event.at - _TOGETHER,
        )
        async with self._database.read() as conn:
            at = {MessageId(number): moment for number, moment in await conn.execute(gone)}
            found = await load_past(conn, [Key(channel_id=event.channel_id, message_id=number) for number in at])
        return tuple(
            Deletion(past=past, at={number: at[number] for number in past.versions if number in at}) for past in found
        )

    @verb
    async def record_told(
        self, event_id: int, sinks: Sequence[str], notice: str | None, at: datetime, *, raised: Sequence[Raised] = ()
    ) -> bool:
        """Put the notice into the outbox and raise the alerts, once for every event; False when it was told before."""
        async with self._database.write() as conn:
            name = f"event:{event_id}"
            if not await insert_new(conn, told, [{"name": name, "at": at}], told.c.name):
                return False
            if sinks and notice is not None:
                await conn.execute(outbox.insert(), [due_row(sink, at, notice=notice) for sink in sinks])
            await raise_alerts(conn, raised, spoken=False, at=at)
            return True

    @verb
    async def of(self, channel_id: ChannelId, kind: EventKind = EventKind.DELETION_BURST) -> tuple[Event, ...]:
        """All events of a channel of this kind, the oldest first."""
        query = (
            events.select().where(events.c.channel_id == channel_id, events.c.kind == kind).order_by(events.c.event_id)
        )
        async with self._database.read() as conn:
            return tuple(_event(dict(row)) for row in (await conn.execute(query)).mappings())


async def note_deletions(
    conn: AsyncConnection, channel_id: ChannelId, gone: Sequence[int], *, at: datetime, burst: Burst
) -> None:
    """Make or lengthen the channel's burst of deletions; `gone` are the posts whose deletion was just recorded, `at`.

    A burst ends when nothing is deleted for `burst.within`: what is deleted later belongs to another one.
    """
    if not gone:
        return
    await _note_together(conn, channel_id, gone, at)
    c = events.c
    ongoing = (
        events.select()
        .where(c.channel_id == channel_id, c.kind == EventKind.DELETION_BURST, c.at > at - burst.within)
        .order_by(c.event_id.desc())
    )
    event = (await conn.execute(ongoing.limit(1))).mappings().first()
    if event is not None:
        grown = {
            "count": event["count"] + len(gone),
            "first_id": min(event["first_id"], *gone),
            "last_id": max(event["last_id"], *gone),
            "at": max(event["at"], at),
        }
        await conn.execute(events.update().where(c.event_id == event["event_id"]).values(**grown))
        return
    count, first, last = await _deleted(conn, channel_id, since=at - burst.within, until=at)
    if count >= burst.posts:
        row = {"kind": EventKind.DELETION_BURST, "channel_id": channel_id, "at": at}
        await conn.execute(events.insert().values(count=count, first_id=first, last_id=last, **row))


async def _note_together(conn: AsyncConnection, channel_id: ChannelId, gone: Sequence[int], at: datetime) -> None:
    """Make the event that rules about deletions wait for."""
    c = events.c
    named = (c.channel_id == channel_id) & (c.kind == EventKind.DELETED)
    # There is one for a moment: what is found gone in the same comes a microsecond later.
    last = await conn.scalar(sa.select(sa.func.max(c.at)).where(named, c.at >= at, c.at < at + _TOGETHER))
    values = {"count": len(gone), "first_id": min(gone), "last_id": max(gone), "at": last + _TICK if last else at}
    await conn.execute(events.insert().values(channel_id=channel_id, kind=EventKind.DELETED, **values))


async def _deleted(conn: AsyncConnection, channel_id: int, *, since: datetime, until: datetime) -> tuple[int, int, int]:
    """How many posts have a deletion recorded after `since` and up to `until`, and their lowest and highest id."""
    v = versions.c
    query = (
        sa.select(sa.func.count(), sa.func.min(v.message_id), sa.func.max(v.message_id))
        .select_from(
            versions.join(messages, (messages.c.channel_id == v.channel_id) & (messages.c.message_id == v.message_id))
        )
        .where(
            # Plus 0: or SQLite walks through all versions of the channel instead of the last deletions.
            v.channel_id + 0 == channel_id,
            # Spelled out, not bound, so that both planners see the partial index.
            v.change == sa.literal_column("'deleted'"),
            v.stored_at > since,
            v.stored_at <= until,
            messages.c.service.is_(False),
        )
    )
    count, first, last = (await conn.execute(query)).one()
    return count, first or 0, last or 0


def _name(event_id: sa.Column[int]) -> sa.ColumnElement[str]:
    return sa.literal("event:") + sa.cast(event_id, sa.Text)


def _event(row: Mapping[str, Any]) -> Event:
    """From a mapping: `count` of a row is a method."""
    return Event(
        event_id=row["event_id"],
        kind=EventKind(row["kind"]),
        channel_id=ChannelId(row["channel_id"]),
        at=row["at"],
        count=row["count"],
        first_id=MessageId(row["first_id"]),
        last_id=MessageId(row["last_id"]),
    )
