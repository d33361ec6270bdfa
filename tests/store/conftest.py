"""Every test of the verbs runs on both engines."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.store import Store
from tests.store.making import BLOGGER, LAWMAKER, NOON, channel
from tests.stores import fresh_sqlite, opened, postgres_url, ready_url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine."""
    return str(request.param)


@pytest.fixture
def url(engine: str, tmp_path: Path) -> str:
    """An empty database."""
    return fresh_sqlite(tmp_path) if engine == "sqlite" else postgres_url()


@pytest.fixture
async def store(engine: str, tmp_path: Path) -> AsyncIterator[Store]:
    """A store that watches two channels; its clock stands at noon."""
    async with opened(ready_url(engine, tmp_path), tmp_path, clock=lambda: NOON) as store:
        await store.channels.pin(channel(LAWMAKER, handle="Gurulev", language="ru", priority=1), account="main")
        await store.channels.pin(channel(BLOGGER, handle="osvedomitel"), account="main")
        yield store
