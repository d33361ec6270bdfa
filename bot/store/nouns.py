"""What goes into the store's verbs and comes out, beyond the nouns of bot.model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from bot.model import (
    Alarm,
    Changed,
    Channel,
    ChannelId,
    Correction,
    DeliveryState,
    Gap,
    How,
    Item,
    Kind,
    Match,
    Message,
    MessageId,
    RecordingState,
    Wait,
    WatchingAccount,
)
from bot.transcript import Transcript

Speech = Literal["wanted", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A raw message, converted and held against the rules: what `observe` writes."""

    # The raw message that it was read from.
    raw_id: int
    message: Message
    # When our process had it in hand: the version's stored_at.
    heard_at: datetime
    how: How
    matches: tuple[Match, ...] = ()
    # Of what was the post's newest state until now, and what this one takes back.
    before: tuple[Match, ...] = ()
    # Whether its recording is to be transcribed; None where there is none.
    speech: Speech | None = None
    # Names of the sinks that get the alerts.
    sinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store already holds about a message that is about to be observed."""

    # (rule_id, form) pairs that have alerted on this message, or on any item of its album.
    forms: frozenset[tuple[str, str]] = frozenset()
    # Of its media, when somebody posted the same recording before.
    transcript: Transcript | None = None
    # The post's newest state.
    latest: Message | None = None
    # The other living items of its album, in their newest states.
    siblings: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appearance:
    """A post that bears a recording, also one that has been deleted: what was said in it was said."""

    channel: Channel
    message: Message
    version: int
    # The way by which this version was learned.
    how: How
    # (rule_id, form) pairs that have alerted on this message, or on any item of its album.
    forms: frozenset[tuple[str, str]]
    # The other items of its album in their newest states, deleted ones included.
    siblings: tuple[Item, ...] = ()
    # The rules that have alerted on the speech of this version: they cannot alert on it again.
    spoken: frozenset[str] = frozenset()
    # Since the first post of this recording, by anyone and in any encoding; zero for that one.
    after: timedelta = timedelta()


class Why(StrEnum):
    """Why a file was or is to be heard."""

    FIRST = "first"
    # By the better model of the settings, after the fast one.
    SECOND = "second"
    # On request, by a model that was named.
    AGAIN = "again"


class HearingState(StrEnum):
    """Where a hearing is."""

    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


class TranslationState(StrEnum):
    """Where a text is on its way to English."""

    WANTED = "wanted"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerted:
    """A state of a post that raised an alert, of which nobody has asked yet what it is written in."""

    alert_id: int
    version: int
    message: Message
    # The channel's.
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Untranslated:
    """A text that is to be translated into English."""

    translation_id: int
    language: str
    message: Message
    channel: Channel
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """A file as one model heard it, or is to hear it."""

    hearing_id: int
    sha256: str
    # A name or a folder, as it was asked for; of a first hearing, as the transcript names it.
    model: str
    why: Why
    # Alerts are raised on posts older than a day, too.
    alert: bool
    state: HearingState
    created_at: datetime
    state_since: datetime
    attempts: int = 0
    reason: str | None = None
    # The channel's hint, and seconds as declared.
    language: str | None = None
    declared: float | None = None
    # Of one that is done.
    transcript: Transcript | None = None
    # What it changed, post by post; none for a first one.
    outcome: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """An alert that another hearing puts otherwise."""

    alert_id: int
    # What the alert is now: without words where none are left.
    match: Match
    # None: it reads as before, and only its places in the transcript are others; nobody is told.
    correction: Correction | None
    # For sinks that cannot edit what they were given.
    notice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearing:
    """What of the archive a model is to hear again: what was posted at or after `since` and before `until`."""

    # A name or a folder, and as transcripts name it, where that is known.
    model: str
    identity: str | None = None
    since: datetime
    until: datetime | None = None
    # None: every channel.
    channel_id: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reheard:
    """A post in which a hearing changed something."""

    channel: Channel
    message: Message
    # Since the first post of the recording.
    after: timedelta
    changed: Changed


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedHearing:
    """A file that could not be heard again, and a post that bears it."""

    channel: Channel
    message_id: MessageId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a rehearing is."""

    counts: Mapping[HearingState, int]
    # The newest post first.
    changed: tuple[Reheard, ...]
    failed: tuple[FailedHearing, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A post of the archive: a message, or all items of an album, in their newest states; also what was deleted."""

    channel: Channel
    # By their ids, with what is said in them.
    items: tuple[Item, ...]
    # The number of the version that is each item's newest state.
    versions: Mapping[MessageId, int]
    deleted: frozenset[MessageId] = frozenset()
    # The channels that its items were forwarded from, as far as they are known here.
    origins: Mapping[ChannelId, Channel] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A post of which items were found deleted, and when each was."""

    past: Past
    at: Mapping[MessageId, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds from post to record, over posts heard as they came."""

    posts: int
    p50: float
    p99: float
    max: float
    # Of the post that was recorded last, and when that was.
    newest: float
    newest_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelStatus:
    """One channel's part of the status."""

    channel: Channel
    # Posts held, service messages left out.
    messages: int
    # All their states, deletions included.
    versions: int
    # Posts held that have since been deleted.
    deleted: int
    # Ids from watch_from to top_id that are not accounted for.
    gaps: int
    # Of the newest post held.
    newest_at: datetime | None
    # Over the last 24 hours; None when nothing was posted.
    lag: Lag | None
    # Seconds: 19 in 20 of the pauses between its last posts are shorter, and none is twice as long; None while there are
    # too few posts.
    usual_gap: float | None = None
    oldest_gap: Gap | None = None
    # Since when the newest id that the server named is in a gap.
    unseen_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedRecording:
    """Speech that was given up, and why."""

    recording_id: int
    channel_id: ChannelId
    message_id: MessageId
    kind: Kind
    reason: str
    at: datetime
    # There is a transcript of a part of it.
    in_part: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryingRecording:
    """Speech that could not be fetched or transcribed so far, and will be tried again."""

    recording_id: int
    channel_id: ChannelId
    message_id: MessageId
    kind: Kind
    # The stage that did not succeed: wanted (not fetched) or fetched (not transcribed).
    state: RecordingState
    attempts: int
    reason: str
    next_try: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """The last 24 hours."""

    # Heard as they came, as for `Lag`. The canary's are left out everywhere.
    posts: int = 0
    # Raised; and what became of their deliveries, one for each alert and sink.
    alerts: int = 0
    sent: int = 0
    due: int = 0
    failed: int = 0
    # Seconds, and whose post it was; None when nothing was posted.
    worst_lag: float | None = None
    worst_channel: ChannelId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is kept, what waits, and what is missing."""

    channels: tuple[ChannelStatus, ...]
    recordings: Mapping[RecordingState, int]
    # When the longest-waiting recording got into that state.
    oldest_wanted: datetime | None
    oldest_fetched: datetime | None
    outbox: Mapping[tuple[str, DeliveryState], int]
    oldest_due: datetime | None
    # Sink -> why it did not take the delivery that all others wait behind.
    held_up: Mapping[str, str]
    # Raw messages not yet converted, and those that could not be.
    unread: int
    quarantined: int
    waits: tuple[Wait, ...]
    alerts: Mapping[str, int]
    # The last 20.
    failed: tuple[FailedRecording, ...]
    # The first 20 to be tried again.
    retrying: tuple[RetryingRecording, ...] = ()
    accounts: tuple[WatchingAccount, ...] = ()
    # In force, the oldest first.
    alarms: tuple[Alarm, ...] = ()
    # Of the channels that are watched.
    oldest_gap: Gap | None = None
    # Of each sink for which something is due.
    oldest_due_by: Mapping[str, datetime] = field(default_factory=dict)
    # Hearings after the first, and since when the oldest of those wanted waits.
    hearings: Mapping[HearingState, int] = field(default_factory=dict)
    oldest_hearing: datetime | None = None
    # Texts of alerted posts on their way to English, since when the oldest of those wanted waits, and why the last one
    # failed that did.
    translations: Mapping[TranslationState, int] = field(default_factory=dict)
    oldest_untranslated: datetime | None = None
    untranslatable: str | None = None
    day: Day = Day()
