"""Short ways to a rule set and a subject."""

from bot.model import ChannelId, Kind, Source, Span
from bot.rules import Field, RuleSet, Subject, parse_rules


def rule_set(match: str, *, more: str = "", terms: str = "") -> RuleSet:
    """One rule called `r`, its query given as it would stand in single quotes."""
    quoted = match.replace("'", "''")
    return parse_rules({"t.yaml": f"{terms}\nrules:\n  - id: r\n    match: '{quoted}'\n{more}"})


def subject(text: str, **changes: object) -> Subject:
    """A text post of a milblogger."""
    values: dict[str, object] = {
        "channel_id": ChannelId(-1001000000001),
        "handle": "Rybar",
        "category": "milblogger",
        "kind": Kind.TEXT,
        "fields": (Field(source=Source.TEXT, text=text),),
    }
    return Subject(**(values | changes))  # type: ignore[arg-type]


def spans(rules: RuleSet, text: str) -> list[Span]:
    """All spans in a text post, of all rules."""
    return [span for match in rules.match(subject(text)) for span in match.spans]


def found(match: str, text: str) -> list[str]:
    """The pieces of the original text that one rule matches."""
    return [text[span.start : span.end] for span in spans(rule_set(match), text)]
