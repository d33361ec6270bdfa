"""The way to the database: one URL, two engines, one writer at a time on both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import StoreError
from bot.store.failures import explain
from bot.store.sqlite_driver import connect

P = ParamSpec("P")
T = TypeVar("T")

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}
# "earshot" in ASCII: the advisory lock that makes PostgreSQL have one writer.
_WRITER_LOCK = 0x65617273686F74
_BUSY_MS = 20_000
_WRITES = "earshot_writes"


def parse_url(url: str) -> URL:
    """The URL with our async driver in it. Raise StoreError, which never repeats the URL: it may hold a password."""
    try:
        parsed = make_url(url)
        driver = _DRIVERS[parsed.drivername.split("+")[0]]
    except (SQLAlchemyError, ValueError, KeyError):
        raise StoreError(
            "The database URL is not understood: expected sqlite:////folder/earshot.db or postgresql://user@host/name"
        ) from None
    if driver.startswith("sqlite") and (not parsed.database or parsed.database == ":memory:"):
        raise StoreError("The database URL names no file: expected sqlite:////folder/earshot.db")
    if driver.startswith("sqlite") and parsed.query:
        raise StoreError("The database URL has options after '?', which SQLite's do not take")
    return parsed.set(drivername=driver)


def shown(url: URL) -> str:
    """How messages name the database: without password and options."""
    if url.get_backend_name() == "sqlite":
        return f"The database {url.database}"
    host = url.host or url.query.get("host") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"The database {url.database} on {host}{port}"


def insert(conn: AsyncConnection, table: sa.Table) -> Any:
    """An INSERT that knows ON CONFLICT, which both engines spell alike and SQLAlchemy keeps apart."""
    return sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)


async def insert_new(
    conn: AsyncConnection, table: sa.Table, rows: Sequence[dict[str, Any]], *returning: sa.Column[Any]
) -> list[Any]:
    """Insert the rows that break no unique constraint; return `returning` of those."""
    found: list[Any] = []
    # 100 rows of 20 columns stay far below SQLite's 32,766 and PostgreSQL's 65,535 parameters.
    for start in range(0, len(rows), 100):
        statement = insert(conn, table).values(rows[start : start + 100]).on_conflict_do_nothing()
        if returning:
            found += (await conn.execute(statement.returning(*returning))).all()
        else:
            await conn.execute(statement)
    return found


def verb(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Carry a store verb through when its caller is cancelled: the cancellation goes on once the verb has ended.

    The drivers do not survive a cancellation at every moment: a connection that was just being made would be left
    behind, with the write lock.
    """

    @wraps(method)
    async def carried_through(*args: P.args, **kwargs: P.kwargs) -> T:
        work = asyncio.ensure_future(method(*args, **kwargs))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            while not work.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
            if not work.cancelled():
                # Looked at, so that nobody warns of an error that nobody saw: the caller is gone.
                work.exception()
            raise

    return carried_through


class Database:
    """Connections, transactions, and the translation of every driver error into StoreError."""

    def __init__(self, url: URL, *, readonly: bool = False) -> None:
        self.url = url
        self.name = shown(url)
        self._writer = asyncio.Lock()
        self.engine = _make_engine(url, readonly=readonly)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view of what is committed."""
        with explain(self.name):
            async with self.engine.connect() as conn, conn.begin():
                yield conn

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits at the end of the block; no other writer runs meanwhile, in any process."""
        with explain(self.name):
            async with self._writer, self.engine.connect() as conn:
                await conn.execution_options(**self._writing)
                async with conn.begin():
                    if self.url.get_backend_name() != "sqlite":
                        await conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))
                    yield conn

    @property
    def _writing(self) -> dict[str, Any]:
        # READ COMMITTED: with REPEATABLE READ, waiting for the lock would fix the view before the lock is had.
        return {_WRITES: True} if self.url.get_backend_name() == "sqlite" else {"isolation_level": "READ COMMITTED"}

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _make_engine(url: URL, *, readonly: bool) -> AsyncEngine:
    # hide_parameters: the text of posts must not reach a log by way of an exception.
    if url.get_backend_name() == "sqlite":
        if readonly:
            url = url.set(database=f"file:{quote(url.database or '')}", query={**_readonly(url), "uri": "true"})
        engine = create_async_engine(
            url,
            hide_parameters=True,
            pool_size=5,
            max_overflow=0,
            pool_timeout=60,
            connect_args={"async_creator_fn": connect},
        )
        if not readonly:
            event.listen(engine.sync_engine, "connect", _prepare_writing)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=5,
        pool_timeout=60,
        pool_pre_ping=True,
        isolation_level="REPEATABLE READ",
        connect_args={"connect_timeout": 10, "application_name": "earshot"},
    )


def _readonly(url: URL) -> dict[str, str]:
    # Opening a database in WAL mode makes its -wal and -shm files, read-only or not. Where there is no -wal, nobody has
    # it open and all is in the one file, which may then be read as it lies (https://sqlite.org/wal.html, section 5).
    closed = not Path(f"{url.database}-wal").exists()
    return {"mode": "ro", "immutable": "1"} if closed else {"mode": "ro"}


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late (before the first write, not the first read) and never before DDL; with
    # None it issues none, and `_begin_sqlite` does.
    connection.isolation_level = None
    _pragmas(connection, f"busy_timeout={_BUSY_MS}", "foreign_keys=ON")


def _prepare_writing(connection: Any, _record: object) -> None:
    # FULL: what is committed survives a power cut, not only a kill.
    _pragmas(connection, f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=FULL")


def _pragmas(connection: Any, *pragmas: str) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: sa.Connection) -> None:
    # IMMEDIATE takes the write lock before the first read, so that what was read still holds when it is written.
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(_WRITES) else "BEGIN")
