"""The status on the screen: what asks for attention first, then channels, accounts and queues."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.markup import escape

from bot.cli.edge import out, print_table, table
from bot.health.words import ago
from bot.model import (
    AccountState,
    Channel,
    ChannelId,
    ChannelState,
    DeliveryState,
    MessageId,
    RecordingState,
    post_link,
)
from bot.store import HearingState, Status, TranslationState


def print_snapshot(snapshot: Status, now: datetime) -> None:
    """Everything, within 100 columns as a rule."""
    view = _View(snapshot, now)
    for line in view.alarms():
        out.print(line)
    view.print_channels()
    view.print_accounts()
    for line in (*view.recordings(), *view.outbox(), *view.gaps(), *view.waits(), *view.unread()):
        out.print(line)


# What a recording is not yet; of one that is done in part, the whole is asked for.
_NOT_YET = {RecordingState.WANTED: "fetched", RecordingState.DONE: "whole"}


class _View:
    """The parts of one snapshot, as lines with markup."""

    def __init__(self, snapshot: Status, now: datetime) -> None:
        self._status = snapshot
        self._now = now
        self._known = {row.channel.channel_id: row.channel for row in snapshot.channels}

    def alarms(self) -> Iterator[str]:
        """In force, the oldest first; the words are those of the moment when each was raised."""
        for alarm in self._status.alarms:
            yield f"[red]alarm[/] since {self._ago(alarm.since)}: {escape(alarm.text)}"

    def print_channels(self) -> None:
        """Lag: over the last 24 hours."""
        posts = table("channel", ">posts", ">versions", ">deleted", ">gaps", ">newest", ">lag", ">p99", ">worst")
        for row in self._status.channels:
            lags = (row.lag.p50, row.lag.p99, row.lag.max) if row.lag else (None, None, None)
            state = row.channel.state
            name = escape(row.channel.name) + ("" if state is ChannelState.ACTIVE else f" [red]{state.value}[/]")
            figures = (row.messages, row.versions, row.deleted, row.gaps)
            posts.add_row(name, *map(str, figures), self._ago(row.newest_at), *map(ago, lags))
        print_table(posts)

    def print_accounts(self) -> None:
        """The reason stands below, for it can be long."""
        if not self._status.accounts:
            return
        rows = table("account", "state", ">channels", ">free slots", ">since")
        for account in self._status.accounts:
            well = account.state is AccountState.ACTIVE
            state = account.state.value if well else f"[red]{account.state.value}[/]"
            slots = "–" if account.slots is None else str(account.slots)
            rows.add_row(account.name, state, str(account.channels), slots, self._ago(account.since))
        print_table(rows)
        for account in self._status.accounts:
            if account.reason:
                out.print(f"  {account.name}: {escape(account.reason)}")

    def recordings(self) -> Iterator[str]:
        """Counts, the oldest that waits, what is tried again and what was given up."""
        waiting = min((at for at in (self._status.oldest_wanted, self._status.oldest_fetched) if at), default=None)
        oldest = f"; the oldest waits for {self._ago(waiting)}" if waiting else ""
        yield f"recordings: {_counts(self._status.recordings)}{oldest}"
        if hearings := self._status.hearings:
            waiting = self._status.oldest_hearing
            oldest = f"; the oldest waits for {self._ago(waiting)}" if waiting else ""
            yield f"heard again: {_counts(hearings)}{oldest}"
        if translations := self._status.translations:
            waiting = self._status.oldest_untranslated
            oldest = f"; the oldest waits for {self._ago(waiting)}" if waiting else ""
            yield f"into English: {_counts(translations)}{oldest}"
            if reason := self._status.untranslatable:
                yield f"[red]not in English[/] the last one: {escape(reason)}"
        for one in self._status.retrying:
            soon = max((one.next_try - self._now).total_seconds(), 0.0)
            stage = _NOT_YET.get(one.state, "transcribed")
            where = self._link(one.channel_id, one.message_id)
            yield f"[yellow]not yet {stage}[/] {where}: {escape(one.reason)}; try {one.attempts + 1} in {ago(soon)}"
        for failure in self._status.failed:
            where = self._link(failure.channel_id, failure.message_id)
            what = "transcribed in part" if failure.in_part else "not transcribed"
            yield f"[red]{what}[/] {where}: {escape(failure.reason)}"

    def outbox(self) -> Iterator[str]:
        """A line for each sink, with why it stands still."""
        for sink in dict.fromkeys(name for name, _ in self._status.outbox):
            counts = {state: number for (name, state), number in self._status.outbox.items() if name == sink}
            since = self._status.oldest_due_by.get(sink)
            oldest = f"; the oldest waits for {self._ago(since)}" if since else ""
            yield f"messages to {sink}: {_counts(counts)}{oldest}"
            if reason := self._status.held_up.get(sink):
                yield f"[red]held up[/] {escape(reason)}"

    def gaps(self) -> Iterator[str]:
        """The oldest one; `earshot audit` has them all."""
        if gap := self._status.oldest_gap:
            ids = f"post {gap.first}" if gap.first == gap.last else f"posts {gap.first} to {gap.last}"
            channel = self._known.get(gap.channel_id)
            name = channel.name if channel else str(gap.channel_id)
            why = f" ({gap.reason})" if gap.reason else ""
            yield f"[yellow]oldest gap[/] {escape(name)}, {ids}, open for {self._ago(gap.since)}{escape(why)}"

    def waits(self) -> Iterator[str]:
        """Flood waits in force."""
        for wait in self._status.waits:
            yield f"[yellow]flood wait[/] {wait.account} {wait.method} until {wait.until:%Y-%m-%d %H:%M:%S} UTC"

    def unread(self) -> Iterator[str]:
        """What was heard and not read."""
        if self._status.unread:
            yield f"heard, not yet read: {self._status.unread}"
        if self._status.quarantined:
            yield f"[red]could not be read[/]: {self._status.quarantined} (kept; the daemon's log says why)"

    def _ago(self, moment: datetime | None) -> str:
        return ago(None if moment is None else (self._now - moment).total_seconds())

    def _link(self, channel_id: ChannelId, message_id: MessageId) -> str:
        channel = self._known.get(channel_id, Channel(channel_id=channel_id, access_hash=0))
        return post_link(channel, message_id)


def canary_line(canary: Mapping[str, Any], now: datetime) -> str:
    """How the canary of a running daemon fares, by what /healthz says of it."""
    if canary["trouble"]:
        return f"[red]canary[/] not posted: {escape(canary['trouble'])}"
    if canary["heard_at"] is None:
        return "[yellow]canary[/] none came through since the start"
    passed = (now - datetime.fromisoformat(canary["heard_at"])).total_seconds()
    return f"canary: came through {ago(passed)} ago, in {canary['round_trip']:.1f} s"


def _counts(
    counts: Mapping[RecordingState, int]
    | Mapping[HearingState, int]
    | Mapping[TranslationState, int]
    | Mapping[DeliveryState, int],
) -> str:
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count) or "none"
