"""The figures for Prometheus, collected anew for each scrape from the store's status and the running service.

Names, units and help follow https://prometheus.io/docs/practices/naming/; docs/operations.md lists them all.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from bot.health.channel_alarms import behind
from bot.health.facts import Facts
from bot.model import Alarm
from bot.store import ChannelStatus, Status

# Label values, then the figure.
Sample = tuple[tuple[str, ...], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one scrape shows."""

    status: Status
    facts: Facts
    # Loop -> seconds without progress.
    idle: Mapping[str, float]
    alarms: Sequence[Alarm]
    version: str
    now: datetime

    @property
    def rows(self) -> list[ChannelStatus]:
        """The channels that are watched."""
        return [row for row in self.status.channels if row.channel.watched]

    def age(self, since: datetime | None) -> float:
        """Seconds since then; 0 for None: nothing waits."""
        return 0.0 if since is None else max((self.now - since).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: what it is called, what it says, and where its samples come from."""

    name: str
    labels: tuple[str, ...]
    help: str
    samples: Callable[[Snapshot], Iterable[Sample]]

    def collect(self, snapshot: Snapshot) -> Metric:
        """The metric now; a name that ends in `_total` is a counter."""
        kind = CounterMetricFamily if self.name.endswith("_total") else GaugeMetricFamily
        metric = kind(self.name, self.help, labels=self.labels)
        for values, figure in self.samples(snapshot):
            metric.add_metric(values, figure)
        return metric


def exposition(snapshot: Snapshot) -> bytes:
    """The snapshot in Prometheus' text format, with the process's own figures under their usual names."""
    registry = CollectorRegistry()
    registry.register(_Collector(snapshot))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Collector:
    """What a registry asks. It keeps no figures: they are in the database or in the loops."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        """Every family, also one without a sample now."""
        return (family.collect(self._snapshot) for family in FAMILIES)


def _by_channel(figure: Callable[[Snapshot, ChannelStatus], float | None]) -> Callable[[Snapshot], Iterator[Sample]]:
    """A sample for each watched channel that has the figure."""

    def samples(shot: Snapshot) -> Iterator[Sample]:
        for row in shot.rows:
            if (value := figure(shot, row)) is not None:
                yield _labels(row), value

    return samples


def _labels(row: ChannelStatus) -> tuple[str, str]:
    return str(row.channel.channel_id), row.channel.name


def _lags(shot: Snapshot) -> Iterator[Sample]:
    for row in shot.rows:
        if lag := row.lag:
            for quantile, seconds in (("0.5", lag.p50), ("0.99", lag.p99), ("1", lag.max)):
                yield (*_labels(row), quantile), seconds


def _account_states(shot: Snapshot) -> Iterator[Sample]:
    counts = Counter(account.state.value for account in shot.status.accounts)
    return (((state,), number) for state, number in counts.items())


def _calls(shot: Snapshot) -> Iterator[Sample]:
    for name, account in shot.facts.accounts.items():
        for method, number in sorted(account.calls.items()):
            yield (name, method), number


def _clock_offsets(shot: Snapshot) -> Iterator[Sample]:
    for name, account in shot.facts.accounts.items():
        if account.clock_offset is not None:
            yield (name,), account.clock_offset


def _pending(shot: Snapshot) -> Iterator[Sample]:
    stages = [since for since in (shot.status.oldest_wanted, shot.status.oldest_fetched) if since is not None]
    yield (), shot.age(min(stages, default=None))


def _canary(shot: Snapshot) -> Iterator[Sample]:
    if shot.facts.canary and shot.facts.canary.heard_at:
        yield (), shot.age(shot.facts.canary.heard_at)


def _round_trip(shot: Snapshot) -> Iterator[Sample]:
    if shot.facts.canary and shot.facts.canary.round_trip is not None:
        yield (), shot.facts.canary.round_trip


def _disk_free(shot: Snapshot) -> Iterator[Sample]:
    if shot.facts.disk:
        yield (), shot.facts.disk.free


CHANNEL = ("channel_id", "channel")
FAMILIES = (
    Family(
        "earshot_channel_lag_seconds",
        (*CHANNEL, "quantile"),
        "From post to record, over the last 24 hours; quantile 1 is the worst.",
        _lags,
    ),
    Family(
        "earshot_channel_behind_seconds",
        CHANNEL,
        "How late it is: its newest post is not stored, came late, or nobody has looked.",
        _by_channel(lambda shot, row: behind(row, shot.facts, shot.now).lag.total_seconds()),
    ),
    Family("earshot_channel_open_ids", CHANNEL, "Message ids unaccounted for.", _by_channel(lambda _, row: row.gaps)),
    Family("earshot_channel_posts_total", CHANNEL, "Posts recorded.", _by_channel(lambda _, row: row.messages)),
    Family(
        "earshot_channel_newest_post_timestamp_seconds",
        CHANNEL,
        "When its newest post was posted.",
        _by_channel(lambda _, row: row.newest_at.timestamp() if row.newest_at else None),
    ),
    Family(
        "earshot_oldest_gap_age_seconds",
        (),
        "Age of the oldest open gap; 0 without one.",
        lambda shot: [((), shot.age(shot.status.oldest_gap.since if shot.status.oldest_gap else None))],
    ),
    Family(
        "earshot_oldest_due_age_seconds",
        ("sink",),
        "Age of the oldest message that waits for the sink.",
        lambda shot: (((sink,), shot.age(since)) for sink, since in shot.status.oldest_due_by.items()),
    ),
    Family(
        "earshot_oldest_pending_recording_age_seconds",
        (),
        "How long the recording that waits longest has been in its state; 0 without one.",
        _pending,
    ),
    Family(
        "earshot_oldest_hearing_age_seconds",
        (),
        "How long the hearing after a first one that waits longest has been wanted; 0 without one.",
        lambda shot: [((), shot.age(shot.status.oldest_hearing))],
    ),
    Family(
        "earshot_hearings",
        ("state",),
        "Hearings after the first by state: second passes, and what is heard again on request.",
        lambda shot: (((state.value,), number) for state, number in shot.status.hearings.items()),
    ),
    Family(
        "earshot_oldest_untranslated_age_seconds",
        (),
        "How long the text that waits longest for its English has waited; 0 without one.",
        lambda shot: [((), shot.age(shot.status.oldest_untranslated))],
    ),
    Family(
        "earshot_translations",
        ("state",),
        "Texts of alerted posts by state on their way to English.",
        lambda shot: (((state.value,), number) for state, number in shot.status.translations.items()),
    ),
    Family(
        "earshot_outbox_messages",
        ("sink", "state"),
        "Alerts and notices by sink and state.",
        lambda shot: (((sink, state.value), number) for (sink, state), number in shot.status.outbox.items()),
    ),
    Family(
        "earshot_alerts_total",
        ("rule",),
        "Alerts raised.",
        lambda shot: (((rule,), number) for rule, number in shot.status.alerts.items()),
    ),
    Family(
        "earshot_recordings",
        ("state",),
        "Recordings by state.",
        lambda shot: (((state.value,), number) for state, number in shot.status.recordings.items()),
    ),
    Family("earshot_unread_messages", (), "Heard, not yet read.", lambda shot: [((), shot.status.unread)]),
    Family(
        "earshot_quarantined_messages", (), "Could not be read; kept.", lambda shot: [((), shot.status.quarantined)]
    ),
    Family(
        "earshot_flood_wait_seconds",
        ("account", "method"),
        "What is left of a flood wait in force.",
        lambda shot: (((w.account, w.method), (w.until - shot.now).total_seconds()) for w in shot.status.waits),
    ),
    Family("earshot_accounts", ("state",), "Watching accounts by state.", _account_states),
    Family(
        "earshot_account_channels",
        ("account",),
        "Channels that the account carries.",
        lambda shot: (((account.name,), account.channels) for account in shot.status.accounts),
    ),
    Family("earshot_telegram_calls_total", ("account", "method"), "Requests sent since the start.", _calls),
    Family(
        "earshot_clock_offset_seconds",
        ("account",),
        "How far this machine's clock is ahead of Telegram's.",
        _clock_offsets,
    ),
    Family(
        "earshot_loop_idle_seconds",
        ("loop",),
        "How long the loop has shown no progress; 0 while it waits for work.",
        lambda shot: (((name,), seconds) for name, seconds in shot.idle.items()),
    ),
    Family(
        "earshot_alarms",
        ("alarm",),
        "1 for each alarm in force.",
        lambda shot: (((alarm.name,), 1.0) for alarm in shot.alarms),
    ),
    Family("earshot_canary_age_seconds", (), "Since a canary last came through.", _canary),
    Family("earshot_canary_round_trip_seconds", (), "From post to ping of the last canary.", _round_trip),
    Family("earshot_disk_free_bytes", (), "Left on the disk of the data folder.", _disk_free),
    Family("earshot_build_info", ("version",), "1, with the version.", lambda shot: [((shot.version,), 1.0)]),
)
