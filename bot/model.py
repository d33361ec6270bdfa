"""The nouns. Frozen, knowing no vendor; the glossary is in docs/architecture.md.

Times are aware datetimes in UTC; offsets into text are code points (Telegram's UTF-16 units end at the telegram room);
seconds into a recording are floats.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NewType

from bot.transcript import Transcript

ChannelId = NewType("ChannelId", int)  # Telegram's marked id, -100...
MessageId = NewType("MessageId", int)
AlertId = NewType("AlertId", int)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The default clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """What names a message for ever."""

    channel_id: ChannelId
    message_id: MessageId


# --- channels ---------------------------------------------------------------------------------------------------------


class ChannelState(StrEnum):
    """What the server last said about a channel."""

    ACTIVE = "active"
    PRIVATE = "private"
    BANNED = "banned"
    RESTRICTED = "restricted"
    DELETED = "deleted"
    MIGRATED = "migrated"


class Mode(StrEnum):
    """How a channel is followed: as a member, who gets pushes, or by polling."""

    JOIN = "join"
    POLL = "poll"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A public channel that we watch, pinned by id."""

    channel_id: ChannelId
    # Of the account that was asked for; each account has its own.
    access_hash: int
    # The account that hears it; None while no account does.
    account: str | None = None
    # Display only: may change hands.
    handle: str | None = None
    title: str = ""
    category: str = "other"
    # 1 is looked at first, 9 last.
    priority: int = 5
    # A hint for Whisper, as an ISO 639-1 code.
    language: str | None = None
    mode: Mode = Mode.JOIN
    # Of the same account as `access_hash`.
    joined: bool = False
    # False once it has left channels.yaml: kept, but no longer asked for.
    watched: bool = True
    # Watching began here: ids from here to `top_id` must be accounted for.
    watch_from: MessageId = MessageId(1)
    # The newest id that the server has named.
    top_id: MessageId = MessageId(0)
    # Telegram's event counter, up to which everything is recorded; 0 when not known.
    pts: int = 0
    state: ChannelState = ChannelState.ACTIVE
    state_since: datetime | None = None
    state_reason: str | None = None
    # When somebody asked for its gaps to be closed now (`earshot audit --repair`); None once that is done.
    repair_wanted: datetime | None = None

    @property
    def name(self) -> str:
        """How people call it: handle, else title, else id."""
        return f"@{self.handle}" if self.handle else self.title or str(self.channel_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A run of ids, both ends included, that are not accounted for."""

    channel_id: ChannelId
    first: MessageId
    last: MessageId
    since: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Reading history on request; the row lets it resume."""

    channel_id: ChannelId
    since: datetime
    # Everything from here up is recorded; 0 before the first page.
    reached: MessageId = MessageId(0)
    messages: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A flood wait in force: `account` may not call `method` before `until`."""

    account: str
    method: str
    until: datetime


class AccountState(StrEnum):
    """How a watching account fares."""

    ACTIVE = "active"
    UNREACHABLE = "unreachable"
    STUCK = "stuck"
    FROZEN = "frozen"
    BANNED = "banned"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchingAccount:
    """An account that hears channels."""

    name: str
    state: AccountState
    since: datetime | None = None
    reason: str | None = None
    # How many channels it carries, and how many more it may join; None when Telegram has not told.
    channels: int = 0
    slots: int | None = None
    premium: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """A post that raised an alert and is to be looked at again, for edits and deletions that nobody told of."""

    key: Key
    # How many looks are done.
    step: int
    due_at: datetime


# --- what is heard ----------------------------------------------------------------------------------------------------


class How(StrEnum):
    """The way by which something was learned."""

    PUSH = "push"
    DIFFERENCE = "difference"
    SWEEP = "sweep"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """A message as Telegram serialised it, before anyone has looked inside."""

    message_id: MessageId
    # TL bytes of Message or MessageService.
    body: bytes
    # TL layer of `body`.
    layer: int
    # SHA-256 over what people wrote: counters (views, reactions) and file references left out, so that the same
    # state heard twice has one digest.
    digest: bytes
    # A service message ("pinned", "photo changed"): uses up an id, is not a post.
    service: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What one answer or push said of one channel: recorded in one transaction, before anything else happens."""

    channel_id: ChannelId
    how: How
    # When our process had it in hand.
    at: datetime
    messages: tuple[RawMessage, ...] = ()
    # The server said so: a delete update, or messageEmpty for an id that was asked for.
    deleted: tuple[MessageId, ...] = ()
    # The channel's pts once this is applied; None leaves it.
    pts: int | None = None
    # The newest id that the server named; None leaves it.
    top_id: MessageId | None = None
    # Why the ids up to `top_id` that this leaves open are open.
    gap_reason: str = ""
    # Asked for, and answered neither with a message nor with messageEmpty: they stay gaps.
    unanswered: tuple[MessageId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A recorded raw message that nobody has converted yet."""

    raw_id: int
    channel_id: ChannelId
    how: How
    heard_at: datetime
    raw: RawMessage


# --- messages ---------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What a post is."""

    TEXT = "text"
    VOICE = "voice"
    VIDEO_NOTE = "video_note"
    AUDIO = "audio"
    VIDEO = "video"
    PHOTO = "photo"
    DOCUMENT = "document"
    POLL = "poll"
    SERVICE = "service"
    OTHER = "other"


SPOKEN = frozenset({Kind.VOICE, Kind.VIDEO_NOTE, Kind.AUDIO, Kind.VIDEO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Formatting of `text[start:start + length]`, in code points."""

    # Telegram's words: bold, italic, code, pre, url, text_link, mention, hashtag, blockquote, spoiler, ...
    kind: str
    start: int
    length: int
    # Only of a text_link.
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """Where a forwarded post came from, as far as Telegram tells."""

    posted_at: datetime
    channel_id: ChannelId | None = None
    message_id: MessageId | None = None
    name: str | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The post that is answered; `quote` is the part that was quoted."""

    message_id: MessageId
    channel_id: ChannelId | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A photo or document. Telegram's names are data: nothing on our disk is called after them."""

    # Telegram's id of the photo or document: the same bytes reposted keep it.
    document_id: int
    # Bytes, as declared.
    size: int
    mime: str = ""
    # Seconds, as declared; None where there is nothing to play.
    duration: float | None = None
    file_name: str | None = None
    # Data centre that holds the file.
    dc: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A poll or quiz."""

    question: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPreview:
    """What Telegram shows of a linked page."""

    url: str
    site: str = ""
    title: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One state of one post."""

    channel_id: ChannelId
    message_id: MessageId
    kind: Kind
    posted_at: datetime
    edited_at: datetime | None = None
    # Text of a text post, caption of a media post.
    text: str = ""
    entities: tuple[Entity, ...] = ()
    # The signature, where the channel signs its posts.
    author: str | None = None
    forward: Forward | None = None
    reply: Reply | None = None
    # Posts of one album share it.
    album_id: int | None = None
    media: Media | None = None
    poll: Poll | None = None
    preview: LinkPreview | None = None
    # Of a service message: what happened, as `pin`, `title: New name`.
    service: str | None = None
    # Why Telegram does not show it, where it says so.
    restricted: str | None = None
    # The channel forbids forwarding and saving.
    protected: bool = False
    # A counter when the post was heard: not part of the state.
    views: int | None = field(default=None, compare=False)

    @property
    def key(self) -> Key:
        """Its name."""
        return Key(channel_id=self.channel_id, message_id=self.message_id)


class Change(StrEnum):
    """How a version came about."""

    ORIGINAL = "original"
    EDIT = "edit"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One recorded state of a message. `message` is None for a deletion."""

    number: int
    change: Change
    # When we recorded it.
    stored_at: datetime
    how: How
    message: Message | None


# --- languages and recordings -----------------------------------------------------------------------------------------

# Languages that are written in Cyrillic (ISO 639-1): by its letters a text is known to be in one of them.
CYRILLIC = frozenset({"be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "tt", "uk"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What is written in a post, in English, by a model."""

    text: str
    # ISO 639-1 code of what it was translated from.
    language: str
    # Its folder's name and the first digits of the SHA-256 of its weights.
    model: str
    # What shaped the result: compute type, beam, versions.
    parameters: dict[str, str]
    # The text was too long: this is its beginning.
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A message, which may be one of several in an album, with what is said in its recording."""

    message: Message
    transcript: Transcript | None = None


class RecordingState(StrEnum):
    """Where a recording is on its way to a transcript."""

    WANTED = "wanted"
    FETCHED = "fetched"
    DONE = "done"
    FAILED = "failed"
    # Its kind is not transcribed by the settings.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Speech to be fetched and transcribed once, however often it is posted."""

    recording_id: int
    # Where it can be fetched: the first post that bore it.
    channel_id: ChannelId
    message_id: MessageId
    kind: Kind
    media: Media
    state: RecordingState
    # Hex SHA-256 of the bytes, once fetched; names the file. Of one that is wanted: of a part that was of no use.
    sha256: str | None = None
    # Bytes that were fetched; fewer than `media.size` are a part.
    size: int | None = None
    # Tries of the current stage so far.
    attempts: int = 0
    reason: str | None = None
    # From the channel.
    language: str | None = None
    priority: int = 5
    # The same bytes under another document id were already transcribed.
    twin: Transcript | None = None


# --- matches and alerts -----------------------------------------------------------------------------------------------


class Source(StrEnum):
    """The field of a post in which words were found."""

    TEXT = "text"
    CAPTION = "caption"
    TRANSCRIPT = "transcript"
    POLL = "poll"
    PREVIEW = "preview"
    FILE_NAME = "file_name"
    FORWARD = "forward"


# What is translated of a post that is not speech.
WRITTEN = frozenset({Source.TEXT, Source.CAPTION})


class Severity(StrEnum):
    """How loudly a rule speaks."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Where in the recording matched words were said."""

    start: float
    end: float
    # Lowest probability among the words.
    probability: float
    # Every segment it rests on is flagged: to be checked by ear.
    doubtful: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Matched words: `field_text[start:end]` of the field that `source` names, in code points."""

    source: Source
    start: int
    end: int
    # The term as the analyst wrote it.
    term: str
    # The surface form that was found, case-folded: what tells a new hit from an old one.
    form: str
    # `exact`, `phrase`, `prefix`, `regex`; the inflecting engine adds its own.
    reason: str
    spoken: Spoken | None = None
    # The item of the album whose field it is, when that is not the message that the alert names.
    item: MessageId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The fact that a rule hit a version."""

    rule_id: str
    title: str
    severity: Severity
    # A digest of the rule as it stood.
    revision: str
    spans: tuple[Span, ...]
    # Found in the archive, on request: the post is no news.
    archive: bool = False
    # What happened to the post or its channel, of a rule that waits for that.
    event: str = ""

    @property
    def forms(self) -> frozenset[tuple[str, str]]:
        """(rule, form) pairs; an edit alerts only with a new one."""
        return frozenset((self.rule_id, span.form) for span in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a rule found in the speech of a post."""

    rule_id: str
    title: str
    # As it was heard, with a few words around it.
    text: str
    # Seconds into the recording.
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What another hearing of its recording changed in a post, by the rules as they were when it came."""

    key: Key
    # Found now and not before, and the other way round.
    new: tuple[Quote, ...] = ()
    vanished: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What another hearing took back or put otherwise in an alert."""

    at: datetime
    # Which heard it otherwise, as transcripts name it.
    model: str
    # The words that were quoted, and those that are; no new ones: they were not heard.
    was: tuple[str, ...]
    now: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPost:
    """Where a recording was first posted, of a post that repeats it."""

    channel: Channel
    message_id: MessageId
    # From that post to this one.
    after: timedelta


class DeliveryState(StrEnum):
    """Where an alert is on its way to one sink."""

    DUE = "due"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlbumItem(Item):
    """Another item of the album that an alert is about, as it was when the alert was raised."""

    version: int
    # Of its text, once there is one.
    english: Translation | None = None
    # What has become of it by now.
    edited_since: bool = False
    deleted_since: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A match on its way out, with all that an analyst is shown."""

    alert_id: AlertId
    match: Match
    channel: Channel
    message: Message
    version: int
    # When the version was recorded: lag is this less posted_at (edited_at for an edit).
    stored_at: datetime
    created_at: datetime
    transcript: Transcript | None = None
    # Of the message's text, once there is one.
    english: Translation | None = None
    # The other items of its album in which words were found, as they were then.
    items: tuple[AlbumItem, ...] = ()
    # Where a forwarded post came from, if that is a channel that we watch.
    origin: Channel | None = None
    # The first alert of the same rule and message, when an edit brought a new form.
    update_of: AlertId | None = None
    # Where its recording was first posted, when that was not here.
    first: FirstPost | None = None
    # The last one, when the recording was heard otherwise since.
    corrected: Correction | None = None
    # What has become of the post by now.
    edited_since: bool = False
    deleted_since: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One row of the outbox: an alert or a notice, for one sink."""

    delivery_id: int
    sink: str
    # Chosen when the row was written, so that a repeated send is recognised by the server.
    random_id: int
    attempts: int
    created_at: datetime
    alert: Alert | None = None
    # Plain text of a notice such as "listening"; exactly one of the two is set, but for a correction. That is an alert
    # as it is to read now, with what a sink is told which cannot edit what it was given.
    notice: str | None = None
    # Of a correction: the receipt for the alert that is to be edited, and when it was sent; None when the sink has not
    # had it.
    edits: str | None = None
    sent_at: datetime | None = None
    # Of a correction: all that is new is the English of the post; it leaves when nothing else is due.
    adds_english: bool = False
    # The newest row of the outbox when the alert was loaded: what corrections up to this one bring of its English, is in it.
    upto: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What a sink sends: plain text with entities in code points, never markup."""

    text: str
    entities: tuple[Entity, ...] = ()
    # Of the post, for sinks that can attach a link button; already in the text.
    link: str | None = None
    # One line, for sinks with a subject.
    title: str = ""
    severity: Severity = Severity.MEDIUM
    random_id: int = 0
    # Of an alert that shows the post in English, too.
    english: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the sink returned for a delivered parcel, e.g. the id of the message in the chat."""

    reference: str
    # It was there already, from an earlier try: perhaps it reads otherwise.
    repeated: bool = False


# --- what is noticed --------------------------------------------------------------------------------------------------


class EventKind(StrEnum):
    """What can happen to a channel that no single post tells."""

    DELETION_BURST = "deletion_burst"
    # Posts found deleted together: rules may wait for that.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a channel, over several posts."""

    kind: EventKind
    channel_id: ChannelId
    at: datetime
    # Posts concerned, and the ids that they lie between.
    count: int
    first_id: MessageId
    last_id: MessageId
    event_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something has passed its bound."""

    # Stable: what it is about, as `lag:-1001234567890` or `clock`.
    name: str
    since: datetime
    # For people, one line.
    text: str


# --- what is asked ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A search result. `marks` are (start, end) code-point pairs in `excerpt`."""

    channel: Channel
    message: Message
    version: int
    source: Source
    excerpt: str
    marks: tuple[tuple[int, int], ...]
    deleted: bool
    # Seconds into the recording of the first mark, for a transcript.
    spoken_at: float | None = None
    # Of the segments that the marks stand in: what is not to be quoted before somebody listened to it.
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What became of every id of a channel from `first` to `last`."""

    channel: Channel
    first: MessageId
    last: MessageId
    # By state (stored, service, restricted, deleted) and by how it was learned.
    ids: Mapping[tuple[str, How], int]
    gaps: tuple[Gap, ...]


def post_link(channel: Channel, message_id: MessageId) -> str:
    """The public address of a post; the /c/ form, for members, where there is no handle."""
    if channel.handle:
        return f"https://t.me/{channel.handle}/{message_id}"
    return f"https://t.me/c/{str(channel.channel_id).removeprefix('-100')}/{message_id}"
