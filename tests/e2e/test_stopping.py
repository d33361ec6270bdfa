"""Stopping: at any moment, once is enough."""

import asyncio
import signal

import pytest

from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import chat_of, listening


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


@pytest.mark.slow
async def test_an_answer_that_does_not_come_holds_up_no_stop(open_stage: OpenStage) -> None:
    """Told to stop while a loop waits for Telegram, the daemon ends with 0; what it was at is gone on with by who ordered it."""
    async with open_stage([{"handle": "lawmaker"}]) as stage:
        chat_of(stage, "lawmaker").post("from before")
        await listening(stage)
        stage.sandbox.faults.lose_reply("messages.getHistory", times=100)
        order = asyncio.create_task(stage.earshot("backfill", "@lawmaker", "--since", "2020-01-01"))

        def asked() -> bool:
            return any(call.method == "messages.getHistory" for call in stage.sandbox.calls)

        await stage.until(asked, what="the daemon asks for history")
        # Answered again; what was asked until now is not.
        stage.sandbox.faults.clear()
        stage.send_signal(signal.SIGTERM)
        async with asyncio.timeout(25):
            assert await stage.ended() == 0
        assert any("is stopping" in message.text for message in stage.desk.messages)
        ran = await order
        assert (ran.code, ran.out) == (0, "@lawmaker: messages read: 1; back to id 1\n"), ran.err
