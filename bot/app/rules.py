"""The watch rules of a configuration."""

import gc
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


def spare_collector() -> None:
    """Let Python's garbage collector leave alone what is alive now. For a start, when the rules are compiled.

    Ten thousand rules are hundreds of thousands of objects, none in a cycle, that the collector would look through now
    and then: 0.2 s each time, in which no post is read. What is in a cycle already is collected first. Never done again
    while the service runs, as cycles of connections and tasks that are alive then would stay for ever; rules that are
    exchanged are in no cycle, so they go as soon as nobody holds them.
    """
    gc.collect()
    gc.freeze()


def rules_folder(config: "Config") -> Path:
    """Where the rule files lie."""
    return (config.file.parent / config.settings.rules_folder.expanduser()).resolve()
