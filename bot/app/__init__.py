"""Configuration in, running service out: the composition root and its parts."""

from bot.app.checks import Finding, check_account, check_all
from bot.app.parts import in_use, load_rules, open_account, open_begun_store, open_store, wanted_channels
from bot.app.service import run

__all__ = [
    "Finding",
    "check_account",
    "check_all",
    "in_use",
    "load_rules",
    "open_account",
    "open_begun_store",
    "open_store",
    "run",
    "wanted_channels",
]
