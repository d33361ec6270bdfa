"""Recordings are heard once more, by other models, when nothing new waits: second passes, and what people asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.errors import ModelMissing, ServerAway, SpeechError, StoreError
from bot.model import Clock, utc_now
from bot.pulse import PATIENCE, Pulse
from bot.speech.port import Transcriber
from bot.speech.worker import MODEL_SECONDS, retry_delay

if TYPE_CHECKING:
    from bot.monitor import Monitor
    from bot.store import Hearing, Store

log = structlog.get_logger()

T = TypeVar("T")

IDLE_SECONDS = 60.0


class Rehearser:
    """The loop behind `speech.second_model` and `earshot transcribe --again`; one recording at a time."""

    def __init__(
        self,
        store: "Store",
        monitor: "Monitor",
        transcriber_of: Callable[[str], Transcriber],
        pulse: Pulse,
        *,
        clock: Clock = utc_now,
        announce: Callable[[], None],
        attempts: int = 3,
        patience: Sequence[float] = PATIENCE,
    ) -> None:
        """`transcriber_of` makes the transcriber of a model, by its name or folder; the rest is as for `SpeechWorker`."""
        self._store = store
        self._monitor = monitor
        self._transcriber_of = transcriber_of
        self._pulse = pulse
        self._clock = clock
        self._announce = announce
        self._attempts = attempts
        self._patience = tuple(patience)
        self._hot_words = ""
        # The model in memory: no more than one.
        self._loaded: tuple[str, Transcriber] | None = None

    def expect(self, hot_words: str) -> None:
        """See `Transcriber.expect`: for whichever model hears, from the next recording on."""
        self._hot_words = hot_words

    async def run(self) -> None:
        """Work until the service stops. Raises StoreError when the store still fails after the last of its retries."""
        try:
            while not self._pulse.stopping:
                due = await self._steadily(lambda: self._store.hearings.due(self._clock(), 1))
                if due:
                    await self._until_stopped(self._serve(due[0]))
                else:
                    await self._unload()
                    await self._pulse.wait(IDLE_SECONDS)
        finally:
            await self._unload()

    async def _until_stopped(self, work: Awaitable[None]) -> None:
        """Nobody waits for a second hearing when everything stops: it begins anew with the next start."""
        task = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._pulse.stopped())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not task.done():
                task.cancel()
        if not task.cancelled():
            await asyncio.gather(task, return_exceptions=self._pulse.stopping)

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)

    async def _serve(self, hearing: "Hearing") -> None:
        try:
            transcript = await (await self._transcriber(hearing.model)).transcribe(
                self._store.media.path(hearing.sha256),
                language=hearing.language,
                declared_seconds=hearing.declared,
            )
        except ServerAway as error:
            log.warning("rehearing.server_away", reason=str(error), next_try_seconds=MODEL_SECONDS)
            await self._pulse.sleep(MODEL_SECONDS)
        except SpeechError as error:
            await self._put_off(hearing, error)
        else:
            alerts = await self._steadily(lambda: self._monitor.observe_hearing(hearing, transcript))
            log.info("rehearing.heard", hearing=hearing.hearing_id, model=transcript.model, alerts=alerts)
        self._announce()

    async def _put_off(self, hearing: "Hearing", error: SpeechError) -> None:
        log.warning("rehearing.failed", hearing=hearing.hearing_id, reason=str(error))
        hearings = self._store.hearings
        now = self._clock()
        if error.permanent or hearing.attempts + 1 >= self._attempts:
            await self._steadily(lambda: hearings.record_failed(hearing.hearing_id, reason=str(error), at=now))
            return
        delay = timedelta(seconds=MODEL_SECONDS) if isinstance(error, ModelMissing) else retry_delay(hearing.attempts)
        again = partial(hearings.record_retry, hearing.hearing_id, reason=str(error), next_try=now + delay)
        await self._steadily(again)

    async def _transcriber(self, model: str) -> Transcriber:
        if self._loaded is None or self._loaded[0] != model:
            await self._unload()
            self._loaded = model, self._transcriber_of(model)
        self._loaded[1].expect(self._hot_words)
        return self._loaded[1]

    async def _unload(self) -> None:
        loaded, self._loaded = self._loaded, None
        if loaded is not None:
            await loaded[1].close()
