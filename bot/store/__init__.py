"""What is kept: the only room that knows the database. Each verb is one transaction, and repeating it changes nothing."""

from bot.store.events import Burst
from bot.store.nouns import (
    Appearance,
    ChannelStatus,
    Day,
    FailedRecording,
    Known,
    Lag,
    Observation,
    RetryingRecording,
    Status,
)
from bot.store.store import Store
from bot.store.texts import parse_query

__all__ = [
    "Appearance",
    "Burst",
    "ChannelStatus",
    "Day",
    "FailedRecording",
    "Known",
    "Lag",
    "Observation",
    "RetryingRecording",
    "Status",
    "Store",
    "parse_query",
]
