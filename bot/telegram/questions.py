"""What the state machine asks, what it is answered, and what it has recorded: nouns between `state` and `feed`."""

from dataclasses import dataclass

from bot.model import How, MessageId, RawMessage

# --- what it wants done -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record this in one transaction. Answered with nothing."""

    how: How
    messages: tuple[RawMessage, ...] = ()
    deleted: tuple[MessageId, ...] = ()
    # Everything up to this pts is recorded with it; None leaves it.
    pts: int | None = None
    top_id: MessageId
    # Why ids are open that this leaves open.
    reason: str = ""
    # Asked for, and answered neither with a message nor with messageEmpty.
    unanswered: tuple[MessageId, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What happened since `pts`? Answered with Slice, Empty or TooLong."""

    pts: int


@dataclass(frozen=True, slots=True)
class Where:
    """Where does the channel stand? Answered with Sighting; None when the server does not tell."""


@dataclass(frozen=True, slots=True)
class ByIds:
    """What are these ids, at most 100? Answered with Answer."""

    ids: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What is there at `upper` and below it? Answered with Answer: up to 100 messages, the newest first."""

    upper: int


Question = Difference | Where | ByIds | Page
Move = Question | Record

# --- what it is told --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where a channel stands at the server: its pts (None when not told) and its newest living id, 0 for none."""

    pts: int | None
    top: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A part of a difference: messages new and edited, as they are now."""

    pts: int
    messages: tuple[RawMessage, ...] = ()
    deleted: tuple[MessageId, ...] = ()
    # How far what it tells moves pts: less than pts moved when something is left out.
    told: int
    final: bool


@dataclass(frozen=True, slots=True)
class Empty:
    """A difference with nothing in it."""

    pts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLong:
    """The server does not tell what happened, only where it stands, and some of the newest messages."""

    sighting: Sighting
    messages: tuple[RawMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said of some ids: messages, and ids that it calls empty, which is how it says deleted."""

    messages: tuple[RawMessage, ...] = ()
    deleted: tuple[MessageId, ...] = ()
    # The channel's pts at the server that answered; None when it did not say.
    pts: int | None = None
    # The lowest id that the answer speaks of; 0 when it speaks of none.
    lowest: int = 0
    # Unix time of the oldest message; None when there is none.
    oldest: float | None = None

    def __add__(self, other: "Answer") -> "Answer":
        lows = [low for low in (self.lowest, other.lowest) if low]
        dates = [date for date in (self.oldest, other.oldest) if date is not None]
        counts = [pts for pts in (self.pts, other.pts) if pts is not None]
        return Answer(
            messages=self.messages + other.messages,
            deleted=self.deleted + other.deleted,
            pts=min(counts, default=None),
            lowest=min(lows, default=0),
            oldest=min(dates, default=None),
        )

    @property
    def ids(self) -> set[int]:
        """The ids that it speaks of."""
        return {raw.message_id for raw in self.messages} | set(self.deleted)

    def between(self, first: int, last: int) -> "Answer":
        """What it says of ids from `first` to `last`."""
        return Answer(
            messages=tuple(raw for raw in self.messages if first <= raw.message_id <= last),
            deleted=tuple(number for number in self.deleted if first <= number <= last),
            pts=self.pts,
            oldest=self.oldest,
        )
