"""A desk on a real store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.monitor.desk import BLOGGER, GURULEV, REPOSTER, Desk, HandClock
from tests.stores import opened, ready_sqlite, ready_url


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """Store and monitor with three channels, on SQLite."""
    async for desk in _desk(ready_sqlite(tmp_path), tmp_path):
        yield desk


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def either_desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """The same on both engines."""
    url = ready_url(request.param, tmp_path)
    async for desk in _desk(url, tmp_path):
        yield desk


async def _desk(url: str, folder: Path) -> AsyncIterator[Desk]:
    clock = HandClock()
    async with opened(url, folder, clock=clock) as store:
        for channel in (GURULEV, BLOGGER, REPOSTER):
            await store.channels.pin(channel, account="main")
        yield Desk(store, clock)
