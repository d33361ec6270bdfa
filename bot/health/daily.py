"""The daily line: one sentence in the chat that says the day was whole, or in what it was not."""

from collections.abc import Sequence
from datetime import UTC, datetime, time

from bot.canary import CANARY
from bot.health.words import ago, count
from bot.model import ChannelId
from bot.store import ChannelStatus, Day, Status, Store

# The mark of a database that has seen the hour of a daily line before.
_BEGUN = "daily"
_EVER = datetime.min.replace(tzinfo=UTC)


class Daily:
    """Tells the line once a day whatever is restarted when, and late on the same day when nothing ran at its hour."""

    def __init__(self, store: Store, sinks: Sequence[str], *, at: time | None) -> None:
        """`at`: time of day in UTC; None for no line."""
        self._store = store
        self._sinks = tuple(sinks)
        self._at = at
        # The last day that needs no more asking.
        self._done: str | None = None

    async def tell(self, status: Status, now: datetime) -> bool:
        """Tell today's line if it is due and was not told; whether it was told now. Raises StoreError."""
        today = f"{_BEGUN}:{now:%Y-%m-%d}"
        if self._at is None or now.time() < self._at or self._done == today:
            return False
        # At the first one there is no whole day to tell of.
        first = await self._store.alarms.tell_once(_BEGUN, (), "", now)
        sinks = () if first else self._sinks
        told = await self._store.alarms.tell_once(today, sinks, daily_line(status), now)
        self._done = today
        return told and bool(sinks)


def daily_line(status: Status) -> str:
    """As `24 h: 1,234 posts in 74 channels; 12 alerts, 12 delivered; 0 ids open; worst lag 3 s (@x)`.

    It begins with ⚠ when something was not delivered or not accounted for, and says what.
    """
    day = status.day
    rows = [row for row in status.channels if row.channel.watched and row.channel.category != CANARY]
    open_ids = sum(row.gaps for row in rows)
    parts = (
        f"{count(day.posts, 'post')} in {count(len(rows), 'channel')}",
        f"{count(day.alerts, 'alert')}, {_delivered(day)}",
        f"{count(open_ids, 'id')} open{_oldest(status, rows)}",
        f"worst lag {ago(day.worst_lag)}{_whose(status)}",
    )
    sign = "⚠ " if open_ids or day.due or day.failed else ""
    return f"{sign}24 h: {'; '.join(parts)}"


def _delivered(day: Day) -> str:
    """With several sinks an alert is several deliveries."""
    wanted = day.sent + day.due + day.failed
    if day.sent == wanted:
        return f"{day.alerts:,} delivered"
    missing = ", ".join(f"{number:,} {what}" for number, what in ((day.due, "due"), (day.failed, "failed")) if number)
    return f"only {day.sent:,} of {wanted:,} deliveries made ({missing})"


def _oldest(status: Status, rows: Sequence[ChannelStatus]) -> str:
    gap = min((row.oldest_gap for row in rows if row.oldest_gap), key=lambda gap: gap.since or _EVER, default=None)
    if gap is None:
        return ""
    return f", the oldest in {_name(status, gap.channel_id)}" + (f" ({gap.reason})" if gap.reason else "")


def _whose(status: Status) -> str:
    channel_id = status.day.worst_channel
    return "" if channel_id is None else f" ({_name(status, channel_id)})"


def _name(status: Status, channel_id: ChannelId) -> str:
    names = (row.channel.name for row in status.channels if row.channel.channel_id == channel_id)
    return next(names, str(channel_id))
