"""Names that the decoder is told to expect: those of the rules that are in force, without a new process."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from bot.app.hot_words import expect_names
from bot.app.rules_watch import RulesWatch
from bot.config.settings import SpeechSection
from bot.model import RecordingState
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.speech import LocalTranscriber, Rehearser, SpeechSettings
from bot.speech.remote.server import RemoteSettings
from bot.speech.remote.transcriber import RemoteTranscriber
from bot.store import Store, Why
from tests.speech.conftest import MODEL, RECORDINGS
from tests.speech.workbench import TRANSCRIPT, Bench, Script
from tests.stores import ready_sqlite

pytestmark = pytest.mark.slow

NOTE = RECORDINGS / "voice_000.ogg"
WANTED = SpeechSection(hot_words=True)


def rules(name: str) -> dict[str, str]:
    return {"r.yaml": f"rules:\n  - {{id: a, match: 'person:{name}'}}\n"}


@pytest.fixture
async def transcriber(tmp_path: Path) -> AsyncIterator[LocalTranscriber]:
    """With the real child, and room for several recordings at a time."""
    settings = SpeechSettings(model=str(MODEL), models_folder=tmp_path, compute_type="int8", threads=1)
    transcriber = LocalTranscriber(settings)
    yield transcriber
    await transcriber.close()


async def told(transcriber: LocalTranscriber) -> str | None:
    """What the child says that it was told to expect."""
    transcript = await transcriber.transcribe(NOTE, language="ru", declared_seconds=None)
    return transcript.parameters.get("hot_words")


async def test_new_rules_are_expected_by_the_same_process(transcriber: LocalTranscriber, tmp_path: Path) -> None:
    """When the rules are taken up, the notes after that are heard with their names; nothing is started anew."""
    (tmp_path / "rules").mkdir()
    file = tmp_path / "rules/r.yaml"
    file.write_text(rules("Герасимов")["r.yaml"], "utf-8")
    known = parse_rules(rules("Герасимов"))
    store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media")
    try:
        monitor = Monitor(store, known, sinks=(), transcribe=frozenset(), announce=lambda: None)
        watch = RulesWatch(
            file.parent,
            monitor,
            Pulse(asyncio.Event()),
            texts=rules("Герасимов"),
            say=_nobody,
            tell=_nobody,
            taken=lambda new: expect_names((transcriber,), WANTED, new),
        )
        expect_names((transcriber,), WANTED, known)
        assert await told(transcriber) == "Герасимов"
        pid = transcriber.pid
        file.write_text("rules: broken", "utf-8")
        await watch.look(at_once=True)
        assert await told(transcriber) == "Герасимов"
        file.write_text(rules("Попов")["r.yaml"], "utf-8")
        await watch.look(at_once=True)
        assert await told(transcriber) == "Попов"
        file.write_text("rules:\n  - {id: a, match: взрыв}\n", "utf-8")
        await watch.look(at_once=True)
        assert await told(transcriber) is None
        assert transcriber.pid == pid
    finally:
        await store.close()


async def _nobody(_: str) -> None:
    return None


async def test_what_is_on_its_way_keeps_its_words(transcriber: LocalTranscriber) -> None:
    """Recordings that are decoded together may have been given before and after the change."""
    transcriber.expect("Герасимов")
    before = asyncio.create_task(told(transcriber))
    await asyncio.sleep(0)
    transcriber.expect("Иван Попов, 58-я армия")
    assert await asyncio.gather(before, told(transcriber)) == ["Герасимов", "Иван Попов, 58-я армия"]


async def test_the_decoder_is_told(transcriber: LocalTranscriber) -> None:
    """The names reach the model, not only the parameters: its probabilities are others."""
    plain = await transcriber.transcribe(NOTE, language="ru", declared_seconds=None)
    transcriber.expect("Герасимов, Попов, Бердянск")
    expecting = await transcriber.transcribe(NOTE, language="ru", declared_seconds=None)
    assert plain.segments[0].avg_logprob != expecting.segments[0].avg_logprob


async def test_another_hearing_expects_them_too(bench: Bench, tmp_path: Path) -> None:
    """Whichever model hears again is told the names of the rules as they are then, also those taken up meanwhile."""
    heard: list[str | None] = []
    stop = asyncio.Event()

    def transcriber_of(model: str) -> LocalTranscriber:
        return LocalTranscriber(SpeechSettings(model=model, models_folder=tmp_path, compute_type="int8", threads=1))

    rehearser = Rehearser(bench.store, bench.monitor, transcriber_of, Pulse(stop), clock=bench.clock, announce=stop.set)
    number = await bench.post(1, NOTE.read_bytes())
    await bench.run_until(Script([TRANSCRIPT]), bench.in_state(number, RecordingState.DONE))
    sha256 = (await bench.recording(number)).sha256
    assert sha256 is not None
    for names in ("Герасимов", "Попов", ""):
        expect_names((rehearser,), WANTED, parse_rules(rules(names) if names else {}))
        # A model hears a file once: this one goes by several names.
        model = tmp_path / f"model-{names}"
        shutil.copytree(MODEL, model)
        await bench.store.hearings.want_hearing(sha256, str(model), Why.AGAIN, at=bench.now)
        await rehearser.run()
        stop.clear()
        transcript = await bench.store.hearings.current(sha256)
        assert transcript is not None
        assert transcript.model.startswith(f"model-{names} ")
        heard.append(transcript.parameters.get("hot_words"))
    assert heard == ["Герасимов", "Попов", None]


async def test_nothing_is_expected_unless_the_settings_say_so(transcriber: LocalTranscriber) -> None:
    """speech.hot_words is off by default."""
    expect_names((transcriber,), SpeechSection(), parse_rules(rules("Попов")))
    assert await told(transcriber) is None


async def test_a_server_is_told_in_its_prompt(address: str) -> None:
    """OpenAI's `prompt`: sent from the next recording on, heard by the model behind it, and in the transcript."""
    transcriber = RemoteTranscriber(RemoteSettings(url=f"{address}/speaches", model="test/tiny"))
    try:
        plain = await transcriber.transcribe(NOTE, language="ru", declared_seconds=None)
        assert "hot_words" not in plain.parameters
        expect_names((transcriber,), WANTED, parse_rules(rules("Попов")))
        expecting = await transcriber.transcribe(NOTE, language="ru", declared_seconds=None)
        assert expecting.parameters["hot_words"] == "Попов"
        assert plain.segments[0].avg_logprob != expecting.segments[0].avg_logprob
        async with ClientSession() as session, session.get(f"{address}/seen") as response:
            fields = [tuple(field) for field in (await response.json())["fields"]]
        assert ("prompt", "Попов") in fields
        assert fields[-1][0] == "file"
    finally:
        await transcriber.close()
