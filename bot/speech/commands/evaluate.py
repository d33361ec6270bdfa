"""How well a model hears, by recordings whose words are known."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.errors import SpeechError
from bot.speech.commands.references import Reference
from bot.speech.commands.several import Outcome, transcribe_all
from bot.speech.commands.wer import Errors, character_errors, total, word_errors
from bot.speech.port import Transcriber
from bot.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One recording: what was said and heard, or why it was refused."""

    file: str
    said: str
    heard: str
    words: Errors
    characters: Errors
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A model in one mode, over all recordings; what was refused is in none of the sums."""

    model: str
    # Host and port of the speech server; None for a model on this machine.
    server: str | None
    # None for a server, which has its own.
    mode: str | None
    recordings: tuple[Scored, ...]
    # Of sound that was heard, and by the clock.
    sound: float
    seconds: float

    @property
    def words(self) -> Errors:
        """By words, over all."""
        return total(one.words for one in self.recordings if one.refused is None)

    @property
    def characters(self) -> Errors:
        """By characters, over all."""
        return total(one.characters for one in self.recordings if one.refused is None)

    @property
    def refused(self) -> int:
        """How many were."""
        return sum(one.refused is not None for one in self.recordings)


async def evaluate(
    transcriber: Transcriber,
    references: Sequence[Reference],
    *,
    model: str,
    server: str | None,
    mode: str | None,
    told: Callable[[], None] = lambda: None,
) -> Score:
    """Transcribe all, as the daemon would, and close the transcriber; `told` is called after each recording.

    `model`, `server`, `mode`: for the score. Raises ModelMissing, and ServerAway when the server does not answer at first.
    """
    outcomes: dict[int, Outcome] = {}

    def done(place: int, outcome: Outcome) -> None:
        outcomes[place] = outcome
        told()

    try:
        await transcriber.start()
        begun = time.perf_counter()
        await transcribe_all(transcriber, [one.path for one in references], done)
        seconds = time.perf_counter() - begun
    finally:
        await transcriber.close()
    return Score(
        model=model,
        server=server,
        mode=mode,
        recordings=tuple(_scored(one, outcomes[place]) for place, one in enumerate(references)),
        sound=sum(outcome.duration for outcome in outcomes.values() if isinstance(outcome, Transcript)),
        seconds=seconds,
    )


def _scored(reference: Reference, outcome: Outcome) -> Scored:
    refused = str(outcome) if isinstance(outcome, SpeechError) else None
    heard = outcome.text if isinstance(outcome, Transcript) else ""
    return Scored(
        file=reference.path.name,
        said=reference.text.strip(),
        heard=heard.strip(),
        words=word_errors(reference.text, heard),
        characters=character_errors(reference.text, heard),
        refused=refused,
    )
