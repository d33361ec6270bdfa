"""A query by itself, as a set of one rule: to be tried before it stands in a file."""

import json
import re
from collections.abc import Mapping

from bot.errors import RuleError
from bot.rules.match import RuleSet
from bot.rules.parse import parse_rules

# The id of the rule that a query becomes.
QUERY = "query"

_OWN = re.compile(rf"^{QUERY}:\d+: (?:rule {QUERY}: )?", re.MULTILINE)
_RULES = re.compile(r"^rules[ \t]*:", re.MULTILINE)


def parse_single(query: str, files: Mapping[str, str] | None = None) -> RuleSet:
    """The set of one rule, `query`, that looks everywhere. Raises `RuleError`, whose text names no file for the query.

    `files`: rule files as for `parse_rules`; the query may use their shared lists.
    """
    lists = {name: text for name, text in (files or {}).items() if not _RULES.search(text)}
    try:
        # What JSON quotes, YAML reads as it was.
        return parse_rules(
            {**lists, QUERY: f"rules: [{{id: {QUERY}, match: {json.dumps(query, ensure_ascii=False)}}}]\n"}
        )
    except RuleError as error:
        raise RuleError(_OWN.sub("", str(error))) from None
