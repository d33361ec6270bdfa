"""What an analyst reads: one alert as plain text with entities. Pure.

Every line is ours and starts with our words, or is a quotation and starts with `│ `; what a post says cannot leave
its quotation (see `bot.alerts.neutral`). Bold is kept for the matched words alone. Within Telegram's limits of 4,096
UTF-16 units and 100 entities (core.telegram.org/api/entities) whatever the post holds.
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.alerts import words
from bot.alerts.doubtful import by_ear, rests_on_doubt
from bot.alerts.excerpt import Excerpt
from bot.alerts.found import found, items
from bot.alerts.neutral import clip, isolated, plain, units, visible
from bot.model import (
    Alert,
    Channel,
    Correction,
    Delivery,
    Entity,
    FirstPost,
    Forward,
    Message,
    MessageId,
    Parcel,
    Severity,
    Source,
    Transcript,
    Translation,
    post_link,
)

TEXT_UNITS = 4096
ENTITIES = 100
# More quotations than this are not read in a chat; the post is one tap away.
_PLACES = 5
# Characters of a translation: it helps to judge, the quotation above is the proof.
_TRANSLATION = 600
# Entities kept for the frame.
_FRAME_ENTITIES = 4
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,64}")
# Later than this after the match, an alert says that it is late.
_PROMPT = timedelta(minutes=1)


def render(delivery: Delivery, *, now: datetime) -> Parcel:
    """The parcel for an alert or a notice. Never raises for anything that a post, channel or rule may hold."""
    if delivery.alert is None:
        return _notice(delivery)
    alert = delivery.alert
    head, foot = _head(alert, now), _foot(alert)
    sheet = _Sheet()
    sheet.add(head)
    sheet.add(_quotes(alert, room=TEXT_UNITS - units(head.text) - units(foot.text)))
    sheet.add(foot)
    return Parcel(
        text=sheet.text,
        entities=tuple(sheet.entities),
        link=_link(alert),
        title=_subject(alert),
        severity=alert.match.severity,
        random_id=delivery.random_id,
        english=alert.english is not None,
    )


def short(delivery: Delivery) -> Parcel:
    """The least that still is the alert, without entities: for a sink that refused the whole one for good."""
    if delivery.alert is None or is_correction(delivery):
        return _notice(delivery)
    alert = delivery.alert
    text = f"{_subject(alert)}\nThe sink refused the full alert; the post: {_link(alert)}"
    return Parcel(
        text=text,
        link=_link(alert),
        title=_subject(alert),
        severity=alert.match.severity,
        random_id=delivery.random_id,
    )


def is_correction(delivery: Delivery) -> bool:
    """Whether an alert is to be changed that was sent before."""
    return delivery.alert is not None and delivery.notice is not None


def follow_up(delivery: Delivery) -> Parcel:
    """A correction as a message of its own."""
    return _notice(delivery)


@dataclass(slots=True)
class _Sheet:
    """Text that grows line by line, with entities that keep their place."""

    text: str = ""
    entities: list[Entity] = field(default_factory=list)

    def line(self, *runs: str | tuple[str, str]) -> None:
        """Add a line of plain strings and (text, entity kind) pairs."""
        for run in runs:
            text, kind = run if isinstance(run, tuple) else (run, None)
            if kind and text:
                self.entities.append(Entity(kind=kind, start=len(self.text), length=len(text)))
            self.text += text
        self.text += "\n"

    def quote(self, excerpt: Excerpt, marks: tuple[tuple[int, int], ...]) -> None:
        """Add the excerpt as one quoted line, the marks in bold."""
        body = isolated(excerpt.text)
        start = len(self.text)
        shift = start + len("│ ") + body.index(excerpt.text)
        self.text += f"│ {body}"
        self.entities.append(Entity(kind="blockquote", start=start, length=len(self.text) - start))
        self.entities += [Entity(kind="bold", start=shift + low, length=high - low) for low, high in marks]
        self.text += "\n"

    def add(self, other: "_Sheet") -> None:
        """Add another sheet below."""
        self.entities += [replace(entity, start=entity.start + len(self.text)) for entity in other.entities]
        self.text += other.text


def _head(alert: Alert, now: datetime) -> _Sheet:
    match, message, sheet = alert.match, alert.message, _Sheet()
    sheet.line(
        f"{words.SIGNS[match.severity]} {match.severity.upper()}  {_data(match.title or match.rule_id, 200)}"
        f"  #{alert.alert_id}"
    )
    revision = f" · rev {_data(match.revision, 20)}" if match.revision else ""
    sheet.line("Rule  ", (clip(plain(match.rule_id), 100), "code"), revision, _update(alert))
    sheet.line()
    sheet.line(f"Channel  {_channel(alert.channel)} · {_data(alert.channel.category, 60)}")
    album = " of an album" if message.album_id is not None else ""
    heard = (
        ""
        if message.edited_at or match.archive
        else f" · heard {words.span(alert.stored_at - message.posted_at)} after the post"
    )
    sheet.line(f"Post  {words.kind(message)}{album} · {words.day_and_time(message.posted_at)}{heard}")
    if message.edited_at:
        lag = words.span(alert.stored_at - message.edited_at)
        sheet.line(f"Edited  {words.day_and_time(message.edited_at)} · heard {lag} after the edit")
    if message.forward:
        sheet.line(_forward(message.forward, alert.origin))
    if alert.first:
        sheet.line(_repost(alert.first))
    if rests_on_doubt(match):
        sheet.line("⚠ Doubtful speech alone speaks for it: check by ear.")
    if alert.deleted_since:
        sheet.line("⚠ The post has been deleted since.")
    elif alert.edited_since:
        sheet.line("⚠ The post has been edited since; this is what it said.")
    if alert.corrected:
        sheet.line(_correction(alert.corrected))
    if match.event:
        sheet.line(f"⚠ {_data(match.event, 200)}")
    if match.archive:
        sheet.line(f"⚠ From the archive, on request of {words.day_and_time(alert.created_at)}.")
    if now - alert.created_at > _PROMPT:
        sheet.line(f"⚠ This alert left {words.span(now - alert.created_at)} after the match.")
    return sheet


def _quotes(alert: Alert, *, room: int) -> _Sheet:
    """The matched places in at most `room` UTF-16 units; those that do not fit are counted."""
    places, sheet = found(alert), _Sheet()
    left = sum(len(excerpt.spans) for excerpt in places)
    hidden = {(_item(excerpt), excerpt.source): excerpt.hidden for excerpt in places}
    tail = _hidden_line(sum(hidden.values()))
    room -= units(tail) + units(_more_line(left))
    for excerpt in places[:_PLACES]:
        marks = excerpt.marks[: ENTITIES - _FRAME_ENTITIES - len(sheet.entities) - 1]
        block = _Sheet()
        block.line()
        block.line(_place(alert, excerpt) + _elsewhere(alert, excerpt))
        block.quote(excerpt, marks)
        if units(sheet.text) + units(block.text) > room or (excerpt.marks and not marks):
            break
        sheet.add(block)
        left -= len(excerpt.spans) if marks == excerpt.marks else len(marks)
    sheet.text += _more_line(left) + tail
    return sheet


def _foot(alert: Alert) -> _Sheet:
    sheet = _Sheet()
    if alert.english:
        sheet.line()
        sheet.line(_in_english(alert.english))
    spoken = {span.item for span in alert.match.spans if span.source is Source.TRANSCRIPT}
    for number, item in items(alert).items():
        if item.transcript and number in spoken:
            sheet.line()
            sheet.line(_transcript(item.transcript))
            ready = words.span(alert.created_at - alert.stored_at)
            sheet.line(f"Model  {_data(item.transcript.model, 80)} · ready {ready} after the post was heard")
            if item.transcript.translation:
                sheet.line(f"In English, by the model  {_data(item.transcript.translation, _TRANSLATION)}")
            if item.transcript.partial:
                sheet.line(f"⚠ {_shortfall(item.transcript, item.message).capitalize()} could be decoded.")
    sheet.line()
    sheet.text += _link(alert)
    return sheet


def _item(excerpt: Excerpt) -> MessageId | None:
    return excerpt.spans[0].item


def _elsewhere(alert: Alert, excerpt: Excerpt) -> str:
    """Where a quotation stands that is not from the message that the alert names."""
    number = _item(excerpt)
    return "" if number is None else f" · {_link(alert, number)}"


def _place(alert: Alert, excerpt: Excerpt) -> str:
    """The line above a quotation: which field, or when it was said and how surely."""
    spoken = [span.spoken for span in excerpt.spans if span.spoken]
    if not spoken:
        return words.PLACES[excerpt.source]
    times = f"{words.clock(min(said.start for said in spoken))}-{words.clock(max(said.end for said in spoken))}"
    item = items(alert).get(_item(excerpt))
    doubt = by_ear(spoken, item.transcript if item else None)
    return (
        f"Spoken at {times} · least sure word {words.percent(min(said.probability for said in spoken))}"
        f"{' · ' if doubt else ''}{doubt}"
    )


def _transcript(transcript: Transcript) -> str:
    return (
        f"Transcript  {words.language(plain(transcript.language)[:20])} {words.percent(transcript.language_probability)}"
        f" · confidence {words.percent(transcript.confidence)}"
        f" · speech in {words.clock(transcript.speech_seconds)} of {words.clock(transcript.duration)}"
    )


def _in_english(english: Translation) -> str:
    part = "The beginning of the post" if english.partial else "The post"
    return f"{part} in English, by {_data(english.model, 80)}  {_data(english.text, _TRANSLATION)}"


def _shortfall(transcript: Transcript, message: Message) -> str:
    declared = message.media.duration if message.media else None
    return replace(transcript, declared=transcript.declared or declared).shortfall


def _forward(forward: Forward, origin: Channel | None) -> str:
    names = [_data(name, 120) for name in (forward.name, forward.author) if name]
    if origin is not None:
        names.insert(0, _channel(origin))
    source = ", ".join(names) or (f"channel {forward.channel_id}" if forward.channel_id else "an unnamed source")
    return f"Forwarded  from {source} · first posted {words.day_and_time(forward.posted_at)}"


def _correction(correction: Correction) -> str:
    model = _data(correction.model, 80)
    was, now = (_data(" / ".join(texts), 400) for texts in (correction.was, correction.now))
    if not correction.now:
        return f"⚠ Not confirmed by a second hearing: {model} did not hear “{was}”."
    before = f"was “{was}”, " if correction.was else ""
    return f"⚠ Corrected after a second hearing by {model}: {before}is now “{now}”."


def _repost(first: FirstPost) -> str:
    link = post_link(_linked(first.channel), first.message_id)
    return (
        f"Repost  {words.span(first.after)} after the first post of this recording: {_channel(first.channel)} · {link}"
    )


def _update(alert: Alert) -> str:
    return "" if alert.update_of is None else f" · update of #{alert.update_of}: new words"


def _more_line(count: int) -> str:
    return f"\n… and {count} more in the post\n" if count else ""


def _hidden_line(count: int) -> str:
    what = "character" if count == 1 else "characters"
    return f"\n⚠ {count} hidden {what} of the post left out\n" if count else ""


def _data(text: str, limit: int) -> str:
    """A stranger's or a rule's short text inside one of our lines."""
    return isolated(clip(plain(text), limit))


def _channel(channel: Channel) -> str:
    title = _data(channel.title, 150)
    handle = f"@{channel.handle}" if _has_handle(channel) else ""
    return f"{title} ({handle})" if title and handle else title or handle or str(channel.channel_id)


def _has_handle(channel: Channel) -> bool:
    """Whether the handle is one that Telegram gives out, so that it can stand in a link."""
    return channel.handle is not None and _HANDLE.fullmatch(channel.handle) is not None


def _link(alert: Alert, number: MessageId | None = None) -> str:
    """The address of the message that the alert names, or of another item of its album."""
    return post_link(_linked(alert.channel), number or alert.message.message_id)


def _linked(channel: Channel) -> Channel:
    """The channel as a link may name it."""
    return channel if _has_handle(channel) else replace(channel, handle=None)


def _subject(alert: Alert) -> str:
    """One line without entities: severity, number, rule and channel, and whether it is no more than a reason to listen."""
    title = _data(alert.match.title or alert.match.rule_id, 200)
    doubt = " (check by ear)" if rests_on_doubt(alert.match) else ""
    return f"{alert.match.severity.upper()} #{alert.alert_id} {title}: {_channel(alert.channel)}{doubt}"


def _notice(delivery: Delivery) -> Parcel:
    text = clip(visible(delivery.notice or "").strip(), TEXT_UNITS) or "(empty notice)"
    return Parcel(text=text, title=clip(text.split("\n")[0], 200), severity=Severity.LOW, random_id=delivery.random_id)
