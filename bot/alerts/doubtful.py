"""What an alert says of speech that is not to be taken as fact. Pure."""

from collections.abc import Iterable

from bot.alerts import words
from bot.model import Match, Spoken
from bot.transcript import Transcript

CHECK = "CHECK BY EAR"


def rests_on_doubt(match: Match) -> bool:
    """Whether nothing but doubtful speech speaks for the match: no written word, and no passage without a flag."""
    return bool(match.spans) and all(span.spoken is not None and span.spoken.doubtful for span in match.spans)


def by_ear(spoken: Iterable[Spoken], transcript: Transcript | None) -> str:
    """`CHECK BY EAR`, with what speaks against the doubtful ones; empty when none of the passages is doubtful."""
    doubtful = [said for said in spoken if said.doubtful]
    if not doubtful:
        return ""
    flags = {flag for said in doubtful for flag in _flags(said, transcript)}
    known = [words.DOUBTS[flag] for flag in words.DOUBTS if flag in flags]
    why = [*known, *sorted(flags - words.DOUBTS.keys())]
    return f"{CHECK}: {', '.join(why)}" if why else CHECK


def _flags(said: Spoken, transcript: Transcript | None) -> set[str]:
    """Of the segments that the words of a passage stand in."""
    return {
        flag
        for segment in (transcript.segments if transcript else ())
        if any(said.start <= word.start and word.end <= said.end for word in segment.words)
        for flag in segment.flags
    }
