"""aiosqlite with one visit to the connection's thread for each statement.

A statement through aiosqlite visits the thread up to four times: to make a cursor, to execute, to fetch, to close. Each
visit is two switches of threads, which cost more than most of our statements.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import aiosqlite


class Cursor:
    """One statement and all of its rows, as SQLAlchemy asks for them: it fetches everything anyway."""

    arraysize = 1

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def __aenter__(self) -> "Cursor":
        return self

    async def execute(self, sql: str, parameters: Any = ()) -> None:
        """Execute, fetch and close."""
        await self._visit(sqlite3.Cursor.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Sequence[Any]) -> None:
        """Execute once for each of `parameters`."""
        await self._visit(sqlite3.Cursor.executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        """What `execute` fetched."""
        return self._rows

    async def close(self) -> None:
        """Nothing is open any more."""

    async def _visit(self, method: Callable[..., object], sql: str, parameters: Any) -> None:
        found = await self._connection.visit(method, sql, parameters)
        self._rows, self.description, self.rowcount, self.lastrowid = found


class Connection(aiosqlite.Connection):
    """A connection whose cursors are ours."""

    _stopped: asyncio.Future[object] | None = None

    def stop(self) -> asyncio.Future[object] | None:
        """Have the thread end."""
        self._stopped = super().stop()
        return self._stopped

    async def _connect(self) -> "Connection":
        """As aiosqlite's, but a thread that could not open the file has ended then: it must not meet a closed loop."""
        try:
            await super()._connect()
        except BaseException:
            if self._stopped:
                await self._stopped
            raise
        return self

    def cursor(self) -> Cursor:  # type: ignore[override]
        """A new cursor; the thread is not visited."""
        return Cursor(self)

    async def visit(self, method: Callable[..., object], sql: str, parameters: Any) -> Any:
        """(rows, description, rowcount, lastrowid) of one statement."""
        return await self._execute(_run, self._conn, method, sql, parameters)  # type: ignore[no-untyped-call]


def connect(database: str, **options: Any) -> Connection:
    """A connection to be awaited, with the options of `sqlite3.connect`."""
    connection = Connection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    # As SQLAlchemy does it: a connection that nobody closed must not keep the process alive.
    connection._thread.daemon = True
    return connection


def _run(connection: sqlite3.Connection, method: Callable[..., object], sql: str, parameters: Any) -> Any:
    cursor = connection.cursor()
    try:
        method(cursor, sql, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return rows, cursor.description, cursor.rowcount, cursor.lastrowid
    finally:
        cursor.close()
