"""Which language is spoken: what Whisper hears in several windows, and what the channel usually speaks. Pure.

Whisper decides on the first 30 s, be they music or a quotation, and takes Ukrainian for Russian. So several windows are
heard, each counts by its seconds of speech, and the channel's hint shifts the odds without deciding.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log

# Of a recording in which nobody speaks, or in a language that is not named (ISO 639-2).
UNDETERMINED = "und"
# Below this a language is in doubt: the second guess is worth a try, and a window does not leave the note's language.
SURE = 0.7
# Less speech than this says too little of a language for a window to have one of its own.
LEAST_SPEECH_SECONDS = 3.0
# The odds of the hinted language against every other are raised by this factor. A window in which Whisper is sure of
# another one (99:1) still says so; one in which it wavers (3:1) follows the channel.
HINT_ODDS = 4.0
# ... and by this one against a language that Whisper confuses with it.
CONFUSED_ODDS = 10.0
CONFUSED = frozenset({"ru", "uk", "be"})
# No window may exclude a language altogether: its logarithm would outweigh all other windows.
_FLOOR = 1e-4

Probabilities = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """A language (Whisper's code, ISO 639-1 but for a few) and how probable it is, the hint included."""

    language: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The language of a note, and in which one each window is to be transcribed."""

    language: str
    probability: float
    # The next best, for a second try where the first is not sure; None when only one language was on offer.
    second: Guess | None
    per_window: tuple[Guess, ...]

    @property
    def sure(self) -> bool:
        """Whether one try is enough."""
        return self.probability >= SURE

    @property
    def other(self) -> "Heard | None":
        """The same with the second language in place of the first: another try. None where that is not worth it.

        That is where the first is sure, where there is no second, and where every window is sure of its own.
        """
        second = self.second
        doubtful = [one.language == self.language and one.probability < SURE for one in self.per_window]
        if self.sure or second is None or not any(doubtful):
            return None
        return Heard(
            language=second.language,
            probability=second.probability,
            second=Guess(language=self.language, probability=self.probability),
            per_window=tuple(second if swap else own for swap, own in zip(doubtful, self.per_window, strict=True)),
        )


def choose(windows: Sequence[Probabilities], speech: Sequence[float], hint: str | None = None) -> Heard:
    """The language of a note from what was heard in its windows: language -> probability, and seconds of speech in each.

    The windows' probabilities are averaged as logarithms, weighted by speech (all alike where there is none). A hint that
    Whisper does not offer is ignored. A window has a language of its own when that is sure, and has speech enough;
    `probability` of the others is that of the note's language in them, or in the note where they have too little speech.
    Raises ValueError for no windows, an empty one, or weights that do not fit them.
    """
    _check(windows, speech)
    total = sum(speech)
    weights = [seconds / total for seconds in speech] if total > 0 else [1 / len(speech)] * len(speech)
    note = _posterior(_average(windows, weights), hint)
    best, *others = _ranked(note)
    return Heard(
        language=best.language,
        probability=best.probability,
        second=others[0] if others else None,
        per_window=tuple(
            _own(_posterior(_average([window], [1.0]), hint), seconds, best)
            for window, seconds in zip(windows, speech, strict=True)
        ),
    )


def _check(windows: Sequence[Probabilities], speech: Sequence[float]) -> None:
    if not windows or not all(windows):
        raise ValueError("a language is chosen from one window or more, each with at least one language")
    if len(windows) != len(speech):
        raise ValueError(f"{len(windows)} windows came with the seconds of speech of {len(speech)}")
    if not all(isfinite(seconds) and seconds >= 0 for seconds in speech):
        raise ValueError(f"seconds of speech must be 0 or more, not {list(speech)}")


def _average(windows: Sequence[Probabilities], weights: Sequence[float]) -> dict[str, float]:
    """Weighted means of the logarithms, by language."""
    languages = sorted({language for window in windows for language in window})
    return {
        language: sum(
            weight * log(max(window.get(language, 0.0), _FLOOR))
            for window, weight in zip(windows, weights, strict=True)
        )
        for language in languages
    }


def _posterior(scores: Mapping[str, float], hint: str | None) -> dict[str, float]:
    """Scores (logarithms) with the hint's odds, as probabilities that add up to 1."""
    raised = dict(scores)
    if hint in raised:
        raised[hint] += log(HINT_ODDS)
        for language in (CONFUSED - {hint}) & raised.keys() if hint in CONFUSED else ():
            raised[language] -= log(CONFUSED_ODDS / HINT_ODDS)
    top = max(raised.values())
    total = sum(exp(score - top) for score in raised.values())
    return {language: exp(score - top) / total for language, score in raised.items()}


def _ranked(probabilities: Probabilities) -> list[Guess]:
    """Best first; of equals, the first by its code."""
    ordered = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))
    return [Guess(language=language, probability=probability) for language, probability in ordered]


def _own(window: Probabilities, seconds: float, note: Guess) -> Guess:
    if seconds < LEAST_SPEECH_SECONDS:
        return note
    best = _ranked(window)[0]
    if best.probability >= SURE:
        return best
    return Guess(language=note.language, probability=window.get(note.language, 0.0))
