"""A running Earshot whose rules change tells the decoder the new names from the next voice note on."""

import asyncio
import shutil
from pathlib import Path

import psutil
import pytest

from bot.model import Key, MessageId
from bot.sandbox.stage import Stage
from bot.store import Store
from bot.transcript import Transcript
from tests.e2e.conftest import OpenStage
from tests.e2e.test_main_job import chat_of, listening
from tests.speech.conftest import MODEL, RECORDINGS

# A daemon is started.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RULE = "rules: [{{id: who, match: 'person:{}'}}]\n"


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A rules folder to begin with."""
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "a.yaml").write_text(RULE.format("Герасимов"), "utf-8")
    return folder


async def heard(stage: Stage, name: str, *, model: str = "") -> Transcript:
    """Post a voice note, and wait for what is said in it, to this model."""
    chat = chat_of(stage, "lawmaker")
    number = chat.post(voice=RECORDINGS / f"{name}.ogg")
    key = Key(channel_id=chat.channel_id, message_id=MessageId(number))
    store = await Store.open(f"sqlite:///{stage.folder}/data/earshot.db", stage.folder / "data" / "media")
    try:
        for _ in range(300):
            transcript = await store.archive.transcript(key)
            if transcript and transcript.model.startswith(model):
                return transcript
            await asyncio.sleep(0.2)
        raise AssertionError(f"no transcript of {name}; {stage.log_tail()}")
    finally:
        await store.close()


def speech_processes(stage: Stage) -> set[int]:
    children = psutil.Process(stage.pid).children(recursive=True)
    return {child.pid for child in children if "bot.speech.local.child" in child.cmdline()}


async def test_new_names_are_expected_from_the_next_note_on(open_stage: OpenStage, rules: Path) -> None:
    """The names of the rules at the start, then those of the changed rules; the speech process stays."""
    given = {"speech": {"hot_words": True}}
    async with open_stage([{"handle": "lawmaker"}], settings=given, rules=rules) as stage:
        await listening(stage)
        assert (await heard(stage, "voice_001")).parameters["hot_words"] == "Герасимов"
        processes = speech_processes(stage)
        assert len(processes) == 1
        (stage.folder / "rules" / "a.yaml").write_text(RULE.format("Попов"), "utf-8")
        changed = "The watch rules have changed"
        await stage.until(lambda: any(changed in m.text for m in stage.desk.messages), what="the rules taken up")
        assert (await heard(stage, "voice_002")).parameters["hot_words"] == "Попов"
        assert speech_processes(stage) == processes
        assert await stage.stop() == 0


async def test_the_second_model_is_told_too(open_stage: OpenStage, rules: Path, tmp_path: Path) -> None:
    """Where everything is heard twice, the second model expects the same names, and those of changed rules."""
    shutil.copytree(MODEL, tmp_path / "second")
    given = {"speech": {"hot_words": True, "second_model": str(tmp_path / "second")}}
    async with open_stage([{"handle": "lawmaker"}], settings=given, rules=rules) as stage:
        await listening(stage)
        assert (await heard(stage, "voice_001", model="second")).parameters["hot_words"] == "Герасимов"
        (stage.folder / "rules" / "a.yaml").write_text(RULE.format("Попов"), "utf-8")
        changed = "The watch rules have changed"
        await stage.until(lambda: any(changed in m.text for m in stage.desk.messages), what="the rules taken up")
        assert (await heard(stage, "voice_002", model="second")).parameters["hot_words"] == "Попов"
        assert await stage.stop() == 0
