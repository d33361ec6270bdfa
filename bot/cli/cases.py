"""A file of cases, each a query, a text and what is expected of them: read, held against the engine, judged."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import structlog

from bot.config.load import read_text
from bot.errors import ConfigError, RuleError
from bot.model import ChannelId, Kind, Source, Span
from bot.rules import Field, RuleSet, Subject
from bot.rules.single import parse_single

log = structlog.get_logger()

_SHAPE = "{id, rule, text, expect_match, expect_span?, kind?}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A query held against a text. `expect_span`: a piece of the text that must be among the spans."""

    id: str
    rule: str
    text: str
    expect_match: bool
    expect_span: str | None = None
    kind: Literal["post", "transcript"] = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a case. `spans` are those of the text; `error`: why the query could not be compiled."""

    case: Case
    matched: bool = False
    spans: tuple[Span, ...] = ()
    error: str | None = None
    right: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "right", self.error is None and self._as_expected())

    @property
    def found(self) -> list[str]:
        """The pieces of the text that matched."""
        return [self.case.text[span.start : span.end] for span in self.spans]

    def _as_expected(self) -> bool:
        if self.matched != self.case.expect_match:
            return False
        return not self.matched or not self.case.expect_span or self.case.expect_span in self.found


def judge(case: Case) -> Verdict:
    """Hold a case against the engine."""
    try:
        spans = _held(case)
    except RuleError as error:
        return Verdict(case=case, error=str(error))
    except Exception as error:
        # A fault of ours in one case hides no other.
        log.error("the engine failed on a case", case=case.id, exc_info=True)
        return Verdict(case=case, error=f"the engine failed: {error!r}")
    return Verdict(case=case, matched=bool(spans), spans=spans)


def _held(case: Case) -> tuple[Span, ...]:
    source = Source.TRANSCRIPT if case.kind == "transcript" else Source.TEXT
    subject = Subject(
        channel_id=ChannelId(0),
        handle=None,
        category="",
        kind=Kind.VOICE if source is Source.TRANSCRIPT else Kind.TEXT,
        fields=(Field(source=source, text=case.text),),
    )
    return tuple(span for match in _compiled(case.rule).match(subject) for span in match.spans)


@lru_cache(maxsize=256)
def _compiled(query: str) -> RuleSet:
    return parse_single(query)


def read_cases(path: Path) -> list[Case]:
    """The cases of a JSON file, a list of objects; ConfigError with file and line for what is not understood."""
    text = read_text(path).removeprefix("\ufeff")
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}: not valid JSON: {error.msg} (column {error.colno})") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deep; expected a list of {_SHAPE}") from None
    if not isinstance(whole, list):
        raise ConfigError(f"{path}:1: expected a JSON list of {_SHAPE}")
    return [_case(value, number, f"{path}:{line}") for number, (value, line) in enumerate(_lines(text), start=1)]


def _lines(text: str) -> Iterator[tuple[Any, int]]:
    """The items of a JSON list that is known to be one, each with the line on which it begins."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return
        value, end = decoder.raw_decode(text, at)
        yield value, text.count("\n", 0, at) + 1
        at = end


def _case(value: Any, number: int, where: str) -> Case:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: case {number}: expected an object {_SHAPE}")
    name = str(value.get("id", number))
    where = f"{where}: case {name}"
    expected = value.get("expect_match")
    if not isinstance(expected, bool):
        raise ConfigError(f"{where}: expect_match must be true or false")
    kind = value.get("kind") or "post"
    if kind not in ("post", "transcript"):
        raise ConfigError(f"{where}: kind must be post or transcript, not {kind!r}")
    return Case(
        id=_sound(name),
        rule=_text(value, "rule", where),
        text=_text(value, "text", where),
        expect_match=expected,
        expect_span=_text(value, "expect_span", where) if value.get("expect_span") else None,
        kind="transcript" if kind == "transcript" else "post",
    )


def _text(value: Mapping[str, Any], key: str, where: str) -> str:
    found = value.get(key)
    if not isinstance(found, str):
        raise ConfigError(f"{where}: {key} must be text{'' if key in value else ', and is not there'}")
    return _sound(found)


def _sound(text: str) -> str:
    """Half a surrogate pair, which JSON may hold and nothing can print, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
