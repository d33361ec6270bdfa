"""Where in a post, which may be an album, the matched words stand. Pure."""

from bot.alerts import words
from bot.alerts.excerpt import Excerpt, excerpts
from bot.model import WRITTEN, Alert, Item, MessageId, Source, Span, Translation
from bot.monitor import source_texts
from bot.rules.words import form_of


def items(alert: Alert) -> dict[MessageId | None, Item]:
    """The post as `Span.item` names its parts: None is the message that the alert names, others are of its album."""
    parts: dict[MessageId | None, Item] = {None: Item(message=alert.message, transcript=alert.transcript)}
    return parts | {item.message.message_id: item for item in alert.items}


def found(alert: Alert) -> list[Excerpt]:
    """Every matched place, item by item, and field by field in the order of `words.PLACES`."""
    parts = items(alert)
    places: list[Excerpt] = []
    for number in sorted({span.item for span in alert.match.spans}, key=lambda number: number or 0):
        item = parts.get(number)
        texts = source_texts(item.message, item.transcript) if item else {}
        for source in words.PLACES:
            spans = [span for span in alert.match.spans if (span.item, span.source) == (number, source)]
            text = texts.get(source, "")
            there = [span for span in spans if _stands(span, text)]
            places += excerpts(source, text, there)
            places += excerpts(source, "", [span for span in spans if span not in there])
    return places


def english(alert: Alert) -> dict[MessageId, Translation]:
    """What other items of the album say in English, of those in whose texts words were found and stand."""
    quoted = {span.item for span in alert.match.spans if span.source in WRITTEN}
    texts = {item.message.message_id: item.message.text for item in alert.items}
    astray = {
        span.item
        for span in alert.match.spans
        if span.item in texts and span.source in WRITTEN and not _stands(span, texts[span.item])
    }
    return {
        item.message.message_id: item.english
        for item in alert.items
        if item.english and item.message.message_id in quoted - astray
    }


def _stands(span: Span, text: str) -> bool:
    """Whether the words are where they were found.

    A fuller recording may have come since, and which state of another item was the one is not written down; the alert's
    own message is shown as it was.
    """
    return (span.item is None and span.source is not Source.TRANSCRIPT) or form_of(
        text[span.start : span.end]
    ) == span.form
