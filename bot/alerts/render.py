"""What an analyst reads: one alert as plain text with entities. Pure.

Every line is ours and starts with our words, or is a quotation and starts with `│ `; what a post says cannot leave
its quotation (see `bot.alerts.neutral`). Bold is kept for the matched words alone. Within Telegram's limits of 4,096
UTF-16 units and 100 entities (core.telegram.org/api/entities) whatever the post holds.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts import words
from bot.alerts.doubtful import rests_on_doubt
from bot.alerts.found import english, items
from bot.alerts.naming import channel_name, data, link, linked
from bot.alerts.neutral import clip, plain, units, visible
from bot.alerts.quotes import TRANSLATION, quotes
from bot.alerts.sheet import Sheet
from bot.model import (
    Alert,
    Channel,
    Correction,
    Delivery,
    FirstPost,
    Forward,
    Message,
    Parcel,
    Severity,
    Source,
    Translation,
    post_link,
)
from bot.transcript import Transcript

TEXT_UNITS = 4096
ENTITIES = 100
# Entities kept for the frame.
_FRAME_ENTITIES = 4
# Later than this after the match, an alert says that it is late.
_PROMPT = timedelta(minutes=1)


def render(delivery: Delivery, *, now: datetime) -> Parcel:
    """The parcel for an alert or a notice. Never raises for anything that a post, channel or rule may hold."""
    if delivery.alert is None:
        return _notice(delivery)
    alert = delivery.alert
    head, foot = _head(alert, now), _foot(alert)
    sheet = Sheet()
    sheet.add(head)
    sheet.add(quotes(alert, room=TEXT_UNITS - units(head.text) - units(foot.text), entities=ENTITIES - _FRAME_ENTITIES))
    sheet.add(foot)
    return Parcel(
        text=sheet.text,
        entities=tuple(sheet.entities),
        link=link(alert),
        title=_subject(alert),
        severity=alert.match.severity,
        random_id=delivery.random_id,
        english=alert.english is not None or bool(english(alert)),
    )


def short(delivery: Delivery) -> Parcel:
    """The least that still is the alert, without entities: for a sink that refused the whole one for good."""
    if delivery.alert is None or is_correction(delivery):
        return _notice(delivery)
    alert = delivery.alert
    text = f"{_subject(alert)}\nThe sink refused the full alert; the post: {link(alert)}"
    return Parcel(
        text=text,
        link=link(alert),
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


def _head(alert: Alert, now: datetime) -> Sheet:
    match, message, sheet = alert.match, alert.message, Sheet()
    sheet.line(
        f"{words.SIGNS[match.severity]} {match.severity.upper()}  {data(match.title or match.rule_id, 200)}"
        f"  #{alert.alert_id}"
    )
    revision = f" · rev {data(match.revision, 20)}" if match.revision else ""
    sheet.line("Rule  ", (clip(plain(match.rule_id), 100), "code"), revision, _update(alert))
    sheet.line()
    sheet.line(f"Channel  {channel_name(alert.channel)} · {data(alert.channel.category, 60)}")
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
        sheet.line(f"⚠ {data(match.event, 200)}")
    if match.archive:
        sheet.line(f"⚠ From the archive, on request of {words.day_and_time(alert.created_at)}.")
    if now - alert.created_at > _PROMPT:
        sheet.line(f"⚠ This alert left {words.span(now - alert.created_at)} after the match.")
    return sheet


def _foot(alert: Alert) -> Sheet:
    sheet = Sheet()
    if alert.english:
        sheet.line()
        sheet.line(_in_english(alert, alert.english))
    spoken = {span.item for span in alert.match.spans if span.source is Source.TRANSCRIPT}
    for number, item in items(alert).items():
        if item.transcript and number in spoken:
            sheet.line()
            sheet.line(_transcript(item.transcript))
            ready = words.span(alert.created_at - alert.stored_at)
            sheet.line(f"Model  {data(item.transcript.model, 80)} · ready {ready} after the post was heard")
            if item.transcript.translation:
                sheet.line(f"In English, by the model  {data(item.transcript.translation, TRANSLATION)}")
            if item.transcript.partial:
                sheet.line(f"⚠ {_shortfall(item.transcript, item.message).capitalize()} could be decoded.")
    sheet.line()
    sheet.text += link(alert)
    return sheet


def _transcript(transcript: Transcript) -> str:
    return (
        f"Transcript  {words.language(plain(transcript.language)[:20])} {words.percent(transcript.language_probability)}"
        f" · confidence {words.percent(transcript.confidence)}"
        f" · speech in {words.clock(transcript.speech_seconds)} of {words.clock(transcript.duration)}"
    )


def _in_english(alert: Alert, own: Translation) -> str:
    # Where other items have theirs, which one this is must be said.
    what = f"caption of {link(alert)}" if english(alert) else "post"
    part = f"The beginning of the {what}" if own.partial else f"The {what}"
    return f"{part} in English, by {data(own.model, 80)}  {data(own.text, TRANSLATION)}"


def _shortfall(transcript: Transcript, message: Message) -> str:
    declared = message.media.duration if message.media else None
    return replace(transcript, declared=transcript.declared or declared).shortfall


def _forward(forward: Forward, origin: Channel | None) -> str:
    names = [data(name, 120) for name in (forward.name, forward.author) if name]
    if origin is not None:
        names.insert(0, channel_name(origin))
    source = ", ".join(names) or (f"channel {forward.channel_id}" if forward.channel_id else "an unnamed source")
    return f"Forwarded  from {source} · first posted {words.day_and_time(forward.posted_at)}"


def _correction(correction: Correction) -> str:
    model = data(correction.model, 80)
    was, now = (data(" / ".join(texts), 400) for texts in (correction.was, correction.now))
    if not correction.now:
        return f"⚠ Not confirmed by a second hearing: {model} did not hear “{was}”."
    before = f"was “{was}”, " if correction.was else ""
    return f"⚠ Corrected after a second hearing by {model}: {before}is now “{now}”."


def _repost(first: FirstPost) -> str:
    where = f"{channel_name(first.channel)} · {post_link(linked(first.channel), first.message_id)}"
    return f"Repost  {words.span(first.after)} after the first post of this recording: {where}"


def _update(alert: Alert) -> str:
    return "" if alert.update_of is None else f" · update of #{alert.update_of}: new words"


def _subject(alert: Alert) -> str:
    """One line without entities: severity, number, rule and channel, and whether it is no more than a reason to listen."""
    title = data(alert.match.title or alert.match.rule_id, 200)
    doubt = " (check by ear)" if rests_on_doubt(alert.match) else ""
    return f"{alert.match.severity.upper()} #{alert.alert_id} {title}: {channel_name(alert.channel)}{doubt}"


def _notice(delivery: Delivery) -> Parcel:
    text = clip(visible(delivery.notice or "").strip(), TEXT_UNITS) or "(empty notice)"
    return Parcel(text=text, title=clip(text.split("\n")[0], 200), severity=Severity.LOW, random_id=delivery.random_id)
