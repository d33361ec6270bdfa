"""Speech from espeak-ng's library, with the times at which words and phonemes are spoken."""

import ctypes as c
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_RETRIEVAL, _PHONEME_EVENTS, _UTF8 = 2, 1, 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_END, _WORD, _PHONEME = 0, 1, 7
_ENVELOPE_STEP = 220


class _Id(c.Union):
    _fields_ = [("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8)]


class _Event(c.Structure):
    _fields_ = [
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),
        ("length", c.c_int),
        ("audio_position", c.c_int),
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _Id),
    ]


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Utterance:
    """float32 samples at the engine's rate; words as (text, start, end), phonemes as (start, name), in seconds."""

    samples: NDArray[np.float32]
    words: list[tuple[str, float, float]]
    phonemes: list[tuple[float, str]]


class Espeak:
    """The engine. It is global in the library: make one per process."""

    def __init__(self) -> None:
        self._library = c.CDLL("libespeak-ng.so.1")
        self.rate = self._library.espeak_Initialize(_RETRIEVAL, 500, None, _PHONEME_EVENTS)
        self._pieces: list[NDArray[np.int16]] = []
        self._word_starts: dict[int, float] = {}
        self._phonemes: list[tuple[float, str]] = []
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, text: str, *, voice: str, speed: int, pitch: int, pitch_range: int = 50) -> Utterance:
        """`voice` as `ru+m3`, `speed` in words per minute, pitch and range from 0 to 99."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice}")
        for parameter, value in ((_RATE, speed), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        self._pieces.clear()
        self._word_starts.clear()
        self._phonemes.clear()
        encoded = text.encode()
        self._library.espeak_Synth(encoded, len(encoded) + 1, 0, 1, 0, _UTF8, None, None)
        samples = np.concatenate(self._pieces).astype(np.float32) / 32768.0
        return Utterance(samples, self._words(text, samples), list(self._phonemes))

    def _receive(self, wav: "c._Pointer[c.c_short]", count: int, events: "c._Pointer[_Event]") -> int:
        if count > 0 and wav:
            self._pieces.append(np.ctypeslib.as_array(wav, (count,)).copy())
        index = 0
        while (event := events[index]).type != _END:
            if event.type == _WORD:
                self._word_starts[event.text_position - 1] = event.audio_position / 1000
            elif event.type == _PHONEME:
                self._phonemes.append((event.audio_position / 1000, bytes(event.id.string).decode("latin1")))
            index += 1
        return 0

    def _words(self, text: str, samples: NDArray[np.float32]) -> list[tuple[str, float, float]]:
        words = list(re.finditer(r"\S+", text))
        seconds = len(samples) / self.rate
        starts = self._starts(words, seconds)
        ends = [*starts[1:], seconds]
        trim = _Trimmer(samples, self.rate)
        return [(word.group(), *trim(start, end)) for word, start, end in zip(words, starts, ends, strict=True)]

    def _starts(self, words: list[re.Match[str]], seconds: float) -> list[float]:
        """Start times; where the engine gave no event (clitics), letters share the time between known neighbours."""
        found = [
            min((time for place, time in self._word_starts.items() if word.start() <= place < word.end()), default=None)
            for word in words
        ]
        anchors = [(0, found[0] or 0.0)]
        anchors += [(index, time) for index, time in enumerate(found) if index and time is not None]
        anchors.append((len(words), seconds))
        letters = np.cumsum([0, *(len(word.group()) for word in words)])
        return list(np.interp(letters[:-1], [letters[index] for index, _ in anchors], [time for _, time in anchors]))


class _Trimmer:
    """Narrows a word to where there is sound, so that pauses belong to no word."""

    def __init__(self, samples: NDArray[np.float32], rate: int) -> None:
        window = np.ones(_ENVELOPE_STEP) / _ENVELOPE_STEP
        self._envelope = np.sqrt(np.convolve(samples * samples, window, "same"))[::_ENVELOPE_STEP]
        self._threshold = max(self._envelope.max() * 0.02, 1e-4)
        self._step = _ENVELOPE_STEP / rate

    def __call__(self, start: float, end: float) -> tuple[float, float]:
        first = int(start / self._step)
        loud = np.where(self._envelope[first : max(first + 1, int(end / self._step))] > self._threshold)[0]
        if not len(loud):
            return start, end
        begin, finish = (first + loud[0]) * self._step, (first + loud[-1] + 1) * self._step
        return float(max(start, begin - 0.01)), float(min(end, finish + 0.01))
