"""How an alert words times, durations, kinds and languages. English, UTC, no locale."""

from datetime import datetime, timedelta
from math import floor

from bot.model import Kind, Message, Severity, Source

SIGNS = {Severity.HIGH: "🔴", Severity.MEDIUM: "🟠", Severity.LOW: "🟡"}

KINDS = {
    Kind.TEXT: "text",
    Kind.VOICE: "voice note",
    Kind.VIDEO_NOTE: "video note",
    Kind.AUDIO: "audio",
    Kind.VIDEO: "video",
    Kind.PHOTO: "photo",
    Kind.DOCUMENT: "document",
    Kind.POLL: "poll",
    Kind.SERVICE: "service message",
    Kind.OTHER: "post",
}

PLACES = {
    Source.TEXT: "In the text",
    Source.CAPTION: "In the caption",
    Source.TRANSCRIPT: "In the speech",
    Source.POLL: "In the poll",
    Source.PREVIEW: "In the link preview",
    Source.FILE_NAME: "In the file name",
    Source.FORWARD: "In the name it is forwarded from",
}

# What the flags of a segment mean, as they follow "check by ear"; the order is that of bot.speech.truth.doubt.
DOUBTS = {
    "boilerplate": "a phrase that models make up",
    "loop": "it repeats itself",
    "no-speech": "perhaps nobody speaks",
    "low-confidence": "the model is not sure",
    "language-doubt": "perhaps another language",
}

_LANGUAGES = {
    "ar": "Arabic",
    "be": "Belarusian",
    "de": "German",
    "en": "English",
    "fr": "French",
    "kk": "Kazakh",
    "pl": "Polish",
    "ro": "Romanian",
    "ru": "Russian",
    "tr": "Turkish",
    "uk": "Ukrainian",
}


def language(code: str) -> str:
    """The name of an ISO 639-1 code; the code itself where the name is not known."""
    return _LANGUAGES.get(code, code)


def day_and_time(moment: datetime) -> str:
    """As `12 Jul 2023 17:06:40 UTC`."""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment:%Y %H:%M:%S} UTC"


def span(passed: timedelta) -> str:
    """As `14 s`, `3 min 5 s`, `2 h 14 min`, `3 d 4 h`; clocks that disagree give `0 s`."""
    seconds = max(0, round(passed.total_seconds()))
    for unit, small, size, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if seconds >= size:
            rest = seconds % size // part
            return f"{seconds // size} {unit} {rest} {small}" if rest else f"{seconds // size} {unit}"
    return f"{seconds} s"


def clock(seconds: float) -> str:
    """Seconds into a recording, as `0:24` or `1:02:03`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def percent(share: float) -> str:
    """A probability as `87 %`, rounded down, so that nothing is called surer than it is."""
    return f"{floor(min(max(share, 0.0), 1.0) * 100 + 1e-9)} %"


def kind(message: Message) -> str:
    """As `voice note 0:24`."""
    duration = message.media.duration if message.media else None
    return KINDS[message.kind] if duration is None else f"{KINDS[message.kind]} {clock(duration)}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
