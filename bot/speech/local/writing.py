"""What was found in the windows of a recording, as a transcript with its flags and with how it was made. Pure."""

from collections.abc import Sequence
from copy import deepcopy
from importlib.metadata import version
from pathlib import Path

from faster_whisper.transcribe import Segment as Found
from faster_whisper.transcribe import restore_speech_timestamps

from bot.speech.local.window import SECOND_TEMPERATURE, Listener, Part
from bot.speech.sound.decode import RATE, Sound
from bot.speech.sound.voice import speech_share
from bot.speech.truth.boilerplate import Phrasebook, load_book
from bot.speech.truth.doubt import flags_of
from bot.speech.truth.languages import UNDETERMINED, Heard
from bot.transcript import Segment, Transcript, Word

# Where somebody speaks, as Silero gives it: `start` and `end` in samples.
Chunks = list[dict[str, int]]


def nothing(listener: Listener, sound: Sound) -> Transcript:
    """A recording in which nobody speaks."""
    return write(listener, sound, [], None, [])


def in_seconds(chunks: Chunks) -> list[tuple[float, float]]:
    """(start, end) of each."""
    return [(chunk["start"] / RATE, chunk["end"] / RATE) for chunk in chunks]


def write(
    listener: Listener, sound: Sound, parts: Sequence[Part], note: Heard | None, chunks: Chunks | None
) -> Transcript:
    """The transcript of `parts`; `note`: the languages, None where nobody listened for them; `chunks` None: no VAD."""
    language, probability = (note.language, note.probability) if note else _untold(listener)
    voiced = None if chunks is None else in_seconds(chunks)
    heard = {one.language: one.probability for one in note.per_window} if note else {}
    writer = _Writer(listener, language, voiced)
    spoken = [part.language for part in parts for _ in part.found]
    segments = tuple(
        writer.segment(found, own, heard.get(own, probability))
        for found, own in zip(_restored(parts, chunks), spoken, strict=True)
        if found.words is None or found.words
    )
    manner = listener.manner
    return Transcript(
        language=language,
        language_probability=probability,
        duration=sound.seconds,
        speech_seconds=sound.seconds if voiced is None else sum(end - start for start, end in voiced),
        segments=segments,
        model=listener.name,
        parameters=_parameters(listener, sound, vad=chunks is not None, widened=sum(part.widened for part in parts)),
        translation=" ".join(part.english for part in parts if part.english) if manner.translate else None,
    )


def _restored(parts: Sequence[Part], chunks: Chunks | None) -> list[Found]:
    """The segments with their times in the recording, not in what VAD left of it; parts may be written twice."""
    found = deepcopy([one for part in parts for one in part.found])
    return found if chunks is None else list(restore_speech_timestamps(found, chunks, RATE))


def _untold(listener: Listener) -> tuple[str, float]:
    """Language and probability where nobody listened for it."""
    if not listener.listens_for_language:
        return listener.manner.language or "en", 1.0
    hint = listener.hint
    return (hint, 0.0) if hint is not None and listener.model.knows(hint) else (UNDETERMINED, 0.0)


class _Writer:
    """Writes the segments of one recording."""

    def __init__(self, listener: Listener, language: str, voiced: Sequence[tuple[float, float]] | None) -> None:
        self._language = language
        self._voiced = voiced
        self._end_of_text = listener.model.end_of_text
        boilerplate = listener.manner.boilerplate
        self._book: Phrasebook = load_book(Path(boilerplate) if boilerplate else None)

    def segment(self, found: Found, language: str, probability: float) -> Segment:
        """`language`: the one that it was decoded in, `probability` of that."""
        words = tuple(
            Word(start=float(word.start), end=float(word.end), text=word.word, probability=float(word.probability))
            for word in found.words or ()
        )
        share = speech_share(float(found.start), float(found.end), self._voiced)
        text = "".join(word.text for word in words) if words else found.text
        return Segment(
            start=float(found.start),
            end=float(found.end),
            text=text,
            words=words,
            avg_logprob=float(found.avg_logprob),
            no_speech_probability=float(found.no_speech_prob),
            compression_ratio=float(found.compression_ratio),
            flags=flags_of(
                avg_logprob=found.avg_logprob,
                no_speech=found.no_speech_prob,
                compression=found.compression_ratio,
                words=words,
                text=text,
                language=language,
                language_probability=probability,
                speech_share=share,
                seconds=float(found.end - found.start),
                tokens=sum(token < self._end_of_text for token in found.tokens),
                book=self._book,
            ),
            language=None if language == self._language else language,
            speech_share=share,
        )


def _parameters(listener: Listener, sound: Sound, *, vad: bool, widened: int) -> dict[str, str]:
    manner, model, hint = listener.manner, listener.model.model, listener.hint
    settled = {
        "language": "given" if manner.language else f"heard, hint {hint}" if hint else "heard",
        "device": model.device,
        "compute_type": model.compute_type,
        "beam_size": str(manner.beam_size),
        "temperatures": f"0.0 {SECOND_TEMPERATURE}",
        "vad": "silero" if vad else "off",
        "windows": "fitted" if manner.fitted else "30 s",
        "faster-whisper": version("faster-whisper"),
        "ctranslate2": version("ctranslate2"),
    }
    seldom = {
        "hot_words": manner.hot_words,
        "widened": str(widened or ""),
        "dropped_packets": str(sound.dropped or ""),
    }
    return settled | {key: value for key, value in seldom.items() if value}
