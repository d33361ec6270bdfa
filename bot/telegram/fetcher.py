"""Recordings that are wanted become files: the loop between the ledger and the speech room.

The row says where a recording was posted, never a file reference: the post is asked for anew before each try, so a
queue may be as old as it likes. What fails for a reason that may pass is tried again for days; what is final is
recorded with its reason, for people to read. A file that is cut short twice is kept as far as it goes, to be
transcribed as a part; the whole of it is asked for again for just as long.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog

from bot.errors import ChannelUnavailable, FloodWait, MediaUnavailable, StoreError, TelegramError, Unreachable
from bot.model import ChannelId, Clock, Key, Recording, RecordingState, utc_now
from bot.monitor import Monitor
from bot.pulse import PATIENCE, Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.download import Gone, Short, find_document, parts

log = structlog.get_logger()

T = TypeVar("T")

# Without a nudge, look this often, in seconds.
IDLE_SECONDS = 5.0
# Pause after the first, second, ... failed try; the last one repeats.
BACKOFF = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
# A reason that may pass becomes final when the post has been known for so long and so many tries were made.
GIVE_UP_AFTER = timedelta(days=7)
GIVE_UP_TRIES = 12
# Of so many that are due, those are started whose account may ask.
LOOK = 100
# While Telegram asks an account to wait with one of these, it is given nothing to do.
_NEEDED = frozenset({"upload.getFile", "channels.getMessages"})


class Fetcher:
    """Fetches at most `parallel` recordings at a time, none larger than `limit_bytes`."""

    def __init__(
        self,
        account_of: Callable[[ChannelId], Account],
        store: Store,
        monitor: Monitor,
        pulse: Pulse,
        *,
        limit_bytes: int,
        announce: Callable[[], None],
        parallel: int = 2,
        patience: Sequence[float] = PATIENCE,
        clock: Clock = utc_now,
    ) -> None:
        """`account_of`: whom to ask about a channel. `patience`: pauses between the tries while the store fails."""
        self._account_of = account_of
        self._store = store
        self._monitor = monitor
        self._pulse = pulse
        self._patience = tuple(patience)
        self._limit_bytes = limit_bytes
        self._announce = announce
        self._parallel = parallel
        self._clock = clock
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Fetch until the pulse stops; what is under way then is dropped and tried again by the next run.

        Raises StoreError when the store still fails after the last of its retries.
        """
        try:
            async with asyncio.TaskGroup() as group:
                while not self._pulse.stopping:
                    await self._start_due(group)
                    await self._pulse.wait(IDLE_SECONDS)
                for task in self._running.values():
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _start_due(self, group: asyncio.TaskGroup) -> None:
        # Those under way are still wanted and come first again; one may end while we look, and its row here is then old.
        begun = frozenset(self._running)
        now = self._clock()
        due = await self._steadily(lambda: self._store.recordings.due(RecordingState.WANTED, now, LOOK))
        for recording in due:
            if len(self._running) >= self._parallel:
                return
            if recording.recording_id not in begun and self._may_ask(recording.channel_id):
                self._start(group, recording)

    def _may_ask(self, channel_id: ChannelId) -> bool:
        try:
            account = self._account_of(channel_id)
        except Unreachable:
            return False
        return not any(wait.method in _NEEDED for wait in account.waits)

    async def _steadily(self, work: Callable[[], Awaitable[T]]) -> T:
        return await self._pulse.persist(work, on=StoreError, pauses=self._patience)

    def _start(self, group: asyncio.TaskGroup, recording: Recording) -> None:
        task = group.create_task(self._fetch(recording))
        self._running[recording.recording_id] = task

        def ended(_: asyncio.Task[None]) -> None:
            del self._running[recording.recording_id]
            self._pulse.nudge()

        task.add_done_callback(ended)

    async def _fetch(self, recording: Recording) -> None:
        """One try, and its outcome in the database."""
        try:
            sha256, size = await self._from_any_place(recording)
        except FloodWait as wait:
            await self._put_off(recording, str(wait), wait.until)
        except Gone as gone:
            await self._fail(recording, str(gone))
        except MediaUnavailable as error:
            await (self._fail if error.permanent else self._retry)(recording, str(error))
        except (TelegramError, StoreError) as error:
            await self._retry(recording, str(error))
        except Exception as error:  # one odd file must not stop the others
            log.exception("fetcher: unexpected failure", recording_id=recording.recording_id)
            await self._retry(recording, f"{type(error).__name__}: {error}"[:300])
        else:
            await self._keep(recording, sha256, size)

    async def _keep(self, recording: Recording, sha256: str, size: int) -> None:
        recording_id, now = recording.recording_id, self._clock()
        await self._steadily(
            lambda: self._store.recordings.record_fetched(recording_id, sha256=sha256, size=size, at=now)
        )
        whole = size >= recording.media.size
        log.info(
            "recording fetched", recording_id=recording_id, channel_id=recording.channel_id, size=size, whole=whole
        )
        self._announce()

    async def _from_any_place(self, recording: Recording) -> tuple[str, int]:
        """Its SHA-256 and size, from the first living post that gives it.

        Raises Gone when no post bears it any more, else the error of a post that may still give it later.
        """
        refusal: TelegramError | None = None
        for place in await self._places(recording):
            try:
                return await self._from(place, recording)
            except (Gone, ChannelUnavailable) as error:
                log.info("recording not there", recording_id=recording.recording_id, place=str(place), why=str(error))
                if refusal is None or isinstance(refusal, Gone):
                    refusal = error
        assert refusal is not None, "a recording has at least the post that it was found in"  # noqa: S101
        raise refusal

    async def _places(self, recording: Recording) -> list[Key]:
        """Where to look: every post that is there and bears it; when there is none, hear from Telegram that it is so."""
        found = await self._store.recordings.appearances(recording.recording_id)
        return [appearance.message.key for appearance in found] or [_found_in(recording)]

    async def _from(self, place: Key, recording: Recording) -> tuple[str, int]:
        """A file that is cut is asked for again at once. What is cut then is kept, unless there was a part of it already."""
        try:
            return await self._download(place, recording, whole=True)
        except Short as short:
            log.warning("recording cut short", recording_id=recording.recording_id, reason=str(short))
        return await self._download(place, recording, whole=recording.sha256 is not None)

    async def _download(self, place: Key, recording: Recording, *, whole: bool) -> tuple[str, int]:
        account = self._account_of(place.channel_id)
        access_hash = (await self._store.accounts.hashes(account.name)).get(place.channel_id, 0)

        def find() -> Awaitable[Any]:
            document_id = recording.media.document_id
            return find_document(account, place.channel_id, access_hash, place.message_id, document_id)

        async with aclosing(parts(account, find, limit_bytes=self._limit_bytes, whole=whole)) as chunks:
            return await self._store.media.write(chunks, limit=self._limit_bytes)

    async def _retry(self, recording: Recording, reason: str) -> None:
        now = self._clock()
        enough = recording.attempts >= GIVE_UP_TRIES
        if enough and now - await self._steadily(lambda: self._known_since(recording, now)) >= GIVE_UP_AFTER:
            await self._fail(recording, f"not fetched in {GIVE_UP_AFTER.days} days: {reason}")
        else:
            await self._put_off(recording, reason, now + BACKOFF[min(recording.attempts, len(BACKOFF) - 1)])

    async def _put_off(self, recording: Recording, reason: str, until: datetime) -> None:
        log.warning("recording put off", recording_id=recording.recording_id, reason=reason, until=until.isoformat())
        await self._steadily(
            lambda: self._store.recordings.record_retry(recording.recording_id, reason=reason, next_try=until)
        )

    async def _fail(self, recording: Recording, reason: str) -> None:
        log.error("recording not fetched", recording_id=recording.recording_id, reason=reason)
        await self._steadily(lambda: self._monitor.give_up(recording, reason))

    async def _known_since(self, recording: Recording, now: datetime) -> datetime:
        versions = await self._store.archive.versions(_found_in(recording))
        return min((version.stored_at for version in versions), default=now)


def _found_in(recording: Recording) -> Key:
    return Key(channel_id=recording.channel_id, message_id=recording.message_id)
