"""What a listener holds, read by plain SQL from the database that it wrote (SQLite)."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.drills.truth import Address


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a message; `text` is None for a deletion."""

    number: int
    change: str
    text: str | None
    # Microseconds since 1970.
    stored_at: int
    # Of the raw message that it was read from; None for a deletion.
    heard_at: int | None


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert: its rule, its message and version, and whether it came from a transcript."""

    alert_id: int
    rule: str
    address: Address
    version: int
    spoken: bool
    created_at: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """A row of the outbox; `alert_id` is None for a notice."""

    random_id: int
    alert_id: int | None
    state: str


@dataclass(slots=True)
class Held:
    """Everything. `ids` maps addresses to ledger states; `gaps` are (channel, first, last, reason)."""

    watch_from: dict[int, int] = field(default_factory=dict)
    ids: dict[Address, str] = field(default_factory=dict)
    gaps: list[tuple[int, int, int, str]] = field(default_factory=list)
    versions: dict[Address, list[Version]] = field(default_factory=lambda: defaultdict(list))
    # Messages that are marked as deleted.
    deleted: set[Address] = field(default_factory=set)
    transcripts: dict[Address, str] = field(default_factory=dict)
    alerts: list[Raised] = field(default_factory=list)
    outbox: list[Parcel] = field(default_factory=list)
    unread: int = 0
    quarantined: int = 0
    # Recordings by state.
    recordings: dict[str, int] = field(default_factory=dict)

    def texts(self, address: Address) -> list[str]:
        """The states held of a post, oldest first."""
        return [version.text for version in self.versions.get(address, ()) if version.text is not None]


def held_by_earshot(database: Path) -> Held:
    """What Earshot holds; may be called while it runs."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)) as db:
        held = Held()
        held.watch_from = dict(db.execute("SELECT channel_id, watch_from FROM channels WHERE watched"))
        for channel, first, last, state in db.execute("SELECT channel_id, first_id, last_id, state FROM ledger"):
            held.ids |= {(channel, number): state for number in range(first, last + 1)}
        held.gaps = _gaps(db)
        for channel, message, number, change, stored_at, body, heard_at in db.execute(
            "SELECT v.channel_id, v.message_id, number, change, stored_at, v.message, heard_at FROM versions v"
            " LEFT JOIN raw_messages r USING (raw_id) ORDER BY number"
        ):
            text = None if body is None else json.loads(body).get("text", "")
            held.versions[channel, message].append(Version(number, change, text, stored_at, heard_at))
        held.deleted = set(db.execute("SELECT channel_id, message_id FROM messages WHERE deleted_at IS NOT NULL"))
        for channel, message, body in db.execute(
            "SELECT DISTINCT v.channel_id, v.message_id, t.transcript FROM versions v"
            " JOIN recordings r USING (recording_id) JOIN transcripts t USING (sha256)"
        ):
            held.transcripts[channel, message] = " ".join(one["text"] for one in json.loads(body)["segments"])
        held.alerts = [
            Raised(alert, rule, (channel, message), version, bool(spoken), at)
            for alert, rule, channel, message, version, spoken, at in db.execute(
                "SELECT alert_id, rule_id, channel_id, message_id, version, spoken, created_at FROM alerts"
            )
        ]
        held.outbox = [Parcel(*row) for row in db.execute("SELECT random_id, alert_id, state FROM outbox")]
        raw = dict(db.execute("SELECT state, count(*) FROM raw_messages GROUP BY state"))
        held.unread, held.quarantined = raw.get("unread", 0), raw.get("quarantined", 0)
        held.recordings = dict(db.execute("SELECT state, count(*) FROM recordings GROUP BY state"))
        return held


def _gaps(db: sqlite3.Connection) -> list[tuple[int, int, int, str]]:
    try:
        return list(db.execute("SELECT channel_id, first_id, last_id, reason FROM gaps"))
    except sqlite3.OperationalError:
        return []


@dataclass(slots=True)
class PlainHeld:
    """What a plain listener holds: the texts of each post as they came, what was deleted, rows per new post."""

    texts: Mapping[Address, Sequence[str]]
    deleted: frozenset[Address]
    rows: Mapping[Address, int]


def held_by_plain(database: Path) -> PlainHeld:
    """What the plain listener of `plain_listener` holds."""
    texts: dict[Address, list[str]] = defaultdict(list)
    rows: dict[Address, int] = defaultdict(int)
    if not database.exists():
        return PlainHeld({}, frozenset(), {})
    with closing(sqlite3.connect(database, timeout=5)) as db:
        for channel, message, text in db.execute("SELECT channel, message, text FROM posts ORDER BY rowid"):
            rows[channel, message] += 1
            texts[channel, message].append(text)
        for channel, message, text in db.execute("SELECT channel, message, text FROM edits ORDER BY rowid"):
            texts[channel, message].append(text)
        deleted = frozenset(db.execute("SELECT channel, message FROM deletions"))
    return PlainHeld(dict(texts), deleted, dict(rows))
