"""An album that a kill cuts in two is one alert in the chat."""

import asyncio

import pytest

from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import BLOGGER, chat_of, listening


@pytest.mark.slow
@pytest.mark.drill
async def test_an_album_cut_by_a_kill_is_one_alert(open_stage: OpenStage) -> None:
    """Ten items with the words in each, the daemon killed after five of them: the analysts are told once."""
    async with open_stage([BLOGGER]) as stage:
        await listening(stage)
        channel = chat_of(stage, "blogger")
        items = [
            {"photo": bytes([number]), "text": "Удар ракетами Storm Shadow под Бердянском", "album_id": 77}
            for number in range(10)
        ]
        numbers = [channel.post(**item) for item in items[:5]]
        # Heard and held back, or not even heard: both must do.
        await asyncio.sleep(0.7)
        await stage.kill()
        numbers += [channel.post(**item) for item in items[5:]]
        await listening(stage)

        def told() -> list[str]:
            links = {f"https://t.me/blogger/{number}" for number in numbers}
            return [message.text for message in stage.desk.messages if links & set(message.text.split())]

        await stage.until(lambda: bool(told()), what="the alert")
        await stage.quiet(stage.desk, seconds=3)
        rules = [line for text in told() for line in text.splitlines() if line.startswith("Rule ")]
        assert len(rules) == len(set(rules)) == len(told())
        assert await stage.stop() == 0
