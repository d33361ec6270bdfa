"""Transcripts as subtitles (SRT, WebVTT) and as plain text. Pure.

A cue holds at most two lines of 42 characters, as broadcasters' guidelines have it; times come from the words. What is
flagged says so in every cue: a subtitle is read where nobody sees the flags. WebVTT: https://www.w3.org/TR/webvtt1/.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from unicodedata import category

from bot.transcript import Segment, Transcript

LINE_CHARACTERS = 42
LINES = 2
CHECK_BY_EAR = "[check by ear]"
# A cue without length is shown by no player.
_LEAST_MILLISECONDS = 1
# Format characters that belong to the spelling of some languages.
_JOINERS = "\u200c\u200d"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Lines to be shown from `start` to `end`, in milliseconds of the recording."""

    start: int
    end: int
    lines: tuple[str, ...]


def as_text(transcript: Transcript) -> str:
    """A line for each segment, those to be checked by ear marked; empty when nothing was heard."""
    said = ((_marked(segment), plain(segment.text)) for segment in transcript.segments)
    return "".join(f"{mark} {text}".lstrip() + "\n" for mark, text in said if text)


def as_srt(transcript: Transcript) -> str:
    """SubRip: numbered cues. It knows no escapes, so an arrow of its own in the text becomes `->`."""
    return "".join(
        f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{_joined(cue).replace('-->', '->')}\n\n"
        for number, cue in enumerate(cues(transcript), start=1)
    )


def as_vtt(transcript: Transcript) -> str:
    """WebVTT; `&`, `<` and `>` of the text are escaped, so none of it is markup."""
    body = (
        f"\n{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{escape(_joined(cue), quote=False)}\n"
        for cue in cues(transcript)
    )
    return "WEBVTT\n" + "".join(body)


def cues(transcript: Transcript) -> list[Cue]:
    """The words in cues, one after the other: none begins before the last one ends, whatever the words' times say."""
    result: list[Cue] = []
    for segment in transcript.segments:
        for start, end, lines in _cues_of(segment):
            begin = max(round(start * 1000), result[-1].end if result else 0)
            result.append(Cue(start=begin, end=max(round(end * 1000), begin + _LEAST_MILLISECONDS), lines=lines))
    return result


def _cues_of(segment: Segment) -> Iterator[tuple[float, float, tuple[str, ...]]]:
    """A segment's words, as many in a cue as it holds: (start, end, lines)."""
    first = [_marked(segment)]
    lines: list[str] = []
    start = end = 0.0
    for begin, until, piece in _pieces(segment):
        longer = _lay(lines or first, piece)
        if lines and len(longer) > LINES:
            yield start, end, tuple(lines)
            lines, longer = [], _lay(first, piece)
        start = start if lines else begin
        lines, end = longer, until
    if lines:
        yield start, end, tuple(lines)


def _lay(lines: list[str], piece: str) -> list[str]:
    """`lines` with one more piece, in the last line or in a new one."""
    *above, last = lines
    longer = (last + piece).lstrip()
    return [*above, longer] if len(longer) <= LINE_CHARACTERS else [*above, last, piece.lstrip()]


def _pieces(segment: Segment) -> Iterator[tuple[float, float, str]]:
    """(start, end, text) of each word, with a blank before it unless it is glued to the last one, as in Chinese.

    What is longer than a line is cut, and its time with it.
    """
    timed: Iterable[tuple[float, float, str]] = [(word.start, word.end, word.text) for word in segment.words]
    glued = False
    for start, end, text in timed or [(segment.start, segment.end, segment.text)]:
        parts = _parts(text, glued=glued)
        total = sum(map(len, parts))
        passed = 0
        for part in parts:
            begin = start + (end - start) * passed / total
            passed += len(part)
            yield begin, start + (end - start) * passed / total, part
        glued = True


def _parts(text: str, *, glued: bool) -> list[str]:
    """The words of `text`, each with a blank before it but for the rest of one that was cut; the first if not `glued`."""
    parts: list[str] = []
    for number, word in enumerate(plain(text).split()):
        head, *rest = [word[at : at + LINE_CHARACTERS] for at in range(0, len(word), LINE_CHARACTERS)]
        parts += [head if number == 0 and glued and not text[:1].isspace() else f" {head}", *rest]
    return parts


def plain(text: str) -> str:
    """Words between single blanks, without the control and direction characters by which a text forges what it is not."""
    kept = (sign for sign in text if category(sign) != "Cf" or sign in _JOINERS)
    return " ".join("".join(" " if category(sign) in ("Cc", "Zl", "Zp") else sign for sign in kept).split())


def _marked(segment: Segment) -> str:
    return CHECK_BY_EAR if segment.flags else ""


def _joined(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _stamp(milliseconds: int, comma: str) -> str:
    """`01:02:03,004`; both forms allow more than two digits of hours."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{comma}{rest:03}"
