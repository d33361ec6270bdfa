"""A status and facts in which all is well, for tests that change one thing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.health.facts import AccountFacts, Bounds, Disk, Facts
from bot.model import AccountState, Channel, ChannelId, Gap, MessageId, WatchingAccount
from bot.store import ChannelStatus, Lag, Status

NOON = datetime(2023, 7, 12, 12, 0, tzinfo=UTC)
BOUNDS = Bounds()


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def channel(number: int = 1, **changes: Any) -> Channel:
    """A channel that the account `main` hears."""
    given = {"handle": f"channel{number}", "account": "main", "top_id": MessageId(100), **changes}
    return Channel(channel_id=ChannelId(-1_001_000_000_000 - number), access_hash=1, **given)


def row(number: int = 1, *, of: dict[str, Any] | None = None, **changes: Any) -> ChannelStatus:
    """A channel whose last post came ten minutes ago, in two seconds. `of`: changes of the channel itself."""
    lag = Lag(posts=200, p50=1.0, p99=2.0, max=3.0, newest=2.0, newest_at=NOON - minutes(10))
    given = {"messages": 200, "versions": 210, "deleted": 1, "gaps": 0, "newest_at": NOON - minutes(10), "lag": lag}
    return ChannelStatus(channel=channel(number, **(of or {})), **{**given, "usual_gap": 3600.0, **changes})


def gap(first: int, last: int, *, since: datetime, number: int = 1, reason: str = "not pushed") -> Gap:
    """A gap of channel `number`."""
    return Gap(
        channel_id=channel(number).channel_id,
        first=MessageId(first),
        last=MessageId(last),
        since=since,
        reason=reason,
    )


def status(*rows: ChannelStatus, **changes: Any) -> Status:
    """A status with these channels; nothing waits."""
    well = Status(
        channels=rows,
        recordings={},
        oldest_wanted=None,
        oldest_fetched=None,
        outbox={},
        oldest_due=None,
        held_up={},
        unread=0,
        quarantined=0,
        waits=(),
        alerts={},
        failed=(),
        accounts=(WatchingAccount(name="main", state=AccountState.ACTIVE, since=NOON - minutes(600)),),
    )
    return replace(well, **changes)


def facts(**changes: Any) -> Facts:
    """A service that has run for an hour and swept half a minute ago."""
    main = AccountFacts(swept_at=NOON - minutes(0.5), clock_offset=0.2)
    disk = Disk(folder="/srv/earshot/data", free=50_000_000_000, total=100_000_000_000)
    return Facts(**{"started_at": NOON - minutes(60), "accounts": {"main": main}, "disk": disk, **changes})
