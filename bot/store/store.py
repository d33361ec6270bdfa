"""The door to what is kept."""

import os
from pathlib import Path

from sqlalchemy.engine import URL

from bot.errors import StoreError
from bot.model import Clock, utc_now
from bot.store.accounts import Accounts
from bot.store.alarms import Alarms
from bot.store.archive import Archive
from bot.store.channels import Channels
from bot.store.engine import Database, parse_url
from bot.store.events import BURST, Burst, Events
from bot.store.hearings import Hearings
from bot.store.intake import Intake
from bot.store.media import MediaFiles
from bot.store.migrate import Found, look, migrate, refuse
from bot.store.outbox import Outbox
from bot.store.rechecks import Rechecks
from bot.store.recordings import Recordings
from bot.store.translations import Translations
from bot.store.twins import Twins


class Store:
    """Everything that Earshot keeps. Each verb is one transaction; repeating one changes nothing."""

    def __init__(self, database: Database, media: MediaFiles, clock: Clock, burst: Burst) -> None:
        self._database = database
        self.accounts = Accounts(database)
        self.channels = Channels(database, clock)
        self.intake = Intake(database, clock, burst)
        self.events = Events(database)
        self.recordings = Recordings(database)
        self.hearings = Hearings(database)
        self.twins = Twins(database)
        self.translations = Translations(database)
        self.outbox = Outbox(database)
        self.rechecks = Rechecks(database)
        self.alarms = Alarms(database)
        self.archive = Archive(database)
        self.media = media

    @classmethod
    async def open(cls, url: str, media_folder: Path, *, clock: Clock = utc_now, burst: Burst = BURST) -> "Store":
        """Open the database and bring its tables up to date.

        `url`: sqlite:////folder/earshot.db or postgresql://user:password@host/name. Raise StoreError, in one line and
        without the password, when the database cannot be reached, is not ours or is from a newer Earshot, or when the
        media folder cannot be written. `burst`: how many deletions of one channel are an event.
        """
        parsed = parse_url(url)
        # Where either cannot be used, the other is not made.
        await _inspect(parsed)
        media = MediaFiles(media_folder)
        media.prepare()
        _create_file(parsed)
        database = Database(parsed)
        try:
            await migrate(database)
        except BaseException:
            await database.close()
            raise
        return cls(database, media, clock, burst)

    @classmethod
    async def check(cls, url: str) -> str | None:
        """What `open` would complain about, or None. Writes nothing."""
        try:
            await _inspect(parse_url(url))
        except StoreError as error:
            return str(error)
        return None

    @classmethod
    async def begun(cls, url: str) -> bool:
        """Whether there is anything to read: False when the database is yet to be made, or is empty.

        Writes nothing. Raise StoreError for a database that `open` would refuse.
        """
        parsed = parse_url(url)
        found = None if _to_be_made(parsed) else await _inspect(parsed)
        return found is not None and found.revision is not None

    async def close(self) -> None:
        """Close all connections; may be called twice."""
        await self._database.close()


async def _inspect(url: URL) -> Found | None:
    """What is there, None when nothing is; write nothing. Raise StoreError for a database that cannot be used."""
    _check_file(url)
    if _to_be_made(url):
        return None
    database = Database(url, readonly=True)
    try:
        async with database.read() as conn:
            found = await conn.run_sync(look)
        refuse(database.name, found)
        return found
    finally:
        await database.close()


def _check_file(url: URL) -> None:
    """Refuse a SQLite path that cannot become a database."""
    if url.get_backend_name() != "sqlite":
        return
    file = Path(url.database or "")
    if file.is_dir():
        raise StoreError(f"The database {file} is a folder: expected a file")
    if not file.parent.is_dir():
        raise StoreError(f"The database {file} cannot be made: its folder does not exist")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise StoreError(f"The database {file} cannot be written: check the owner of the file and its folder")


def _to_be_made(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


def _create_file(url: URL) -> None:
    """A new database is its owner's alone; SQLite gives its side files the same mode."""
    if url.get_backend_name() == "sqlite":
        os.close(os.open(url.database or "", os.O_CREAT | os.O_RDWR, 0o600))
