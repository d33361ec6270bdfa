"""The canary: a post of our own that must come all the way through, from its channel to the dead-man's URL.

Each carries when it was posted and a random number, so that whoever meets it at the end knows how long it took, also
after a restart, and no two are alike.
"""

import re
import secrets
from datetime import UTC, datetime

from bot.model import Match, Severity, Source, Span

# Of its rule, of its sink, and the category of its channel.
CANARY = "canary"

_TOKEN = re.compile(r"\bcanary ([0-9a-f]{8,12})-([0-9a-f]{8})\b")


def canary_post(at: datetime) -> str:
    """The text of a new canary."""
    return f"canary {int(at.timestamp() * 1000):x}-{secrets.token_hex(4)}"


def posted_at(text: str) -> datetime | None:
    """When the canary in this text was posted, to the millisecond; None when there is none in it."""
    found = _TOKEN.search(text)
    return datetime.fromtimestamp(int(found[1], 16) / 1000, UTC) if found else None


def match_canary(text: str) -> tuple[Match, ...]:
    """The built-in rule: one match for the canary in a post's text."""
    found = _TOKEN.search(text)
    if found is None:
        return ()
    start, end = found.span()
    span = Span(source=Source.TEXT, start=start, end=end, term=CANARY, form=found[0], reason="exact")
    return (Match(rule_id=CANARY, title="Canary", severity=Severity.LOW, revision="1", spans=(span,)),)
