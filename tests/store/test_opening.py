"""Opening, migrating, refusing."""

import asyncio
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.errors import StoreError
from bot.store import Store
from bot.store.engine import Database, parse_url
from bot.store.migrate import config, revisions
from bot.store.schema import metadata
from tests.store.making import NOON, channel
from tests.stores import fresh_sqlite, opened, postgres_url


async def run(url: str, *statements: str) -> None:
    """Change a database behind the store's back."""
    database = Database(parse_url(url))
    async with database.write() as conn:
        for statement in statements:
            await conn.execute(sa.text(statement))
    await database.close()


def differences(connection: sa.Connection) -> list[Any]:
    """Between the tables there and the tables declared."""
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            # FTS5's own tables.
            "include_name": lambda name, kind, _: kind != "table" or not str(name).startswith("search_index"),
            # Declared for PostgreSQL alone, which the comparison does not see.
            "include_object": lambda thing, *_: (
                thing.name != "ix_search_documents_vector" or _is_postgresql(connection)
            ),
        },
    )
    return list(compare_metadata(context, metadata))


def _is_postgresql(connection: sa.Connection) -> bool:
    return connection.dialect.name == "postgresql"


async def test_migrated_equals_declared(store: Store) -> None:
    """The migrations lead to exactly the declared tables."""
    async with store._database.read() as conn:
        assert await conn.run_sync(differences) == []


async def test_again(url: str, tmp_path: Path) -> None:
    """A database is opened again with all that it had; checking and opening it changes nothing."""
    assert await Store.check(url) is None
    async with opened(url, tmp_path) as store:
        await store.channels.pin(channel(), account="main")
    assert await Store.check(url) is None
    async with opened(url, tmp_path) as store:
        assert len(await store.channels.all()) == 1


async def test_opened_at_once(url: str, tmp_path: Path) -> None:
    """Of several processes that find an empty database, one makes the tables and the others find them."""
    stores = await asyncio.gather(*(Store.open(url, tmp_path / "media") for _ in range(4)))
    for store in stores:
        assert await store.channels.all() == ()
        await store.close()
        await store.close()


async def test_from_the_future(url: str, tmp_path: Path) -> None:
    """A database from a newer Earshot is refused, with its version, and left as it is."""
    async with opened(url, tmp_path):
        pass
    await run(url, "UPDATE alembic_version SET version_num = '9999'", "UPDATE about SET value = '7.1'")
    with pytest.raises(StoreError, match=r"was written by Earshot 7\.1, which is newer than this Earshot") as refused:
        await Store.open(url, tmp_path / "media")
    assert await Store.check(url) == str(refused.value)
    assert "\n" not in str(refused.value)


async def test_of_another_program(url: str, tmp_path: Path) -> None:
    """A database with somebody else's tables is refused and left as it is."""
    await run(url, "CREATE TABLE invoices (id INTEGER)")
    with pytest.raises(StoreError, match=r"another program .*invoices"):
        await Store.open(url, tmp_path / "media")
    assert await Store.check(url)
    database = Database(parse_url(url))
    async with database.read() as conn:
        assert await conn.run_sync(lambda connection: sa.inspect(connection).get_table_names()) == ["invoices"]
    await database.close()


async def test_of_another_alembic(url: str, tmp_path: Path) -> None:
    """A database that another program keeps with Alembic is refused."""
    await run(
        url,
        "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
        "INSERT INTO alembic_version VALUES ('abc')",
    )
    with pytest.raises(StoreError, match="revision abc that is not Earshot's"):
        await Store.open(url, tmp_path / "media")


async def test_broken_migration(url: str, tmp_path: Path) -> None:
    """A migration that fails half-way leaves nothing behind."""
    database = Database(parse_url(url))
    # The last thing that a migration writes.
    table = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL CHECK (version_num = 'never'))"
    await run(url, table)
    with pytest.raises(StoreError):
        await Store.open(url, tmp_path / "media")
    async with database.read() as conn:
        assert await conn.run_sync(lambda connection: sa.inspect(connection).get_table_names()) == ["alembic_version"]
    await database.close()


async def test_not_a_database(tmp_path: Path) -> None:
    """A file that is no database is refused and left as it is."""
    file = tmp_path / "earshot.db"
    file.write_text("shopping list: " + "milk " * 500)
    for _ in range(2):
        said = await Store.check(fresh_sqlite(tmp_path))
        assert said == f"The database {file} is not a database: name another file"
        with pytest.raises(StoreError, match="is not a database"):
            await Store.open(fresh_sqlite(tmp_path), tmp_path / "media")
    assert file.read_text().startswith("shopping list")
    assert {path.name for path in tmp_path.iterdir()} == {"earshot.db"}


async def test_private(tmp_path: Path) -> None:
    """The database and its side files are their owner's alone."""
    async with opened(fresh_sqlite(tmp_path), tmp_path) as store:
        await store.channels.pin(channel(), account="main")
        for file in tmp_path.glob("earshot.db*"):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_durable(tmp_path: Path) -> None:
    """SQLite keeps a write-ahead log, flushes every commit and checks foreign keys."""
    async with opened(fresh_sqlite(tmp_path), tmp_path) as store, store._database.read() as conn:
        found = {
            name: await conn.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


async def test_check_writes_nothing(tmp_path: Path) -> None:
    """Checking a database that does not exist yet makes no file."""
    assert await Store.check(fresh_sqlite(tmp_path)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "not understood"),
        ("earshot.db", "not understood"),
        ("mysql://root:geheim@localhost/db", "not understood"),
        ("postgresql://user:geheim@localhost:port/db", "not understood"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////nowhere/at/all/earshot.db", "its folder does not exist"),
        ("sqlite:////tmp", "is a folder"),
        ("sqlite:////tmp/x.db?mode=ro", "options"),
        ("postgresql://user:geheim@127.0.0.1:9/earshot", "nothing listens there"),
        ("postgresql://user:geheim@/earshot?host=/nowhere", "nothing listens there"),
    ],
)
async def test_unusable(url: str, said: str, tmp_path: Path) -> None:
    """A URL that leads nowhere is refused in one line, without its password."""
    with pytest.raises(StoreError) as refused:
        await Store.open(url, tmp_path / "media")
    for text in (str(refused.value), await Store.check(url)):
        assert text
        assert said in text
        assert "geheim" not in text
        assert "\n" not in text


@pytest.mark.slow
async def test_no_such_database(tmp_path: Path) -> None:
    """A PostgreSQL without the named database says so."""
    url = postgres_url().replace("/test_", "/absent_")
    with pytest.raises(StoreError, match="does not exist"):
        await Store.open(url, tmp_path / "media")


def test_the_names_of_the_migrations_are_their_revisions() -> None:
    """What is read from the names of the files is what Alembic finds in the files, and in their order."""
    assert list(revisions()) == [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()]


async def test_revision(store: Store) -> None:
    """A new database is at the newest revision."""
    async with store._database.read() as conn:
        assert await conn.scalar(sa.text("SELECT version_num FROM alembic_version")) == revisions()[0]


async def test_naive_time(store: Store) -> None:
    """A time without a zone is refused before it is written."""
    with pytest.raises(StoreError, match="time without a time zone"):
        await store.outbox.add_notice(("chat",), "x", NOON.replace(tzinfo=None))


async def test_locked(tmp_path: Path) -> None:
    """A reader is never kept waiting by a writer, and sees nothing half written."""
    url = fresh_sqlite(tmp_path)
    async with opened(url, tmp_path) as store:
        other = sqlite3.connect(tmp_path / "earshot.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO about VALUES ('a', 'b')")
        assert await store.channels.all() == ()
        other.execute("COMMIT")
        other.close()


async def test_begun(url: str, tmp_path: Path) -> None:
    """An empty database, or none, has nothing to read, and asking makes none; an opened one has."""
    before = sorted(tmp_path.rglob("*"))
    assert not await Store.begun(url)
    assert sorted(tmp_path.rglob("*")) == before
    async with opened(url, tmp_path):
        assert await Store.begun(url)
    await run(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer than this Earshot"):
        await Store.begun(url)
