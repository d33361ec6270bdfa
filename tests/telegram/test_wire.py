"""The wire below Telethon: what is cancelled ends."""

import asyncio
import logging
from collections import defaultdict

import pytest

from bot.telegram.client import Sender
from bot.telegram.wire import Link
from tests.configured import CLOSED_PORT

LOGGERS: defaultdict[str, logging.Logger] = defaultdict(lambda: logging.getLogger("tests.wire"))


async def test_cancelled_at_any_step(caplog: pytest.LogCaptureFixture) -> None:
    """Attempts to connect end when their caller gives up, also in the very step in which one fails."""
    for steps in range(30):
        sender = Sender(
            None, loggers=LOGGERS, keepalive=20.0, on_unreadable=lambda: None, retries=None, connect_timeout=10
        )
        connecting = asyncio.create_task(sender.connect(Link("127.0.0.1", CLOSED_PORT, 2, loggers=LOGGERS)))
        for _ in range(steps):
            await asyncio.sleep(0)
        connecting.cancel()
        await asyncio.wait([connecting], timeout=3)
        assert connecting.cancelled(), f"goes on after it was cancelled at step {steps}"
    assert "Attempt 1 at connecting failed" in caplog.text, "no step came after an attempt"
