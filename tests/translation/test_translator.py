"""The translation process may die in every way; the translator does not."""

import asyncio
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bot.errors import ChildDied, ModelMissing
from bot.translation import LocalTranslator, TranslationSettings
from tests.translation.models import word_for_word


async def killed_while_at(translator: LocalTranslator, text: str) -> str:
    """Kill the child with SIGKILL while it translates; what is said of it."""
    await translator.start()
    assert translator.pid is not None
    os.kill(translator.pid, signal.SIGSTOP)
    job = asyncio.create_task(translator.translate(text, "ru"))
    await asyncio.sleep(0.1)
    os.kill(translator.pid, signal.SIGKILL)
    with pytest.raises(ChildDied) as death:
        await job
    return str(death.value)


async def test_a_text_in_another_process(translator: LocalTranslator) -> None:
    """The text comes back in English with the model that made it; the process is another one, and stays."""
    found = await translator.translate("Попов снят с должности.", "ru")
    assert (found.text, found.language, found.partial) == ("Popov dismissed from office.", "ru", False)
    assert found.model.startswith("opus-ru-en ")
    assert found.parameters["ctranslate2"]
    first = translator.pid
    assert first not in (None, os.getpid())
    assert (await translator.translate("Удар по штабу.", "ru")).text == "Strike on headquarters."
    assert translator.pid == first


async def test_a_child_that_is_killed(translator: LocalTranslator) -> None:
    """SIGKILL in the middle of a text raises ChildDied naming the signal; the next text has a new child."""
    await translator.start()
    first = translator.pid
    assert "SIGKILL" in await killed_while_at(translator, "Да.")
    assert (await translator.translate("Да.", "ru")).text == "Yes."
    assert translator.pid != first


async def test_a_child_that_hangs(model: Path) -> None:
    """One that does not answer in time is stopped, and the text may be tried again."""
    settings = TranslationSettings(models={"ru": model}, timeout_floor=0.3, timeout_per_character=0.0)
    translator = LocalTranslator(settings)
    await translator.start()
    assert translator.pid is not None
    child = psutil.Process(translator.pid)
    child.suspend()
    with pytest.raises(ChildDied, match=r"did not finish within 0 s and was stopped"):
        await translator.translate("Да.", "ru")
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert translator.pid is None
    await translator.close()


async def test_a_text_that_nobody_waits_for_any_more(translator: LocalTranslator) -> None:
    """Cancelling ends the child: what it says later must not be taken for the answer to the next text."""
    await translator.start()
    assert translator.pid is not None
    os.kill(translator.pid, signal.SIGSTOP)
    job = asyncio.create_task(translator.translate("Попов", "ru"))
    await asyncio.sleep(0.1)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (await translator.translate("Да.", "ru")).text == "Yes."


@pytest.mark.slow
async def test_texts_at_once_come_one_by_one(translator: LocalTranslator) -> None:
    """Each gets its own answer, and one process serves them all."""
    texts = {"Да.": "Yes.", "Попов": "Popov", "снят": "dismissed"}
    found = await asyncio.gather(*(translator.translate(text, "ru") for text in texts))
    assert [one.text for one in found] == list(texts.values())


@pytest.mark.slow
async def test_a_child_has_its_day(model: Path) -> None:
    """After so many texts there is a new one, so that slow leaks end."""
    translator = LocalTranslator(TranslationSettings(models={"ru": model}), jobs_per_child=1)
    await translator.translate("Да.", "ru")
    first = translator.pid
    await translator.translate("Да.", "ru")
    assert translator.pid != first
    await translator.close()


@pytest.mark.slow
async def test_what_cannot_be_loaded_is_said(model: Path, tmp_path: Path) -> None:
    """Weights that are cut off, pieces that are none and weights of a library to come are told by key and folder."""
    folder = tmp_path / "ru-en"
    for damage, complaint in (
        (lambda: (folder / "model.bin").write_bytes((model / "model.bin").read_bytes()[:5000]), "invalid|unexpected|payload|size"),
        (lambda: (folder / "source.spm").write_bytes(b"no pieces"), "ModelProto"),
        (lambda: (folder / "model.bin").write_bytes(b"\x63" + (model / "model.bin").read_bytes()[1:]), "version"),
    ):  # fmt: skip
        shutil.copytree(model, folder)
        damage()
        translator = LocalTranslator(TranslationSettings(models={"ru": folder}))
        with pytest.raises(
            ModelMissing, match=rf"^translation\.models\.ru: the model in {folder} cannot be loaded: .*({complaint})"
        ):
            await translator.start()
        assert translator.pid is None
        shutil.rmtree(folder)


async def test_a_language_without_a_model(translator: LocalTranslator) -> None:
    """Nothing is started for it."""
    with pytest.raises(ModelMissing, match="'uk'"):
        await translator.translate("Так.", "uk")
    assert translator.pid is None


@pytest.mark.slow
async def test_too_little_memory_is_said(model: Path) -> None:
    """With less address space than the libraries need, the process says so or dies; nobody is left waiting."""
    settings = replace(TranslationSettings(models={"ru": model}), memory_bytes=100_000_000)
    translator = LocalTranslator(settings)
    with pytest.raises((ModelMissing, ChildDied)):
        await translator.start()
    assert translator.pid is None


@pytest.mark.slow
async def test_several_languages_have_their_models(model: Path, tmp_path: Path) -> None:
    """Each text goes to the model of its language."""
    ukrainian = word_for_word(tmp_path / "opus-uk-en", {"Так.": "Yes.", "Ні.": "No."})
    translator = LocalTranslator(TranslationSettings(models={"ru": model, "uk": ukrainian}))
    models = await translator.start()
    assert {language: name.split()[0] for language, name in models.items()} == {"ru": "opus-ru-en", "uk": "opus-uk-en"}
    assert (await translator.translate("Ні.", "uk")).text == "No."
    assert (await translator.translate("Да.", "ru")).text == "Yes."
    await translator.close()


@pytest.mark.slow
async def test_a_hostile_text(translator: LocalTranslator) -> None:
    """Control characters, lone surrogates and a wall of one letter come back as something, and the child lives on."""
    await translator.start()
    first = translator.pid
    for text in ("Да.\0\ud800\x1b[31m", "ж" * 4096, "Ж. " * 1300, "\u0301" * 500 + "ж"):
        assert (await translator.translate(text, "ru")).text
    assert translator.pid == first


async def test_the_child_can_open_no_socket(translator: LocalTranslator) -> None:
    """It runs under the system call filter, and without our environment."""
    await translator.start()
    status = Path(f"/proc/{translator.pid}/status").read_text()
    assert "Seccomp:\t2" in status
    environment = Path(f"/proc/{translator.pid}/environ").read_bytes()
    assert b"EARSHOT" not in environment
