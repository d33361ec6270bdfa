"""A loaded Whisper model: what CTranslate2 is asked, and which of faster-whisper's ways are kept.

The tokenizer, the mel spectrogram, the cutting of tokens into segments and the alignment of words are faster-whisper's.
Ours is who encodes and decodes what, when, and together with what: see `hearing` and `driver`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray

from bot.speech.local.mel import Features, spectrogram

# Frames of the mel spectrogram in Whisper's window of 30 s; one is 10 ms.
WINDOW_FRAMES = 3_000
FRAMES_PER_SECOND = 100
# What the decoder has places for (448 with the prompt, half of them for text).
MOST_TOKENS = 224
# Whisper's text begins in the first second of its window.
_MAX_INITIAL_TIMESTAMP_INDEX = 50
# A stamp further behind the last word than this stands in silence, not in the word.
_WORD_TAIL_SECONDS = 1.0
_PREPENDED = "\"'“¿([{-"
_APPENDED = "\"'.。,，!！?？:：”)]}、"


class Decoded(NamedTuple):
    """What the decoder made of one window."""

    tokens: list[int]
    avg_logprob: float
    no_speech: float
    compression: float
    # It ended by itself, not at the limit of tokens.
    finished: bool


class Prompted(NamedTuple):
    """A window to be decoded: its encoder output (1, positions, width), and the tokens that the decoder begins with."""

    encoded: NDArray[Any]
    prompt: tuple[int, ...]


class Model(WhisperModel):  # type: ignore[misc]
    """Weights in memory; every method may be called from several threads at once."""

    def __init__(self, folder: str, *, device: str, compute_type: str, workers: int, threads: int) -> None:
        """Load the model in `folder`: up to `workers` calls run side by side, each on `threads` cores.

        Raises RuntimeError or ValueError if it is none.
        """
        super().__init__(folder, device=device, compute_type=compute_type, cpu_threads=threads, num_workers=workers)
        self.tokenizer = cache(self._tokenizer)
        self._suppressed = list(get_suppressed_tokens(self.tokenizer("en"), [-1]))

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return bool(self.model.device == "cuda")

    @property
    def end_of_text(self) -> int:
        """The first token that is no text."""
        return int(self.tokenizer("en").eot)

    def warm_up(self) -> None:
        """Have libraries loaded and weights touched before the first recording, by a twentieth of a second and one token."""
        get_speech_timestamps(np.zeros(512, np.float32))
        (encoded,) = self.encode_all([self.features(np.zeros(800, np.float32))])
        self.decode_all([Prompted(encoded, self.prompt("en"))], limit=1, beam_size=1)

    def knows(self, language: str | None) -> bool:
        """Whether it has a token for this language (ISO 639-1)."""
        return language in self.supported_languages

    def features(self, samples: NDArray[np.float32]) -> Features:
        """The log-mel spectrogram: (mels, frames), the last frame for the padding."""
        return spectrogram(self.feature_extractor, samples)

    def encode_all(self, windows: Sequence[Features]) -> list[NDArray[Any]]:
        """Encoder outputs, (1, positions, width) each, of windows of one length."""
        stacked = ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(windows)))
        output = np.array(self.model.encode(stacked, to_cpu=True))
        return [output[i : i + 1] for i in range(len(windows))]

    def languages(self, encoded: NDArray[Any]) -> dict[str, float]:
        """Probability of each language in one window."""
        (found,) = self.model.detect_language(_view(encoded))
        return {token[2:-2]: probability for token, probability in found}

    def decode_all(
        self, asked: Sequence[Prompted], *, limit: int, beam_size: int, temperature: float = 0.0
    ) -> list[Decoded]:
        """Decode windows together: encoder outputs of one length, prompts of one length, `limit` tokens for each.

        A prompt that is longer than half of the decoder's places takes from the limit what it has more.
        """
        # The last token of the prompt counts as the first of the result.
        prompted = len(asked[0].prompt) - 1
        limit = min(limit, self.max_length - prompted)
        how = (
            {"beam_size": beam_size}
            if not temperature
            else {"beam_size": 1, "num_hypotheses": 1, "sampling_topk": 0, "sampling_temperature": temperature}
        )
        results = self.model.generate(
            _view(np.concatenate([one.encoded for one in asked])),
            [list(one.prompt) for one in asked],
            # CTranslate2 (4.8) gives half of it to the text, or what the prompt leaves of it, whichever is less.
            max_length=min(max(2 * limit, limit + prompted), self.max_length),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            max_initial_timestamp_index=_MAX_INITIAL_TIMESTAMP_INDEX,
            **how,
        )
        return [self._decoded(result, limit) for result in results]

    def align_words(
        self, segments: list[dict[str, Any]], language: str, encoded: NDArray[Any], frames: int, last: float
    ) -> None:
        """Give the segments of one window their words, with times and probabilities; `last`: where the words before end.

        faster-whisper 1.2.1 goes on from the end of the last aligned word. Alignment is coarse: when it ends inside the
        word, the rest of the word opens the next window and is heard as another one. So the last word is stretched to the
        stamp that the decoder gave its segment, where that is a little later.
        """
        stamp = segments[-1]["end"]
        self.add_word_timestamps(
            [segments], self.tokenizer(language), _view(encoded), frames, _PREPENDED, _APPENDED, last
        )
        words = segments[-1]["words"]
        if words and 0 < stamp - words[-1]["end"] <= _WORD_TAIL_SECONDS:
            words[-1]["end"] = segments[-1]["end"] = stamp

    def cut(self, tokens: list[int], language: str, seek: int, frames: int) -> tuple[list[dict[str, Any]], int, bool]:
        """(segments, frame at which to go on, whether the text ended with its window) of the tokens of one window."""
        segments, further, ended = self._split_segments_by_timestamps(
            tokenizer=self.tokenizer(language),
            tokens=tokens,
            time_offset=seek / FRAMES_PER_SECOND,
            segment_size=frames,
            segment_duration=frames / FRAMES_PER_SECOND,
            seek=seek,
        )
        return segments, further, ended

    def text(self, tokens: Sequence[int]) -> str:
        """Tokens as text, stamps left out."""
        decoded: str = self.tokenizer("en").decode(list(tokens))
        return decoded

    def prompt(self, language: str, task: str = "transcribe", *, hot_words: str = "") -> tuple[int, ...]:
        """What the decoder begins with; `hot_words` are names that it may have to write."""
        return tuple(self.get_prompt(self.tokenizer(language, task), [], hotwords=hot_words or None))

    def _tokenizer(self, language: str, task: str = "transcribe") -> Tokenizer:
        return Tokenizer(self.hf_tokenizer, self.model.is_multilingual, task=task, language=language)

    def _decoded(self, result: Any, limit: int) -> Decoded:
        tokens = list(result.sequences_ids[0])
        return Decoded(
            tokens=tokens,
            avg_logprob=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech=result.no_speech_prob,
            compression=get_compression_ratio(self.text(tokens).strip()),
            finished=len(tokens) < limit,
        )


def _view(array: NDArray[Any]) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array))
