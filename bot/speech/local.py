"""Recordings become transcripts, whatever becomes of the process that does it."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import structlog

from bot.errors import ChildDied, MediaRefused, ModelMissing
from bot.model import Transcript
from bot.speech.models import ensure_model, fingerprint
from bot.speech.process import ChildProcess
from bot.speech.settings import SpeechSettings
from bot.speech.wire import Frame, transcript_from

log = structlog.get_logger()

# Imports, weights from a slow disk, a GPU that wakes up: minutes for the largest model.
START_SECONDS = 600.0
# A transcript is partial when more than this share, and more than these seconds, of what was declared are missing:
# Telegram declares whole seconds.
MISSING_SHARE = 0.02
MISSING_SECONDS = 0.5


class LocalTranscriber:
    """One speech process, started when first needed, and anew after a crash, a time-out or `jobs_per_child` jobs."""

    def __init__(self, settings: SpeechSettings, *, jobs_per_child: int = 500) -> None:
        """`jobs_per_child` bounds what slow leaks in the native libraries can add up to."""
        self._settings = settings
        self._jobs_per_child = jobs_per_child
        self._lock = asyncio.Lock()
        self._child: ChildProcess | None = None
        self._jobs = 0
        self._model: tuple[Path, str] | None = None

    @property
    def capacity(self) -> int:
        """One after the other."""
        return 1

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return self._child.pid if self._child else None

    async def start(self) -> None:
        """Find or fetch the model and start the child, so that the first recording need not wait. ModelMissing."""
        async with self._lock:
            await self._running_child()

    async def close(self) -> None:
        """End the child, in the middle of a job if need be (which then raises ChildDied)."""
        if self._child is not None:
            await self._child.kill()
        async with self._lock:
            await self._drop_child()

    async def transcribe(self, path: Path, *, language: str | None, declared_seconds: float | None) -> Transcript:
        """What is said in the file at `path`; `language` is a hint (ISO 639-1) that goes before the setting.

        Raises MediaRefused (this recording is not to be tried again), ChildDied or ModelMissing (it is).
        """
        async with self._lock:
            child = await self._running_child()
            self._jobs += 1
            try:
                transcript = await self._run_job(child, path, language or self._settings.language)
            except MediaRefused:
                raise
            except BaseException:
                await self._drop_child()
                raise
            if self._jobs >= self._jobs_per_child:
                await self._drop_child()
        partial = is_partial(transcript.duration, declared_seconds)
        return replace(transcript, partial=partial, declared=declared_seconds)

    async def _run_job(self, child: ChildProcess, path: Path, language: str | None) -> Transcript:
        begun = asyncio.get_running_loop().time()
        await child.send(_job(path, language))
        limit = begun + self._settings.timeout_floor
        answer = await child.receive(limit)
        if "decoded" in answer:
            seconds = min(float(answer["decoded"]), self._settings.max_seconds)
            answer = await child.receive(limit + self._settings.timeout_factor * seconds)
        if "refused" in answer:
            raise MediaRefused(str(answer["refused"]), str(answer["text"]))
        try:
            return transcript_from(answer["transcript"])
        except (KeyError, TypeError) as error:
            raise ChildDied(f"the speech process sent no transcript: {error!r}") from error

    async def _running_child(self) -> ChildProcess:
        if self._child is not None and not self._child.alive:
            log.warning("speech.child_died_idle", pid=self._child.pid)
            await self._drop_child()
        if self._child is None:
            folder, name = await self._find_model()
            self._child = await ChildProcess.spawn(threads=self._settings.cores)
            self._jobs = 0
            try:
                await self._introduce(self._child, folder, name)
            except BaseException:
                await self._drop_child()
                raise
        return self._child

    async def _introduce(self, child: ChildProcess, folder: Path, name: str) -> None:
        await child.send(self._greeting(folder, name))
        answer = await child.receive(asyncio.get_running_loop().time() + START_SECONDS)
        if "ready" not in answer:
            raise ModelMissing(f"the speech model in {folder} cannot be loaded: {answer.get('failed')}")
        log.info("speech.ready", model=name, pid=child.pid)

    def _greeting(self, folder: Path, name: str) -> Frame:
        given = self._settings
        return {
            "parent": os.getpid(),
            "folder": os.path.abspath(folder),
            "name": name,
            "device": given.device,
            "compute_type": given.compute_type,
            "threads": given.cores,
            "beam_size": given.beam_size,
            "max_bytes": given.max_bytes,
            "max_seconds": given.max_seconds,
            "memory_bytes": given.memory_bytes,
            "timeout_factor": given.timeout_factor,
            "timeout_floor": given.timeout_floor,
        }

    async def _find_model(self) -> tuple[Path, str]:
        """Folder of the model, and its name with its fingerprint; looked for once, unless it is missing."""
        if self._model is None:
            folder = await ensure_model(self._settings.model, self._settings.models_folder)
            digits = await asyncio.to_thread(fingerprint, folder)
            name = self._settings.model.rstrip("/").rpartition("/")[2]
            self._model = folder, f"{name} {digits}"
        return self._model

    async def _drop_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.kill()


def _job(path: Path, language: str | None) -> Frame:
    """The child works in another folder, so paths must not depend on ours."""
    return {"path": os.path.abspath(path), "language": language}


def is_partial(decoded_seconds: float, declared_seconds: float | None) -> bool:
    """Whether clearly less was decoded than was declared (a cut download decodes without an error)."""
    missing = (declared_seconds or 0.0) - decoded_seconds
    return missing > MISSING_SECONDS and missing > MISSING_SHARE * (declared_seconds or 0.0)
