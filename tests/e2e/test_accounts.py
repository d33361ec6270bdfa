"""Several watching accounts in one deployment: logged in by name, lost one by one, and never used twice."""

import json
import os
import shutil
import sys
from asyncio import create_subprocess_exec, subprocess
from pathlib import Path

import pytest
import yaml

from bot.sandbox.chats import Chat
from bot.sandbox.stage import Stage
from bot.sandbox.world import User
from tests.configured import CLOSED_PORT
from tests.e2e.conftest import OpenStage, log_in
from tests.e2e.test_main_job import chat_of, listening
from tests.stores import postgres_url

# Daemons are started, and alarms waited for.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CHANNELS = [{"handle": "lawmaker"}, {"handle": "blogger"}, {"handle": "digest"}, {"handle": "reporter"}]
TWO = {"telegram": {"accounts": ["main", "second"]}}
SHADOW = "Прилетели две Storm Shadow"


def second_account(stage: Stage) -> User:
    """Another person with a phone, not logged in."""
    return stage.sandbox.world.add_user("Second", phone="+9996613333", code="33333")


def carried_by(stage: Stage, user: User) -> list[Chat]:
    """The channels that the user is in."""
    return [chat_of(stage, one["handle"]) for one in CHANNELS if user.id in chat_of(stage, one["handle"]).members]


def told(stage: Stage, *words: str) -> bool:
    """Whether one message in the chat holds all of these."""
    return any(all(word in m.text for word in words) for m in stage.desk.messages)


async def test_one_of_two_is_banned(open_stage: OpenStage) -> None:
    """Two accounts share the channels; when one is banned, the chat is told at once and no alert of its channels is lost."""
    async with open_stage(CHANNELS, settings=TWO) as stage:
        second = second_account(stage)
        ran = await stage.earshot("login", "--account", "second", "--phone", "+9996613333", stdin="33333\n")
        assert ran.code == 0, ran.err
        assert "Second" in ran.out
        await listening(stage)
        await stage.until(lambda: len(carried_by(stage, second)) == 2, what="the second account's share")
        await stage.until(lambda: len(carried_by(stage, stage.listener)) == 2, what="the first account's share")
        theirs = carried_by(stage, second)
        stage.sandbox.ban(second)
        posts = [f"https://t.me/{chat.handle}/{chat.post(f'{SHADOW} ({chat.title})')}" for chat in theirs]
        await stage.until(lambda: told(stage, "second", "banned", "2 by main"), what="the notice")
        await stage.until(
            lambda: all(told(stage, address, "Rule  storm-shadow") for address in posts), what="the alerts"
        )
        later = theirs[0].post(f"{SHADOW} again")
        await stage.until(lambda: told(stage, f"https://t.me/{theirs[0].handle}/{later}"), what="a later alert")
        assert await stage.stop() == 0
        for address in [*posts, f"https://t.me/{theirs[0].handle}/{later}"]:
            assert sum(address in m.text and "Rule  storm-shadow" in m.text for m in stage.desk.messages) == 1


@pytest.mark.drill
async def test_the_last_one_is_banned(open_stage: OpenStage) -> None:
    """When both accounts are lost, the daemon ends with 4 and the reason."""
    async with open_stage(CHANNELS, settings=TWO) as stage:
        second = second_account(stage)
        log_in(stage, "second", second)
        await listening(stage)
        stage.sandbox.ban(second)
        await stage.until(lambda: told(stage, "second", "banned"), what="the notice")
        stage.sandbox.ban(stage.listener)
        assert await stage.ended() == 4
        assert told(stage, "Earshot is stopping", "USER_DEACTIVATED_BAN")


@pytest.mark.drill
async def test_one_that_never_logged_in(open_stage: OpenStage) -> None:
    """`check` names the account without a session; the daemon works with the other and says in the chat what is missing."""
    async with open_stage(CHANNELS, settings=TWO) as stage:
        checked = await stage.earshot("check", "--json")
        findings = {finding["what"]: finding for finding in json.loads(checked.out)}
        assert checked.code == 1
        assert findings["session main"]["level"] == "ok"
        assert findings["session second"]["level"] == "error"
        assert "earshot login --account second" in findings["session second"]["text"]
        await listening(stage)
        await stage.until(lambda: told(stage, "second", "earshot login --account second"), what="the alarm", seconds=90)
        chat = chat_of(stage, "digest")
        post = chat.post(SHADOW)
        await stage.until(lambda: told(stage, f"https://t.me/digest/{post}"), what="the alert")
        assert await stage.stop() == 0


async def test_an_account_that_is_not_configured(open_stage: OpenStage) -> None:
    """Logging in an account that the settings do not list is refused with the names that they do."""
    async with open_stage(CHANNELS, settings=TWO) as stage:
        ran = await stage.earshot("login", "--account", "third")
        assert ran.code == 3
        assert "there is no 'third' among main, second" in ran.err
        ran = await stage.earshot("login", "--account", "second", "--bot")
        assert ran.code == 2


@pytest.mark.drill
async def test_two_machines_on_one_database(open_stage: OpenStage, tmp_path: Path) -> None:
    """A second daemon, with a data folder and a copied session of its own, is refused before its first packet."""
    async with open_stage(CHANNELS, settings={"database": postgres_url()}) as stage:
        await listening(stage)
        copy = tmp_path / "elsewhere"
        shutil.copytree(stage.folder, copy, ignore=shutil.ignore_patterns("*.lock"))
        settings = yaml.safe_load((copy / "earshot.yaml").read_text("utf-8"))
        # Whoever sent a packet would find nobody there, and end with 9.
        settings["telegram"]["server"]["port"] = CLOSED_PORT
        (copy / "earshot.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        ran = await create_subprocess_exec(
            sys.executable,
            *("-m", "bot", "--config", str(copy), "run"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "NO_COLOR": "1"},
        )
        _, err = await ran.communicate()
        assert ran.returncode == 6, err.decode()
        assert "The account main is in use by another Earshot" in err.decode()
        post = chat_of(stage, "digest").post(SHADOW)
        await stage.until(lambda: told(stage, f"https://t.me/digest/{post}"), what="the alert")
        assert await stage.stop() == 0
