"""What a driver's error means to the user: one clear line, without password, statement or the text of posts."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from bot.errors import StoreError

# (what the driver says, in lower case; what to tell the user)
_MEANINGS = (
    ("file is not a database", "is not a database: name another file"),
    ("disk image is malformed", "is damaged: restore the last backup"),
    ("unable to open database file", "cannot be opened: does its folder exist, and may this user write there?"),
    ("readonly database", "cannot be written: check the owner of the file and its folder"),
    ("database or disk is full", "cannot grow: the disk is full. Free some space; nothing was lost or half written"),
    ("no space left", "cannot grow: the disk is full. Free some space; nothing was lost or half written"),
    ("disk i/o error", "cannot be read or written: the disk reports an error, or is full"),
    ("database is locked", "is held by another program for longer than 20 s: stop that program"),
    ("no such module: fts5", "needs SQLite's full-text search (FTS5), which this Python was built without"),
    ("password authentication failed", "refuses the user name or password"),
    ("no password supplied", "wants a password: put it into the URL"),
    ("does not exist", "refuses: the database, user or table does not exist"),
    ("name or service not known", "cannot be reached: its host name is not known"),
    ("failed to resolve host", "cannot be reached: its host name is not known"),
    ("temporary failure in name resolution", "cannot be reached: its host name is not known"),
    ("connection refused", "cannot be reached: nothing listens there"),
    ("no such file or directory", "cannot be reached: nothing listens there"),
    ("timeout expired", "cannot be reached: no answer within 10 s"),
    ("connection timeout", "cannot be reached: no answer within 10 s"),
    ("permission denied", "refuses: this user may not do that"),
)


@contextmanager
def explain(name: str) -> Iterator[None]:
    """Turn every error of SQLAlchemy, the drivers and the system into StoreError."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreError(f"{name} {_meaning(str(getattr(error, 'orig', None) or error))}") from error
    except OSError as error:
        raise StoreError(f"{name} {_meaning(str(error))}") from error


def _meaning(said: str) -> str:
    lowered = said.lower()
    for phrase, meaning in _MEANINGS:
        if phrase in lowered:
            return meaning
    return f"reports: {said.splitlines()[0] if said else 'an error without words'}"
