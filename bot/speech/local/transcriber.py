"""Recordings become transcripts, whatever becomes of the process that does it."""

import asyncio
import os
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import structlog

from bot.confined.frames import Frame
from bot.confined.process import ChildProcess
from bot.errors import ChildDied, HeardBefore, MediaRefused, ModelMissing
from bot.speech import port
from bot.speech.local.door import Door
from bot.speech.local.wire import transcript_from
from bot.speech.models import ensure_model, fingerprint
from bot.speech.settings import SpeechSettings
from bot.transcript import Transcript

log = structlog.get_logger()

# Imports, weights from a slow disk, a GPU that wakes up: minutes for the largest model.
START_SECONDS = 600.0
# A transcript is partial when more than this share, and more than these seconds, of what was declared are missing:
# Telegram declares whole seconds.
MISSING_SHARE = 0.02
MISSING_SECONDS = 0.5


class _Collateral(ChildDied):
    """The speech process died while it had several recordings."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A recording that is with the speech process, and its answers."""

    answers: asyncio.Queue[Frame | ChildDied]
    # Seconds of its sound, once they are known.
    seconds: list[float]


class LocalTranscriber:
    """One speech process, started when first needed, and anew after a crash, a time-out or `jobs_per_child` jobs.

    Several recordings are with it at a time. When it dies, they are given to its successor again, one by one: only the
    one that kills that too is told so.
    """

    def __init__(self, settings: SpeechSettings, *, jobs_per_child: int = 500) -> None:
        """`jobs_per_child` bounds what slow leaks in the native libraries can add up to."""
        self._settings = settings
        self._hot_words = ""
        self._jobs_per_child = jobs_per_child
        self._door = Door()
        self._starting = asyncio.Lock()
        self._child: ChildProcess | None = None
        self._listener: asyncio.Task[None] | None = None
        self._numbers = count(1)
        self._jobs: dict[int, _Job] = {}
        # Of this child.
        self._given = 0
        self._model: tuple[Path, str] | None = None

    @property
    def capacity(self) -> int:
        """As many as are decoded together, and two that get ready meanwhile."""
        return self._settings.together + 2

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return self._child.pid if self._child else None

    def expect(self, hot_words: str) -> None:
        """See `Transcriber.expect`; the child stays."""
        self._hot_words = hot_words

    async def start(self) -> None:
        """Find or fetch the model and start the child, so that the first recording need not wait. ModelMissing."""
        await self._running_child()

    async def close(self) -> None:
        """End the child, in the middle of recordings if need be (which then raise ChildDied)."""
        self._tell_all(ended := ChildDied("the speech process was ended"))
        await self._drop_child(ended)

    async def transcribe(
        self,
        path: Path,
        *,
        language: str | None,
        declared_seconds: float | None,
        heard_before: port.HeardBefore | None = None,
    ) -> Transcript:
        """See `Transcriber.transcribe`."""
        if self._given >= self._jobs_per_child:
            async with self._door.alone():
                await self._retire()
        request = {
            "path": _absolute(path),
            "language": language,
            "seconds": declared_seconds,
            "hot_words": self._hot_words,
        }
        work = partial(self._run, request, heard_before)
        try:
            async with self._door.together():
                transcript = await work()
        except _Collateral:
            async with self._door.alone():
                transcript = await work()
        if not self._jobs:
            await self._retire()
        partly = is_partial(transcript.duration, declared_seconds)
        return replace(transcript, partial=partly, declared=declared_seconds)

    async def _run(self, request: Frame, heard_before: port.HeardBefore | None) -> Transcript:
        child = await self._running_child()
        self._given += 1
        number, job = next(self._numbers), _Job(asyncio.Queue(), [])
        self._jobs[number] = job
        try:
            await self._send(child, {**request, "id": number, "asks": heard_before is not None})
            if voice := await self._decoded(job):
                await self._ask(child, number, heard_before, voice)
            return await self._answered(job)
        except (MediaRefused, HeardBefore):
            raise
        except BaseException as error:
            # What nobody awaits is not worth the work; but others may be at it.
            if self._jobs.keys() == {number} and child is self._child:
                await self._drop_child(ChildDied(str(error)))
            raise
        finally:
            del self._jobs[number]

    async def _decoded(self, job: _Job) -> bytes:
        """Wait until its sound is there; returns the fingerprint, if it waits for a word. Raises MediaRefused."""
        answer = await self._next(job)
        while "waits" in answer:
            # For as long as those take that it waits for, and for them there are limits.
            answer = await (self._told(job) if answer["waits"] else self._next(job))
        if "refused" in answer:
            raise MediaRefused(str(answer["refused"]), str(answer["text"]))
        job.seconds.append(min(float(answer["decoded"]), self._settings.max_seconds))
        return bytes.fromhex(answer["fingerprint"])

    async def _ask(self, child: ChildProcess, number: int, heard_before: port.HeardBefore | None, voice: bytes) -> None:
        """Let the child go on, unless the recording is known. Raises HeardBefore."""
        go = False
        try:
            go = heard_before is None or not await heard_before(voice)
        finally:
            await self._send(child, {"id": number, "go": go})
        if not go:
            raise HeardBefore("it is another encoding of a recording that we have")

    async def _send(self, child: ChildProcess, request: Frame) -> None:
        try:
            await child.send(request)
        except ChildDied as death:
            raise _Collateral(str(death)) if len(self._jobs) > 1 else death from None

    async def _answered(self, job: _Job) -> Transcript:
        answer = await self._next(job)
        try:
            return transcript_from(answer["transcript"])
        except (KeyError, TypeError) as error:
            raise ChildDied(f"the speech process sent no transcript: {error!r}") from error

    async def _next(self, job: _Job) -> Frame:
        """The next answer about a job; it may take as long as all the sound at hand. A process that is late is ended."""
        sound = sum(sum(one.seconds) for one in self._jobs.values())
        try:
            async with asyncio.timeout(self._settings.timeout_floor + self._settings.timeout_factor * sound):
                return await self._told(job)
        except TimeoutError:
            late = ChildDied("the speech process did not finish in time and was stopped")
            await self._drop_child(late)
            raise (_Collateral(str(late)) if len(self._jobs) > 1 else late) from None

    async def _told(self, job: _Job) -> Frame:
        answer = await job.answers.get()
        if isinstance(answer, ChildDied):
            raise answer
        return answer

    async def _listen(self, child: ChildProcess) -> None:
        """Hand on what the child says, until it says no more."""
        try:
            while True:
                answer = await child.receive()
                if (job := self._jobs.get(answer.get("id", 0))) is not None:
                    job.answers.put_nowait(answer)
        except ChildDied as death:
            if child is self._child:
                await self._drop_child(death)

    async def _running_child(self) -> ChildProcess:
        async with self._starting:
            if self._child is not None and not self._child.alive:
                log.warning("speech.child_died_idle", pid=self._child.pid)
                await self._drop_child(ChildDied("the speech process had died"))
            if self._child is None:
                folder, name = await self._find_model()
                child = await ChildProcess.spawn("bot.speech.local.child", what="speech", threads=self._settings.cores)
                try:
                    await self._introduce(child, folder, name)
                except BaseException:
                    await child.kill()
                    raise
                self._child, self._given = child, 0
                self._listener = asyncio.create_task(self._listen(child))
            return self._child

    async def _introduce(self, child: ChildProcess, folder: Path, name: str) -> None:
        await child.send(self._greeting(folder, name))
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = await child.receive()
        except TimeoutError:
            raise ChildDied(f"the speech process did not start within {START_SECONDS:.0f} s") from None
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
            "batch": given.together,
            "manner": asdict(given.manner),
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

    async def _retire(self) -> None:
        """Let a child go that has done its jobs."""
        if self._given >= self._jobs_per_child and not self._jobs:
            await self._drop_child(ChildDied("the speech process had done its jobs"))

    async def _drop_child(self, death: ChildDied) -> None:
        """End the child; those that are with it have it from `death`, several of them as what may be another's fault."""
        child, self._child = self._child, None
        if child is not None:
            self._tell_all(_Collateral(str(death)) if len(self._jobs) > 1 else death)
            self._given = 0
            await child.kill()

    def _tell_all(self, death: ChildDied) -> None:
        for job in self._jobs.values():
            job.answers.put_nowait(death)


def _absolute(path: Path) -> str:
    """The child works in another folder, so paths must not depend on ours."""
    return os.path.abspath(path)


def is_partial(decoded_seconds: float, declared_seconds: float | None) -> bool:
    """Whether clearly less was decoded than was declared (a cut download decodes without an error)."""
    missing = (declared_seconds or 0.0) - decoded_seconds
    return missing > MISSING_SECONDS and missing > MISSING_SHARE * (declared_seconds or 0.0)
