"""What belongs to one Telegram account: flood waits and access hashes."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import ChannelId, Wait
from bot.store.engine import Database, insert, verb
from bot.store.schema import access_hashes, waits


class Accounts:
    """Flood waits outlive a restart; access hashes change with the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def record_wait(self, wait: Wait) -> None:
        """Not before `wait.until`; of two waits for one method the longer holds."""
        async with self._database.write() as conn:
            statement = insert(conn, waits).values(account=wait.account, method=wait.method, until=wait.until)
            await conn.execute(
                statement.on_conflict_do_update(
                    index_elements=[waits.c.account, waits.c.method],
                    set_={"until": statement.excluded.until},
                    where=waits.c.until < statement.excluded.until,
                )
            )

    @verb
    async def waits(self, now: datetime) -> tuple[Wait, ...]:
        """The waits in force, the longest last."""
        async with self._database.read() as conn:
            return await load_waits(conn, now)

    @verb
    async def record_hash(self, account: str, channel_id: ChannelId, access_hash: int) -> None:
        """What lets `account` ask for the channel."""
        async with self._database.write() as conn:
            await put_hash(conn, account, channel_id, access_hash)

    @verb
    async def hashes(self, account: str) -> dict[ChannelId, int]:
        """The access hashes that `account` has."""
        query = sa.select(access_hashes.c.channel_id, access_hashes.c.access_hash)
        async with self._database.read() as conn:
            rows = await conn.execute(query.where(access_hashes.c.account == account))
            return {ChannelId(channel_id): access_hash for channel_id, access_hash in rows}


async def load_waits(conn: AsyncConnection, now: datetime) -> tuple[Wait, ...]:
    """The waits in force, the longest last."""
    query = waits.select().where(waits.c.until > now).order_by(waits.c.until, waits.c.account, waits.c.method)
    return tuple(Wait(**row) for row in (await conn.execute(query)).mappings())


async def put_hash(conn: AsyncConnection, account: str, channel_id: ChannelId, access_hash: int) -> None:
    """Insert or replace; 0 means that none is known and replaces nothing."""
    if not access_hash:
        return
    statement = insert(conn, access_hashes).values(account=account, channel_id=channel_id, access_hash=access_hash)
    await conn.execute(
        statement.on_conflict_do_update(
            index_elements=[access_hashes.c.account, access_hashes.c.channel_id],
            set_={"access_hash": statement.excluded.access_hash},
        )
    )
