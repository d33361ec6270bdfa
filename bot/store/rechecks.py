"""Posts that raised an alert are looked at again, ever more rarely: an edit or a deletion is found, even if nobody tells.

A row is made in the transaction that raises the alert, and goes when the schedule is through or the post is deleted.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import ChannelId, ChannelState, Key, MessageId, Recheck
from bot.store.engine import Database, insert, verb
from bot.store.keys import IS_NEWEST, Wanted
from bot.store.schema import channels, messages, rechecks, versions

# How long after the post was stored it is looked at.
SCHEDULE = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(days=1),
    timedelta(days=7),
)


class Rechecks:
    """Which posts are to be looked at again, and when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def due(self, account: str, now: datetime, limit: int) -> tuple[Recheck, ...]:
        """Those whose time has come, of the channels that `account` carries and can read, the longest due first."""
        query = _of(account).where(rechecks.c.due_at <= now).order_by(rechecks.c.due_at).limit(limit)
        async with self._database.read() as conn:
            rows = await conn.execute(query)
            return tuple(
                Recheck(
                    key=Key(channel_id=ChannelId(row.channel_id), message_id=MessageId(row.message_id)),
                    step=row.step,
                    due_at=row.due_at,
                )
                for row in rows
            )

    @verb
    async def next_due(self, account: str) -> datetime | None:
        """When the next one is due; None when `account` has none."""
        query = _of(account).order_by(rechecks.c.due_at).limit(1).with_only_columns(rechecks.c.due_at)
        async with self._database.read() as conn:
            return await conn.scalar(query)

    @verb
    async def record_done(self, done: Iterable[Recheck], now: datetime) -> None:
        """These were looked at: each waits for the next step that is still to come, or is through with them all."""
        c = rechecks.c
        async with self._database.write() as conn:
            for one in done:
                this = (
                    (c.channel_id == one.key.channel_id) & (c.message_id == one.key.message_id) & (c.step == one.step)
                )
                stored_at = await conn.scalar(sa.select(c.stored_at).where(this))
                if stored_at is None:
                    continue
                step = next_step(stored_at, one.step, now)
                if step is None:
                    await conn.execute(rechecks.delete().where(this))
                else:
                    due_at = stored_at + SCHEDULE[step]
                    await conn.execute(rechecks.update().where(this).values(step=step, due_at=due_at))


def next_step(stored_at: datetime, step: int, now: datetime) -> int | None:
    """The step after `step` whose time is still to come: one look does for all those that passed meanwhile."""
    later = (number for number in range(step + 1, len(SCHEDULE)) if stored_at + SCHEDULE[number] > now)
    return next(later, None)


async def schedule(conn: AsyncConnection, keys: Sequence[Key]) -> None:
    """Have these posts, which have just raised an alert, looked at again; a newer state begins anew.

    A post that is known to be deleted is not.
    """
    query = sa.select(messages.c.channel_id, messages.c.message_id, versions.c.stored_at)
    alive = Wanted(conn, keys).within(messages).join(versions, IS_NEWEST)
    for row in await conn.execute(query.select_from(alive).where(messages.c.deleted_at.is_(None))):
        due_at = row.stored_at + SCHEDULE[0]
        statement = insert(conn, rechecks).values(**row._mapping, step=0, due_at=due_at)
        renewed = {name: statement.excluded[name] for name in ("stored_at", "step", "due_at")}
        await conn.execute(
            statement.on_conflict_do_update(
                index_elements=[rechecks.c.channel_id, rechecks.c.message_id],
                set_=renewed,
                where=rechecks.c.stored_at < statement.excluded.stored_at,
            )
        )


async def call_off(conn: AsyncConnection, channel_id: ChannelId, ids: Sequence[int]) -> None:
    """Look at these posts no more: they are deleted."""
    c = rechecks.c
    await conn.execute(rechecks.delete().where(c.channel_id == channel_id, c.message_id.in_(ids)))


def _of(account: str) -> sa.Select[tuple[int, int, datetime, int, datetime]]:
    joined = rechecks.join(channels, channels.c.channel_id == rechecks.c.channel_id)
    readable = (channels.c.state == ChannelState.ACTIVE) & channels.c.watched
    return sa.select(rechecks).select_from(joined).where(channels.c.account == account, readable)
