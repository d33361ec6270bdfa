"""Which of the unread messages wait for the rest of their album. Pure.

Telegram sends an album item by item: about a second apart at most, but a difference or a sweep may cut it anywhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.model import ChannelId, How
from bot.monitor import Reading

# An album is complete when no new item of it was heard for so long, and no item is held longer than that.
QUIET = timedelta(seconds=1.5)
LONGEST = timedelta(seconds=10)


def waiting(readings: Iterable[Reading], now: datetime) -> tuple[frozenset[int], datetime | None]:
    """The raw ids of the items of albums that may not be complete yet, and when the first of those albums is.

    What a backfill reads alerts nobody and waits for nobody. A clock that was set back holds nothing up.
    """
    held: set[int] = set()
    moments: list[datetime] = []
    for items in _albums(readings).values():
        heard = [item.unread.heard_at for item in items]
        complete = min(max(heard) + QUIET, min(heard) + LONGEST)
        if max(heard) <= now < complete:
            held.update(item.unread.raw_id for item in items)
            moments.append(complete)
    return frozenset(held), min(moments, default=None)


def cut(readings: Sequence[Reading]) -> frozenset[int]:
    """The raw ids of the album that the last reading is an item of: on the next page there may be more of it."""
    last = readings[-1].message if readings else None
    if last is None or last.album_id is None:
        return frozenset()
    items = _albums(readings).get((last.channel_id, last.album_id), [])
    return frozenset(item.unread.raw_id for item in items)


def _albums(readings: Iterable[Reading]) -> dict[tuple[ChannelId, int], list[Reading]]:
    albums: dict[tuple[ChannelId, int], list[Reading]] = defaultdict(list)
    for reading in readings:
        message = reading.message
        if message.album_id is not None and reading.unread.how is not How.BACKFILL:
            albums[message.channel_id, message.album_id].append(reading)
    return albums
