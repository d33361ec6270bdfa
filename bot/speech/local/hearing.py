"""The way of one recording through the model: sound in, transcript out, as faster-whisper goes it, window by window.

It says what it needs (`asks`), and whoever runs it may run others at the same time. With the same options the tokens are
those of faster-whisper 1.2.1's `transcribe`; the language is heard on the windows that are decoded anyway, where
faster-whisper encodes the first one twice (a third of all the time for a note of 10 s). Fitted windows go another way:
pieces, side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray

from bot.speech.local.asks import Hearing, Together, Work
from bot.speech.local.fitted import pieces
from bot.speech.local.mel import Features
from bot.speech.local.model import FRAMES_PER_SECOND, WINDOW_FRAMES, Model
from bot.speech.local.window import Listener, Part, Window, hear_window, open_window
from bot.speech.local.writing import Chunks, in_seconds, nothing, write
from bot.speech.settings import Manner
from bot.speech.sound.decode import RATE, Sound
from bot.speech.truth.doubt import fuller, likelier, worth_without_vad
from bot.speech.truth.languages import Heard, choose
from bot.transcript import Transcript

# Quieter than this (1/32768 is the last bit) is no sound, and no model is asked.
_SILENCE = 4 / 32768
# Pieces of one recording whose encoder outputs are in memory at once; one decoder call takes no more by default.
_SIDE_BY_SIDE = 8
# A note up to this length is worth a second language: its encoder outputs are kept while the first is in doubt.
_LONGEST_IN_DOUBT = 4 * WINDOW_FRAMES


@dataclass(slots=True)
class _Course:
    """What has been heard so far."""

    # In place of the note's language the second likeliest is tried, and nothing twice.
    instead: bool = False
    # Windows that need not be encoded again, by their first frame.
    kept: dict[int, Window] = field(default_factory=dict)
    # Of each window: how probable each language is, and seconds of sound.
    probabilities: list[Mapping[str, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    @property
    def last(self) -> float:
        """Second at which the last word ended."""
        return self.parts[-1].last if self.parts else 0.0


def hear(model: Model, sound: Sound, manner: Manner, name: str, *, hint: str | None) -> Hearing[Transcript]:
    """What is said in `sound`; `hint`: the language of its channel; `name`: what the transcript calls the model."""
    listener = Listener(model, manner, name, hint)
    if not len(sound.samples) or float(np.abs(sound.samples).max()) <= _SILENCE:
        return nothing(listener, sound)
    chunks: Chunks = yield Work(partial(get_speech_timestamps, sound.samples), front=True)
    speech = sum(chunk["end"] - chunk["start"] for chunk in chunks) / RATE
    masked = nothing(listener, sound)
    if chunks:
        masked = yield from _pass(listener, sound, chunks)
    if not worth_without_vad(speech, sound.seconds):
        return masked
    whole = yield from _pass(listener, sound, None)
    return fuller(masked, whole, in_seconds(chunks))


def _pass(listener: Listener, sound: Sound, chunks: Chunks | None) -> Hearing[Transcript]:
    """Once through the note: only where there is voice activity, or with `chunks` None all of it.

    Where its language stays in doubt, it is decoded in the second likeliest as well, once, from the same encoder outputs.
    """
    samples = sound.samples if chunks is None else _spoken(sound.samples, chunks)
    features: Features = yield Work(partial(listener.model.features, samples), front=True)
    # Hours of sound are hundreds of megabytes.
    del samples
    course = _Course()
    yield from _go(listener, features, course)
    note = _heard(listener, course)
    first = write(listener, sound, course.parts, note, chunks)
    if note is None or (other := note.other) is None or features.shape[-1] > _LONGEST_IN_DOUBT:
        return first
    again = _Course(instead=True, kept=course.kept)
    yield from _go(listener, features, again)
    return likelier(first, write(listener, sound, again.parts, other, chunks))


def _go(listener: Listener, features: Features, course: _Course) -> Hearing[None]:
    # The last frame is for the padding.
    frames = features.shape[-1] - 1
    way = _side_by_side if listener.manner.fitted else _in_turn
    yield from way(listener, features, frames, course)


def _in_turn(listener: Listener, features: Features, frames: int, course: _Course) -> Hearing[None]:
    """As faster-whisper goes: each window begins where the text of the one before ended."""
    seek = 0
    while seek < frames:
        window = yield from _window(listener, features, seek, frames, course)
        (language,) = _languages(listener, course, [window])
        part = yield from hear_window(listener, window, language, course.last, tries=_tries(course))
        course.parts.append(part)
        seek = part.further


def _side_by_side(listener: Listener, features: Features, frames: int, course: _Course) -> Hearing[None]:
    """Pieces that end in pauses, some together: first encoded and listened to, then decoded, each in its language."""
    cut = pieces(features, frames)
    for place in range(0, len(cut), _SIDE_BY_SIDE):
        windows: list[Window] = yield Together(
            tuple(_window(listener, features, *piece, course) for piece in cut[place : place + _SIDE_BY_SIDE])
        )
        languages = _languages(listener, course, windows)
        parts: list[list[Part]] = yield Together(
            tuple(
                _piece(listener, features, window, language, _tries(course))
                for window, language in zip(windows, languages, strict=True)
            )
        )
        course.parts += [part for found in parts for part in found]


def _piece(listener: Listener, features: Features, first: Window, language: str, tries: int) -> Hearing[list[Part]]:
    """All of a piece: where its text ended early, its rest is a window too, in the same language."""
    parts = [(yield from hear_window(listener, first, language, first.seek / FRAMES_PER_SECOND, tries=tries))]
    while (seek := parts[-1].further) < first.end:
        rest = yield from open_window(listener, features, seek, first.end)
        parts.append((yield from hear_window(listener, rest, language, parts[-1].last, tries=tries)))
    return parts


def _window(listener: Listener, features: Features, seek: int, end: int, course: _Course) -> Hearing[Window]:
    kept = course.kept.get(seek)
    return kept if kept is not None else (yield from open_window(listener, features, seek, end))


def _languages(listener: Listener, course: _Course, windows: list[Window]) -> list[str]:
    """The language of each of these windows, by all that has been heard so far."""
    course.probabilities += [window.probabilities for window in windows]
    course.seconds += [window.seconds for window in windows]
    note = _heard(listener, course)
    if note is None:
        return [listener.manner.language or "en"] * len(windows)
    if not course.instead:
        _keep(course, windows, note)
    return [guess.language for guess in note.per_window[-len(windows) :]]


def _keep(course: _Course, windows: list[Window], note: Heard) -> None:
    """For another try, should the note's language stay in doubt; not for hours of sound."""
    if note.sure or FRAMES_PER_SECOND * sum(course.seconds) > _LONGEST_IN_DOUBT:
        course.kept.clear()
    else:
        course.kept |= {window.seek: window for window in windows}


def _heard(listener: Listener, course: _Course) -> Heard | None:
    """The languages of the windows heard so far; None where nobody listens for them."""
    if not course.probabilities or not listener.listens_for_language:
        return None
    note = choose(course.probabilities, course.seconds, listener.hint)
    return note.other or note if course.instead else note


def _tries(course: _Course) -> int:
    return 1 if course.instead else 2


def _spoken(samples: NDArray[np.float32], chunks: Chunks) -> NDArray[np.float32]:
    return np.concatenate([samples[chunk["start"] : chunk["end"]] for chunk in chunks])
