"""Fetched recordings become transcripts, several at a time, for as long as the service runs."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import structlog

from bot.errors import ChildDied, HeardBefore, MediaRefused, ModelMissing, ServerAway, StoreError
from bot.model import Clock, Recording, RecordingState, utc_now
from bot.pulse import PATIENCE, Pulse
from bot.speech.port import Transcriber
from bot.speech.sound.fingerprint import SAME, keys, same
from bot.transcript import Transcript

if TYPE_CHECKING:
    # The child imports this package too, and has no use for a database.
    from bot.monitor import Monitor
    from bot.store import Store

log = structlog.get_logger()

T = TypeVar("T")

IDLE_SECONDS = 15.0
MODEL_SECONDS = 60.0
# Pause after which a speech server that is away is asked again, if it does not say.
AWAY_SECONDS = 10.0
MOST_AWAY_SECONDS = 300.0
FIRST_RETRY_SECONDS = 30.0
LAST_RETRY_SECONDS = 3600.0
# Of so many seconds or more, no more than half of those at hand may be: the short ones must not wait for them.
LONG_SECONDS = 60.0
# Files that share the most keys with a new one are compared with it, no more.
_COMPARED = 10


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
        # What is at hand, by recording id.
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._long: set[int] = set()
        # The files of what is at hand: the same one is transcribed once, and the others wait for that.
        self._files: dict[int, str | None] = {}
        # Nothing is begun before; set when no recording can be transcribed at present.
        self._not_before: datetime | None = None

    async def run(self) -> None:
        """Work until the service stops. One recording's failure is written on it and goes no further.

        Raises StoreError when the store still fails after the last of its retries.
        """
        try:
            while not self._pulse.stopping:
                await self._begin_due()
                await self._pulse.wait(self._idle())
                await self._collect()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _idle(self) -> float:
        if self._not_before is None:
            return IDLE_SECONDS
        return min(max((self._not_before - self._clock()).total_seconds(), 0.0), IDLE_SECONDS)

    async def _begin_due(self) -> None:
        """Take up what is due, as long as there is room."""
        if self._not_before is not None and self._clock() < self._not_before:
            return
        self._not_before = None
        room = self._transcriber.capacity - len(self._tasks)
        if room <= 0:
            return
        for recording in await self._steadily(partial(self._look, 2 * self._transcriber.capacity)):
            number = recording.recording_id
            if number in self._tasks or not room or (_is_long(recording) and not self._has_room_for_long()):
                continue
            if recording.sha256 in self._files.values():
                continue
            room -= 1
            self._files[number] = recording.sha256
            self._tasks[number] = asyncio.create_task(self._serve(recording))
            self._tasks[number].add_done_callback(lambda _: self._pulse.nudge())
            if _is_long(recording):
                self._long.add(number)

    def _has_room_for_long(self) -> bool:
        return len(self._long) < max(self._transcriber.capacity // 2, 1)

    async def _collect(self) -> None:
        """Let go of what is done; raises what a task raised."""
        for number in [number for number, task in self._tasks.items() if task.done()]:
            self._long.discard(number)
            del self._files[number]
            await self._tasks.pop(number)

    async def _look(self, limit: int) -> Sequence[Recording]:
        return await self._store.recordings.due(RecordingState.FETCHED, self._clock(), limit)

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)

    async def _serve(self, recording: Recording) -> None:
        try:
            transcript = recording.twin or await self._transcribe(recording)
        except ModelMissing as error:
            log.error("speech.model_missing", reason=str(error), next_try_seconds=MODEL_SECONDS)
            self._rest(MODEL_SECONDS)
        except ServerAway as error:
            seconds = min(error.retry_after or AWAY_SECONDS, MOST_AWAY_SECONDS)
            log.warning("speech.server_away", reason=str(error), next_try_seconds=seconds)
            self._rest(seconds)
        except HeardBefore:
            log.info("speech.heard_before", recording=recording.recording_id)
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

    def _rest(self, seconds: float) -> None:
        """No recording is at fault, and none is tried for a while."""
        self._not_before = self._clock() + timedelta(seconds=seconds)

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
            heard_before=partial(self._heard_before, recording, recording.sha256),
        )

    async def _heard_before(self, recording: Recording, sha256: str, fingerprint: bytes) -> bool:
        """Whether this is another encoding of a recording that we have: then it is heard as that one."""
        found = keys(fingerprint)
        known = await self._store.twins.find_similar(found, _COMPARED, but=sha256)
        await self._store.twins.record_fingerprint(sha256, fingerprint, found)
        for other, theirs in known:
            if same(theirs, fingerprint) >= SAME:
                return await self._store.twins.make_twin(recording.recording_id, other)
        return False

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


def _is_long(recording: Recording) -> bool:
    return (recording.media.duration or 0.0) >= LONG_SECONDS


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
