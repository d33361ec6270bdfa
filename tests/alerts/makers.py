"""The founding case as deliveries, for the tests of this folder."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import (
    Alert,
    AlertId,
    Channel,
    ChannelId,
    Delivery,
    Kind,
    Match,
    Media,
    Message,
    MessageId,
    Severity,
    Source,
    Span,
    Spoken,
)
from bot.transcript import Segment, Transcript, Word

POSTED = datetime(2023, 7, 12, 17, 6, 40, tzinfo=UTC)
STORED = POSTED + timedelta(seconds=14)
READY = STORED + timedelta(seconds=5)
NOW = STORED + timedelta(seconds=9)

GURULEV = Channel(
    channel_id=ChannelId(-1001000000001), access_hash=1, handle="agurulev", title="Андрей Гурулёв", category="lawmaker"
)
SAID = "Я доложил про контрбатарейную борьбу, про потери. Министр подписал приказ и избавился от меня."


def transcript(text: str = SAID, *, seconds: float = 24.0, **fields: Any) -> Transcript:
    """A transcript of `text`, its words spread evenly over the recording."""
    parts = text.split(" ")
    step = seconds / len(parts)
    words = tuple(
        Word(start=i * step, end=(i + 1) * step, text=f" {part}", probability=0.99 - 0.01 * (i % 10))
        for i, part in enumerate(parts)
    )
    segment = Segment(
        start=0.0,
        end=seconds,
        text=text,
        words=words,
        avg_logprob=-0.1,
        no_speech_probability=0.01,
        compression_ratio=1.4,
    )
    known: dict[str, Any] = {
        "language": "ru",
        "language_probability": 0.99,
        "duration": seconds,
        "speech_seconds": 21.5,
        "segments": (segment,),
        "model": "earshot-demo",
        "parameters": {"beam_size": "5"},
    }
    return Transcript(**(known | fields))


def spans_of(text: str, *found: str, source: Source = Source.TEXT, spoken: Spoken | None = None) -> tuple[Span, ...]:
    """A span for the first place of each string in the text."""
    return tuple(
        Span(
            source=source,
            start=text.index(part),
            end=text.index(part) + len(part),
            term=part,
            form=part.casefold(),
            reason="phrase",
            spoken=spoken,
        )
        for part in found
    )


def match(spans: tuple[Span, ...], **fields: Any) -> Match:
    """A match of the demo's rule."""
    known: dict[str, Any] = {
        "rule_id": "commander-relieved",
        "title": "Commander dismissed or killed",
        "severity": Severity.HIGH,
        "revision": "r1",
    }
    return Match(spans=spans, **(known | fields))


def text_alert(text: str, *found: str, **fields: Any) -> Alert:
    """An alert on a text post."""
    message = Message(
        channel_id=GURULEV.channel_id, message_id=MessageId(5119), kind=Kind.TEXT, posted_at=POSTED, text=text
    )
    known: dict[str, Any] = {
        "alert_id": AlertId(12),
        "match": match(spans_of(text, *found)),
        "channel": GURULEV,
        "message": message,
        "version": 1,
        "stored_at": STORED,
        "created_at": STORED,
    }
    return Alert(**(known | fields))


def voice_alert(heard: Transcript | None = None, **fields: Any) -> Alert:
    """The alert on the general's voice note."""
    heard = heard or transcript()
    spoken = Spoken(start=13.2, end=17.1, probability=0.914)
    spans = spans_of(heard.text, "подписал приказ", "избавился", source=Source.TRANSCRIPT, spoken=spoken)
    message = Message(
        channel_id=GURULEV.channel_id,
        message_id=MessageId(5120),
        kind=Kind.VOICE,
        posted_at=POSTED,
        media=Media(document_id=7, size=91_000, mime="audio/ogg", duration=24.0),
    )
    known: dict[str, Any] = {"message": message, "match": match(spans), "transcript": heard, "created_at": READY}
    return replace(text_alert(""), **(known | fields))


def delivery(alert: Alert | None = None, **fields: Any) -> Delivery:
    """The outbox row of an alert."""
    known: dict[str, Any] = {
        "delivery_id": 1,
        "sink": "chat",
        "random_id": 4711,
        "attempts": 0,
        "created_at": STORED,
        "alert": alert,
    }
    return Delivery(**(known | fields))
