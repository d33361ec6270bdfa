"""What belongs to one Telegram account: its state, flood waits, budgets, access hashes."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import AccountState, ChannelId, Wait, WatchingAccount
from bot.store.engine import Database, insert, verb
from bot.store.lease import Lease, hold
from bot.store.schema import access_hashes, accounts, channels, spends, waits

# No budget reaches further back.
_SPENDS_KEPT = timedelta(days=2)


class Accounts:
    """States, flood waits and budgets outlive a restart; access hashes change with the account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def record_state(
        self,
        name: str,
        state: AccountState,
        *,
        reason: str | None,
        at: datetime,
        slots: int | None = None,
        premium: bool | None = None,
    ) -> None:
        """How a watching account fares now; the same state again keeps its `since`.

        `slots`: how many more channels it may join. None leaves what was known of slots and premium.
        """
        given = {"state": state, "reason": reason, "slots": slots, "premium": premium}
        known = {name: value for name, value in given.items() if value is not None or name == "reason"}
        async with self._database.write() as conn:
            statement = insert(conn, accounts).values(name=name, **{**given, "premium": bool(premium)}, since=at)
            since = sa.case((accounts.c.state == state.value, accounts.c.since), else_=statement.excluded.since)
            await conn.execute(
                statement.on_conflict_do_update(index_elements=[accounts.c.name], set_={**known, "since": since})
            )

    @verb
    async def all(self) -> tuple[WatchingAccount, ...]:
        """The watching accounts, by name, with how many channels each carries."""
        async with self._database.read() as conn:
            return await load_accounts(conn)

    @verb
    async def spend(self, account: str, method: str, at: datetime) -> None:
        """Note a call that counts against a budget. Before it is made: a kill then costs a call, never an account."""
        c = spends.c
        old = (c.account == account) & (c.method == method) & (c.at < at - _SPENDS_KEPT)
        async with self._database.write() as conn:
            await conn.execute(spends.delete().where(old))
            await conn.execute(spends.insert().values(account=account, method=method, at=at))

    @verb
    async def spent(self, account: str, method: str, since: datetime) -> tuple[datetime, ...]:
        """When `method` was called from `since` on, the oldest first; nothing older than two days is kept."""
        c = spends.c
        query = sa.select(c.at).where(c.account == account, c.method == method, c.at >= since).order_by(c.at)
        async with self._database.read() as conn:
            return tuple((await conn.scalars(query)).all())

    def lease(self, name: str) -> AbstractAsyncContextManager[Lease]:
        """Hold the account `name` against every other machine on this database, for as long as the block runs.

        Raise Locked at once when another holds it. SQLite serves one machine, where the session file's lock does it.
        """
        return hold(self._database, name)

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
        """What lets `account` ask for the channel; whether it has joined stays as it is."""
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


async def load_accounts(conn: AsyncConnection) -> tuple[WatchingAccount, ...]:
    """The watching accounts, by name."""
    c = channels.c
    carried = sa.select(c.account, sa.func.count()).where(c.watched, c.account.is_not(None)).group_by(c.account)
    counts = {account: count for account, count in await conn.execute(carried)}
    return tuple(
        WatchingAccount(
            name=row.name,
            state=AccountState(row.state),
            since=row.since,
            reason=row.reason,
            channels=counts.get(row.name, 0),
            slots=row.slots,
            premium=row.premium,
        )
        for row in await conn.execute(accounts.select().order_by(accounts.c.name))
    )


async def put_hash(
    conn: AsyncConnection, account: str, channel_id: ChannelId, access_hash: int, *, joined: bool | None = None
) -> None:
    """Insert or replace; 0 means that none is known and replaces nothing; `joined` None leaves what was known."""
    if not access_hash:
        return
    row = {"access_hash": access_hash} if joined is None else {"access_hash": access_hash, "joined": joined}
    statement = insert(conn, access_hashes).values(account=account, channel_id=channel_id, **row)
    key = [access_hashes.c.account, access_hashes.c.channel_id]
    await conn.execute(
        statement.on_conflict_do_update(index_elements=key, set_={name: statement.excluded[name] for name in row})
    )
