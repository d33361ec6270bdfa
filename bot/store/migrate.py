"""Bringing a database up to this Earshot, or refusing it. Needs no alembic.ini: works from an installed package.

Alembic is loaded when there is something to bring up: every command opens the store, and Alembic is slow to load.
"""

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from bot.errors import StoreError
from bot.store.engine import Database
from bot.store.schema import about

if TYPE_CHECKING:
    from alembic.config import Config

log = structlog.get_logger()

_FOLDER = Path(__file__).parent / "migrations"
# Alembic's own table, a row with the revision.
_AT = sa.table("alembic_version", sa.column("version_num", sa.String))


@dataclass(frozen=True, slots=True)
class Found:
    """What a database says about itself."""

    revision: str | None
    written_by: str | None
    # Tables that Earshot did not make, when it made none.
    foreign: tuple[str, ...]


def earshot_version() -> str:
    """The version of this Earshot."""
    try:
        return version("earshot")
    except PackageNotFoundError:
        return "unknown"


def config() -> "Config":
    """Alembic's settings, for our migrations."""
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    return settings


@cache
def revisions() -> tuple[str, ...]:
    """The revisions that this Earshot knows, the newest first: what the names of the migrations begin with."""
    return tuple(sorted((path.name[:4] for path in (_FOLDER / "versions").glob("[0-9]*.py")), reverse=True))


async def migrate(database: Database) -> None:
    """Create or upgrade the tables: all or nothing, one process at a time. Raise StoreError for what is not ours."""
    async with database.read() as conn:
        found = await conn.run_sync(look)
    refuse(database.name, found)
    if found.revision == revisions()[0]:
        return
    async with database.write() as conn:
        # Again: another process may have been here meanwhile.
        refuse(database.name, await conn.run_sync(look))
        await conn.run_sync(_upgrade)
    log.info("database brought up to date", revision=revisions()[0], before=found.revision)


def look(connection: sa.Connection) -> Found:
    """Read revision and origin."""
    tables = sorted(sa.inspect(connection).get_table_names())
    revision = connection.scalar(sa.select(_AT.c.version_num)) if _AT.name in tables else None
    written_by = None
    if revision is not None and about.name in tables:
        written_by = connection.scalar(sa.select(about.c.value).where(about.c.name == "earshot"))
    foreign = () if revision is not None else tuple(table for table in tables if table != "alembic_version")
    return Found(revision, written_by, foreign)


def refuse(name: str, found: Found) -> None:
    """Raise StoreError for a database from the future or from another program."""
    if found.foreign:
        raise StoreError(
            f"{name} belongs to another program (it has the table {found.foreign[0]}): give Earshot a database of its own"
        )
    if found.revision is None:
        return
    if found.revision in revisions():
        return
    if found.written_by is None:
        raise StoreError(f"{name} has a revision {found.revision} that is not Earshot's: give Earshot its own database")
    raise StoreError(
        f"{name} was written by Earshot {found.written_by}, which is newer than this Earshot {earshot_version()}: "
        "install that version or a later one"
    )


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command

    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")
    connection.execute(about.delete().where(about.c.name == "earshot"))
    connection.execute(about.insert().values(name="earshot", value=earshot_version()))
