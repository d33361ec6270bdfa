"""The policy: what was read or heard is held against the rules, then written in one transaction.

Compute first, write once. One lock spans both halves of either verb: otherwise a repost observed while its recording
is being matched would be seen by neither, and its alert would never come.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import structlog

from bot.model import (
    SPOKEN,
    Channel,
    ChannelId,
    Clock,
    How,
    Key,
    Kind,
    Match,
    Message,
    Recording,
    Source,
    Transcript,
    Unread,
    Word,
    post_link,
    utc_now,
)
from bot.rules import Field, RuleSet, Subject
from bot.store import Known, Observation, Store

log = structlog.get_logger()

Forms = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A raw message and what it says."""

    unread: Unread
    message: Message


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
        clock: Clock = utc_now,
    ) -> None:
        """`transcribe`: kinds whose speech is wanted. `announce` follows each write that gives another loop work."""
        # May be replaced while running: a batch is held against one set.
        self.rules = rules
        self._store = store
        self._sinks = sinks
        self._transcribe = transcribe
        self._announce = announce
        self._clock = clock
        self._lock = asyncio.Lock()

    async def observe(self, readings: Sequence[Reading]) -> int:
        """Match posts, with the transcript where their recording has one, and record them; how many alerts are new.

        Nothing is left out for its age: what comes late alerts late. Doing it again changes nothing.
        Raises StoreError.
        """
        if not readings:
            return 0
        async with self._lock:
            batch = _Batch(self.rules)
            known = dict(await self._store.intake.known([reading.message for reading in readings]))
            channels = await self._channels(readings)
            observations = [self._observation(reading, batch, channels, known) for reading in readings]
            await self._report(batch)
            alerts = await self._store.intake.observe(observations)
        if alerts or batch.failures or any(observation.speech == "wanted" for observation in observations):
            self._announce()
        return alerts

    async def observe_transcript(self, recording: Recording, transcript: Transcript) -> int:
        """Match a transcript for every post that bears the recording, and record it; how many alerts are new.

        Doing it again changes nothing. Raises StoreError.
        """
        async with self._lock:
            batch = _Batch(self.rules)
            matches: dict[Key, tuple[Match, ...]] = {
                appearance.message.key: batch.news(
                    appearance.message,
                    transcript,
                    channel=appearance.channel,
                    how=appearance.how,
                    known=appearance.forms,
                )
                for appearance in await self._store.recordings.appearances(recording.recording_id)
            }
            await self._report(batch)
            alerts = await self._store.recordings.record_transcript(
                recording.recording_id, transcript, matches, sinks=self._sinks, at=self._clock()
            )
        if alerts or batch.failures:
            self._announce()
        return alerts

    async def tell_unread(self, rows: Sequence[Unread]) -> None:
        """Tell the analysts of messages that could not be read: they are kept, and people must look themselves."""
        first = rows[0]
        channel = await self._store.channels.get(first.channel_id) or Channel(
            channel_id=first.channel_id, access_hash=0
        )
        what = "A message" if len(rows) == 1 else f"{len(rows)} messages"
        link = post_link(channel, first.raw.message_id)
        text = (
            f"⚠ {what} could not be read and raised no alert; look yourself, from {link} on. The raw message is kept."
        )
        await self._store.outbox.add_notice(self._sinks, text, self._clock())
        self._announce()

    async def _channels(self, readings: Sequence[Reading]) -> dict[ChannelId, Channel]:
        """The channels of the batch, from the store: a category may have changed since the last batch."""
        wanted = {reading.message.channel_id for reading in readings}
        found = [await self._store.channels.get(channel_id) for channel_id in sorted(wanted)]
        return {channel.channel_id: channel for channel in found if channel}

    def _observation(
        self,
        reading: Reading,
        batch: "_Batch",
        channels: Mapping[ChannelId, Channel],
        known: dict[Key, Known],
    ) -> Observation:
        """What is written of one reading. `known` learns its forms: a batch may hold several states of a post."""
        message = reading.message
        before = known.get(message.key, Known())
        channel = channels.get(message.channel_id) or Channel(channel_id=message.channel_id, access_hash=0)
        how = reading.unread.how
        matches = batch.news(message, before.transcript, channel=channel, how=how, known=before.forms)
        forms = before.forms.union(*(match.forms for match in matches))
        known[message.key] = Known(forms=forms, transcript=before.transcript, latest=message)
        return Observation(
            raw_id=reading.unread.raw_id,
            message=message,
            heard_at=reading.unread.heard_at,
            how=how,
            matches=matches,
            speech=speech_of(message, self._transcribe),
            sinks=self._sinks,
        )

    async def _report(self, batch: "_Batch") -> None:
        """Tell the analysts where the rules failed. First: a kill in between repeats the notice and loses nothing."""
        for failure in batch.failures:
            await self._store.outbox.add_notice(self._sinks, failure, self._clock())


@dataclass(frozen=True, slots=True)
class _Batch:
    """One pass of posts over one set of rules."""

    rules: RuleSet
    # For people: on which posts the rules failed.
    failures: list[str] = field(default_factory=list)

    def news(
        self, message: Message, transcript: Transcript | None, *, channel: Channel, how: How, known: Forms
    ) -> tuple[Match, ...]:
        """The matches that have a (rule, form) which has not alerted on this post.

        Service messages have none, and neither has a post read by a backfill: the past is searched, it wakes nobody.
        """
        if message.kind is Kind.SERVICE or how is How.BACKFILL:
            return ()
        try:
            matches = self.rules.match(subject(message, transcript, channel=channel))
        except Exception as error:
            # The post matters more than our fault: it is recorded, and people are told to read it themselves.
            link = post_link(channel, message.message_id)
            log.exception("the rules failed on a post", channel=channel.channel_id, message=message.message_id)
            self.failures.append(
                f"⚠ The rules failed on {link} ({type(error).__name__}). It is stored, without alerts."
            )
            return ()
        return tuple(match for match in matches if match.forms - known)


def subject(message: Message, transcript: Transcript | None, *, channel: Channel) -> Subject:
    """A post as the rules see it."""
    words = tuple(spoken_words(transcript)) if transcript else ()
    return Subject(
        channel_id=message.channel_id,
        handle=channel.handle,
        category=channel.category,
        kind=message.kind,
        fields=tuple(
            Field(source=source, text=text, words=words if source is Source.TRANSCRIPT else ())
            for source, text in source_texts(message, transcript).items()
        ),
    )


def source_texts(message: Message, transcript: Transcript | None) -> dict[Source, str]:
    """What of a post is held against the rules, field by field; empty fields are left out.

    The offsets of a `Span` count code points of these texts.
    """
    texts = {Source.CAPTION if message.media else Source.TEXT: message.text}
    if transcript:
        texts[Source.TRANSCRIPT] = transcript.text
    if message.poll:
        texts[Source.POLL] = "\n".join((message.poll.question, *message.poll.options))
    if message.preview:
        texts[Source.PREVIEW] = _lines(message.preview.title, message.preview.description)
    if message.media:
        texts[Source.FILE_NAME] = message.media.file_name or ""
    if message.forward:
        texts[Source.FORWARD] = _lines(message.forward.name, message.forward.author)
    return {source: text for source, text in texts.items() if text}


def spoken_words(transcript: Transcript) -> Iterator[tuple[int, Word, bool]]:
    """Each word with its offset in the transcript's text, and whether its segment is flagged."""
    offset = 0
    for segment in transcript.segments:
        for word in segment.words:
            yield offset, word, bool(segment.flags)
            offset += len(word.text)


def speech_of(message: Message, transcribe: frozenset[Kind]) -> Literal["wanted", "skipped"] | None:
    """Whether the recording of a post is wanted; None where there is none."""
    if message.media is None or message.kind not in SPOKEN:
        return None
    return "wanted" if message.kind in transcribe else "skipped"


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)
