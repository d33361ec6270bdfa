"""The way of one recording through the model: sound in, transcript out, as faster-whisper goes it, window by window.

It says what it needs (`asks`), and whoever runs it may run others at the same time. With the same options the tokens are
those of faster-whisper 1.2.1's `transcribe`; the language is heard on the windows that are decoded anyway, where
faster-whisper encodes the first one twice (a third of all the time for a note of 10 s).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper.transcribe import Segment as Found
from faster_whisper.transcribe import Word as FoundWord
from faster_whisper.transcribe import restore_speech_timestamps
from faster_whisper.utils import get_end
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray

from bot.model import Segment, Transcript, Word
from bot.speech.local.asks import Decode, Encode, Hearing, Work
from bot.speech.local.model import FRAMES_PER_SECOND, MOST_TOKENS, WINDOW_FRAMES, Decoded, Features, Model, Prompted
from bot.speech.settings import Manner
from bot.speech.sound.decode import RATE, Sound
from bot.speech.sound.voice import speech_share
from bot.speech.truth.boilerplate import Phrasebook, load_book
from bot.speech.truth.doubt import (
    LEAST_LOGPROB,
    MOST_COMPRESSION,
    MOST_NO_SPEECH,
    flags_of,
    fuller,
    worth_without_vad,
)
from bot.speech.truth.languages import UNDETERMINED, choose

# Nobody speaks faster: 12 tokens a second are thrice the usual rate of Russian. Limits are rounded up, so that notes of
# like length can be decoded together.
_TOKENS_PER_SECOND = 12
_LIMIT_STEP = 56
# Of the second try, which most often follows a loop; it has no company, so nothing is rounded.
_SECOND_TOKENS_PER_SECOND = 6
_SECOND_TEMPERATURE = 0.4
# Quieter than this (1/32768 is the last bit) is no sound, and no model is asked.
_SILENCE = 4 / 32768
# Fitted windows: the note and a second, in steps that many notes share, and no shorter than Whisper can bear.
_FITTED_STEP = 250
_FITTED_LEAST = 750

_Chunks = list[dict[str, int]]


@dataclass(slots=True)
class _Heard:
    """What has been heard so far: segments as faster-whisper names them, and languages window by window."""

    found: list[Found] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    probabilities: list[dict[str, float]] = field(default_factory=list)
    speech: list[float] = field(default_factory=list)
    english: list[str] = field(default_factory=list)
    # Where the last word ended, in seconds; how many windows were too short for their decoder.
    end: float = 0.0
    widened: int = 0


def hear(model: Model, sound: Sound, manner: Manner, name: str, *, hint: str | None) -> Hearing[Transcript]:
    """What is said in `sound`; `hint`: the language of its channel; `name`: what the transcript calls the model."""
    if not len(sound.samples) or float(np.abs(sound.samples).max()) <= _SILENCE:
        return _nothing(model, sound, manner, name, hint)
    chunks: _Chunks = yield Work(partial(get_speech_timestamps, sound.samples), front=True)
    speech = sum(chunk["end"] - chunk["start"] for chunk in chunks) / RATE
    masked = _nothing(model, sound, manner, name, hint)
    if chunks:
        masked = yield from _pass(model, sound, manner, name, hint, chunks)
    if not worth_without_vad(speech, sound.seconds):
        return masked
    whole = yield from _pass(model, sound, manner, name, hint, None)
    return fuller(masked, whole, _seconds(chunks))


def _pass(
    model: Model, sound: Sound, manner: Manner, name: str, hint: str | None, chunks: _Chunks | None
) -> Hearing[Transcript]:
    """Once through the note: only where there is voice activity, or with `chunks` None all of it."""
    samples = sound.samples if chunks is None else _spoken(sound.samples, chunks)
    features: Features = yield Work(partial(model.features, samples), front=True)
    heard = _Heard()
    yield from _windows(model, features, manner, heard, hint)
    if chunks is not None:
        heard.found = list(restore_speech_timestamps(heard.found, chunks, RATE))
    return _transcript(model, sound, manner, name, heard, chunks, hint)


def _windows(model: Model, features: Features, manner: Manner, heard: _Heard, hint: str | None) -> Hearing[None]:
    frames = features.shape[-1] - 1
    seek = 0
    while seek < frames:
        size = min(WINDOW_FRAMES, frames - seek)
        window = features[:, seek : seek + size]
        encoded: NDArray[Any] = yield Encode(_padded(window, manner.fitted))
        language = yield from _language(model, encoded, size, manner, heard, hint)
        decoded = yield from _decode(model, encoded, size, language, manner)
        if manner.fitted and encoded.shape[1] < WINDOW_FRAMES // 2 and _suspect(decoded, size):
            heard.widened += 1
            encoded = yield Encode(_padded(window, False))
            decoded = yield from _decode(model, encoded, size, language, manner)
        if decoded.no_speech > MOST_NO_SPEECH and decoded.avg_logprob <= LEAST_LOGPROB:
            seek += size
            continue
        seek = yield from _take(model, encoded, decoded, size, seek, language, manner, heard)


def _language(
    model: Model, encoded: NDArray[Any], size: int, manner: Manner, heard: _Heard, hint: str | None
) -> Hearing[str]:
    """The language of this window, by all that has been heard so far."""
    if manner.language is not None:
        return manner.language
    if not model.model.is_multilingual:
        return "en"
    heard.probabilities.append((yield Work(partial(model.languages, encoded))))
    heard.speech.append(size / FRAMES_PER_SECOND)
    return choose(heard.probabilities, heard.speech, hint).per_window[-1].language


def _decode(model: Model, encoded: NDArray[Any], size: int, language: str, manner: Manner) -> Hearing[Decoded]:
    """Beam search, and where that went wrong one hotter try: the full ladder of five costs nine times as much."""
    asked = Prompted(encoded, model.prompt(language, hot_words=manner.hot_words))
    first: Decoded = yield Decode(asked, _limit(size))
    if not _failed(first):
        return first
    fewer = min(ceil(size / FRAMES_PER_SECOND * _SECOND_TOKENS_PER_SECOND), MOST_TOKENS)
    second: Decoded = yield Decode(asked, fewer, _SECOND_TEMPERATURE)
    whole = [one for one in (second, first) if one.compression <= MOST_COMPRESSION]
    return max(whole or (first, second), key=lambda one: one.avg_logprob)


def _take(
    model: Model,
    encoded: NDArray[Any],
    decoded: Decoded,
    size: int,
    seek: int,
    language: str,
    manner: Manner,
    heard: _Heard,
) -> Hearing[int]:
    """Keep what was decoded; returns the frame at which to go on."""
    segments, further, ended = model.cut(decoded.tokens, language, seek, size)
    if manner.words and segments:
        yield Work(partial(model.align_words, segments, language, encoded, size, heard.end))
        heard.end = get_end(segments)
        if not ended and heard.end > seek / FRAMES_PER_SECOND:
            further = round(heard.end * FRAMES_PER_SECOND)
    for segment in segments:
        text = model.text(segment["tokens"])
        if segment["start"] != segment["end"] and text.strip():
            heard.found.append(_found(segment, text, decoded))
            heard.languages.append(language)
    if manner.translate and language != "en":
        asked = Prompted(encoded, model.prompt(language, "translate"))
        english: Decoded = yield Decode(asked, _limit(size))
        heard.english.append(model.text(english.tokens).strip())
    elif manner.translate:
        heard.english.append(model.text(decoded.tokens).strip())
    # Stamps may stand still; the window must not be heard for ever.
    return further if further > seek else seek + size


def _found(segment: dict[str, Any], text: str, decoded: Decoded) -> Found:
    return Found(
        id=0,
        seek=segment["seek"],
        start=segment["start"],
        end=segment["end"],
        text=text,
        tokens=segment["tokens"],
        avg_logprob=decoded.avg_logprob,
        compression_ratio=decoded.compression,
        no_speech_prob=decoded.no_speech,
        words=[FoundWord(**word) for word in segment["words"]] if "words" in segment else None,
        temperature=None,
    )


def _seconds(chunks: _Chunks) -> list[tuple[float, float]]:
    return [(chunk["start"] / RATE, chunk["end"] / RATE) for chunk in chunks]


def _spoken(samples: NDArray[np.float32], chunks: _Chunks) -> NDArray[np.float32]:
    return np.concatenate([samples[chunk["start"] : chunk["end"]] for chunk in chunks])


def _padded(window: Features, fitted: bool) -> Features:
    """The window filled up with zeros to 30 s, as Whisper was trained; `fitted`: to little more than it holds."""
    size = window.shape[-1]
    length = WINDOW_FRAMES
    if fitted:
        length = min(max(ceil((size + FRAMES_PER_SECOND) / _FITTED_STEP) * _FITTED_STEP, _FITTED_LEAST), WINDOW_FRAMES)
    return np.pad(window, ((0, 0), (0, length - size)))


def _limit(size: int) -> int:
    """Most tokens for a window of `size` frames."""
    return min(ceil(size / FRAMES_PER_SECOND * _TOKENS_PER_SECOND / _LIMIT_STEP) * _LIMIT_STEP, MOST_TOKENS)


def _failed(decoded: Decoded) -> bool:
    """Too repetitive, or too improbable for speech; silence may be as improbable as it likes."""
    if decoded.no_speech > MOST_NO_SPEECH and decoded.avg_logprob < LEAST_LOGPROB:
        return False
    return decoded.compression > MOST_COMPRESSION or decoded.avg_logprob < LEAST_LOGPROB


def _suspect(decoded: Decoded, size: int) -> bool:
    """Whether a shorter window may have confused the decoder: then all 30 s are worth their time."""
    fast = len(decoded.tokens) > _TOKENS_PER_SECOND * size / FRAMES_PER_SECOND
    return _failed(decoded) or fast or not decoded.finished


def _transcript(
    model: Model, sound: Sound, manner: Manner, name: str, heard: _Heard, chunks: _Chunks | None, hint: str | None
) -> Transcript:
    note = choose(heard.probabilities, heard.speech, hint) if heard.probabilities else None
    language, probability = (note.language, note.probability) if note else _untold(model, manner, hint)
    voiced = None if chunks is None else _seconds(chunks)
    book = load_book(Path(manner.boilerplate) if manner.boilerplate else None)
    doubtful = {one.language: one.probability for one in note.per_window} if note else {}
    segments = tuple(
        _segment(found, spoken, language, doubtful.get(spoken, probability), voiced, model.end_of_text, book)
        for found, spoken in zip(heard.found, heard.languages, strict=True)
        if found.words is None or found.words
    )
    return Transcript(
        language=language,
        language_probability=probability,
        duration=sound.seconds,
        speech_seconds=sound.seconds if voiced is None else sum(end - start for start, end in voiced),
        segments=segments,
        model=name,
        parameters=_parameters(model, sound, manner, hint, vad=chunks is not None, widened=heard.widened),
        translation=" ".join(filter(None, heard.english)) if manner.translate else None,
    )


def _nothing(model: Model, sound: Sound, manner: Manner, name: str, hint: str | None) -> Transcript:
    """A recording in which nobody speaks."""
    return _transcript(model, sound, manner, name, _Heard(), [], hint)


def _untold(model: Model, manner: Manner, hint: str | None) -> tuple[str, float]:
    """Language and probability where nobody listened for it."""
    if manner.language is not None or not model.model.is_multilingual:
        return manner.language or "en", 1.0
    return (hint, 0.0) if hint is not None and model.knows(hint) else (UNDETERMINED, 0.0)


def _segment(
    found: Found,
    language: str,
    note: str,
    probability: float,
    voiced: Sequence[tuple[float, float]] | None,
    eot: int,
    book: Phrasebook,
) -> Segment:
    words = tuple(
        Word(start=float(word.start), end=float(word.end), text=word.word, probability=float(word.probability))
        for word in found.words or ()
    )
    share = speech_share(float(found.start), float(found.end), voiced)
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
            tokens=sum(token < eot for token in found.tokens),
            book=book,
        ),
        language=None if language == note else language,
        speech_share=share,
    )


def _parameters(
    model: Model, sound: Sound, manner: Manner, hint: str | None, *, vad: bool, widened: int
) -> dict[str, str]:
    settled = {
        "language": "given" if manner.language else f"heard, hint {hint}" if hint else "heard",
        "device": model.model.device,
        "compute_type": model.model.compute_type,
        "beam_size": str(manner.beam_size),
        "temperatures": f"0.0 {_SECOND_TEMPERATURE}",
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
