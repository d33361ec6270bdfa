"""The watch rules of a configuration."""

from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.forms_file import parse_with_forms
from bot.rules import RuleSet

if TYPE_CHECKING:
    # A query by itself needs no settings, which take a while to load.
    from bot.config import Config


def load_rules(config: "Config", *, keep: bool = False) -> RuleSet:
    """The watch rules, compiled; with `keep`, what that takes long for is kept on disk. RuleError with file and line."""
    return parse_with_forms(config.rules, config.data_folder, keep=keep)


def rules_folder(config: "Config") -> Path:
    """Where the rule files lie."""
    return (config.file.parent / config.settings.rules_folder.expanduser()).resolve()
