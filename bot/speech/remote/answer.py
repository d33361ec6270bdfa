"""What an OpenAI-compatible speech server answers becomes a Transcript. Pure.

Our words are always the segment's own text cut at its blanks; what the server calls words, be they words or tokens,
only lends them times and probabilities.
"""

import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from bot.speech.remote.verbose_json import (
    Answer,
    BadAnswer,
    Part,
    Piece,
    as_share,
    clamp,
    kind_of,
    read_duration,
    read_number,
    read_parts,
    read_pieces,
)
from bot.speech.truth.doubt import flags_of
from bot.speech.truth.language_names import language_code
from bot.speech.truth.languages import UNDETERMINED
from bot.transcript import Segment, Transcript, Word

# What is said of a probability that nobody gave: neither sure nor doubtful.
NEUTRAL = 0.5
# Whisper says 224 tokens in 30 s at most, which are 40 characters a second where it is most prolix.
_LETTERS_A_SECOND = 60
_SPARE = 2_000
# How far ahead of the last word found the next one is looked for, in characters: one that the text does not have must
# not be found in a later sentence.
_REACH = 80


@dataclass(slots=True)
class _Cut:
    """One of our words before it has its times: where it stands in the segment's text, and what it was found to be."""

    text: str
    found: list[Piece]


def transcript_of(
    answer: object,
    *,
    hint: str | None,
    declared: float | None,
    longest: float,
    model: str,
    parameters: Mapping[str, str],
) -> Transcript:
    """The transcript in a `verbose_json` (or `json`) answer; BadAnswer when it is none.

    `hint`: the language that was asked for. `declared`: seconds, for an answer that does not give any. `longest`: seconds
    that the recording can be long at most; nobody says more in them than an answer may hold. Segments come out
    in the order of their times, times within the duration. The parameters say what the server did not give:
    `words` (`given`, `partly interpolated`, `interpolated`), `confidence` (`words`, `segments`, `none`), `duration`
    (`given`, `declared`, `last segment`), `language` (`given`, `detected`), `language_probability` (`unknown`).
    """
    if not isinstance(answer, dict):
        raise BadAnswer(f"expected a JSON object, found {kind_of(answer)}")
    parts = read_parts(answer)
    if (length := sum(len(part.text) for part in parts)) > (most := _SPARE + int(_LETTERS_A_SECOND * longest)):
        raise BadAnswer(f"{length} characters of text, more than the {most} that anybody can say in the recording")
    duration, measured = read_duration(answer, parts, declared, longest)
    clamp(parts, duration)
    cuts = _cuts(parts, read_pieces(answer.get("words"), "words"))
    language, probability = _language(answer, hint)
    said = {
        "language": "given" if hint else "detected",
        "words": _how_timed(cuts),
        "confidence": _how_sure(parts, cuts),
        "duration": measured,
        "speech": "segments",
    } | ({} if probability is not None else {"language_probability": "unknown"})
    segments = tuple(
        _segment(part, cut, language, probability, duration) for part, cut in zip(parts, cuts, strict=True) if cut
    )
    return Transcript(
        language=language,
        language_probability=NEUTRAL if probability is None else probability,
        duration=duration,
        speech_seconds=_covered(segments),
        segments=segments,
        model=model,
        parameters={**parameters, **said},
    )


def _cuts(parts: Sequence[Part], beside: Sequence[Piece]) -> list[list[_Cut]]:
    """Our words of each segment with the pieces found in them; `beside`: the words that stand beside the segments."""
    cuts = [[_Cut(found[0], []) for found in re.finditer(r"\s*\S+", part.text)] for part in parts]
    if beside:
        _find([cut for row in cuts for cut in row], sorted(beside, key=lambda piece: piece.start))
    else:
        for part, row in zip(parts, cuts, strict=True):
            _find(row, part.pieces)
    return cuts


def _find(cuts: Sequence[_Cut], pieces: Iterable[Piece]) -> None:
    """Give each piece to the words in which its letters are next found; one that is not found is left out."""
    text = "".join(cut.text for cut in cuts)
    owner = [number for number, cut in enumerate(cuts) for _ in cut.text]
    position = 0
    for piece in pieces:
        if not piece.text or (at := text.find(piece.text, position, position + len(piece.text) + _REACH)) < 0:
            continue
        position = at + len(piece.text)
        for number in range(owner[at], owner[position - 1] + 1):
            cuts[number].found.append(piece)


def _segment(part: Part, cuts: Sequence[_Cut], language: str, sure: float | None, duration: float) -> Segment:
    known = [piece.probability for cut in cuts for piece in cut.found if piece.probability is not None]
    logprob = part.logprob
    if logprob is None:
        logprob = sum(log(max(p, 1e-10)) for p in known) / len(known) if known else log(NEUTRAL)
    words = _words(part, cuts, otherwise=exp(logprob), duration=duration)
    compression = compression_ratio(part.text) if part.compression is None else part.compression
    # A server that does not know whether somebody speaks says nothing against it.
    no_speech = part.no_speech or 0.0
    return Segment(
        start=part.start,
        end=part.end,
        text="".join(word.text for word in words),
        words=words,
        avg_logprob=logprob,
        no_speech_probability=no_speech,
        compression_ratio=compression,
        flags=flags_of(
            avg_logprob=logprob,
            no_speech=no_speech,
            compression=compression,
            words=words,
            language=None if language == UNDETERMINED else language,
            language_probability=sure,
            seconds=part.end - part.start,
            tokens=part.tokens,
        ),
    )


def _words(part: Part, cuts: Sequence[_Cut], *, otherwise: float, duration: float) -> tuple[Word, ...]:
    """The words with their times; those that were not found share what lies between their neighbours by length."""
    words: list[Word] = []
    now, number = part.start, 0
    while number < len(cuts):
        following = next((n for n in range(number, len(cuts)) if cuts[n].found), len(cuts))
        until = cuts[following].found[0].start if following < len(cuts) else part.end
        lost = cuts[number:following]
        pace = max(min(until, duration) - now, 0.0) / max(sum(len(cut.text.strip()) for cut in lost), 1)
        for cut in lost:
            end = min(now + pace * len(cut.text.strip()), duration)
            words.append(Word(start=now, end=end, text=cut.text, probability=otherwise))
            now = end
        if following < len(cuts):
            words.append(_timed(cuts[following], since=now, duration=duration, otherwise=otherwise))
            now = words[-1].end
        number = following + 1
    return tuple(words)


def _timed(cut: _Cut, *, since: float, duration: float, otherwise: float) -> Word:
    """A word with the times of its pieces, not before `since`: the words of a transcript follow each other."""
    known = [piece.probability for piece in cut.found if piece.probability is not None]
    start = max(min(cut.found[0].start, duration), since)
    end = max(min(cut.found[-1].end, duration), start)
    return Word(start=start, end=end, text=cut.text, probability=sum(known) / len(known) if known else otherwise)


def _how_timed(cuts: Sequence[Sequence[_Cut]]) -> str:
    found = {bool(cut.found) for row in cuts for cut in row}
    return "given" if found <= {True} else "partly interpolated" if True in found else "interpolated"


def _how_sure(parts: Sequence[Part], cuts: Sequence[Sequence[_Cut]]) -> str:
    if any(piece.probability is not None for row in cuts for cut in row for piece in cut.found):
        return "words"
    return "segments" if any(part.logprob is not None for part in parts) else "none"


def _language(answer: Answer, hint: str | None) -> tuple[str, float | None]:
    """The language and how sure the server is of it, None where it does not say; one that was asked for is sure."""
    named = answer.get("language")
    language = language_code(named) if isinstance(named, str) else None
    if hint and language in (None, hint):
        return hint, 1.0
    # whisper.cpp's; it listens also where it was told the language.
    heard = answer.get("detected_language")
    sure = read_number(answer.get("detected_language_probability"), "detected_language_probability")
    if sure is None or not isinstance(heard, str) or language_code(heard) != language:
        return language or UNDETERMINED, None
    return language or UNDETERMINED, as_share(sure)


def _covered(segments: Iterable[Segment]) -> float:
    """Seconds that lie in a segment: those in order, each second once."""
    total = until = 0.0
    for segment in segments:
        total += max(segment.end - max(segment.start, until), 0.0)
        until = max(until, segment.end)
    return total


def compression_ratio(text: str) -> float:
    """Bytes of the text for each byte that zlib makes of it: Whisper's own measure of repetition."""
    data = text.strip().encode()
    return len(data) / len(zlib.compress(data))
