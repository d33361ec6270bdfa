"""The canary: the whole way from a post of the bot's to an outside URL; whatever freezes on it, nobody asks and an alarm is raised."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from bot.health.http import ask
from bot.sandbox.chats import Chat
from bot.sandbox.stage import Stage, free_port
from tests.e2e.conftest import OpenStage
from tests.e2e.outside import Outside, outside
from tests.e2e.test_main_job import alerts, chat_of, listening

BLOGGER = {"handle": "blogger"}
# Seconds between two canaries.
EVERY = 1.5
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass
class Scene:
    """A daemon whose canary flies."""

    stage: Stage
    channel: Chat
    service: Outside
    port: int

    async def pings(self, more: int) -> None:
        """Wait for so many more pings."""
        wanted = self.service.pings + more
        await self.stage.until(lambda: self.service.pings >= wanted, what=f"{more} more pings")

    async def silence(self) -> None:
        """Wait for the alarm in the chat, then hold that nobody asks any more."""
        told = len(self.said("No canary came through"))
        await self.stage.until(lambda: len(self.said("⚠ No canary came through")) > told, what="the alarm")
        pings = self.service.pings
        await asyncio.sleep(3 * EVERY)
        assert self.service.pings == pings

    def said(self, words: str) -> list[str]:
        """The messages in the analysts' chat that hold these words."""
        return [message.text for message in self.stage.desk.messages if words in message.text]

    async def alarms(self) -> list[str]:
        """The names of the alarms in /healthz."""
        answer = await ask(self.port, "/healthz")
        assert answer is not None
        return [alarm["name"] for alarm in answer["alarms"]]


@pytest.fixture
def fly(open_stage: OpenStage) -> Callable[[], Any]:
    """Start a daemon with a canary, and let the first three come through."""

    @asynccontextmanager
    async def flying() -> AsyncIterator[Scene]:
        port = free_port()
        settings = {
            "health": {"port": port},
            "canary": {"channel": "our_canary", "every_minutes": EVERY / 60, "ping_url_file": "secrets/ping_url"},
        }
        async with outside() as service, open_stage([BLOGGER], settings=settings) as stage:
            channel = stage.sandbox.world.add_channel("Our canary", handle="our_canary")
            channel.invite(stage.bot, admin=True)
            (stage.folder / "secrets" / "ping_url").write_text(service.ping_url)
            await listening(stage)
            scene = Scene(stage, channel, service, port)
            await scene.pings(3)
            yield scene

    return flying


async def test_it_flies_and_disturbs_nobody(fly: Callable[[], Any]) -> None:
    """Each canary is one ping; the chat hears nothing of it, and what others post there raises no alert."""
    async with fly() as scene:
        scene.channel.post("Прилетели две Storm Shadow")
        post = chat_of(scene.stage, "blogger").post("Прилетели две Storm Shadow")
        await scene.stage.until(lambda: bool(alerts(scene.stage, f"https://t.me/blogger/{post}")), what="an alert")
        await scene.pings(2)
        assert scene.said("canary") == []
        assert scene.said("our_canary") == []
        assert await scene.alarms() == []
        shown = await scene.stage.earshot("status")
        assert "canary: came through" in shown.out
        async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{scene.port}/metrics") as answer:
            figures = await answer.text()
        assert "\nearshot_canary_round_trip_seconds " in figures
        assert 'earshot_channel_posts_total{channel="@blogger"' in figures
        assert await scene.stage.stop() == 0
        assert "secret-uuid" not in scene.stage.log.read_text("utf-8")


@pytest.mark.drill
async def test_frozen_where_it_is_posted(fly: Callable[[], Any]) -> None:
    """A bot that may no longer post: no pings, and the alarm has Telegram's reason. It is told when all is well again."""
    async with fly() as scene:
        member = scene.channel.members[scene.stage.bot.id]
        member.admin = False
        await scene.silence()
        assert "administrator" in scene.said("No canary came through")[0]
        assert await scene.alarms() == ["canary"]
        member.admin = True
        await scene.pings(2)
        assert await scene.alarms() == []


@pytest.mark.drill
async def test_frozen_where_it_is_heard(fly: Callable[[], Any]) -> None:
    """Neither pushes nor sweeps: an account that is connected and deaf."""
    async with fly() as scene:
        faults = scene.stage.sandbox.faults
        faults.swallow_push("all", True)
        for method in ("messages.getPeerDialogs", "updates.getChannelDifference", "messages.getHistory"):
            faults.error(method, 500, "INTERNAL", times=10_000)
        await scene.silence()
        faults.clear()
        await scene.pings(2)


@pytest.mark.drill
async def test_frozen_where_it_is_written(fly: Callable[[], Any]) -> None:
    """A database that somebody locks: nothing is heard, read or delivered, and nobody asks; then all goes on."""
    async with fly() as scene:
        other = sqlite3.connect(scene.stage.folder / "data" / "earshot.db", isolation_level=None)
        other.execute("PRAGMA busy_timeout=20000")
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(EVERY)
        pings = scene.service.pings
        await asyncio.sleep(5 * EVERY)
        assert scene.service.pings == pings
        other.execute("ROLLBACK")
        other.close()
        await scene.pings(3)
        await scene.stage.until(lambda: bool(scene.said("⚠ No canary came through")), what="the alarm")


@pytest.mark.drill
async def test_frozen_where_it_is_asked_for(fly: Callable[[], Any]) -> None:
    """A URL that answers 500: nobody outside counts it, and the alarm says so without showing the URL."""
    async with fly() as scene:
        scene.service.answer = 500
        await scene.silence()
        assert "answered 500" in scene.said("No canary came through")[0]
        assert scene.said("secret-uuid") == []
        scene.service.answer = 200
        await scene.pings(2)


@pytest.mark.drill
async def test_a_frozen_process_is_noticed_outside(fly: Callable[[], Any]) -> None:
    """A stopped process asks nobody; what comes through when it goes on is too late to count, the next ones do."""
    async with fly() as scene:
        scene.stage.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.5)
        pings = scene.service.pings
        await asyncio.sleep(5 * EVERY)
        assert scene.service.pings == pings
        scene.stage.send_signal(signal.SIGCONT)
        await scene.pings(3)
