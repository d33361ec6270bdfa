"""A monitor on a real store, fed with messages as the telegram room would."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import (
    Alert,
    Channel,
    ChannelId,
    Heard,
    How,
    Kind,
    Media,
    Message,
    MessageId,
    RawMessage,
    Recording,
    RecordingState,
)
from bot.monitor import Monitor, Reading
from bot.rules import RuleSet, parse_rules
from bot.store import Store
from bot.transcript import Segment, Transcript, Word

START = datetime(2023, 7, 12, 17, 6, 40, tzinfo=UTC)

RULES = """
rules:
  - id: commander-relieved
    title: Commander dismissed
    match: попов OR приказ
    severity: high
  - id: strike
    title: Strike on a command post
    match: '"storm shadow"'
  - id: bloggers-only
    title: Only where bloggers write
    match: бердянск*
    where: {categories: [milblogger]}
  - id: both
    title: Two words that seldom stand together
    match: генерал AND отставка
"""

GURULEV = Channel(
    channel_id=ChannelId(-1001000000001), access_hash=1, handle="agurulev", title="Гурулёв", category="lawmaker"
)
BLOGGER = Channel(
    channel_id=ChannelId(-1001000000002), access_hash=2, handle="osvedomitel", title="ВО", category="milblogger"
)
REPOSTER = Channel(channel_id=ChannelId(-1001000000003), access_hash=3, title="Перепост", category="other")


class HandClock:
    """Time moves when a test says so."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Desk:
    """Store and monitor, and what the rooms around them would do."""

    def __init__(self, store: Store, clock: HandClock, *, rules: RuleSet | None = None) -> None:
        self.store = store
        self.clock = clock
        self.announced = 0
        self.monitor = Monitor(
            store,
            rules or parse_rules({"test.yaml": RULES}),
            sinks=("chat", "desk"),
            transcribe=frozenset({Kind.VOICE, Kind.VIDEO_NOTE}),
            announce=self._announce,
            clock=clock,
        )

    def _announce(self) -> None:
        self.announced += 1

    async def hear(self, *messages: Message, how: How = How.PUSH) -> int:
        """Record the messages raw, read them and observe them: one batch."""
        return await self.monitor.observe(await self.readings(*messages, how=how))

    async def readings(self, *messages: Message, how: How = How.PUSH) -> list[Reading]:
        """Record the messages raw and read what is unread."""
        for message in messages:
            heard = Heard(channel_id=message.channel_id, how=how, at=self.clock(), messages=(raw(message),))
            await self.store.intake.record(heard)
        by_digest = {raw(message).digest: message for message in messages}
        unread = await self.store.intake.unread()
        return [Reading(unread=row, message=by_digest[row.raw.digest]) for row in unread]

    async def recordings(self, state: RecordingState) -> tuple[Recording, ...]:
        """Recordings in that state."""
        return await self.store.recordings.due(state, self.clock(), 100)

    async def transcribe(self, recording: Recording, transcript: Transcript) -> int:
        """Fetch the recording and observe what was heard in it."""
        digest = hashlib.sha256(str(recording.media.document_id).encode()).hexdigest()
        await self.store.recordings.record_fetched(recording.recording_id, sha256=digest, size=9, at=self.clock())
        return await self.monitor.observe_transcript(recording, transcript)

    async def alerts(self, sink: str = "chat") -> list[Alert]:
        """The alerts that wait for a sink, oldest first."""
        return [row.alert for row in await self.store.outbox.due(sink, self.clock(), 100) if row.alert]

    async def notices(self, sink: str = "chat") -> list[str]:
        """The notices that wait for a sink."""
        return [row.notice for row in await self.store.outbox.due(sink, self.clock(), 100) if row.notice]


def raw(message: Message) -> RawMessage:
    """A stand-in for the TL bytes."""
    body = repr(replace(message, views=None)).encode()
    service = message.kind is Kind.SERVICE
    return RawMessage(
        message_id=message.message_id, body=body, layer=1, digest=hashlib.sha256(body).digest(), service=service
    )


def post(text: str = "", *, channel: Channel = GURULEV, number: int = 1, **fields: Any) -> Message:
    """A text post."""
    known: dict[str, Any] = {"kind": Kind.TEXT, "posted_at": START}
    return Message(channel_id=channel.channel_id, message_id=MessageId(number), text=text, **(known | fields))


def voice(*, channel: Channel = GURULEV, number: int = 1, document: int = 77, **fields: Any) -> Message:
    """A voice note."""
    media = Media(document_id=document, size=9, mime="audio/ogg", duration=4.0)
    return post(channel=channel, number=number, **({"kind": Kind.VOICE, "media": media} | fields))


def album(*texts: str, channel: Channel = GURULEV, number: int = 1, album_id: int = 13, **fields: Any) -> list[Message]:
    """An album of photos with these captions, from id `number` on."""
    known: dict[str, Any] = {"kind": Kind.PHOTO, "album_id": album_id}
    return [
        post(
            text,
            channel=channel,
            number=number + place,
            **(known | {"media": Media(document_id=album_id * 100 + place, size=9)} | fields),
        )
        for place, text in enumerate(texts)
    ]


def spoken(text: str, flags: Sequence[str] = ()) -> Transcript:
    """A transcript with one word a second."""
    words = tuple(
        Word(start=float(i), end=i + 0.8, text=f" {part}", probability=0.9) for i, part in enumerate(text.split())
    )
    segment = Segment(
        start=0.0,
        end=float(len(words)),
        text=text,
        words=words,
        avg_logprob=-0.1,
        no_speech_probability=0.0,
        compression_ratio=1.0,
        flags=tuple(flags),
    )
    return Transcript(
        language="ru",
        language_probability=0.99,
        duration=float(len(words)),
        speech_seconds=float(len(words)),
        segments=(segment,),
        model="test",
        parameters={},
    )
