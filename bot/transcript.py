"""The nouns of speech, beside the model: the speech process starts without the others.

Seconds into a recording are floats.
"""

from dataclasses import dataclass
from math import floor


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word with the seconds at which it was spoken; `text` keeps Whisper's leading space."""

    start: float
    end: float
    text: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A timed piece of a transcript."""

    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    # Mean log probability of its tokens.
    avg_logprob: float
    no_speech_probability: float
    compression_ratio: float
    # `boilerplate`, `loop`, `no-speech`, `low-confidence`, `language-doubt`: empty when nothing speaks against it.
    flags: tuple[str, ...] = ()
    # Its own language, where that is not the transcript's.
    language: str | None = None
    # Share of its time in which voice activity was found, 0 to 1; None where nobody looked.
    speech_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """What was heard in one recording, by which model, and how sure it is."""

    language: str
    language_probability: float
    # Seconds of the recording, as decoded.
    duration: float
    # Seconds in which voice activity was found.
    speech_seconds: float
    segments: tuple[Segment, ...]
    model: str
    # What shaped the result: compute type, beam, VAD, versions.
    parameters: dict[str, str]
    # Decoded fewer seconds than were declared.
    partial: bool = False
    # Seconds that Telegram declared; None where it did not.
    declared: float | None = None
    # The same in English, as the model puts it; None where it was not asked.
    translation: str | None = None

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order; their texts joined are `text`."""
        return tuple(word for segment in self.segments for word in segment.words)

    @property
    def text(self) -> str:
        """The words exactly as given, so that an offset into it leads to a word; without words, the segments."""
        return "".join(word.text for word in self.words) or "".join(segment.text for segment in self.segments)

    @property
    def shortfall(self) -> str:
        """How much of a partial recording it covers, as `partial: 61 of 180 s`; empty for a whole one."""
        if not self.partial:
            return ""
        whole = f" of {round(self.declared)}" if self.declared is not None else ""
        return f"partial: {floor(self.duration)}{whole} s"

    @property
    def confidence(self) -> float:
        """Mean word probability, 0 when nothing was heard."""
        words = self.words
        return sum(word.probability for word in words) / len(words) if words else 0.0
