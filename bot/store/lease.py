"""Who may use a Telegram account: one machine at a time, held by a PostgreSQL session.

An advisory lock of session level lives as long as its connection, so a machine that dies gives it up by itself
(https://www.postgresql.org/docs/current/explicit-locking.html#ADVISORY-LOCKS).
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from bot.errors import Locked
from bot.store.engine import Database
from bot.store.failures import explain

log = structlog.get_logger()

# Seconds between looks whether the connection still stands, and for the answer.
LOOK_SECONDS = 5.0
PATIENCE = 10.0
# A peer that has vanished is noticed by either side within half a minute or so.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
_SERVER_KEEPALIVE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to use an account."""

    account: str
    # Set when another machine has got it after our connection was lost: stop using the account at once.
    lost: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def hold(database: Database, account: str, *, look_seconds: float = LOOK_SECONDS) -> AsyncIterator[Lease]:
    """Take the account's lock and keep it. Raise Locked when another holds it, StoreError without a database."""
    lease = Lease(account)
    if database.url.get_backend_name() == "sqlite":
        yield lease
        return
    keeper = _Keeper(database, lease)
    try:
        with explain(database.name):
            await keeper.take()
        watch = asyncio.create_task(keeper.keep(look_seconds))
        try:
            yield lease
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
    finally:
        await keeper.close()


class _Keeper:
    """One connection, and the lock on it."""

    def __init__(self, database: Database, lease: Lease) -> None:
        self._lease = lease
        self._key = int.from_bytes(hashlib.sha256(f"earshot {lease.account}".encode()).digest()[:8], signed=True)
        self._engine = _make_engine(database)
        self._conn: AsyncConnection | None = None
        # The server's process that held the lock for us, and when it began.
        self._backend: tuple[object, ...] = ()

    async def take(self) -> None:
        """Connect and lock. Raise Locked when another holds it."""
        conn = self._conn = await self._engine.connect()
        if not await conn.scalar(sa.select(sa.func.pg_try_advisory_lock(self._key))):
            holder = await self._holder(conn)
            await self._disconnect()
            if holder and holder == self._backend:
                # Ours, of a connection that broke without the server's notice.
                raise _HeldByGhost
            raise Locked(
                f"The account {self._lease.account} is in use by another Earshot on this database: stop that one first"
            )
        self._backend = await self._me(conn)

    async def keep(self, look_seconds: float) -> None:
        """Look after the connection; once it is lost, take the lock again, or learn that another has it."""
        while not self._lease.lost.is_set():
            await asyncio.sleep(look_seconds)
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._look()
            except Locked as error:
                log.error("account taken over by another machine", account=self._lease.account, error=str(error))
                self._lease.lost.set()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("lease not confirmed", account=self._lease.account, error=type(error).__name__)
                await self._disconnect()

    async def _look(self) -> None:
        if self._conn is not None:
            await self._conn.scalar(sa.select(1))
            return
        try:
            await self.take()
        except _HeldByGhost:
            async with self._engine.connect() as conn:
                await conn.execute(sa.select(sa.func.pg_terminate_backend(self._backend[0])))
        else:
            log.info("lease taken again", account=self._lease.account)

    async def _holder(self, conn: AsyncConnection) -> tuple[object, ...]:
        """(process, when it began) of the session that holds the lock."""
        found = sa.text(
            "SELECT a.pid, a.backend_start FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database()) "
            "AND ((l.classid::bigint << 32) | l.objid::bigint) = :key"
        )
        row = (await conn.execute(found, {"key": self._key})).first()
        return tuple(row) if row else ()

    async def _me(self, conn: AsyncConnection) -> tuple[object, ...]:
        mine = sa.text("SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        return tuple((await conn.execute(mine)).one())

    async def _disconnect(self) -> None:
        conn, self._conn = self._conn, None
        if conn is not None:
            with suppress(SQLAlchemyError, OSError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await conn.invalidate()
                    await conn.close()

    async def close(self) -> None:
        """Give the lock back with the connection."""
        await self._disconnect()
        await self._engine.dispose()


class _HeldByGhost(Exception):
    """Our own former connection still holds the lock."""


def _make_engine(database: Database) -> AsyncEngine:
    return create_async_engine(
        database.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={
            "connect_timeout": 10,
            "application_name": "earshot lease",
            "options": _SERVER_KEEPALIVE,
            **_KEEPALIVE,
        },
    )
