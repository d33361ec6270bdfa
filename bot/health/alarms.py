"""What has passed its bound: pure, from the store's status and what only the running service knows."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from bot.canary import CANARY
from bot.health import channel_alarms
from bot.health.facts import Bounds, Facts
from bot.health.words import ago, count, size
from bot.model import AccountState, Alarm, DeliveryState, RecordingState, Wait
from bot.store import Status

# So many alarms of one cause stand for themselves; more become one.
SEVERAL = 5
# The one stays until so few are left, so that it does not come and go.
_FEW = 2
_TOGETHER = {
    "lag": "channels are behind",
    "quiet": "channels are unusually quiet",
    "gap": "channels have gaps",
    "channel": "channels can no longer be read",
    "due": "sinks do not take their messages",
    "account": "watching accounts are out of action",
    "wait": "long flood waits are in force",
}


def find_alarms(status: Status, facts: Facts, bounds: Bounds, now: datetime) -> tuple[Alarm, ...]:
    """Everything that has passed its bound at `now`, those of one cause together when they are many.

    `status.alarms` are those in force so far: a flood wait stays an alarm until it is over, and what was put together
    stays together while there are several.
    """
    in_force = {alarm.name for alarm in status.alarms}
    found = [
        *_accounts(status, facts, bounds, now),
        *_waits(status, bounds, in_force, now),
        *_library(facts, now),
        *_clock(facts, bounds, now),
        *_disk(facts, bounds, now),
        *_loops(facts, now),
        *_canary(status, facts, now),
        *_due(status, bounds, now),
        *_speech(status, bounds, now),
    ]
    for row in status.channels:
        found += channel_alarms.find(row, facts, bounds, now)
    return tuple(_together(found, in_force))


def _accounts(status: Status, facts: Facts, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    for account in status.accounts:
        if account.name not in facts.accounts:
            # The settings name it no longer.
            continue
        since = account.since or now
        patience = bounds.unreachable if account.state is AccountState.UNREACHABLE else timedelta()
        if account.state is not AccountState.ACTIVE and now - since >= patience:
            why = f": {account.reason}" if account.reason else ""
            text = f"The watching account {account.name} is {account.state.value}{why}"
            yield Alarm(name=f"account:{account.name}", since=since, text=text)


def _waits(status: Status, bounds: Bounds, in_force: Collection[str], now: datetime) -> Iterator[Alarm]:
    for wait in status.waits:
        name = f"wait:{wait.account}:{wait.method}"
        if wait.until - now > bounds.flood_wait or name in in_force:
            yield Alarm(name=name, since=now, text=_wait_text(wait, now))


def _wait_text(wait: Wait, now: datetime) -> str:
    left = ago((wait.until - now).total_seconds())
    return (
        f"Telegram makes the account {wait.account} wait {left} with {wait.method}, until {wait.until:%d %b %H:%M} UTC"
    )


def _library(facts: Facts, now: datetime) -> Iterator[Alarm]:
    if number := sum(account.unknown_constructors for account in facts.accounts.values()):
        objects = count(number, "object")
        text = f"Telegram sent {objects} that this Earshot does not know: its Telegram library is too old, update it"
        yield Alarm(name="library", since=now, text=text)


def _clock(facts: Facts, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    offsets = [account.clock_offset for account in facts.accounts.values() if account.clock_offset is not None]
    worst = max(offsets, key=abs, default=0.0)
    if abs(worst) > bounds.clock.total_seconds():
        way = "ahead of" if worst > 0 else "behind"
        text = f"This machine's clock is {ago(abs(worst))} {way} Telegram's: set it, and let NTP keep it"
        yield Alarm(name="clock", since=now, text=text)


def _disk(facts: Facts, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    disk = facts.disk
    if disk is not None and disk.free < max(disk.total * bounds.disk_share, bounds.disk_bytes):
        text = f"The disk is almost full: {size(disk.free)} of {size(disk.total)} left for {disk.folder}"
        yield Alarm(name="disk", since=now, text=text)


def _loops(facts: Facts, now: datetime) -> Iterator[Alarm]:
    for name in facts.stuck:
        text = f"The loop {name} is stuck: it shows no progress; if nothing restarts Earshot, do"
        yield Alarm(name=f"loop:{name}", since=now, text=text)


def _canary(status: Status, facts: Facts, now: datetime) -> Iterator[Alarm]:
    canary = facts.canary
    if canary is None:
        return
    since = canary.heard_at or facts.started_at
    silent = (now - since).total_seconds()
    if silent > 2 * canary.every:
        # Where it stuck, as far as one of the two ends can tell.
        why = canary.trouble or status.held_up.get(CANARY)
        text = f"No canary came through for {ago(silent)}" + (f": {why}" if why else "")
        yield Alarm(name="canary", since=since, text=text)


def _due(status: Status, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    for sink, since in status.oldest_due_by.items():
        # The canary has an alarm of its own.
        if sink == CANARY or now - since <= bounds.due:
            continue
        waiting = count(status.outbox.get((sink, DeliveryState.DUE), 0), "message")
        why = f": {reason}" if (reason := status.held_up.get(sink)) else ""
        text = f"{waiting} to {sink} due, the oldest since {ago((now - since).total_seconds())}{why}"
        yield Alarm(name=f"due:{sink}", since=since, text=text)


def _speech(status: Status, bounds: Bounds, now: datetime) -> Iterator[Alarm]:
    stages = [since for since in (status.oldest_wanted, status.oldest_fetched) if since is not None]
    since = min(stages, default=now)
    if now - since > bounds.speech:
        numbers = (status.recordings.get(state, 0) for state in (RecordingState.WANTED, RecordingState.FETCHED))
        waiting = count(sum(numbers), "recording")
        text = f"{waiting} without a transcript, the oldest since {ago((now - since).total_seconds())}"
        yield Alarm(name="speech", since=since, text=text)


def _together(found: Iterable[Alarm], in_force: Collection[str]) -> Iterator[Alarm]:
    """The alarms, those of one cause as one when they are more than several."""
    causes: defaultdict[str, list[Alarm]] = defaultdict(list)
    for alarm in found:
        causes[cause(alarm.name)].append(alarm)
    for name, alarms in causes.items():
        if len(alarms) > (_FEW if name in in_force else SEVERAL) and name in _TOGETHER:
            yield _as_one(name, alarms)
        else:
            yield from alarms


def _as_one(name: str, alarms: Sequence[Alarm]) -> Alarm:
    first = min(alarms, key=lambda alarm: alarm.since)
    return Alarm(name=name, since=first.since, text=f"{len(alarms):,} {_TOGETHER[name]}; the longest: {first.text}")


def cause(name: str) -> str:
    """Of an alarm's name: what it has in common with others, as `lag`."""
    return name.partition(":")[0]
