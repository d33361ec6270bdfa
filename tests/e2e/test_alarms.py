"""Silence is noticed: a deaf account, a channel gone private and a closed chat are said, each where somebody can hear it."""

from typing import Any

import pytest

from bot.health.http import ask
from bot.sandbox.stage import Stage, free_port
from tests.e2e.conftest import OpenStage
from tests.e2e.outside import outside
from tests.e2e.test_faults import until_status
from tests.e2e.test_main_job import chat_of, listening

BLOGGER, LAWMAKER = {"handle": "blogger"}, {"handle": "lawmaker"}
# Three seconds, in minutes; the alarms are looked at every half minute.
SOON = 0.05
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def said(stage: Stage, words: str) -> list[str]:
    """The messages in the analysts' chat that hold these words."""
    return [message.text for message in stage.desk.messages if words in message.text]


async def in_force(port: int) -> dict[str, str]:
    """The alarms in /healthz, by name."""
    answer: dict[str, Any] | None = await ask(port, "/healthz")
    assert answer is not None
    return {alarm["name"]: alarm["text"] for alarm in answer["alarms"]}


@pytest.mark.drill
async def test_deaf_and_a_channel_gone_private(open_stage: OpenStage) -> None:
    """A post that nobody can fetch and a channel that can no longer be read are told once each, also over a kill."""
    port = free_port()
    settings = {"alarms": {"lag_minutes": SOON}, "health": {"port": port}}
    async with open_stage([BLOGGER, LAWMAKER], settings=settings) as stage:
        await listening(stage)
        faults = stage.sandbox.faults
        chat_of(stage, "lawmaker").go_private()
        await until_status(stage, lambda now: "private" in str(now["channels"]), what="private in the status")
        faults.swallow_push("all", True)
        for method in ("messages.getPeerDialogs", "updates.getChannelDifference", "messages.getHistory"):
            faults.error(method, 500, "INTERNAL", times=10_000)
        chat_of(stage, "blogger").post("Unheard")
        await stage.until(lambda: bool(said(stage, "@blogger is ")), what="the alarm about lag")
        assert len(said(stage, "@lawmaker can no longer be read: it is private")) == 1
        shown = await stage.earshot("status")
        assert shown.out.count("alarm since") == 2
        await stage.kill()
        await listening(stage)
        await stage.until(lambda: len(said(stage, "listening")) == 2, what="the second start")
        assert len(said(stage, "⚠ @blogger is ")) == 1
        assert len(said(stage, "⚠ @lawmaker can no longer")) == 1


@pytest.mark.drill
async def test_a_chat_that_takes_nothing_is_told_elsewhere(open_stage: OpenStage) -> None:
    """When the chat is closed, the second sink and /healthz have the alarm with the reason."""
    port = free_port()
    async with outside() as service:
        settings = {
            "alarms": {"due_minutes": SOON},
            "alerts": {"apprise": [{"name": "hook", "url_file": "secrets/hook"}]},
            "health": {"port": port},
        }
        async with open_stage([BLOGGER], settings=settings) as stage:
            (stage.folder / "secrets" / "hook").write_text(service.hook_url)
            await listening(stage)
            stage.desk.closed = True
            chat_of(stage, "blogger").post("Прилетели две Storm Shadow")
            await stage.until(
                lambda: any("to chat due" in text for text in service.messages), what="the alarm elsewhere"
            )
            (text,) = [text for text in service.messages if "to chat due" in text]
            assert "may not write there" in text
            assert list(await in_force(port)) == ["due:chat"]
            answer = await ask(port, "/healthz")
            assert answer is not None
            assert answer["ok"], "restarting would not open the chat"
            stage.desk.closed = False
            await stage.until(lambda: bool(said(stage, "Storm Shadow")), what="the alert, late")
