"""Telegram misbehaves while the daemon runs: nothing is lost, nothing comes twice, order is kept, and people are told."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.chats import Chat
from bot.sandbox.stage import EXAMPLE_RULES, TOKEN, Stage
from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import alerts, chat_of, listening

RECORDINGS = Path(__file__).parents[1] / "speech" / "recordings"
LAWMAKER, BLOGGER, DIGEST = {"handle": "lawmaker", "language": "ru"}, {"handle": "blogger"}, {"handle": "digest"}
# Flood waits and pauses between tries are waited out.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SHADOW = "Прилетели две Storm Shadow"


def address(chat: Chat, message_id: int) -> str:
    """The public address of a post."""
    return f"https://t.me/{chat.handle}/{message_id}"


def told(stage: Stage) -> list[str]:
    """The posts whose alerts of the Storm Shadow rule are in the chat, in order."""
    return [m.text.split()[-1] for m in stage.desk.messages if "Rule  storm-shadow" in m.text]


def served(stage: Stage, method: str) -> list[str | None]:
    """The error, or None, of each call of a method."""
    return [call.error for call in stage.sandbox.calls if call.method == method]


async def posts(chat: Chat, count: int, *, pause: float = 0.0) -> list[str]:
    """Post so many that the rule asks for; their addresses."""
    found = []
    for number in range(count):
        found.append(address(chat, chat.post(f"{SHADOW} ({number})")))
        await asyncio.sleep(pause)
    return found


async def expect(stage: Stage, wanted: list[str], *, seconds: float = 60.0) -> None:
    """Wait until each of these posts is alerted, then hold the chat to exactly these alerts, in this order."""
    await stage.until(lambda: set(told(stage)) >= set(wanted), what=f"alerts {wanted[-1]}", seconds=seconds)
    assert told(stage) == wanted


async def status(stage: Stage) -> Any:
    """The store's part of `earshot status --json`."""
    ran = await stage.earshot("status", "--json")
    assert ran.out, ran.err
    return json.loads(ran.out)["store"]


async def until_status(stage: Stage, true: Callable[[Any], bool], *, what: str, tries: int = 15) -> Any:
    """The status, as soon as that holds of it."""
    for _ in range(tries):
        now = await status(stage)
        if true(now):
            return now
        assert stage.running, stage.log_tail()
    raise AssertionError(f"{what}\n{now}\n{stage.log_tail()}")


@pytest.mark.drill
async def test_hearing_through_cuts_waits_and_lost_pushes(open_stage: OpenStage) -> None:
    """Ten cuts, a flood-waited overview, pushes swallowed and differences too long cost no post and double none."""
    async with open_stage([LAWMAKER, BLOGGER, DIGEST]) as stage:
        lawmaker, blogger, digest = (chat_of(stage, one["handle"]) for one in (LAWMAKER, BLOGGER, DIGEST))
        faults = stage.sandbox.faults
        await listening(stage)
        wanted: list[str] = []
        for _ in range(10):
            wanted += await posts(blogger, 1)
            faults.drop_connection()
            wanted += await posts(blogger, 1, pause=0.3)
        await stage.until(lambda: set(told(stage)) >= set(wanted), what="all posts around the cuts")
        assert sorted(told(stage)) == sorted(wanted)
        wanted = told(stage)

        faults.swallow_push(digest, True)
        wanted += await posts(digest, 3)
        await expect(stage, wanted, seconds=10)
        # An edit that nobody pushes is found as well.
        changed = digest.post("Обычная запись")
        digest.edit(changed, f"{SHADOW}, теперь и здесь")
        wanted.append(address(digest, changed))
        await expect(stage, wanted, seconds=10)
        faults.clear()

        faults.swallow_push(lawmaker, True)
        faults.difference_too_long(lawmaker, 2)
        wanted += await posts(lawmaker, 130)
        await stage.until(lambda: len(told(stage)) >= len(wanted), what="posts behind a difference that is too long")
        assert sorted(told(stage)) == sorted(wanted)
        wanted = told(stage)
        faults.clear()

        faults.flood_wait("messages.getPeerDialogs", 30)
        await stage.until(lambda: "420 FLOOD_WAIT_30" in served(stage, "messages.getPeerDialogs"), what="the wait")
        asked = len(served(stage, "messages.getPeerDialogs"))
        wanted += await posts(lawmaker, 2)
        await expect(stage, wanted, seconds=15)
        shown = await status(stage)
        assert [(wait["account"], wait["method"]) for wait in shown["waits"]] == [("main", "messages.getPeerDialogs")]
        assert "messages.getPeerDialogs" in (await stage.earshot("status")).out
        assert len(served(stage, "messages.getPeerDialogs")) == asked, "it asked during the wait"
        assert [(row["gaps"], row["channel"]["state"]) for row in shown["channels"]] == [(0, "active")] * 3
        assert sorted(row["messages"] for row in shown["channels"]) == [4, 20, 132]
        assert await stage.stop() == 0


@pytest.mark.drill
async def test_a_channel_that_goes_private_and_comes_back(open_stage: OpenStage) -> None:
    """While it is private the status says so and the others are heard; what it posted meanwhile is alerted later."""
    async with open_stage([BLOGGER, DIGEST]) as stage:
        blogger, digest = chat_of(stage, "blogger"), chat_of(stage, "digest")
        await listening(stage)
        wanted = await posts(blogger, 1)
        await expect(stage, wanted)
        blogger.go_private()
        await until_status(
            stage, lambda now: {row["channel"]["state"] for row in now["channels"]} == {"active", "private"}, what="private"
        )  # fmt: skip
        blogger.post(f"{SHADOW}, никто не видит")
        wanted += await posts(digest, 1)
        await expect(stage, wanted)
        blogger.set_handle("blogger")
        wanted += [address(blogger, 2), *await posts(blogger, 1)]
        await stage.until(lambda: len(told(stage)) >= len(wanted), what="what was posted while it was private")
        assert sorted(told(stage)) == sorted(wanted)
        await until_status(
            stage, lambda now: all(row["channel"]["state"] == "active" for row in now["channels"]), what="back"
        )
        assert all(row["gaps"] == 0 for row in (await status(stage))["channels"])
        assert await stage.stop() == 0


@pytest.mark.drill
async def test_recordings_through_waits_old_references_and_other_data_centres(open_stage: OpenStage) -> None:
    """Voice notes come down after a flood wait, an expired reference, a cut, and from another data centre."""
    async with open_stage([LAWMAKER], rules=EXAMPLE_RULES) as stage:
        channel, faults = chat_of(stage, "lawmaker"), stage.sandbox.faults
        await listening(stage)
        faults.flood_wait("upload.getFile", 15)
        waited = channel.post(voice=RECORDINGS / "voice_001.ogg")
        await stage.until(lambda: "420 FLOOD_WAIT_15" in served(stage, "upload.getFile"), what="the wait")
        assert [wait["method"] for wait in (await status(stage))["waits"]] == ["upload.getFile"]
        assert len(served(stage, "upload.getFile")) == 1
        await stage.until(lambda: bool(alerts(stage, address(channel, waited))), what="the note after the wait")

        faults.delay("upload.getFile", 0.5)
        expired = channel.post(voice=RECORDINGS / "voice_007.ogg")
        await stage.until(lambda: len(served(stage, "channels.getMessages")) >= 1, what="asked for")
        faults.expire_file_reference(channel.file_of(expired).file_id)
        await stage.until(lambda: bool(alerts(stage, address(channel, expired))), what="the note with an old reference")
        faults.clear()
        elsewhere = channel.post(voice=RECORDINGS / "voice_009.ogg", dc=4)
        await stage.until(
            lambda: bool(alerts(stage, address(channel, elsewhere))), what="the note on another data centre"
        )
        faults.delay("upload.getFile", 0.3)
        cut = channel.post(voice=RECORDINGS / "voice_004.ogg", dc=4)
        count = len(served(stage, "channels.getMessages"))
        await stage.until(lambda: len(served(stage, "channels.getMessages")) > count, what="asked for")
        faults.drop_connection()
        await stage.until(lambda: bool(alerts(stage, address(channel, cut))), what="the note after a cut")
        assert (await status(stage))["recordings"] == {"done": 4}
        assert await stage.stop() == 0


@pytest.mark.drill
async def test_alerts_through_waits_lost_answers_and_a_closed_chat(open_stage: OpenStage) -> None:
    """Every alert comes once and in order; one whose post was edited or deleted while it waited says so."""
    async with open_stage([BLOGGER]) as stage:
        blogger, faults = chat_of(stage, "blogger"), stage.sandbox.faults
        await listening(stage)
        faults.flood_wait("messages.sendMessage", 15)
        wanted = await posts(blogger, 3)
        await stage.until(lambda: "420 FLOOD_WAIT_15" in served(stage, "messages.sendMessage"), what="the wait")
        blogger.edit(2, "Ничего не было")
        blogger.delete(3)
        wanted += await posts(blogger, 2)
        shown = await status(stage)
        assert [(wait["account"], wait["method"]) for wait in shown["waits"]] == [("bot", "messages.sendMessage")]
        assert shown["outbox"]["chat/due"] == 5
        assert told(stage) == []
        await expect(stage, wanted)
        said = [alerts(stage, one)[0] for one in wanted]
        assert [("edited since" in text, "deleted since" in text) for text in said] == [
            (False, False), (True, False), (False, True), (False, False), (False, False),
        ]  # fmt: skip
        assert all("Storm Shadow" in text for text in said), "what it said at the time is in the alert"

        # The work is done, the answer never comes: the repeated send is recognised by its random_id.
        faults.lose_reply("messages.sendMessage", 2)
        for _ in range(2):
            wanted += await posts(blogger, 2)
            first = wanted[-2]
            await stage.until(lambda first=first: first in told(stage), what="the send whose answer is lost")  # type: ignore[misc]
            faults.drop_connection()
            await expect(stage, wanted)
        assert any("RANDOM_ID_DUPLICATE" in (error or "") for error in served(stage, "messages.sendMessage"))

        stage.desk.closed = True
        wanted += await posts(blogger, 3)
        await stage.until(lambda: "403 CHAT_WRITE_FORBIDDEN" in served(stage, "messages.sendMessage"), what="refused")
        assert not set(wanted[-3:]) & set(told(stage))
        stage.desk.closed = False
        await expect(stage, wanted)
        shown = await until_status(stage, lambda now: not now["outbox"].get("chat/due"), what="all recorded as sent")
        assert "chat/failed" not in shown["outbox"]
        assert await stage.stop() == 0


async def test_a_lost_session_ends_the_daemon_and_the_chat_hears_of_it(open_stage: OpenStage) -> None:
    """When the watching account is logged out from elsewhere, `run` ends with 4, and says so where the analysts look."""
    async with open_stage([BLOGGER]) as stage:
        await listening(stage)
        stage.sandbox.revoke(stage.listener)
        assert await asyncio.wait_for(stage.ended(), 20) == 4
        assert "session was ended from another device" in stage.desk.messages[-1].text
        assert "earshot login" in stage.desk.messages[-1].text
        assert "Traceback" not in stage.log_tail(200)
        again = await stage.earshot("run")
        assert again.code == 4
        assert again.err.splitlines()[-1].startswith("earshot: the session was ended from another device")


@pytest.mark.drill
async def test_a_session_lost_while_nobody_ran_is_told_once(open_stage: OpenStage) -> None:
    """A start with a login that was lost meanwhile ends with 4, and the analysts' chat hears of it, once."""
    async with open_stage([BLOGGER]) as stage:
        await listening(stage)
        assert await stage.stop() == 0
        stage.sandbox.revoke(stage.listener)
        for _ in range(2):
            ended = await stage.earshot("run")
            assert ended.code == 4
            assert ended.err.splitlines()[-1].startswith("earshot: the session was ended from another device")
            told = [message.text for message in stage.desk.messages if "watching account main" in message.text]
            assert len(told) == 1
            assert "earshot login" in told[0]


@pytest.mark.drill
async def test_a_bot_that_was_logged_out_logs_in_again_by_its_token(open_stage: OpenStage) -> None:
    """A revoked bot session is replaced by means of the token; with a revoked token posts are kept and the status tells."""
    async with open_stage([BLOGGER]) as stage:
        blogger = chat_of(stage, "blogger")
        await listening(stage)
        wanted = await posts(blogger, 1)
        await expect(stage, wanted)
        stage.sandbox.revoke(stage.bot)
        wanted += await posts(blogger, 2)
        await expect(stage, wanted, seconds=10)

        stage.bot.bot_token = "7000000001:another-token"
        stage.sandbox.revoke(stage.bot)
        wanted += await posts(blogger, 2)
        shown = await until_status(stage, lambda now: bool(now["held_up"]), what="the reason in the status")
        assert "bot token" in shown["held_up"]["chat"]
        assert "held up" in (await stage.earshot("status")).out
        assert shown["outbox"]["chat/due"] == 2
        assert [row["messages"] for row in shown["channels"]] == [5]
        stage.bot.bot_token = TOKEN
        await expect(stage, wanted)
        assert await stage.stop() == 0
