"""What of a post the rules are given: its fields, and those of the other items where it is an album. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from bot.model import SPOKEN, Channel, ChannelId, Item, Kind, Message, Recording, Source
from bot.rules import Field, Subject
from bot.transcript import Transcript, Word


def subject(items: Sequence[Item], *, channel: Channel, origins: Mapping[ChannelId, Channel] | None = None) -> Subject:
    """A post as the rules see it: one item, or all items of an album, which are one post, by their ids.

    Each field names its item. An album is of every kind that one of its items is of. `origins`: of the channels that its
    items were forwarded from, those that are known here.
    """
    kinds = [item.message.kind for item in items]
    return Subject(
        channel_id=channel.channel_id,
        handle=channel.handle,
        category=channel.category,
        kind=kinds[0],
        others=frozenset(kinds[1:]),
        origins=frozenset(name for item in items for name in _origin(item.message, origins or {})),
        fields=tuple(
            field for item in sorted(items, key=lambda item: item.message.message_id) for field in _fields(item)
        ),
    )


def any_post(channel: Channel) -> Subject:
    """Any post of the channel, of whatever kind, as scopes see it: it has no words."""
    return Subject(
        channel_id=channel.channel_id,
        handle=channel.handle,
        category=channel.category,
        kind=Kind.TEXT,
        others=frozenset(Kind),
        fields=(),
    )


def _origin(message: Message, known: Mapping[ChannelId, Channel]) -> Iterator[str]:
    """By which names rules know where a post was forwarded from."""
    if message.forward and message.forward.channel_id is not None:
        yield str(message.forward.channel_id)
        channel = known.get(message.forward.channel_id)
        if channel and channel.handle:
            yield channel.handle.casefold()


def _fields(item: Item) -> Iterator[Field]:
    words = tuple(spoken_words(item.transcript)) if item.transcript else ()
    for source, text in source_texts(item.message, item.transcript).items():
        spoken = words if source is Source.TRANSCRIPT else ()
        entities = item.message.entities if source in (Source.TEXT, Source.CAPTION) else ()
        yield Field(source=source, text=text, words=spoken, entities=entities, item=item.message.message_id)


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


def is_part(recording: Recording) -> bool:
    """Whether fewer bytes were fetched than Telegram declared."""
    return recording.size is not None and recording.size < recording.media.size


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)
