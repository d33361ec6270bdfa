"""A message log: ids counted from 1, and the event counter (pts) that Telegram's differences are cut from.

Each channel has one; so has each account, for its private chats and basic groups
(https://core.telegram.org/api/updates#message-related-event-sequences).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

PeerKey = tuple[Literal["user", "chat", "channel"], int]
EventKind = Literal["new", "edit", "delete", "pin"]


@dataclass(slots=True)
class Edit:
    """What a message was before it was edited."""

    text: str
    entities: tuple[Any, ...]
    # When this state was replaced.
    until: datetime


@dataclass(slots=True)
class Entry:
    """One message id: the newest state, and what only the server knows of it."""

    # types.Message or types.MessageService.
    tl: Any
    key: PeerKey
    # The event counter of its log once it was there.
    pts: int
    # Who really wrote it; a broadcast channel does not show that.
    author_id: int | None = None
    random_id: int | None = None
    deleted: bool = False
    edits: list[Edit] = field(default_factory=list)
    # Of a private or basic-group message: {user id: id in that account's log}, one dictionary for all copies.
    copies: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Event:
    """One step of the counter: `pts` is its value afterwards, `count` by how much it moved."""

    pts: int
    count: int
    kind: EventKind
    ids: tuple[int, ...]


class MessageLog:
    """Messages by id, living ids by peer, and events by pts. Every lookup is by index or bisection."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.events: list[Event] = []
        # Telegram's counters start at 1, before anything has happened.
        self.pts = 1
        self.moved_at: datetime | None = None
        self._alive: dict[PeerKey, list[int]] = {}

    @property
    def top_id(self) -> int:
        """The newest id that was ever given out; 0 for none."""
        return len(self.entries)

    @property
    def peers(self) -> list[PeerKey]:
        """Whose messages the log holds."""
        return [key for key, ids in self._alive.items() if ids]

    def get(self, message_id: int) -> Entry | None:
        """The entry with that id, deleted or not; None for an id never given out."""
        return self.entries[message_id - 1] if 0 < message_id <= len(self.entries) else None

    def living(self, message_id: int) -> Entry | None:
        """The entry with that id unless it was deleted."""
        entry = self.get(message_id)
        return None if entry is None or entry.deleted else entry

    def alive(self, key: PeerKey) -> Sequence[int]:
        """The ids of a peer's messages that are there now, ascending. Not to be changed."""
        return self._alive.get(key, ())

    def append(self, key: PeerKey, build: Callable[[int], Any], *, at: datetime) -> Entry:
        """Give out the next id to the message that `build(id)` returns."""
        message_id = len(self.entries) + 1
        entry = Entry(tl=build(message_id), key=key, pts=self.pts + 1)
        self.entries.append(entry)
        self._alive.setdefault(key, []).append(message_id)
        self._record("new", (message_id,), at)
        return entry

    def edited(self, entry: Entry, *, at: datetime) -> Event:
        """Record that `entry.tl` has changed."""
        return self._record("edit", (entry.tl.id,), at)

    def pinned(self, entry: Entry, *, at: datetime) -> Event:
        """Record that `entry.tl` was pinned."""
        return self._record("pin", (entry.tl.id,), at)

    def delete(self, ids: Sequence[int], *, at: datetime) -> Event | None:
        """Delete those of `ids` that are there; None when there was nothing to delete."""
        gone = []
        for message_id in dict.fromkeys(ids):
            entry = self.living(message_id)
            if entry is None:
                continue
            entry.deleted = True
            living = self._alive[entry.key]
            del living[bisect_left(living, message_id)]
            gone.append(message_id)
        return self._record("delete", tuple(gone), at) if gone else None

    def after(self, pts: int, limit: int) -> tuple[list[Event], bool]:
        """The events that move the counter past `pts`, at most `limit` of them, and whether these are all."""
        start = bisect_right(self.events, pts, key=lambda event: event.pts)
        events = self.events[start : start + limit]
        return events, start + len(events) == len(self.events)

    def behind(self, pts: int) -> int:
        """How many events a client at `pts` has not seen."""
        return len(self.events) - bisect_right(self.events, pts, key=lambda event: event.pts)

    def page(
        self,
        key: PeerKey,
        *,
        limit: int,
        offset_id: int = 0,
        offset_date: datetime | None = None,
        add_offset: int = 0,
        max_id: int = 0,
        min_id: int = 0,
    ) -> tuple[list[int], int]:
        """A page of living ids, newest first, and how many living messages are newer than its first.

        As https://core.telegram.org/api/offsets: the page begins with the newest message older than `offset_id` (or
        than `offset_date`), moved by `add_offset` towards the past, or towards the present when that is negative.
        `max_id` and `min_id` bound the ids, both exclusive.
        """
        ids = self.alive(key)
        low = bisect_right(ids, min_id) if min_id else 0
        high = bisect_left(ids, max_id) if max_id else len(ids)
        end = len(ids)
        if offset_id:
            end = bisect_left(ids, offset_id)
        elif offset_date:
            end = bisect_left(ids, offset_date, key=lambda message_id: self.entries[message_id - 1].tl.date)
        end = min(end, high) - add_offset
        start = max(end - limit, low)
        end = min(max(end, start), high)
        return list(reversed(ids[start:end])), len(ids) - end

    def _record(self, kind: EventKind, ids: tuple[int, ...], at: datetime) -> Event:
        self.pts += len(ids)
        self.moved_at = at
        event = Event(pts=self.pts, count=len(ids), kind=kind, ids=ids)
        self.events.append(event)
        return event
