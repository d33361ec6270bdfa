"""The texts of alerted posts become English, one after the other, for as long as the service runs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.errors import ChildDied, ModelMissing, StoreError
from bot.model import Clock, Key, utc_now
from bot.pulse import PATIENCE, Pulse
from bot.translation.language import language_of
from bot.translation.translator import LocalTranslator

if TYPE_CHECKING:
    # The child imports this package too, and has no use for a database.
    from bot.monitor import Monitor
    from bot.store import Store, Untranslated

log = structlog.get_logger()

T = TypeVar("T")

IDLE_SECONDS = 5.0
UNLOAD_SECONDS = 600.0
# Pause after which models that could not be loaded are tried again.
MODEL_SECONDS = 60.0
FIRST_RETRY_SECONDS = 2.0


class TranslationWorker:
    """The loop between the alerts and their English."""

    def __init__(
        self,
        store: "Store",
        monitor: "Monitor",
        translator: LocalTranslator,
        pulse: Pulse,
        *,
        clock: Clock = utc_now,
        attempts: int = 3,
        patience: Sequence[float] = PATIENCE,
        unload_seconds: float = UNLOAD_SECONDS,
    ) -> None:
        """`attempts` tries are made before a text fails for good; `patience`: pauses between those while the store fails.

        `unload_seconds`: with nothing to do for so long, the models leave memory.
        """
        self._store = store
        self._monitor = monitor
        self._translator = translator
        self._pulse = pulse
        self._clock = clock
        self._attempts = attempts
        self._patience = tuple(patience)
        self._unload = timedelta(seconds=unload_seconds)
        self._last = clock()

    async def run(self) -> None:
        """Work until the service stops. Raises StoreError when the store still fails after the last of its retries."""
        stopping = asyncio.ensure_future(self._pulse.stopped())
        work = asyncio.ensure_future(self._work())
        try:
            # Nobody waits for a translation when everything stops: it begins anew with the next start.
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            ended = work.done()
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await self._translator.close()
        if ended:
            work.result()

    async def _work(self) -> None:
        while not self._pulse.stopping:
            await self._look_through()
            due = await self._steadily(lambda: self._store.translations.due(self._translator.languages, self._clock()))
            if due is not None:
                await self._serve(due)
                self._last = self._clock()
            elif self._clock() - self._last > self._unload:
                await self._translator.close()
            # Between two texts too: who is stuck is known by not coming here.
            await self._pulse.wait(IDLE_SECONDS if due is None else 0.0)

    async def _look_through(self) -> None:
        """Ask for what has been alerted since, as far as there is a model for it."""
        translations = self._store.translations
        while found := await self._steadily(lambda: translations.unseen(self._clock())):
            wanted: dict[tuple[Key, int], str] = {}
            for one in found:
                text = one.message.text
                language = language_of(text, hint=one.language, models=self._translator.languages)
                if language is not None:
                    wanted[one.message.key, one.version] = language
            upto = found[-1].alert_id
            await self._steadily(partial(translations.want, wanted, upto=upto, at=self._clock()))

    async def _serve(self, one: "Untranslated") -> None:
        try:
            translation = await self._translator.translate(one.message.text, one.language)
        except ModelMissing as error:
            log.error("translation.model_missing", reason=str(error), next_try_seconds=MODEL_SECONDS)
            await self._pulse.sleep(MODEL_SECONDS)
            return
        except ChildDied as death:
            await self._put_off(one, str(death))
            return
        except Exception as error:
            log.exception("translation.failed", translation=one.translation_id)
            await self._put_off(one, f"{type(error).__name__}: {error}")
            return
        told = await self._steadily(lambda: self._monitor.observe_translation(one, translation))
        log.info("translation.done", translation=one.translation_id, language=one.language, deliveries=told)

    async def _put_off(self, one: "Untranslated", reason: str) -> None:
        """Try again later, a few times. When everything stops, a killed child is no fault of the text."""
        if self._pulse.stopping:
            return
        log.warning("translation.not_done", translation=one.translation_id, reason=reason, attempts=one.attempts + 1)
        translations, now = self._store.translations, self._clock()
        if one.attempts + 1 >= self._attempts:
            final = f"{reason} (given up after {one.attempts + 1} tries)"
            await self._steadily(lambda: translations.record_failed(one.translation_id, reason=final, at=now))
            return
        next_try = now + timedelta(seconds=FIRST_RETRY_SECONDS * 4**one.attempts)
        await self._steadily(lambda: translations.record_retry(one.translation_id, reason=reason, next_try=next_try))

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)
