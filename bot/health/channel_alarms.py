"""What is wrong with one channel: it is behind, quiet, has gaps, or can no longer be read."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.canary import CANARY
from bot.health.facts import Bounds, Facts
from bot.health.words import ago, count
from bot.model import Alarm, ChannelState
from bot.store import ChannelStatus

# A channel whose newest post came late is not behind for ever: it may post nothing more for days.
_REMEMBERED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """How far a channel is behind, since when, and why."""

    lag: timedelta
    since: datetime
    why: str


def behind(row: ChannelStatus, facts: Facts, now: datetime) -> Behind:
    """How far a channel is behind, by the worst of three reasons: a post that the server named is not stored, nobody has
    looked at the channel, or its newest post has just come late."""
    reasons = [_unlooked(row, facts, now)]
    if row.unseen_since is not None:
        why = f"post {row.channel.top_id} is not stored"
        reasons.append(Behind(lag=now - row.unseen_since, since=row.unseen_since, why=why))
    if row.lag is not None and now - row.lag.newest_at < _REMEMBERED:
        late = timedelta(seconds=row.lag.newest)
        reasons.append(Behind(lag=late, since=row.lag.newest_at - late, why="its newest post came late"))
    return max(reasons, key=lambda reason: reason.lag)


def find(row: ChannelStatus, facts: Facts, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    """The alarms of one channel. One that cannot be read is not called late or quiet as well."""
    if not row.channel.watched:
        return
    yield from _gap(row, bounds, now)
    if row.channel.state is not ChannelState.ACTIVE:
        yield _unreadable(row, now)
        return
    late = behind(row, facts, now)
    if late.lag > bounds.lag:
        text = f"{row.channel.name} is {ago(late.lag.total_seconds())} behind: {late.why}"
        yield Alarm(name=f"lag:{row.channel.channel_id}", since=late.since, text=text)
    else:
        yield from _quiet(row, facts, bounds, now)


def _unlooked(row: ChannelStatus, facts: Facts, now: datetime) -> Behind:
    name = row.channel.account
    account = facts.accounts.get(name) if name else None
    since = (account.swept_at if account else None) or facts.started_at
    why = f"the account {name} has not looked at it for so long" if name else "no account hears it"
    return Behind(lag=max(now - since, timedelta()), since=since, why=why)


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
    """Told only once the server was asked, and never before the bound for lag: who posts every second may pause.

    Nor is it told so soon after a start: what was posted while nothing ran is still being fetched.
    """
    account = facts.accounts.get(row.channel.account or "")
    asked = account is not None and account.swept_at is not None and now - facts.started_at > bounds.lag
    if not asked or not bounds.quiet_factor or row.usual_gap is None or row.newest_at is None:
        return
    quiet = now - row.newest_at
    bound = max(timedelta(seconds=row.usual_gap * bounds.quiet_factor), bounds.lag)
    if quiet > bound and row.channel.category != CANARY:
        usual = ago(row.usual_gap)
        text = f"{row.channel.name} is quiet for {ago(quiet.total_seconds())}; its usual longest pause is {usual}"
        yield Alarm(name=f"quiet:{row.channel.channel_id}", since=row.newest_at, text=text)
