"""How the service watches itself: alarms, the daily line, the canary's end; HTTP on loopback, systemd."""

from bot.health.alarms import find_alarms
from bot.health.canary import CanarySink
from bot.health.daily import Daily, daily_line
from bot.health.facts import AccountFacts, Bounds, CanaryFacts, Disk, Facts, measure
from bot.health.http import Health, Loops, ask, require_free_port
from bot.health.jsonable import to_json
from bot.health.metrics import FAMILIES, Snapshot, exposition
from bot.health.systemd import notify_systemd
from bot.health.watchman import LOOK_SECONDS, Watchman
from bot.health.words import ago, count

__all__ = [
    "FAMILIES",
    "LOOK_SECONDS",
    "AccountFacts",
    "Bounds",
    "CanaryFacts",
    "CanarySink",
    "Daily",
    "Disk",
    "Facts",
    "Health",
    "Loops",
    "Snapshot",
    "Watchman",
    "ago",
    "ask",
    "count",
    "daily_line",
    "exposition",
    "find_alarms",
    "measure",
    "notify_systemd",
    "require_free_port",
    "to_json",
]
