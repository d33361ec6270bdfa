"""Nouns for the store's tests, with defaults for all that does not matter."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.model import (
    Channel,
    ChannelId,
    Heard,
    How,
    Key,
    Kind,
    Match,
    Media,
    Message,
    MessageId,
    RawMessage,
    Severity,
    Source,
    Span,
)
from bot.store import Observation, Store
from bot.transcript import Segment, Transcript, Word

NOON = datetime(2023, 7, 12, 12, 0, tzinfo=UTC)
LAWMAKER = ChannelId(-1001000000001)
BLOGGER = ChannelId(-1001000000002)


def channel(channel_id: ChannelId = LAWMAKER, **changes: Any) -> Channel:
    """A channel with an access hash."""
    return Channel(**{"channel_id": channel_id, "access_hash": 77, "handle": f"c{-channel_id % 1000}", **changes})


def key(message_id: int, channel_id: ChannelId = LAWMAKER) -> Key:
    """A message's name."""
    return Key(channel_id=channel_id, message_id=MessageId(message_id))


def raw(message_id: int, state: str = "", *, service: bool = False) -> RawMessage:
    """A raw message; another `state` is another digest."""
    body = f"{message_id} {state}".encode()
    digest = hashlib.sha256(body).digest()
    return RawMessage(message_id=MessageId(message_id), body=body, layer=200, digest=digest, service=service)


def heard(
    *messages: RawMessage, channel_id: ChannelId = LAWMAKER, deleted: Iterable[int] = (), **changes: Any
) -> Heard:
    """What one push said."""
    gone = tuple(MessageId(number) for number in deleted)
    given = {"how": How.PUSH, "at": NOON, **changes}
    return Heard(channel_id=channel_id, messages=messages, deleted=gone, **given)


def message(message_id: int = 1, text: str = "", channel_id: ChannelId = LAWMAKER, **changes: Any) -> Message:
    """A text post."""
    given = {"kind": Kind.TEXT, "posted_at": NOON - timedelta(seconds=5), "text": text, **changes}
    return Message(channel_id=channel_id, message_id=MessageId(message_id), **given)


def voice(message_id: int = 1, *, document: int = 9, channel_id: ChannelId = LAWMAKER, **changes: Any) -> Message:
    """A voice note."""
    media = Media(document_id=document, size=1000, mime="audio/ogg", duration=4.0)
    return message(message_id, channel_id=channel_id, kind=Kind.VOICE, media=media, **changes)


def match(rule_id: str = "popov", form: str = "попов", source: Source = Source.TEXT) -> Match:
    """A match of one word."""
    span = Span(source=source, start=0, end=len(form), term=form, form=form, reason="exact")
    return Match(rule_id=rule_id, title=rule_id.title(), severity=Severity.HIGH, revision="1", spans=(span,))


def transcript(*words: str, **changes: Any) -> Transcript:
    """One second per word, the first at 0."""
    spoken = tuple(
        Word(start=float(at), end=at + 0.9, text=f" {word}", probability=0.9) for at, word in enumerate(words)
    )
    segment = Segment(
        start=0,
        end=float(len(words)),
        text=" ".join(words),
        words=spoken,
        avg_logprob=-0.1,
        no_speech_probability=0.01,
        compression_ratio=1.0,
    )
    given = {"language": "ru", "language_probability": 0.99, "duration": 4.0, "speech_seconds": 3.0, **changes}
    return Transcript(segments=(segment,), model="tiny", parameters={"beam": "5"}, **given)


async def put(
    store: Store, *messages: Message, matches: Sequence[Match] = (), sinks: tuple[str, ...] = ("chat",), **changes: Any
) -> int:
    """Record and observe states of posts, as the daemon does; return the number of new alerts."""
    alerts = 0
    for one in messages:
        given = {"how": How.PUSH, "at": NOON, **changes}
        body = raw(one.message_id, repr(one), service=one.kind is Kind.SERVICE)
        await store.intake.record(heard(body, channel_id=one.channel_id, **given))
        unread = await store.intake.unread(1000)
        alerts += await store.intake.observe(
            [
                observation(each.raw_id, one, matches, sinks, **given)
                for each in unread
                if each.raw.digest == body.digest
            ]
        )
    return alerts


def observation(
    raw_id: int,
    state: Message,
    matches: Sequence[Match] = (),
    sinks: tuple[str, ...] = ("chat",),
    *,
    at: datetime = NOON,
    how: How = How.PUSH,
) -> Observation:
    """A conversion whose speech is wanted."""
    return Observation(
        raw_id=raw_id,
        message=state,
        heard_at=at,
        how=how,
        matches=tuple(matches),
        speech="wanted" if state.media else None,
        sinks=sinks,
    )
