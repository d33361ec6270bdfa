"""`earshot audit` beside a running daemon, and without one."""

import json
from typing import Any

import pytest

from bot.sandbox.stage import Stage
from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import chat_of, listening

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def audit(stage: Stage, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the statement."""
    ran = await stage.earshot("audit", "--json", *arguments)
    assert ran.out, ran.err
    return ran.code, json.loads(ran.out)


async def with_a_gap(stage: Stage) -> None:
    """Listen, and have Telegram forget two posts in the middle."""
    await listening(stage)
    chat = chat_of(stage, "blogger")
    stage.sandbox.faults.swallow_push(chat, True)
    stage.sandbox.faults.omit_ids(chat, [3, 4])
    for number in range(1, 7):
        chat.post(f"Запись {number}")
    for _ in range(60):
        code, found = await audit(stage, "@blogger")
        if code == 1 and [(gap["first"], gap["last"]) for gap in found["channels"][0]["gaps"]] == [(3, 4)]:
            return
    raise AssertionError(found)


@pytest.mark.drill
async def test_repaired_by_the_daemon(open_stage: OpenStage) -> None:
    """While the daemon runs it closes what can be closed, and the statement comes once it has."""
    async with open_stage([{"handle": "blogger"}]) as stage:
        await with_a_gap(stage)
        code, found = await audit(stage, "--repair")
        assert (code, found["channels"][0]["gap"]) == (1, 2)
        assert found["channels"][0]["gaps"][0]["reason"]
        assert found["channels"][0]["channel"]["repair_wanted"] is None
        stage.sandbox.faults.omit_ids(chat_of(stage, "blogger"), ())
        code, found = await audit(stage, "--repair")
        assert (code, found["complete"], found["channels"][0]["gaps"]) == (0, True, [])
        assert sum(found["channels"][0]["ids"]["stored"].values()) == 6
        assert await stage.stop() == 0


@pytest.mark.drill
async def test_repaired_without_a_daemon(open_stage: OpenStage) -> None:
    """When no daemon runs, the command asks Telegram itself; what stays open is said with exit code 1."""
    async with open_stage([{"handle": "blogger"}]) as stage:
        await with_a_gap(stage)
        assert await stage.stop() == 0
        ran = await stage.earshot("audit", "--repair")
        assert ran.code == 1
        assert "gap @blogger posts 3 to 4 (2 ids), open since" in ran.out
        stage.sandbox.faults.omit_ids(chat_of(stage, "blogger"), ())
        ran = await stage.earshot("audit", "@blogger", "--repair")
        assert ran.code == 0, ran.out + ran.err
        assert "gap @blogger" not in ran.out
