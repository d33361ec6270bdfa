"""Texts become English, whatever becomes of the process that does it."""

import asyncio
import os

import structlog

from bot.confined.frames import Frame
from bot.confined.process import ChildProcess
from bot.errors import ChildDied, ModelMissing
from bot.model import Translation
from bot.translation.sentences import clean
from bot.translation.settings import TranslationSettings

log = structlog.get_logger()

# Imports, and some hundred megabytes of weights from a slow disk.
START_SECONDS = 300.0


class LocalTranslator:
    """One process, started when first needed, and anew after a crash, a time-out or `jobs_per_child` texts."""

    def __init__(self, settings: TranslationSettings, *, jobs_per_child: int = 2000) -> None:
        """`jobs_per_child` bounds what slow leaks in the native libraries can add up to."""
        self._settings = settings
        self._jobs_per_child = jobs_per_child
        self._one_at_a_time = asyncio.Lock()
        self._child: ChildProcess | None = None
        # Of this child: its models by language, and the texts that it has translated.
        self._models: dict[str, str] = {}
        self._done = 0

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of what it reads."""
        return frozenset(self._settings.models)

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return self._child.pid if self._child else None

    async def start(self) -> dict[str, str]:
        """Start the child, so that the first text need not wait; its models by language. ModelMissing, ChildDied."""
        async with self._one_at_a_time:
            await self._running()
            return dict(self._models)

    async def close(self) -> None:
        """End the child, in the middle of a text if need be (which then raises ChildDied)."""
        child, self._child = self._child, None
        if child is not None:
            await child.kill()

    async def translate(self, text: str, language: str) -> Translation:
        """The text in English; of one that is too long, its beginning.

        Raises ChildDied when the process crashed or took too long, ModelMissing when it has no model for the language.
        """
        if language not in self._settings.models:
            raise ModelMissing(f"translation.models names no folder for {language!r}")
        given = self._settings
        seconds = given.timeout_floor + given.timeout_per_character * len(text)
        async with self._one_at_a_time:
            await self._running()
            answer = await self._ask({"text": clean(text), "language": language, "seconds": seconds}, seconds)
            self._done += 1
        try:
            return Translation(
                text=answer["english"],
                language=language,
                model=answer["model"],
                parameters=answer["parameters"],
                partial=answer["partial"],
            )
        except KeyError as error:
            raise ChildDied(f"the translation process sent no translation: {error!r}") from error

    async def _ask(self, request: Frame, seconds: float) -> Frame:
        """Its answer; a child that does not give one is ended, as is one whose answer nobody awaits any more."""
        child = self._child
        assert child is not None  # noqa: S101 - just started
        try:
            async with asyncio.timeout(seconds):
                await child.send(request)
                return await child.receive()
        except TimeoutError:
            await self.close()
            raise ChildDied(f"the translation process did not finish within {seconds:.0f} s and was stopped") from None
        except BaseException:
            await self.close()
            raise

    async def _running(self) -> None:
        if self._child is not None and (not self._child.alive or self._done >= self._jobs_per_child):
            await self.close()
        if self._child is not None:
            return
        child = await ChildProcess.spawn("bot.translation.child", what="translation", threads=self._settings.threads)
        try:
            self._models = await self._introduce(child)
        except BaseException:
            await child.kill()
            raise
        self._child, self._done = child, 0
        log.info("translation.ready", models=self._models, pid=child.pid)

    async def _introduce(self, child: ChildProcess) -> dict[str, str]:
        await child.send(self._greeting())
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await child.receive()
        except TimeoutError:
            raise ChildDied(f"the translation process did not start within {START_SECONDS:.0f} s") from None
        if "ready" not in answer:
            raise ModelMissing(str(answer.get("failed")))
        return dict(answer["ready"])

    def _greeting(self) -> Frame:
        given = self._settings
        return {
            "parent": os.getpid(),
            "models": {language: os.path.abspath(folder) for language, folder in given.models.items()},
            "compute_type": given.compute_type,
            "beam_size": given.beam_size,
            "threads": given.threads,
            "memory_bytes": given.memory_bytes,
        }
