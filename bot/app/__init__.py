"""Configuration in, running service out: the composition root and its parts."""

from bot.app.accounts import look_up
from bot.app.checks import Finding, check_account, check_all
from bot.app.parts import (
    carrier_of,
    in_use,
    load_rules,
    open_account,
    open_begun_store,
    open_store,
    rules_folder,
    sink_names,
)
from bot.app.service import run

__all__ = [
    "Finding",
    "carrier_of",
    "check_account",
    "check_all",
    "in_use",
    "load_rules",
    "look_up",
    "open_account",
    "open_begun_store",
    "open_store",
    "rules_folder",
    "run",
    "sink_names",
]
