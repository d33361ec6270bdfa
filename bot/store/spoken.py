"""From an offset into the text of a transcript to what is known of the speech there. Pure."""

from collections.abc import Iterable, Sequence

from bot.transcript import Transcript


def spoken_at(transcript: Transcript, offset: int) -> float | None:
    """Seconds at which the word at an offset of the transcript's text begins; None without words."""
    end = 0
    for word in transcript.words:
        end += len(word.text)
        if offset < end:
            return word.start
    return None


def flags_at(transcript: Transcript, spans: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """The flags of the segments in which these parts of the transcript's text (start, end) stand, each once, in order."""
    flags: dict[str, None] = {}
    end = 0
    for segment, length in zip(transcript.segments, _lengths(transcript), strict=True):
        start, end = end, end + length
        if any(left < end and start < right for left, right in spans):
            flags.update(dict.fromkeys(segment.flags))
    return tuple(flags)


def _lengths(transcript: Transcript) -> Iterable[int]:
    """How much of the transcript's text is each segment's: `Transcript.text` is of words, where there are any."""
    by_words = [sum(len(word.text) for word in segment.words) for segment in transcript.segments]
    return by_words if any(by_words) else [len(segment.text) for segment in transcript.segments]
