"""What is kept: the only room that knows the database. Each verb is one transaction, and repeating it changes nothing."""

from bot.store.alert_rows import Raised
from bot.store.events import Burst
from bot.store.nouns import (
    Appearance,
    ChannelStatus,
    Day,
    Deletion,
    FailedRecording,
    Known,
    Lag,
    Observation,
    Past,
    RetryingRecording,
    Status,
)
from bot.store.past import Page, Window
from bot.store.store import Store
from bot.store.texts import excerpt, parse_query
from bot.store.wishes import Every, Holds, Some, Wish

__all__ = [
    "Appearance",
    "Burst",
    "ChannelStatus",
    "Day",
    "Deletion",
    "Every",
    "FailedRecording",
    "Holds",
    "Known",
    "Lag",
    "Observation",
    "Page",
    "Past",
    "Raised",
    "RetryingRecording",
    "Some",
    "Status",
    "Store",
    "Window",
    "Wish",
    "excerpt",
    "parse_query",
]
