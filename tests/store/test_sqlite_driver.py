"""Our way to SQLite."""

import sqlite3
from pathlib import Path

import pytest

from bot.store.sqlite_driver import connect


async def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """When the failure is told, the thread has nothing left to tell to a loop that may be closed by then."""
    connection = connect(str(tmp_path))
    with pytest.raises(sqlite3.OperationalError):
        await connection
    connection._thread.join(10)
    assert not connection._thread.is_alive()
    assert connection._stopped is not None
    assert connection._stopped.done()
