"""What alarms and metrics are made of, beside the store's status: what only the running service knows."""

import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """One watching account, as this process sees it."""

    # When it last compared all its channels with the server; None: not since the start.
    swept_at: datetime | None = None
    # Seconds that our clock is ahead of Telegram's (negative: behind); None while not measured.
    clock_offset: float | None = None
    # Telegram's objects that our library does not know: how many came.
    unknown_constructors: int = 0
    # Requests sent, by Telegram's name of the method.
    calls: Mapping[str, int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryFacts:
    """How the canary fares."""

    # Seconds between two posts.
    every: float
    # When one last came through in time; None: not since the start.
    heard_at: datetime | None = None
    # Seconds from post to ping, of that one.
    round_trip: float | None = None
    # Why the last one could not be posted; None when it was.
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The disk that holds the data folder, in bytes."""

    folder: str
    free: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What only the running service knows."""

    started_at: datetime
    accounts: Mapping[str, AccountFacts] = field(default_factory=dict)
    disk: Disk | None = None
    # Loops without progress for longer than they may.
    stuck: tuple[str, ...] = ()
    # None: there is no canary.
    canary: CanaryFacts | None = None


def measure(folder: Path) -> Disk:
    """The disk under `folder`. Raises OSError."""
    usage = shutil.disk_usage(folder)
    return Disk(folder=str(folder), free=usage.free, total=usage.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What may pass before an alarm is raised."""

    lag: timedelta = timedelta(minutes=10)
    # Times a channel's usual longest pause; 0: no alarm.
    quiet_factor: float = 3.0
    gap: timedelta = timedelta(minutes=30)
    due: timedelta = timedelta(minutes=10)
    speech: timedelta = timedelta(minutes=60)
    # Either way.
    clock: timedelta = timedelta(seconds=10)
    flood_wait: timedelta = timedelta(hours=1)
    # An account that is cut off mends itself, as a rule.
    unreachable: timedelta = timedelta(minutes=2)
    # Of the disk, free: the larger of the two.
    disk_share: float = 0.05
    disk_bytes: int = 1_000_000_000
