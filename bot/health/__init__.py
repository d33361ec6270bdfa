"""How the service watches itself: alarms, the daily line, the canary; HTTP on loopback, systemd."""

from bot.health.http import Health, ask, require_free_port
from bot.health.jsonable import to_json
from bot.health.systemd import notify_systemd

__all__ = ["Health", "ask", "notify_systemd", "require_free_port", "to_json"]
