"""One window of a recording: encoded, listened to for its language, decoded, and cut into segments."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from faster_whisper.transcribe import Segment as Found
from faster_whisper.transcribe import Word as FoundWord
from faster_whisper.utils import get_end
from numpy.typing import NDArray

from bot.speech.local.asks import Decode, Encode, Hearing, Work
from bot.speech.local.fitted import MARGIN, fitted_length
from bot.speech.local.mel import Features
from bot.speech.local.model import FRAMES_PER_SECOND, MOST_TOKENS, WINDOW_FRAMES, Decoded, Model, Prompted
from bot.speech.settings import Manner
from bot.speech.truth.doubt import LEAST_LOGPROB, MOST_COMPRESSION, MOST_NO_SPEECH, MOST_TOKENS_PER_SECOND

# More than twice the usual rate of Russian, and more than Whisper has places for in a full window (7.5). Limits are
# rounded up, so that notes of like length can be decoded together: what loops costs as much as they allow.
_TOKENS_PER_SECOND = 9
_LIMIT_STEP = 28
# Of the second try, which most often follows a loop; it has no company, so nothing is rounded.
_SECOND_TOKENS_PER_SECOND = 5.5
SECOND_TEMPERATURE = 0.4


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens: a model, how, and what the transcript calls it; `hint` is the language of the recording's channel."""

    model: Model
    manner: Manner
    name: str
    hint: str | None

    @property
    def listens_for_language(self) -> bool:
        """Whether the language is to be heard, and is not known beforehand."""
        return self.manner.language is None and bool(self.model.model.is_multilingual)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Part of a spectrogram (mels, frames) from frame `seek` on, and its encoder output."""

    features: Features
    seek: int
    encoded: NDArray[Any]
    # Of each language; empty where nobody listens for it.
    probabilities: Mapping[str, float]

    @property
    def size(self) -> int:
        """Frames of sound."""
        return int(self.features.shape[-1])

    @property
    def seconds(self) -> float:
        """Of sound."""
        return self.size / FRAMES_PER_SECOND

    @property
    def end(self) -> int:
        """The frame behind its last one."""
        return self.seek + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was found in one window: segments as faster-whisper names them, and in which language they were decoded."""

    found: tuple[Found, ...]
    language: str
    # The frame at which to go on, always behind the window's first; second at which the last word ended.
    further: int
    last: float
    english: str = ""
    # The fitted window was too short for the decoder, and it was heard in a whole one.
    widened: bool = False


def open_window(listener: Listener, features: Features, seek: int, end: int) -> Hearing[Window]:
    """The window from frame `seek` on, up to `end` or as much as the encoder takes."""
    window = features[:, seek : min(seek + WINDOW_FRAMES, end)]
    encoded: NDArray[Any] = yield Encode(_padded(window, listener.manner.fitted))
    probabilities: Mapping[str, float] = {}
    if listener.listens_for_language:
        probabilities = yield Work(partial(listener.model.languages, encoded))
    return Window(window, seek, encoded, probabilities)


def hear_window(listener: Listener, window: Window, language: str, last: float, *, tries: int = 2) -> Hearing[Part]:
    """What is said in a window; `last`: second at which the words before it ended; `tries`: 1 for beam search alone."""
    encoded, widened = window.encoded, False
    decoded = yield from _decode(listener, window, encoded, language, tries)
    if tries > 1 and encoded.shape[1] < WINDOW_FRAMES // 2 and _is_suspect(decoded, window):
        widened = True
        encoded = yield Encode(_padded(window.features, False))
        decoded = yield from _decode(listener, window, encoded, language, tries)
    if decoded.no_speech > MOST_NO_SPEECH and decoded.avg_logprob <= LEAST_LOGPROB:
        return Part(found=(), language=language, further=window.end, last=last, widened=widened)
    found, further, last = yield from _cut(listener, window, encoded, decoded, language, last)
    english = (yield from _english(listener, window, encoded, decoded, language)) if listener.manner.translate else ""
    return Part(found=found, language=language, further=further, last=last, english=english, widened=widened)


def _decode(listener: Listener, window: Window, encoded: NDArray[Any], language: str, tries: int) -> Hearing[Decoded]:
    """Beam search, and where that went wrong one hotter try: the full ladder of five costs nine times as much."""
    asked = Prompted(encoded, listener.model.prompt(language, hot_words=listener.manner.hot_words))
    first: Decoded = yield Decode(asked, _limit(listener, window))
    if tries == 1 or not _failed(first):
        return first
    fewer = min(ceil(window.seconds * _SECOND_TOKENS_PER_SECOND), MOST_TOKENS)
    second: Decoded = yield Decode(asked, fewer, SECOND_TEMPERATURE)
    whole = [one for one in (second, first) if not _loops(one)]
    return max(whole or (first, second), key=lambda one: one.avg_logprob)


def _cut(
    listener: Listener, window: Window, encoded: NDArray[Any], decoded: Decoded, language: str, last: float
) -> Hearing[tuple[tuple[Found, ...], int, float]]:
    """(segments with a text, frame at which to go on, second at which the last word ended)."""
    model = listener.model
    segments, further, ended = model.cut(decoded.tokens, language, window.seek, window.size)
    if listener.manner.words and segments:
        yield Work(partial(model.align_words, segments, language, encoded, window.size, last))
        last = get_end(segments)
        # Where the words of a loop end says nothing of the sound.
        if not ended and not _loops(decoded) and last > window.seek / FRAMES_PER_SECOND:
            further = round(last * FRAMES_PER_SECOND)
    texts = [model.text(segment["tokens"]) for segment in segments]
    found = tuple(
        _found(segment, text, decoded)
        for segment, text in zip(segments, texts, strict=True)
        if segment["start"] != segment["end"] and text.strip()
    )
    # Stamps may stand still; the window must not be heard for ever.
    return found, further if further > window.seek else window.end, last


def _english(
    listener: Listener, window: Window, encoded: NDArray[Any], decoded: Decoded, language: str
) -> Hearing[str]:
    if language != "en":
        asked = Prompted(encoded, listener.model.prompt(language, "translate"))
        decoded = yield Decode(asked, _limit(listener, window))
    return listener.model.text(decoded.tokens).strip()


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


def _padded(window: Features, fitted: bool) -> Features:
    """The window filled up with zeros to 30 s, as Whisper was trained; `fitted`: to little more than it holds."""
    size = window.shape[-1]
    length = fitted_length(size) if fitted else WINDOW_FRAMES
    return np.pad(window, ((0, 0), (0, length - size)))


def _limit(listener: Listener, window: Window) -> int:
    """Most tokens for a window; fitted ones of one length have one limit, so that they can be decoded together."""
    size = fitted_length(window.size) - MARGIN if listener.manner.fitted else window.size
    return min(ceil(size / FRAMES_PER_SECOND * _TOKENS_PER_SECOND / _LIMIT_STEP) * _LIMIT_STEP, MOST_TOKENS)


def _failed(decoded: Decoded) -> bool:
    """Too repetitive, or too improbable for speech; silence may be as improbable as it likes."""
    if decoded.no_speech > MOST_NO_SPEECH and decoded.avg_logprob < LEAST_LOGPROB:
        return False
    return _loops(decoded) or decoded.avg_logprob < LEAST_LOGPROB


def _loops(decoded: Decoded) -> bool:
    return decoded.compression > MOST_COMPRESSION


def _is_suspect(decoded: Decoded, window: Window) -> bool:
    """Whether a shorter window may have confused the decoder: then all 30 s are worth their time."""
    fast = len(decoded.tokens) > MOST_TOKENS_PER_SECOND * window.seconds
    return _failed(decoded) or fast or not decoded.finished
