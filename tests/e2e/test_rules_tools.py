"""Rules on a running Earshot: changed without a restart, tried on what it has recorded, and raised on the past."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bot.sandbox.stage import Stage
from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import chat_of, listening

# Daemons are started.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CHANNELS = [{"handle": "lawmaker"}, {"handle": "blogger"}]
STORM = "rules: [{id: storm, match: '\"Storm Shadow\"'}]\n"
MORE = (
    "rules: [{id: storm, match: '\"Storm Shadow\"'}, {id: popov, title: Popov, match: 'person:Попов AND отставка'}]\n"
)
BROKEN = "rules: [{id: storm, match: '\"Storm Shadow\" AND'}]\n"


def texts(stage: Stage, *words: str) -> list[str]:
    """The messages in the chat that hold all of these."""
    return [m.text for m in stage.desk.messages if all(word in m.text for word in words)]


def write(stage: Stage, text: str) -> None:
    """Put the only rule file in place."""
    (stage.folder / "rules" / "a.yaml").write_text(text, "utf-8")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rules folder to begin with."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text(STORM, "utf-8")
    return folder


async def test_rules_change_under_a_running_daemon(open_stage: OpenStage, rules: Path) -> None:
    """A broken file is told of and leaves the old rules; a mended one is in force for the next post; the past on request."""
    async with open_stage(CHANNELS, rules=rules) as stage:
        await listening(stage)
        lawmaker, blogger = (chat_of(stage, one["handle"]) for one in CHANNELS)
        lawmaker.post("Отставка генерала Попова")
        write(stage, BROKEN)
        await stage.until(lambda: bool(texts(stage, "cannot be read", "a.yaml:1")), what="the complaint")
        blogger.post("Прилетела Storm Shadow")
        await stage.until(lambda: bool(texts(stage, "Rule  storm", "blogger/1")), what="an alert by the old rules")
        write(stage, MORE)
        await stage.until(lambda: bool(texts(stage, "are mended", "popov (new)")), what="the rules taken up")
        number = blogger.post("Генерала Попова отправили в отставку")
        await stage.until(lambda: bool(texts(stage, f"blogger/{number}")), what="an alert by the new rules")
        listed = json.loads((await stage.earshot("rules", "list", "--json")).out)
        revision = {rule["id"]: rule["revision"] for rule in listed}["popov"]
        assert f"Rule  popov · rev {revision}" in texts(stage, f"blogger/{number}")[0]
        assert len(texts(stage, "cannot be read")) == 1

        tried = json.loads((await stage.earshot("rules", "backtest", "popov", "--json")).out)
        assert (tried["fired"], tried["complete"]) == (2, True)
        assert {one["channel"]: one["fired"] for one in tried["per_channel"]} == {"@blogger": 1, "@lawmaker": 1}
        sample = tried["samples"][0]
        assert [sample["excerpt"][low:high] for low, high in sample["marks"]] == ["Попова", "отставку"]
        shown = (await stage.earshot("rules", "backtest", "person:Попов NEAR/1 отставка")).out
        assert "would have fired on 1 of 3 messages" in shown

        for expected in ("1 alerts are new", "0 alerts are new"):
            ran = await stage.earshot("rules", "retro", "popov", "--since", "7d")
            assert (ran.code, ran.out.strip()) == (0, f"2 posts match; {expected}")
        await stage.until(lambda: bool(texts(stage, "From the archive", "lawmaker/1")), what="the alert on the past")
        searched = await stage.earshot("search", "person:Попов NEAR/1 отставка", "--json")
        assert [one["link"] for one in json.loads(searched.out)] == ["https://t.me/lawmaker/1"]
        assert (await stage.earshot("search", "person:Шойгу AND отставка")).code == 1
        assert await stage.stop() == 0
        assert len(texts(stage, "Rule  popov", "lawmaker/1")) == 1


async def test_an_interrupted_backtest_shows_what_it_found(open_stage: OpenStage, rules: Path) -> None:
    """Ctrl-C ends a backtest with 130, and with what it has counted."""
    async with open_stage(CHANNELS, rules=rules) as stage:
        await listening(stage)
        for number in range(30):
            chat_of(stage, "blogger").post(f"Storm Shadow {number}")
        await stage.until(lambda: len(texts(stage, "Rule  storm")) == 30, what="the alerts")
        assert await stage.stop() == 0
        # The process interrupts itself at the first page: no test can hit that moment from outside.
        script = (
            "import signal, sys\n"
            # Whoever runs the tests in the background has it ignored.
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "from bot.cli import backtest, cli\n"
            "from bot.cli.guard import guard\n"
            "take = backtest.Tally.take\n"
            "def interrupting(self, fired, **given):\n"
            "    take(self, fired, **given)\n"
            "    self.fired == 3 and signal.raise_signal(signal.SIGINT)\n"
            "backtest.Tally.take = interrupting\n"
            "sys.exit(guard(cli))\n"
        )
        arguments = ["--config", str(stage.folder), "rules", "backtest", "storm", "--json"]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, *arguments, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 130
        said = json.loads(out)
        assert said["complete"] is False
        assert 3 <= said["fired"] <= 30
