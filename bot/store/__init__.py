"""What is kept: the only room that knows the database. Each verb is one transaction, and repeating it changes nothing."""

from bot.store.alert_rows import Raised
from bot.store.events import Burst
from bot.store.nouns import (
    Alerted,
    Appearance,
    ChannelStatus,
    Corrected,
    Day,
    Deletion,
    FailedHearing,
    FailedRecording,
    Hearing,
    HearingState,
    Known,
    Lag,
    Observation,
    Past,
    Progress,
    Reheard,
    Rehearing,
    RetryingRecording,
    Status,
    TranslationState,
    Untranslated,
    Why,
)
from bot.store.past import Page, Window
from bot.store.store import Store
from bot.store.texts import excerpt, parse_query
from bot.store.wishes import Every, Holds, Some, Wish

__all__ = [
    "Alerted",
    "Appearance",
    "Burst",
    "ChannelStatus",
    "Corrected",
    "Day",
    "Deletion",
    "Every",
    "FailedHearing",
    "FailedRecording",
    "Hearing",
    "HearingState",
    "Holds",
    "Known",
    "Lag",
    "Observation",
    "Page",
    "Past",
    "Progress",
    "Raised",
    "Reheard",
    "Rehearing",
    "RetryingRecording",
    "Some",
    "Status",
    "Store",
    "TranslationState",
    "Untranslated",
    "Why",
    "Window",
    "Wish",
    "excerpt",
    "parse_query",
]
