"""Stopping: at any moment, once is enough."""

import asyncio
import signal

import pytest

from tests.e2e.conftest import OpenStage


@pytest.mark.slow
async def test_a_daemon_that_cannot_connect_stops_at_the_first_signal(open_stage: OpenStage) -> None:
    """Told to stop while Telegram does not answer, it ends at once with 0, not when the connection times out."""
    channels = [{"handle": "lawmaker"}]
    async with open_stage(channels, settings={"telegram": {"connect_seconds": 600}}) as stage:
        stage.sandbox.faults.refuse_connections()
        await stage.start()
        database = stage.folder / "data" / "earshot.db"
        await stage.until(database.exists, what="the database is there, so that it is connecting next")
        await asyncio.sleep(0.5)
        stage.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            assert await stage.ended() == 0
