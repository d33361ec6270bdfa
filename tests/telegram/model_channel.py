"""A channel as Telegram keeps it, and a ledger as ours: what the state machine is held against."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.model import MessageId, RawMessage
from bot.telegram.ledger import Push
from bot.telegram.questions import Answer, Difference, Empty, Page, Record, Sighting, Slice, TooLong

# Events in one slice: few, so that a difference has several.
SLICE = 3
PAGE = 100


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; `ids` are several only for a deletion."""

    pts: int
    kind: str
    ids: tuple[int, ...]


@dataclass
class TrueChannel:
    """Posts, service messages, edits and deletions, with pts as Telegram counts it: one for each id concerned."""

    pts: int = 1
    top: int = 0
    events: list[Event] = field(default_factory=list)
    # id -> (pts, text) of each state; None: deleted.
    states: dict[int, list[tuple[int, str | None]]] = field(default_factory=dict)
    service: set[int] = field(default_factory=set)
    # Left out of every answer.
    omitted: set[int] = field(default_factory=set)

    def post(self, *, service: bool = False) -> Push:
        """A new message."""
        self.top += 1
        if service:
            self.service.add(self.top)
        return self._happen("new", (self.top,), f"post {self.top}")

    def edit(self, number: int) -> Push:
        """A new text, or one that it had before."""
        texts = [text for _, text in self.states[number]]
        text = texts[0] if len(texts) % 3 == 0 and texts[-1] != texts[0] else f"edit {self.pts}"
        return self._happen("edit", (number,), text)

    def delete(self, ids: Sequence[int]) -> Push:
        """All these at once."""
        return self._happen("delete", tuple(ids), None)

    def alive(self, at: int) -> list[int]:
        """The ids that are there at a pts."""
        return [number for number in self.states if self.text(number, at) is not None]

    def text(self, number: int, at: int) -> str | None:
        """The text at a pts; None before it was posted and after it was deleted."""
        return next((text for pts, text in reversed(self.states.get(number, ())) if pts <= at), None)

    def _happen(self, kind: str, ids: tuple[int, ...], text: str | None) -> Push:
        self.pts += len(ids)
        self.events.append(Event(self.pts, kind, ids))
        for number in ids:
            self.states.setdefault(number, []).append((self.pts, text))
        if kind == "delete":
            return Push(pts=self.pts, count=len(ids), deleted=tuple(map(MessageId, ids)))
        return Push(pts=self.pts, count=1, messages=(self._raw(ids[0], self.pts),))

    # --- answers of a server that knows what happened up to pts `at` --------------------------------------------------

    def sighting(self, at: int) -> Sighting:
        """As an overview tells."""
        return Sighting(pts=at, top=max((n for n in self.alive(at) if n not in self.omitted), default=0))

    def by_ids(self, ids: Iterable[int], at: int) -> Answer:
        """Messages and empties; nothing of what is omitted."""
        told = [number for number in ids if number not in self.omitted]
        there = [number for number in told if self.text(number, at) is not None]
        gone = [MessageId(number) for number in told if number not in there]
        return Answer(
            messages=self._raws(there, at), deleted=tuple(gone), pts=at, lowest=min([*there, *gone], default=0)
        )

    def page(self, question: Page, at: int) -> Answer:
        """The newest messages from an id down."""
        told = [n for n in sorted(self.alive(at), reverse=True) if n <= question.upper and n not in self.omitted][:PAGE]
        return Answer(messages=self._raws(told, at), pts=at, lowest=min(told, default=0))

    def too_long(self, at: int) -> TooLong:
        """Where it stands, and the newest few."""
        newest = sorted(n for n in self.alive(at) if n not in self.omitted)[-2:]
        return TooLong(sighting=self.sighting(at), messages=self._raws(newest, at))

    def difference(self, question: Difference, at: int) -> Slice | Empty:
        """The events after a pts. Messages come as they are now: what is new and gone as a deletion alone."""
        events = [event for event in self.events if question.pts < event.pts <= at]
        if not events:
            return Empty(at)
        final, events = len(events) <= SLICE, events[:SLICE]
        new = {event.ids[0] for event in events if event.kind == "new"}
        edits = {event.ids[0] for event in events if event.kind == "edit"} - new
        gone = [n for event in events if event.kind == "delete" for n in event.ids if n not in self.omitted]
        there = [n for n in sorted(new | edits) if n not in self.omitted and self.text(n, at) is not None]
        return Slice(
            pts=events[-1].pts,
            messages=self._raws(there, at),
            deleted=tuple(map(MessageId, gone)),
            told=len(there) + len(gone),
            final=final,
        )

    def _raws(self, ids: Iterable[int], at: int) -> tuple[RawMessage, ...]:
        return tuple(self._raw(number, at) for number in ids)

    def _raw(self, number: int, at: int) -> RawMessage:
        text = self.text(number, at) or ""
        service = number in self.service
        return RawMessage(
            message_id=MessageId(number), body=b"", layer=1, digest=f"{number} {text}".encode(), service=service
        )


@dataclass
class Book:
    """What the store would hold: the states of ids, all digests told of a message, pts and the newest id."""

    watch_from: int
    top: int
    pts: int
    states: dict[int, str] = field(default_factory=dict)
    digests: dict[int, list[bytes]] = field(default_factory=dict)

    def record(self, record: Record) -> None:
        """As `store.intake.record`."""
        last = {raw.message_id: place for place, raw in enumerate(record.messages)}
        for place, raw in enumerate(record.messages):
            if self.states.get(raw.message_id) != "deleted":
                self.states[raw.message_id] = "service" if raw.service else "stored"
            held = self.digests.setdefault(raw.message_id, [])
            if raw.digest not in held or (held[-1] != raw.digest and last[raw.message_id] == place):
                held.append(raw.digest)
        for number in record.deleted:
            self.states[number] = "deleted"
        self.top = max(self.top, record.top_id, *last, *record.deleted)
        self.pts = max(self.pts, record.pts or 0)

    @property
    def gaps(self) -> list[int]:
        """The ids that it does not account for."""
        return [number for number in range(self.watch_from, self.top + 1) if number not in self.states]
