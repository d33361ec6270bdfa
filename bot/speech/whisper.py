"""faster-whisper's words become ours: samples in, a Transcript out."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from bot.model import Segment, Transcript, Word
from bot.speech.decode import Sound

# Whisper's own thresholds (openai/whisper, transcribe.py), and ours for words.
_LEAST_LOGPROB = -1.0
_MOST_NO_SPEECH = 0.6
_MOST_COMPRESSION = 2.4
_LEAST_WORD_PROBABILITY = 0.5
# One try, and one hotter: the full ladder of five costs up to nine times a normal decode (measured on CPU).
_TEMPERATURES = (0.0, 0.4)
# A stamp further behind the last word than this stands in silence, not in the word.
_WORD_TAIL_SECONDS = 1.0


class Whisper:
    """A loaded model with its settings."""

    def __init__(self, folder: str, *, device: str, compute_type: str, threads: int, beam_size: int, name: str) -> None:
        """Load the model in `folder`; `name` is what transcripts call it. RuntimeError or ValueError if it is none."""
        self._model = _StampedModel(folder, device=device, compute_type=compute_type, cpu_threads=threads)
        self._beam_size = beam_size
        self._name = name

    def transcribe(self, sound: Sound, language: str | None) -> Transcript:
        """What is said in `sound`. `language` None, or one that the model does not know, is found by listening."""
        given = language if language in self._model.supported_languages else None
        found, info = self._model.transcribe(
            sound.samples,
            language=given,
            beam_size=self._beam_size,
            temperature=_TEMPERATURES,
            vad_filter=True,
            condition_on_previous_text=False,
            word_timestamps=True,
        )
        return Transcript(
            language=info.language,
            language_probability=float(info.language_probability),
            duration=sound.seconds,
            speech_seconds=float(info.duration_after_vad),
            segments=_segments(found),
            model=self._name,
            parameters=self._parameters(given, sound.dropped),
        )

    def _parameters(self, language: str | None, dropped: int) -> dict[str, str]:
        return {
            "language": "given" if language else "detected",
            "device": self._model.model.device,
            "compute_type": self._model.model.compute_type,
            "beam_size": str(self._beam_size),
            "temperatures": " ".join(str(value) for value in _TEMPERATURES),
            "vad": "silero",
            "faster-whisper": version("faster-whisper"),
            "ctranslate2": version("ctranslate2"),
        } | ({"dropped_packets": str(dropped)} if dropped else {})


class _StampedModel(WhisperModel):  # type: ignore[misc]
    """A model whose next window begins at its own time stamp where the last word's end was found a little too early.

    faster-whisper 1.2.1 goes on from the end of the last aligned word. Alignment is coarse: when it ends inside the word,
    the rest of the word opens the next window and is heard as another one.
    """

    def add_word_timestamps(self, segments: list[list[dict[str, Any]]], *args: Any, **options: Any) -> Any:
        """Align, then stretch the window's last word to the stamp that the decoder gave its segment."""
        stamp = segments[0][-1]["end"] if segments and segments[0] else None
        result = super().add_word_timestamps(segments, *args, **options)
        words = segments[0][-1]["words"] if stamp is not None else []
        if words and 0 < stamp - words[-1]["end"] <= _WORD_TAIL_SECONDS:
            words[-1]["end"] = segments[0][-1]["end"] = stamp
        return result


def flags_of(*, avg_logprob: float, no_speech: float, compression: float, words: Sequence[Word]) -> tuple[str, ...]:
    """What speaks against a segment: `low-confidence`, `no-speech`, `loop`, in this order."""
    mean = sum(word.probability for word in words) / len(words) if words else 1.0
    checks = {
        "low-confidence": avg_logprob < _LEAST_LOGPROB or mean < _LEAST_WORD_PROBABILITY,
        "no-speech": no_speech > _MOST_NO_SPEECH,
        "loop": compression > _MOST_COMPRESSION,
    }
    return tuple(flag for flag, holds in checks.items() if holds)


def _segments(found: Iterable[Any]) -> tuple[Segment, ...]:
    return tuple(_segment(segment) for segment in found if segment.words)


def _segment(found: Any) -> Segment:
    words = tuple(
        Word(start=float(word.start), end=float(word.end), text=word.word, probability=float(word.probability))
        for word in found.words
    )
    return Segment(
        start=float(found.start),
        end=float(found.end),
        text="".join(word.text for word in words),
        words=words,
        avg_logprob=float(found.avg_logprob),
        no_speech_probability=float(found.no_speech_prob),
        compression_ratio=float(found.compression_ratio),
        flags=flags_of(
            avg_logprob=found.avg_logprob,
            no_speech=found.no_speech_prob,
            compression=found.compression_ratio,
            words=words,
        ),
    )


def warm_up(whisper: Whisper) -> None:
    """Run once over a second of silence, so that every library is loaded and every page touched before the first job."""
    silence: NDArray[np.float32] = np.zeros(16_000, np.float32)
    whisper.transcribe(Sound(silence, 0), None)
