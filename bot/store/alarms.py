"""Alarms: what has passed its bound is told once, and once more when it is well again."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Alarm
from bot.store.alert_rows import due_row
from bot.store.engine import Database, insert, insert_new, verb
from bot.store.schema import alarms, outbox, told

# The mark of the last look at the alarms, among what was told.
LOOKED = "looked"


class Alarms:
    """Which alarms are in force. A row and its notice are one transaction: none is told twice, none is lost."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def in_force(self) -> dict[str, Alarm]:
        """By name, the oldest first."""
        async with self._database.read() as conn:
            return {alarm.name: alarm for alarm in await load_alarms(conn)}

    @verb
    async def raise_(self, alarm: Alarm, sinks: Sequence[str], notice: str, at: datetime) -> bool:
        """Put an alarm in force and tell the sinks; False, and nothing is done, when it is in force already."""
        row = {"name": alarm.name, "since": alarm.since, "text": alarm.text}
        async with self._database.write() as conn:
            new = await insert_new(conn, alarms, [row], alarms.c.name)
            if new:
                await _tell(conn, sinks, notice, at)
            return bool(new)

    @verb
    async def clear(self, name: str, sinks: Sequence[str], notice: str, at: datetime) -> bool:
        """End an alarm and tell the sinks; False, and nothing is done, when it is not in force."""
        async with self._database.write() as conn:
            ended = (await conn.execute(alarms.delete().where(alarms.c.name == name))).rowcount
            if ended:
                await _tell(conn, sinks, notice, at)
            return bool(ended)

    @verb
    async def record_look(self, at: datetime) -> None:
        """Note that somebody has looked: a database that takes no writes is found out while there is nothing to write."""
        async with self._database.write() as conn:
            statement = insert(conn, told).values(name=LOOKED, at=at)
            await conn.execute(statement.on_conflict_do_update(index_elements=[told.c.name], set_={"at": at}))

    @verb
    async def tell_once(self, name: str, sinks: Sequence[str], notice: str, at: datetime) -> bool:
        """Tell the sinks, once for each `name` in the life of this database; False when it was told before."""
        async with self._database.write() as conn:
            new = await insert_new(conn, told, [{"name": name, "at": at}], told.c.name)
            if new:
                await _tell(conn, sinks, notice, at)
            return bool(new)


async def load_alarms(conn: AsyncConnection) -> tuple[Alarm, ...]:
    """The alarms in force, the oldest first."""
    rows = await conn.execute(sa.select(alarms).order_by(alarms.c.since, alarms.c.name))
    return tuple(Alarm(name=row.name, since=row.since, text=row.text) for row in rows)


async def _tell(conn: AsyncConnection, sinks: Sequence[str], notice: str, at: datetime) -> None:
    if sinks:
        await conn.execute(outbox.insert(), [due_row(sink, at, notice=notice) for sink in sinks])
