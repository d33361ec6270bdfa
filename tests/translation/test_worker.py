"""From alerts in a real store to their English there, by the real library in its process, whatever dies on the way."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.errors import ChildDied, ModelMissing, StoreError
from bot.model import Translation
from bot.pulse import Pulse
from bot.store import Status, TranslationState, Untranslated
from bot.store.schema import outbox, translations
from bot.translation import LocalTranslator, TranslationSettings, TranslationWorker, check_folder
from bot.translation.model import Model
from tests.monitor.desk import GURULEV, Desk, album, post, spoken, voice

# Together too long for the quick loop.
pytestmark = pytest.mark.slow

SAID = "Генерал Попов снят с должности."
ENGLISH = "Генерал Popov dismissed from office."


class Here:
    """The real model without a process of its own, for tests of what becomes of rows."""

    languages = frozenset({"ru"})

    def __init__(self, folder: Path) -> None:
        self._model = Model(check_folder("ru", folder), compute_type="default", beam_size=4, threads=1)

    async def translate(self, text: str, language: str) -> Translation:
        """As the process answers."""
        english, partial = self._model.translate(text)
        return Translation(
            text=english, language=language, model=self._model.name, parameters=self._model.parameters, partial=partial
        )

    async def close(self) -> None:
        """Nothing is to be ended."""


@pytest.fixture
def here(model: Path) -> Here:
    """The model that reads Russian."""
    return Here(model)


@asynccontextmanager
async def working(desk: Desk, translator: Any, **given: Any) -> AsyncIterator[Pulse]:
    """A worker at work."""
    stop = asyncio.Event()
    pulse = Pulse(stop)
    worker = TranslationWorker(desk.store, desk.monitor, translator, pulse, clock=desk.clock, patience=(), **given)
    task = asyncio.create_task(worker.run())
    try:
        yield pulse
    finally:
        stop.set()
        await asyncio.wait_for(task, 20)


async def status(desk: Desk) -> Status:
    """Where the texts are."""
    return await desk.store.archive.status(desk.clock())


async def until(desk: Desk, pulse: Pulse, counts: dict[TranslationState, int]) -> None:
    """Wait for these counts."""
    for _ in range(600):
        if (await status(desk)).translations == counts:
            return
        pulse.nudge()
        await asyncio.sleep(0.02)
    raise AssertionError((await status(desk)).translations)


async def tried(desk: Desk, times: int) -> Any:
    """Wait until the first text was tried so often; its row."""
    for _ in range(600):
        row = (await rows(desk))[0]
        if row.attempts == times:
            return row
        await asyncio.sleep(0.02)
    raise AssertionError(row)


async def rows(desk: Desk) -> list[Any]:
    """What is in the table, the oldest first."""
    async with desk.store._database.read() as conn:
        return [*await conn.execute(sa.select(translations).order_by(translations.c.translation_id))]


async def test_an_alerted_post_is_put_into_english(either_desk: Desk, translator: LocalTranslator) -> None:
    """The translation stands beside the post with the identity of its model; each delivery of its alert is put right."""
    desk = either_desk
    await desk.hear(post(SAID), post("Ничего нового", number=2))
    async with working(desk, translator) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
    (row,) = await rows(desk)
    assert (row.message_id, row.version, row.language, row.attempts, row.reason) == (1, 1, "ru", 0, None)
    assert row.translation.text == ENGLISH
    assert row.model == row.translation.model
    assert row.model.startswith("opus-ru-en ")
    for sink in ("chat", "desk"):
        (alert,) = await desk.alerts(sink)
        assert alert.english == row.translation
    async with desk.store._database.read() as conn:
        due = (await conn.execute(sa.select(outbox).where(outbox.c.english))).all()
    assert [(one.sink, one.corrects, one.state) for one in due] == [("chat", 1, "due"), ("desk", 1, "due")]
    assert due[0].notice == (
        f"Alert #1 (Commander dismissed) on https://t.me/agurulev/1, in English by {row.model}: {ENGLISH}"
    )
    assert desk.announced >= 2


async def test_a_translation_is_there_before_its_next_alert(desk: Desk, here: Here) -> None:
    """What another rule, or the speech, alerts of the same post later is shown in English at once, and corrected nowhere."""
    await desk.hear(voice(text="Попов"))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
        (recording,) = await desk.recordings("wanted")  # type: ignore[arg-type]
        await desk.transcribe(recording, spoken("генерал попов подписал приказ storm shadow"))
        await until(desk, pulse, {TranslationState.DONE: 1})
    alerts = await desk.alerts()
    assert len(alerts) > 1
    assert {alert.english.text for alert in alerts if alert.english} == {"Popov"}
    assert all(alert.english for alert in alerts)
    async with desk.store._database.read() as conn:
        assert await conn.scalar(sa.select(sa.func.count()).where(outbox.c.english, outbox.c.sink == "chat")) == 1


async def test_what_is_not_translated(desk: Desk, here: Here) -> None:
    """Nothing that raised no alert, has no words, is in Latin letters or in a language without a model."""
    await desk.hear(
        post("Storm Shadow over Melitopol", number=1),
        post("Генерал сегодня", number=2),
        post("Їхній Попов вже не генерал, і це правда", number=3),
        *album("", "Попов", number=4),
    )
    assert len(await desk.alerts()) == 3
    async with working(desk, here) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
    assert [row.message_id for row in await rows(desk)] == [5]


async def test_an_edit_is_translated_as_it_is_then(desk: Desk, here: Here) -> None:
    """Each state of a post that alerts has its own English."""
    await desk.hear(post("Попов"))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
        later = post("Попов приказ", edited_at=desk.clock() + timedelta(seconds=9))
        await desk.hear(later)
        await until(desk, pulse, {TranslationState.DONE: 2})
    assert [(row.version, row.translation.text) for row in await rows(desk)] == [(1, "Popov"), (2, "Popov приказ")]
    assert [alert.english.text for alert in await desk.alerts() if alert.english] == ["Popov", "Popov приказ"]


async def test_a_killed_child_costs_one_try(desk: Desk, model: Any) -> None:
    """SIGKILL in the middle of a text: the row says so, the daemon lives, and the next try succeeds."""
    translator = LocalTranslator(TranslationSettings(models={"ru": model}))
    await translator.start()
    assert translator.pid is not None
    os.kill(translator.pid, signal.SIGSTOP)
    await desk.hear(post("Попов"))
    async with working(desk, translator) as pulse:
        await until(desk, pulse, {TranslationState.WANTED: 1})
        os.kill(translator.pid, signal.SIGKILL)
        row = await tried(desk, 1)
        assert (row.attempts, row.reason) == (1, "the translation process was killed by SIGKILL")
        assert row.next_try == desk.clock() + timedelta(seconds=2)
        desk.clock.forward(3)
        await until(desk, pulse, {TranslationState.DONE: 1})
    assert [row.reason for row in await rows(desk)] == [None]


class Dying:
    """Who dies over some texts: as a translator whose process crashes each time."""

    languages = frozenset({"ru"})

    def __init__(self, translator: Here, error: Exception, *, over: str) -> None:
        self._translator, self._error, self._over = translator, error, over
        self.asked: list[str] = []

    async def translate(self, text: str, language: str) -> Translation:
        """Fail, or translate."""
        self.asked.append(text)
        if self._over in text:
            raise self._error
        return await self._translator.translate(text, language)

    async def close(self) -> None:
        """Nothing is to be ended."""


async def test_a_text_that_always_kills_is_given_up(desk: Desk, here: Here) -> None:
    """After three tries it fails, which the status tells with the reason; the text behind it is not held up."""
    await desk.hear(post("Попов приказ"), post("Попов", number=2))
    dying = Dying(here, ChildDied("the translation process was killed by SIGSEGV"), over="приказ")
    async with working(desk, dying) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1, TranslationState.WANTED: 1})
        for tries, pause in ((1, 2), (2, 8)):
            await tried(desk, tries)
            desk.clock.forward(pause + 1)
            pulse.nudge()
        await until(desk, pulse, {TranslationState.DONE: 1, TranslationState.FAILED: 1})
    told = await status(desk)
    assert told.untranslatable == "the translation process was killed by SIGSEGV (given up after 3 tries)"
    assert told.oldest_untranslated is None
    assert dying.asked.count("Попов приказ") == 3
    assert [alert.english is None for alert in await desk.alerts()] == [True, False]


async def test_a_fault_of_ours_costs_the_text_not_the_loop(desk: Desk, here: Here) -> None:
    """An error that nobody expected is a failed try with its name."""
    await desk.hear(post("Попов"))
    async with working(desk, Dying(here, RuntimeError("odd"), over="Попов"), attempts=1) as pulse:
        await until(desk, pulse, {TranslationState.FAILED: 1})
    assert (await status(desk)).untranslatable == "RuntimeError: odd (given up after 1 tries)"


async def test_a_model_that_has_gone_is_waited_for(desk: Desk, here: Here) -> None:
    """No text is at fault: none loses a try, and stopping need not wait out the pause."""
    await desk.hear(post("Попов"))
    dying = Dying(here, ModelMissing("the folder is gone"), over="Попов")
    async with working(desk, dying):
        for _ in range(500):
            if dying.asked:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
    assert dying.asked == ["Попов"]
    assert [(row.state, row.attempts) for row in await rows(desk)] == [("wanted", 0)]


Step = Callable[..., Awaitable[Any]]


async def kill_at(desk: Desk, translator: Any, monkeypatch: pytest.MonkeyPatch, step: str, *, written: bool) -> None:
    """Let a worker go on until the process ends before or after the first write of this kind."""
    verb: Step = getattr(desk.store.translations, step)

    async def killed(*args: Any, **given: Any) -> None:
        if written:
            await verb(*args, **given)
        raise StoreError("the process ends here")

    pulse = Pulse(asyncio.Event())
    with monkeypatch.context() as patch:
        patch.setattr(desk.store.translations, step, killed)
        with pytest.raises(StoreError):
            await TranslationWorker(desk.store, desk.monitor, translator, pulse, clock=desk.clock, patience=()).run()


@pytest.mark.parametrize("step", ["want", "record"])
@pytest.mark.parametrize("written", [False, True])
async def test_a_crash_between_two_steps(
    either_desk: Desk, here: Here, monkeypatch: pytest.MonkeyPatch, step: str, written: bool
) -> None:
    """Killed before or after each write, the next life goes on from the rows: one translation, one correction a sink."""
    desk = either_desk
    await desk.hear(post("Попов"))
    await kill_at(desk, here, monkeypatch, step, written=written)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
    async with desk.store._database.read() as conn:
        assert await conn.scalar(sa.select(sa.func.count()).where(outbox.c.english)) == 2
    assert [alert.english.text for alert in await desk.alerts() if alert.english] == ["Popov"]


async def test_recording_again_changes_nothing(either_desk: Desk) -> None:
    """A repeated verb neither tells twice nor takes back what is done."""
    desk = either_desk
    await desk.hear(post("Попов"))
    (found,) = await desk.store.translations.unseen(desk.clock())
    texts = {(found.message.key, found.version): "ru"}
    assert await desk.store.translations.want(texts, upto=found.alert_id, at=desk.clock()) == 1
    assert await desk.store.translations.want(texts, upto=found.alert_id, at=desk.clock()) == 0
    assert await desk.store.translations.unseen(desk.clock()) == ()
    due = await desk.store.translations.due(["ru"], desk.clock())
    assert isinstance(due, Untranslated)
    assert await desk.store.translations.due(["uk"], desk.clock()) is None
    english = Translation(text="Popov", language="ru", model="m", parameters={"beam_size": "4"})
    assert await desk.monitor.observe_translation(due, english) == 2
    assert await desk.monitor.observe_translation(due, replace(english, text="other")) == 0
    await desk.store.translations.record_failed(due.translation_id, reason="late", at=desk.clock())
    await desk.store.translations.record_retry(due.translation_id, reason="late", next_try=desk.clock())
    (row,) = await rows(desk)
    assert (row.state, row.translation, row.attempts) == ("done", english, 0)


async def test_old_alerts_are_left_alone(desk: Desk, here: Here) -> None:
    """When translating is turned on, what was alerted more than two days ago is not gone through."""
    await desk.hear(post("Попов"))
    desk.clock.forward(49 * 3600)
    await desk.hear(post("Попов", number=2))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
    assert [row.message_id for row in await rows(desk)] == [2]


async def test_the_hint_of_the_channel(desk: Desk, here: Here) -> None:
    """A text whose letters do not tell is in the language of its channel; that has no model here."""
    await desk.store.channels.pin(replace(GURULEV, language="uk"), account="main")
    await desk.hear(post("Попов"))
    async with working(desk, here) as pulse:
        await asyncio.sleep(0.2)
        pulse.nudge()
    # The only model there is reads Russian: a hint without a model does not keep a text from it.
    assert [row.language for row in await rows(desk)] == ["ru"]


async def test_models_leave_memory_when_nothing_comes(desk: Desk, translator: LocalTranslator) -> None:
    """The process ends when idle, and the next text has a new one."""
    await desk.hear(post("Попов"))
    async with working(desk, translator, unload_seconds=60) as pulse:
        await until(desk, pulse, {TranslationState.DONE: 1})
        assert translator.pid is not None
        desk.clock.forward(61)
        for _ in range(200):
            pulse.nudge()
            await asyncio.sleep(0.02)
            if translator.pid is None:
                break
        assert translator.pid is None
        await desk.hear(post("Попов снят", number=2))
        await until(desk, pulse, {TranslationState.DONE: 2})
