"""A desk on a real SQLite store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import Store
from tests.monitor.desk import BLOGGER, GURULEV, REPOSTER, Desk, HandClock


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Store and monitor with three channels."""
    clock = HandClock()
    store = await Store.open(f"sqlite:///{tmp_path}/earshot.db", tmp_path / "media", clock=clock)
    for channel in (GURULEV, BLOGGER, REPOSTER):
        await store.channels.pin(channel, account="main")
    yield Desk(store, clock)
    await store.close()
