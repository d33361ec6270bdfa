"""Fetched recordings become transcripts, one after the other, for as long as the service runs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.errors import ChildDied, MediaRefused, ModelMissing, StoreError
from bot.model import Clock, Recording, RecordingState, Transcript, utc_now
from bot.pulse import PATIENCE, Pulse
from bot.speech.port import Transcriber

if TYPE_CHECKING:
    # The child imports this package too, and has no use for a database.
    from bot.monitor import Monitor
    from bot.store import Store

log = structlog.get_logger()

T = TypeVar("T")

IDLE_SECONDS = 15.0
MODEL_SECONDS = 60.0
FIRST_RETRY_SECONDS = 30.0
LAST_RETRY_SECONDS = 3600.0


class SpeechWorker:
    """The loop between the media folder and the monitor."""

    def __init__(
        self,
        store: "Store",
        monitor: "Monitor",
        transcriber: Transcriber,
        pulse: Pulse,
        *,
        clock: Clock = utc_now,
        announce: Callable[[], None],
        attempts: int = 5,
        patience: Sequence[float] = PATIENCE,
    ) -> None:
        """`announce` is called after each recording; `attempts` tries are made before one fails for good.

        `patience`: pauses between the tries while the store fails.
        """
        self._store = store
        self._monitor = monitor
        self._transcriber = transcriber
        self._pulse = pulse
        self._clock = clock
        self._announce = announce
        self._attempts = attempts
        self._patience = tuple(patience)

    async def run(self) -> None:
        """Work until the service stops. One recording's failure is written on it and goes no further.

        Raises StoreError when the store still fails after the last of its retries.
        """
        while not self._pulse.stopping:
            due = await self._steadily(self._look)
            if not due:
                await self._pulse.wait(IDLE_SECONDS)
                continue
            try:
                await self._serve(due[0])
            except ModelMissing as error:
                log.error("speech.model_missing", reason=str(error), next_try_seconds=MODEL_SECONDS)
                await self._sleep(MODEL_SECONDS)

    async def _look(self) -> Sequence[Recording]:
        return await self._store.recordings.due(RecordingState.FETCHED, self._clock(), 1)

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)

    async def _serve(self, recording: Recording) -> None:
        try:
            transcript = recording.twin or await self._transcribe(recording)
        except ModelMissing:
            raise
        except MediaRefused as refusal:
            await self._fail(recording, f"{refusal.reason}: {refusal}")
        except ChildDied as death:
            log.warning("speech.child_died", recording=recording.recording_id, reason=str(death))
            await self._retry(recording, str(death))
        except Exception as error:
            log.exception("speech.failed", recording=recording.recording_id)
            await self._retry(recording, f"{type(error).__name__}: {error}")
        else:
            await self._observe(recording, transcript)
        self._announce()

    async def _observe(self, recording: Recording, transcript: Transcript) -> None:
        """Hand the transcript over; it is not thrown away while the store fails."""
        try:
            alerts = await self._steadily(lambda: self._monitor.observe_transcript(recording, transcript))
        except Exception as error:
            # A store that fails altogether fails here once more, and that is raised; else it is this recording.
            log.exception("speech.not_recorded", recording=recording.recording_id)
            await self._retry(recording, f"{type(error).__name__}: {error}", patience=())
        else:
            _log_transcript(recording, transcript, alerts)

    async def _transcribe(self, recording: Recording) -> Transcript:
        if recording.sha256 is None:
            raise MediaRefused("unreadable", "the recording is marked as fetched, but has no bytes")
        return await self._transcriber.transcribe(
            self._store.media.path(recording.sha256),
            language=recording.language,
            declared_seconds=recording.media.duration,
        )

    async def _retry(self, recording: Recording, reason: str, *, patience: Sequence[float] | None = None) -> None:
        """Try again later, a few times. When everything stops, a killed child is no fault of the recording."""
        if self._pulse.stopping:
            return
        if recording.attempts + 1 >= self._attempts:
            await self._fail(recording, f"{reason} (given up after {recording.attempts + 1} tries)")
            return
        next_try = self._clock() + retry_delay(recording.attempts)
        await self._pulse.persist(
            lambda: self._store.recordings.record_retry(recording.recording_id, reason=reason, next_try=next_try),
            on=StoreError,
            pauses=self._patience if patience is None else patience,
        )

    async def _fail(self, recording: Recording, reason: str) -> None:
        log.warning("speech.refused", recording=recording.recording_id, reason=reason)
        await self._steadily(lambda: self._monitor.give_up(recording, reason))

    async def _sleep(self, seconds: float) -> None:
        """Wait out `seconds` of the clock, whatever nudges come, unless everything stops."""
        until: datetime = self._clock() + timedelta(seconds=seconds)
        while (left := (until - self._clock()).total_seconds()) > 0:
            if await self._pulse.wait(left):
                return


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after `attempts` earlier tries: 30 s, then four times as long each time, an hour at most."""
    return timedelta(seconds=min(FIRST_RETRY_SECONDS * 4**attempts, LAST_RETRY_SECONDS))


def _log_transcript(recording: Recording, transcript: Transcript, alerts: int) -> None:
    log.info(
        "speech.transcribed",
        recording=recording.recording_id,
        seconds=round(transcript.duration, 1),
        language=transcript.language,
        words=len(transcript.words),
        twin=recording.twin is not None,
        alerts=alerts,
    )
