"""A rule as the user names it at the command line: by its id, or as a query."""

import re
from typing import TYPE_CHECKING

from bot.app.rules import load_rules
from bot.errors import ConfigError, RuleError
from bot.rules import Rule, RuleFile, RuleSet
from bot.rules.single import parse_single

if TYPE_CHECKING:
    # A query by itself needs no settings, which take a while to load.
    from bot.config import Config

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


def asked_rule(config: "Config", text: str) -> tuple[RuleSet, Rule]:
    """The rule of the configuration with this id, else the query that `text` is, which may use the shared `$lists`.

    With a set of it alone. Raises ConfigError for what can only be an id and is none, RuleError for a wrong query.
    """
    if _ID.fullmatch(text):
        known = load_rules(config)
        for rule in known.rules:
            if rule.id == text:
                # By itself: the others would only cost time.
                file = RuleFile(name=rule.file, watchlist=rule.watchlist, rules=(rule,))
                return RuleSet([file]), rule
        raise ConfigError(
            f"{text}: there is no such rule; `earshot rules list` shows them (as a query, write ={text} or quote it: "
            f"'\"{text}\"')"
        )
    return asked_query(text, config)


def asked_query(text: str, config: "Config | None" = None) -> tuple[RuleSet, Rule]:
    """A query as a rule of its own; with a configuration it may use the shared `$lists`. Raises RuleError."""
    try:
        found = parse_single(text, config.rules if config else None)
    except RuleError as error:
        raise RuleError(f"the query {text!r}: {error}") from None
    return found, found.rules[0]


def is_query(text: str) -> bool:
    """Whether a rule is given as a query and can be no id, so that no configuration is needed."""
    return _ID.fullmatch(text) is None and "$" not in text
