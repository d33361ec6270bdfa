"""What is wrong with one channel: it is behind, quiet, has gaps, or can no longer be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.canary import CANARY
from bot.health.facts import Bounds, Facts
from bot.health.words import ago, count
from bot.model import Alarm, ChannelState
from bot.store import ChannelStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """How far a channel is behind, and why."""

    since: datetime
    why: str


def behind(row: ChannelStatus, facts: Facts, now: datetime) -> Behind:
    """What a channel is behind by, for the worst of three reasons; `since` is `now` when it is not behind.

    A post that the server named is not stored; nobody has looked at the channel; or its newest post was stored late,
    which is forgotten once as much time has passed again.
    """
    reasons = [Behind(since=now, why=""), _unlooked(row, facts)]
    if row.unseen_since is not None:
        reasons.append(Behind(since=row.unseen_since, why=f"post {row.channel.top_id} is not stored"))
    if row.lag is not None:
        late = timedelta(seconds=row.lag.newest)
        if now - row.lag.newest_at < late:
            reasons.append(Behind(since=row.lag.newest_at - late, why="its newest post came late"))
    return min(reasons, key=lambda reason: reason.since)


def find(row: ChannelStatus, facts: Facts, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    """The alarms of one channel. One that cannot be read is not called late or quiet as well."""
    if not row.channel.watched:
        return
    yield from _gap(row, bounds, now)
    if row.channel.state is not ChannelState.ACTIVE:
        yield _unreadable(row, now)
        return
    late = behind(row, facts, now)
    if now - late.since > bounds.lag:
        lag = (now - late.since).total_seconds()
        text = f"{row.channel.name} is {ago(lag)} behind: {late.why}"
        yield Alarm(name=f"lag:{row.channel.channel_id}", since=late.since, text=text)
    else:
        yield from _quiet(row, facts, bounds, now)


def _unlooked(row: ChannelStatus, facts: Facts) -> Behind:
    name = row.channel.account
    if name is None:
        return Behind(since=facts.started_at, why="no account hears it")
    account = facts.accounts.get(name)
    swept_at = account.swept_at if account else None
    return Behind(since=swept_at or facts.started_at, why=f"the account {name} has not looked at it for so long")


def _unreadable(row: ChannelStatus, now: datetime) -> Alarm:
    channel = row.channel
    why = f" ({channel.state_reason})" if channel.state_reason else ""
    text = f"{channel.name} can no longer be read: it is {channel.state.value}{why}"
    return Alarm(name=f"channel:{channel.channel_id}", since=channel.state_since or now, text=text)


def _gap(row: ChannelStatus, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    gap = row.oldest_gap
    if gap is None or gap.since is None or now - gap.since <= bounds.gap:
        return
    ids = f"post {gap.first}" if gap.first == gap.last else f"posts {gap.first} to {gap.last}"
    why = f" ({gap.reason})" if gap.reason else ""
    open_ids = f"; {count(row.gaps, 'id')} open" if row.gaps > gap.last - gap.first + 1 else ""
    text = f"{row.channel.name}: {ids} unaccounted for since {ago((now - gap.since).total_seconds())}{why}{open_ids}"
    yield Alarm(name=f"gap:{row.channel.channel_id}", since=gap.since, text=text)


def _quiet(row: ChannelStatus, facts: Facts, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    """Told only once the server was asked, and never before the bound for lag: who posts every second may pause."""
    account = facts.accounts.get(row.channel.account or "")
    asked = account is not None and account.swept_at is not None
    if not asked or not bounds.quiet_factor or row.usual_gap is None or row.newest_at is None:
        return
    quiet = now - row.newest_at
    bound = max(timedelta(seconds=row.usual_gap * bounds.quiet_factor), bounds.lag)
    if quiet > bound and row.channel.category != CANARY:
        usual = ago(row.usual_gap)
        text = f"{row.channel.name} is quiet for {ago(quiet.total_seconds())}; its usual longest pause is {usual}"
        yield Alarm(name=f"quiet:{row.channel.channel_id}", since=row.newest_at, text=text)
