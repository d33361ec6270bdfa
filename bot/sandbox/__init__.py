"""A Telegram of our own on loopback: real MTProto for an unmodified client, for the demo, drills and tests."""

import importlib
import pkgutil

from bot.sandbox.server import Sandbox

# Registers the handlers.
for _module in pkgutil.iter_modules(__path__):
    if _module.name != "handlers":
        importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["Sandbox"]
