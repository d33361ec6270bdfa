"""A Telegram of our own on loopback: real MTProto for an unmodified client, for the demo, drills and tests."""

from bot.sandbox import auth, configuration, handlers  # noqa: F401 - importing them registers the handlers
from bot.sandbox.faults import Faults
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World

__all__ = ["Faults", "Sandbox", "World"]
