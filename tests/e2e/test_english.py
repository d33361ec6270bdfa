"""A post in Russian alerts, and the alert is edited with its English: the whole way, with a real model in its process."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import BLOGGER, LAWMAKER, alerts, chat_of, listening
from tests.translation.models import word_for_word

POST = "Удар ракетами Storm Shadow по штабу под Бердянском"
WORDS = {
    "Удар": "Strike",
    "ракетами": "of_missiles",
    "Storm": "Storm",
    "Shadow": "Shadow",
    "по": "on",
    "штабу": "headquarters",
    "под": "near",
    "Бердянском": "Berdyansk",
    "Да.": "Yes.",
}
ENGLISH = "Strike of_missiles Storm Shadow on headquarters near Berdyansk"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that knows the words of the post."""
    return word_for_word(tmp_path / "opus-mt-ru-en", WORDS)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """One rule: compiling the packs takes longer than all that is tested here."""
    folder = tmp_path / "one-rule"
    folder.mkdir()
    (folder / "strike.yaml").write_text("rules:\n  - {id: strike, title: Strike, match: '\"storm shadow\"'}\n")
    return folder


def children(pid: int) -> list[psutil.Process]:
    """The translation processes of the daemon."""
    return [
        child
        for child in psutil.Process(pid).children(recursive=True)
        if child.status() != psutil.STATUS_ZOMBIE and "bot.translation.child" in child.cmdline()
    ]


@pytest.mark.slow
async def test_an_alert_gets_its_english(open_stage: OpenStage, rules: Path, model: Path) -> None:
    """The alert comes at once and is edited in its place, whether the process that translates is killed, or all of Earshot."""
    given = {"translation": {"models": {"ru": str(model)}}}
    async with open_stage([LAWMAKER, BLOGGER], settings=given, rules=rules) as stage:
        await listening(stage)
        # The process that was started to see whether the model can be loaded is the one that serves.
        (ready,) = children(stage.pid)

        async def posted() -> str:
            link = f"https://t.me/blogger/{chat_of(stage, 'blogger').post(POST)}"
            await stage.until(lambda: bool(alerts(stage, link)), what="the alert")
            return link

        async def english(link: str) -> None:
            await stage.until(lambda: ENGLISH in alerts(stage, link)[0], what="the English")

        first = await posted()
        await english(first)
        (alert,) = alerts(stage, first)
        (line,) = [line for line in alert.split("\n") if ENGLISH in line]
        assert line.startswith("The post in English, by opus-mt-ru-en ")
        (child,) = children(stage.pid)
        assert child == ready
        child.suspend()
        second = await posted()
        assert ENGLISH not in alerts(stage, second)[0]
        os.kill(child.pid, signal.SIGKILL)
        await english(second)
        (child,) = children(stage.pid)
        child.suspend()
        third = await posted()
        # Or it is recognised by its random id after the kill, which message it is is not known, and nothing can be edited.
        await stage.until(
            lambda: '"alert": 3, "event": "delivered"' in stage.log.read_text("utf-8"), what="the receipt"
        )
        await stage.kill()
        assert ENGLISH not in alerts(stage, third)[0]
        await listening(stage)
        await english(third)
        assert [len(alerts(stage, link)) for link in (first, second, third)] == [1, 1, 1]
        assert await stage.stop() == 0


@pytest.mark.slow
async def test_an_album_gets_the_english_of_each_item(
    open_stage: OpenStage, rules: Path, model: Path, database: str | None
) -> None:
    """The words stand in two captions of three: each has its English below it, though the process dies over them; once."""
    given = {"translation": {"models": {"ru": str(model)}}, "database": database}
    captions = ("Удар ракетами Storm Shadow по штабу", "", "Storm Shadow под Бердянском")
    async with open_stage([LAWMAKER, BLOGGER], settings=given, rules=rules) as stage:
        await listening(stage)
        (child,) = children(stage.pid)
        child.suspend()
        items = [{"photo": bytes([number]), "text": text} for number, text in enumerate(captions)]
        first, _, third = [f"https://t.me/blogger/{number}" for number in chat_of(stage, "blogger").album(items)]  # type: ignore[arg-type]
        await stage.until(lambda: bool(alerts(stage, first)), what="the alert")
        (alert,) = alerts(stage, first)
        assert f"\nIn the caption · {third}\n" in alert
        assert "English" not in alert
        os.kill(child.pid, signal.SIGKILL)
        await stage.until(lambda: alerts(stage, first)[0].count(" English, by ") == 2, what="the English of both")
        (alert,) = alerts(stage, first)
        lines = alert.split("\n")
        below = lines[lines.index(f"In the caption · {third}") + 2]
        assert below.startswith("In English, by opus-mt-ru-en ")
        assert below.endswith("  Storm Shadow near Berdyansk")
        (own,) = [line for line in lines if line.startswith(f"The caption of {first} in English, by opus-mt-ru-en ")]
        assert own.endswith("  Strike of_missiles Storm Shadow on headquarters")
        found = json.loads((await stage.earshot("search", "Бердянском", "--json")).out)
        assert [(hit["link"], hit["english"]) for hit in found] == [(third, "Storm Shadow near Berdyansk")]
        assert await stage.stop() == 0
