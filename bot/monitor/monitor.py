"""Decides what alerts: observe, hold against the rules (pure), write once.

Compute first, write once. One lock spans both halves of each verb: otherwise a repost observed while its recording is
being matched would be seen by neither, and its alert would never come.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.canary import CANARY
from bot.errors import StoreError
from bot.model import (
    Channel,
    ChannelId,
    Clock,
    Event,
    EventKind,
    How,
    Key,
    Kind,
    Message,
    Recording,
    RecordingState,
    Translation,
    Unread,
    utc_now,
)
from bot.monitor import changes, notices
from bot.monitor.batch import Batch
from bot.monitor.news import News, heard, news
from bot.monitor.post import (
    PostName,
    Reading,
    post_name,
    siblings,
)
from bot.monitor.rehear import Effect, Post, Twice, compare
from bot.monitor.subject import is_part, speech_of
from bot.rules import RuleSet
from bot.rules.trigger import On
from bot.store import Appearance, Hearing, Observation, Raised, Store, Untranslated, Why
from bot.transcript import Transcript

log = structlog.get_logger()

# What is heard again on request is reported, and wakes nobody, in posts older than this.
_NEWS = timedelta(days=1)


class Monitor:
    """Decides what alerts; knows only the store and the rules."""

    def __init__(
        self,
        store: Store,
        rules: RuleSet,
        *,
        sinks: tuple[str, ...],
        transcribe: frozenset[Kind],
        announce: Callable[[], None],
        canary: ChannelId | None = None,
        second: str | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`transcribe`: kinds whose speech is wanted. `announce` follows each write that gives another loop work.

        `second`: the model that hears every recording once more when nothing new waits; None: there is none.

        `canary`: the channel whose posts are held against the built-in rule alone, for the sink `canary` alone.
        """
        # May be replaced while running: a batch is held against one set.
        self.rules = rules
        # As well: the channel may be pinned long after the start.
        self.canary = canary
        self._store = store
        self._sinks = sinks
        self._transcribe = transcribe
        self._announce = announce
        self._second = second
        self._clock = clock
        self._lock = asyncio.Lock()

    async def observe(self, readings: Sequence[Reading]) -> int:
        """Match posts, with the transcript where their recording has one, and record them; how many alerts are new.

        The items of an album are one post, together with those that are held already. Nothing is left out for its age:
        what comes late alerts late. Doing it again changes nothing. Raises StoreError.
        """
        if not readings:
            return 0
        async with self._lock:
            messages = [reading.message for reading in readings]
            known = await self._store.intake.known(messages)
            batch = await self._batch([*messages, *siblings(known)])
            found = news(readings, batch, await self._channels(readings), known)
            observations = [self._observation(reading, found) for reading in readings]
            await self._report(batch)
            alerts = await self._store.intake.observe(observations)
        if alerts or batch.failures or any(observation.speech == "wanted" for observation in observations):
            self._announce()
        return alerts

    async def observe_transcript(self, recording: Recording, transcript: Transcript) -> int:
        """Match a transcript for every post that bears the recording, and record it; how many alerts are new.

        A post is matched with all that it holds, an album with the captions of its other items. A transcript of a part
        is recorded as one, and the recording is fetched once more. Doing it again changes nothing. Raises StoreError.
        """
        async with self._lock:
            # That of a twin, or of a better hearing of it that came meanwhile.
            transcript = await self._store.hearings.current(recording.sha256 or "") or transcript
            if is_part(recording):
                transcript = replace(transcript, partial=True)
            appearances = await self._store.recordings.appearances(recording.recording_id)
            batch = await self._batch([one.message for one in appearances])
            matches, more = heard(appearances, transcript, batch)
            await self._report(batch)
            alerts = await self._store.recordings.record_transcript(
                recording.recording_id,
                transcript,
                matches,
                sinks=self._sinks,
                at=self._clock(),
                partial=transcript.shortfall,
                notices=more,
                second=self._second,
            )
        if alerts or more or batch.failures or transcript.partial:
            self._announce()
        return alerts

    async def observe_hearing(self, hearing: Hearing, transcript: Transcript) -> int:
        """Put another hearing of a file in the place of the last one, for every post that bears it.

        What it brings raises alerts, what it takes back or puts otherwise corrects those that are there; what changed is
        kept with it. On request alone posts older than a day are only reported on. Return the number of new alerts; doing
        it again changes nothing. Raises StoreError.
        """
        async with self._lock:
            now = self._clock()
            before = await self._store.hearings.current(hearing.sha256)
            if before is None:
                raise StoreError(
                    f"The file {hearing.sha256} has not been transcribed yet: there is nothing to hear again"
                )
            transcript = replace(transcript, partial=transcript.partial or before.partial)
            appearances = await self._store.twins.appearances(hearing.sha256)
            batch = await self._batch([one.message for one in appearances])
            effect = Effect()
            twice = Twice(before=before, now=transcript, at=now)
            for post in await self._reheard(hearing, appearances, now):
                found, failures = Effect(), len(batch.failures)
                compare(post, twice, batch.match, found)
                if len(batch.failures) == failures:
                    effect.add(found)
            await self._report(batch)
            alerts = await self._store.hearings.record(
                hearing.hearing_id,
                transcript,
                effect.matches,
                corrected=effect.corrected,
                outcome=effect.outcome,
                sinks=self._sinks,
                at=now,
            )
        if alerts or effect.corrected or batch.failures:
            self._announce()
        return alerts

    async def _reheard(self, hearing: Hearing, appearances: Sequence[Appearance], now: datetime) -> list[Post]:
        """The posts that bear a file, the first one first, with their alerts; service messages and the canary's left out."""
        posts: dict[PostName, list[Appearance]] = {}
        for one in appearances:
            if one.message.kind is not Kind.SERVICE and one.message.channel_id != self.canary:
                posts.setdefault(post_name(one.message), []).append(one)
        found = []
        for group in posts.values():
            keys = {one.message.key for one in group} | {item.message.key for one in group for item in one.siblings}
            old = hearing.why is Why.AGAIN and now - max(one.message.posted_at for one in group) > _NEWS
            archived = all(one.how is How.BACKFILL for one in group) and not hearing.alert
            found.append(
                Post(
                    appearances=tuple(group),
                    alerts=await self._store.hearings.alerts(sorted(keys)),
                    quiet=archived or (old and not hearing.alert),
                    archive=old,
                )
            )
        return found

    async def observe_translation(self, text: Untranslated, english: Translation) -> int:
        """Record what an alerted post says in English; how many deliveries of its alerts are to be put right.

        Doing it again changes nothing. Raises StoreError.
        """
        told = await self._store.translations.record(
            text.translation_id, english, notice=partial(notices.in_english, text, english), at=self._clock()
        )
        if told:
            self._announce()
        return told

    async def observe_events(self) -> int:
        """Tell the analysts what happened to channels over several posts; how many events were told.

        Each event is told once, whatever is killed when: its notice, its alerts and the mark are one transaction. What
        was deleted together is an event of its own, for the rules that wait for it. Raises StoreError.
        """
        told = 0
        for event in await self._store.events.untold():
            channel = await self._channel(event.channel_id)
            notice = notices.deletion_burst(event, channel)
            raised = await self._on_burst(event, channel)
            told += await self._store.events.record_told(
                event.event_id, self._sinks, notice, self._clock(), raised=raised
            )
        alerts = 0
        for event in await self._store.events.untold(EventKind.DELETED):
            found = await self._on_deletion(event)
            alerts += len(found)
            await self._store.events.record_told(event.event_id, self._sinks, None, self._clock(), raised=found)
        if told or alerts:
            self._announce()
        return told

    async def _on_burst(self, event: Event, channel: Channel) -> list[Raised]:
        """The alerts of rules on bursts; each names the first of the posts."""
        if channel.channel_id == self.canary or not (found := list(changes.burst(self.rules, event, channel))):
            return []
        first = Key(channel_id=event.channel_id, message_id=event.first_id)
        versions = [past.versions[event.first_id] for past in await self._store.archive.posts([first])]
        return [
            Raised(key=first, version=number, match=match, sinks=self._sinks) for number in versions for match in found
        ]

    async def _on_deletion(self, event: Event) -> list[Raised]:
        """The alerts of rules on deletions."""
        if event.channel_id == self.canary or not self.rules.on(On.DELETED):
            return []
        batch = Batch(self.rules)
        deletions = await self._store.events.deletions(event)
        raised = [one for deletion in deletions for one in batch.deleted(deletion, self._sinks)]
        await self._report(batch)
        return raised

    async def give_up(self, recording: Recording, reason: str) -> None:
        """Record that a recording stays without transcript, and tell the analysts, once for every recording.

        One that only a backfill has read wakes nobody; one that has a transcript of a part keeps it; one of which there
        is only a part that cannot be transcribed is wanted again, whole. Raises StoreError.
        """
        if recording.state is RecordingState.FETCHED and is_part(recording):
            await self._store.recordings.record_wanted(recording.recording_id, reason=reason, at=self._clock())
            self._announce()
            return
        if recording.state is RecordingState.DONE:
            reason = f"partial: {reason}"
        borne_by = await self._store.recordings.appearances(recording.recording_id)
        fresh = [one for one in borne_by if one.how is not How.BACKFILL and one.channel.channel_id != self.canary]
        text = notices.not_transcribed(recording, fresh[0].channel, fresh[0].message, reason) if fresh else None
        await self._store.recordings.record_failed(
            recording.recording_id, reason=reason, at=self._clock(), sinks=self._sinks, notice=text
        )
        if text:
            self._announce()

    async def tell_unread(self, rows: Sequence[Unread]) -> None:
        """Tell the analysts of messages that could not be read: they are kept, and people must look themselves."""
        first = rows[0]
        text = notices.unread(len(rows), await self._channel(first.channel_id), first.raw.message_id)
        await self._store.outbox.add_notice(self._sinks, text, self._clock())
        self._announce()

    async def _batch(self, messages: Sequence[Message]) -> Batch:
        """One set of rules for a pass, and what it asks of the channels that posts were forwarded from."""
        rules = self.rules
        forwards = [message.forward for message in messages if message.forward] if rules.asks_origin else []
        wanted = {forward.channel_id for forward in forwards if forward.channel_id is not None}
        origins = {channel_id: await self._channel(channel_id) for channel_id in sorted(wanted)}
        return Batch(rules, canary=self.canary, origins=origins)

    async def _channel(self, channel_id: ChannelId) -> Channel:
        return await self._store.channels.get(channel_id) or Channel(channel_id=channel_id, access_hash=0)

    async def _channels(self, readings: Sequence[Reading]) -> dict[ChannelId, Channel]:
        """The channels of the batch, from the store: a category may have changed since the last batch."""
        wanted = {reading.message.channel_id for reading in readings}
        return {channel_id: await self._channel(channel_id) for channel_id in sorted(wanted)}

    def _observation(self, reading: Reading, found: Mapping[int, News]) -> Observation:
        message = reading.message
        brought = found.get(reading.unread.raw_id, News())
        return Observation(
            raw_id=reading.unread.raw_id,
            message=message,
            heard_at=reading.unread.heard_at,
            how=reading.unread.how,
            matches=tuple(brought.matches),
            before=tuple(brought.before),
            speech=speech_of(message, self._transcribe),
            sinks=(CANARY,) if message.channel_id == self.canary else self._sinks,
        )

    async def _report(self, batch: Batch) -> None:
        """Tell the analysts where the rules failed. First: a kill in between repeats the notice and loses nothing."""
        for failure in batch.failures:
            await self._store.outbox.add_notice(self._sinks, failure, self._clock())
