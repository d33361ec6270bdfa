"""What the monitor tells the analysts beside alerts: plain text, one line each. Pure."""

from bot.model import Channel, Correction, Event, Kind, Match, Message, MessageId, Recording, Translation, post_link
from bot.store import Untranslated

# Characters of a translation.
_ENGLISH = 600

_KINDS = {
    Kind.VOICE: "Voice note",
    Kind.VIDEO_NOTE: "Video note",
    Kind.AUDIO: "Audio",
    Kind.VIDEO: "Video",
}


def unread(count: int, channel: Channel, first: MessageId) -> str:
    """Messages that could not be converted."""
    what = "A message" if count == 1 else f"{count} messages"
    link = post_link(channel, first)
    return f"⚠ {what} could not be read and raised no alert; look yourself, from {link} on. The raw message is kept."


def rules_failed(channel: Channel, number: MessageId, error: Exception) -> str:
    """A fault of ours on one post."""
    link = post_link(channel, number)
    return f"⚠ The rules failed on {link} ({type(error).__name__}). It is stored, without alerts."


def not_transcribed(recording: Recording, channel: Channel, message: Message, reason: str) -> str:
    """A recording that was given up."""
    link = post_link(channel, message.message_id)
    return f"⚠ {_KINDS.get(recording.kind, 'Recording')} not transcribed: {link}: {reason}"


def heard_more(match: Match, channel: Channel, message: Message) -> str:
    """Words that a rule finds in a whole recording and did not find in the part that it has alerted on."""
    forms = ", ".join(sorted({span.form for span in match.spans}))
    link = post_link(channel, message.message_id)
    return f"⚠ The whole recording of {link} has come. Rule {match.rule_id} finds in it: {forms}"


def corrected(alert_id: int, match: Match, channel: Channel, number: MessageId, correction: Correction) -> str:
    """What another hearing put otherwise, or did not hear, for those whose alert cannot be edited in place."""
    what = f"Alert #{alert_id} ({match.title or match.rule_id}) on {post_link(channel, number)}"
    was = " / ".join(correction.was)
    if not correction.now:
        return f"⚠ {what} is not confirmed by a second hearing: {correction.model} did not hear “{was}”."
    before = f"was “{was}”, " if was else ""
    now = " / ".join(correction.now)
    return f"⚠ {what} is corrected after a second hearing: {before}is now “{now}” ({correction.model})."


def in_english(of: Untranslated, english: Translation, alert_id: int, match: Match) -> str:
    """What an alerted post says, for those whose alert cannot be edited in place."""
    link = post_link(of.channel, of.message.message_id)
    what = f"Alert #{alert_id} ({match.title or match.rule_id}) on {link}"
    text = " ".join(english.text.split())
    text = text if len(text) <= _ENGLISH else f"{text[:_ENGLISH]}…"
    return f"{what}, in English by {english.model}: {text}"


def deletion_burst(event: Event, channel: Channel) -> str:
    """Many posts deleted within a short time; when each was deleted is not known, only when it was found out."""
    where = f"ids {event.first_id} to {event.last_id}: {post_link(channel, event.first_id)}"
    return f"⚠ {channel.name}: {event.count} posts found deleted within 10 minutes, {where}; all are kept here."
