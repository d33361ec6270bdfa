"""The fields of an OpenAI-compatible speech server's answer, checked: nothing that it says is taken on trust. Pure.

The shapes, from the servers' own sources: OpenAI and speaches give `words` beside `segments`, whisper.cpp gives tokens
inside each segment, vLLM gives no words, null for what it does not know, and `duration` as text.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

Answer = Mapping[str, Any]


class BadAnswer(ValueError):
    """The answer is not what the interface promises; the text names the field and what was expected."""


@dataclass(slots=True)
class Piece:
    """A word or token as the server gives it."""

    text: str
    start: float
    end: float
    probability: float | None


@dataclass(slots=True)
class Part:
    """A segment as the server gives it; None where it says nothing."""

    start: float
    end: float
    text: str
    logprob: float | None = None
    no_speech: float | None = None
    compression: float | None = None
    tokens: int | None = None
    pieces: list[Piece] = field(default_factory=list)


def read_parts(answer: Answer) -> list[Part]:
    """The segments with text, in order; the whole text as one when there are none."""
    rows = _list(answer.get("segments"), "segments")
    parts = [part for number, row in enumerate(rows) if (part := _part(row, f"segments[{number}]")).text.strip()]
    if answer.get("segments") is None and answer.get("text") is None:
        raise BadAnswer("expected `segments` or `text`, found neither")
    if not rows and (text := clean(_text(answer.get("text") or "", "text"))).strip():
        # Its end is not known: the duration, which clamps it.
        parts = [Part(0.0, float("inf"), text)]
    parts.sort(key=lambda part: (part.start, part.end))
    if not any(part.text.startswith(" ") for part in parts):
        # Stripped by the server: put together as they are, the last word of one and the first of the next were one.
        for part in parts:
            part.text = " " + part.text
    return parts


def _part(row: object, where: str) -> Part:
    if not isinstance(row, dict):
        raise BadAnswer(f"{where}: expected an object, found {kind_of(row)}")
    start, end = _seconds(row.get("start"), f"{where}.start"), _seconds(row.get("end"), f"{where}.end")
    no_speech = read_number(row.get("no_speech_prob"), f"{where}.no_speech_prob")
    compression = read_number(row.get("compression_ratio"), f"{where}.compression_ratio")
    logprob = read_number(row.get("avg_logprob"), f"{where}.avg_logprob")
    tokens = row.get("tokens")
    return Part(
        start=start,
        end=max(start, end),
        text=clean(_text(row.get("text"), f"{where}.text")),
        logprob=None if logprob is None else min(logprob, 0.0),
        no_speech=None if no_speech is None else as_share(no_speech),
        compression=None if compression is None else max(compression, 0.0),
        tokens=len(tokens) if isinstance(tokens, list) and tokens else None,
        pieces=read_pieces(row.get("words"), f"{where}.words"),
    )


def read_pieces(rows: object, where: str) -> list[Piece]:
    return [_piece(row, f"{where}[{number}]") for number, row in enumerate(_list(rows, where))]


def _piece(row: object, where: str) -> Piece:
    if not isinstance(row, dict):
        raise BadAnswer(f"{where}: expected an object, found {kind_of(row)}")
    start, end = _seconds(row.get("start"), f"{where}.start"), _seconds(row.get("end"), f"{where}.end")
    given = row.get("probability", row.get("confidence"))
    probability = read_number(given, f"{where}.probability")
    return Piece(
        text=clean(_text(row.get("word"), f"{where}.word")).strip(),
        start=start,
        end=max(start, end),
        probability=None if probability is None else as_share(probability),
    )


def read_duration(answer: Answer, parts: Sequence[Part], declared: float | None, longest: float) -> tuple[float, str]:
    """Seconds of the recording, and where they come from; no more than it can be long, by its size or as declared."""
    # Some servers that do not know it say 0.
    if (given := read_number(answer.get("duration"), "duration")) is not None and given > 0:
        return min(given, max(longest, declared or 0.0)), "given"
    if declared:
        return declared, "declared"
    return min(max((part.end for part in parts if isfinite(part.end)), default=0.0), longest), "last segment"


def clamp(parts: Iterable[Part], duration: float) -> None:
    for part in parts:
        part.start, part.end = min(part.start, duration), min(part.end, duration)
        for piece in part.pieces:
            piece.start, piece.end = min(piece.start, duration), min(piece.end, duration)


def clean(text: str) -> str:
    """`text` without control characters and halves of characters, each run of blanks as one."""
    kept = "".join(" " if letter.isspace() else letter for letter in text if not _is_broken(letter))
    return re.sub(" {2,}", " ", kept)


def _is_broken(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs") and not letter.isspace()


def _list(value: object, where: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadAnswer(f"{where}: expected a list, found {kind_of(value)}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise BadAnswer(f"{where}: expected text, found {kind_of(value)}")
    return value


def _seconds(value: object, where: str) -> float:
    number = read_number(value, where)
    if number is None:
        raise BadAnswer(f"{where}: expected seconds, found {kind_of(value)}")
    return max(number, 0.0)


def read_number(value: object, where: str) -> float | None:
    """A finite number, also one in text (vLLM's and OpenAI's `duration`); None for null or nothing."""
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise BadAnswer(f"{where}: expected a number, found {kind_of(value)}") from None
    if not isfinite(number):
        raise BadAnswer(f"{where}: expected a finite number")
    return number


def as_share(number: float) -> float:
    return min(max(number, 0.0), 1.0)


def kind_of(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return kinds.get(type(value), "nothing")
