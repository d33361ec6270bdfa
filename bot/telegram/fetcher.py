"""Recordings that are wanted become files: the loop between the ledger and the speech room.

The row says where a recording was posted, never a file reference: the post is asked for anew before each try, so a
queue may be as old as it likes. What fails for a reason that may pass is tried again for days; what is final is
recorded with its reason, for people to read.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.errors import ChannelUnavailable, FloodWait, MediaUnavailable, StoreError, TelegramError
from bot.model import ChannelId, Clock, Key, Recording, RecordingState, utc_now
from bot.pulse import Pulse
from bot.store import Store
from bot.telegram.account import Account
from bot.telegram.download import Gone, find_document, parts

log = structlog.get_logger()

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
# While Telegram asks to wait with one of these, nothing is started.
_NEEDED = frozenset({"upload.getFile", "channels.getMessages"})


class Fetcher:
    """Fetches at most `parallel` recordings at a time, none larger than `limit_bytes`."""

    def __init__(
        self,
        account: Account,
        store: Store,
        pulse: Pulse,
        *,
        limit_bytes: int,
        announce: Callable[[], None],
        parallel: int = 2,
        clock: Clock = utc_now,
    ) -> None:
        self._account = account
        self._store = store
        self._pulse = pulse
        self._limit_bytes = limit_bytes
        self._announce = announce
        self._parallel = parallel
        self._clock = clock
        self._running: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Fetch until the pulse stops; what is under way then is dropped and tried again by the next run.

        Raises StoreError when the outcome of a try cannot be recorded.
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
        if any(wait.method in _NEEDED for wait in self._account.waits):
            return
        # Those under way are still wanted and come first again; one may end while we look, and its row here is then old.
        begun = frozenset(self._running)
        due = await self._store.recordings.due(RecordingState.WANTED, self._clock(), self._parallel)
        for recording in due:
            if len(self._running) < self._parallel and recording.recording_id not in begun:
                self._start(group, recording)

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
            await self._store.recordings.record_fetched(
                recording.recording_id, sha256=sha256, size=size, at=self._clock()
            )
            log.info(
                "recording fetched", recording_id=recording.recording_id, channel_id=recording.channel_id, size=size
            )
            self._announce()

    async def _from_any_place(self, recording: Recording) -> tuple[str, int]:
        """Its SHA-256 and size, from the first living post that gives it.

        Raises Gone when no post bears it any more, else the error of a post that may still give it later.
        """
        hashes = await self._store.accounts.hashes(self._account.name)
        refusal: TelegramError | None = None
        for place in await self._places(recording):
            try:
                return await self._from(place, hashes.get(place.channel_id, 0), recording)
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

    async def _from(self, place: Key, access_hash: int, recording: Recording) -> tuple[str, int]:
        def find() -> Awaitable[Any]:
            return find_document(
                self._account, ChannelId(place.channel_id), access_hash, place.message_id, recording.media.document_id
            )

        async with aclosing(parts(self._account, find, limit_bytes=self._limit_bytes)) as chunks:
            return await self._store.media.write(chunks, limit=self._limit_bytes)

    async def _retry(self, recording: Recording, reason: str) -> None:
        now = self._clock()
        if recording.attempts >= GIVE_UP_TRIES and now - await self._known_since(recording, now) >= GIVE_UP_AFTER:
            await self._fail(recording, f"not fetched in {GIVE_UP_AFTER.days} days: {reason}")
        else:
            await self._put_off(recording, reason, now + BACKOFF[min(recording.attempts, len(BACKOFF) - 1)])

    async def _put_off(self, recording: Recording, reason: str, until: datetime) -> None:
        log.warning("recording put off", recording_id=recording.recording_id, reason=reason, until=until.isoformat())
        await self._store.recordings.record_retry(recording.recording_id, reason=reason, next_try=until)

    async def _fail(self, recording: Recording, reason: str) -> None:
        log.error("recording not fetched", recording_id=recording.recording_id, reason=reason)
        await self._store.recordings.record_failed(recording.recording_id, reason=reason, at=self._clock())

    async def _known_since(self, recording: Recording, now: datetime) -> datetime:
        versions = await self._store.archive.versions(_found_in(recording))
        return min((version.stored_at for version in versions), default=now)


def _found_in(recording: Recording) -> Key:
    return Key(channel_id=recording.channel_id, message_id=recording.message_id)
