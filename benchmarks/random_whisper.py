"""Whisper models of the true architecture with random weights: `python -m benchmarks.random_whisper base FOLDER`

They say nothing about accuracy, and cost what real ones cost: sizes, vocabulary (51,865), int8. What they write is random
words, but as many as people say: a decoder that never ended, or at once, would measure something else. So a few of the
weights are set by hand. The encoder marks the positions at which somebody speaks; a head of the decoder looks for the
last one; a ramp over the decoder's positions, counted from the start token, crosses it after 3.5 tokens for each second,
and there the text ends. The two dimensions in which that happens are written by nothing else.

With `loop` the text never ends and is one word: what real models do in their worst moments.
"""

import argparse
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from ctranslate2.specs import WhisperSpec
from faster_whisper import decode_audio
from faster_whisper.audio import pad_or_trim
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray
from tokenizers import pre_tokenizers

from benchmarks.scenery import words
from bot.sandbox.stage import GENERAL, SPEECH_MODEL

Weights = NDArray[np.float32]

POSITIONS, TARGET_POSITIONS, MELS = 1500, 448, 80
TEXT_TOKENS, TOKENS = 50_257, 51_865
WINDOW_SECONDS = 30.0
TOKENS_PER_SECOND = 3.5
# Width, heads, layers of either half: openai/whisper, model card.
SIZES = {"tiny": (384, 6, 4), "base": (512, 8, 6), "small": (768, 12, 12), "medium": (1024, 16, 24)}

# Dimensions of the encoder's stream: sound (4 or 0), time (-4 to 4); of the decoder's: how far past the end, start token.
_SOUND, _TIME, _PAST, _START = 0, 1, 0, 1
_HEIGHT = 4.0
# Channels of the first convolution, of which the difference is a step from 0 to 1 where the lower mels are louder than the
# upper ones by this much. Loudness alone would not do: faster-whisper pads with zeros, which are loud.
_LOW, _HIGH = 2, 3
_VOICED, _STEEP = 0.35, 40.0
# How far the ramp rises with each token: eight bits tell one from the next.
_RISE = 0.08
# Spread of the logits: flat ones would be taken for doubt, and decoded again at other temperatures.
_SPREAD = 12.0
_TRIES = 4
# So many tokens too many or too few are near enough.
_NEAR = 2.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How the decoder's stream is scaled: `gain` on the time of the last sound, `offset` in tokens. Found by measuring."""

    gain: float = 1.0
    offset: float = 0.0


_AS_DRAWN = Ending()


def write_model(size: str, folder: Path, *, seed: int = 58, loop: bool = False) -> Path:
    """A model of `size` in `folder`, which is made anew; it ends where it should, within about a tenth."""
    ending = Ending()
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _save(specification(size, seed=seed, ending=ending, loop=loop), folder)
        if loop or (better := _measured(folder, ending)) == ending:
            break
        ending = better
    return folder


def specification(size: str, *, seed: int = 58, ending: Ending = _AS_DRAWN, loop: bool = False) -> WhisperSpec:
    """CTranslate2's description of a model of `size` with all its weights, not yet quantised."""
    width, heads, layers = SIZES[size]
    return _Maker(width, heads, layers, np.random.default_rng(seed), ending, loop).spec()


class _Maker:
    """Fills a specification."""

    def __init__(
        self, width: int, heads: int, layers: int, generator: np.random.Generator, ending: Ending, loop: bool
    ) -> None:
        self._width, self._heads, self._layers = width, heads, layers
        self._generator = generator
        self._ending = ending
        self._loop = loop

    def spec(self) -> WhisperSpec:
        """All weights set, not yet quantised."""
        spec = WhisperSpec(self._layers, self._heads, self._layers, self._heads)
        self._encoder(spec.encoder)
        self._decoder(spec.decoder)
        return spec

    def _random(self, *shape: int, scale: float = 1.0) -> Weights:
        fan = int(np.prod(shape[1:]))
        return (self._generator.standard_normal(shape) * scale / np.sqrt(fan)).astype(np.float32)

    def _stream(self, rows: int) -> Weights:
        """Rows for the stream, with a mean of zero, so that normalising does not move the two dimensions that are kept."""
        drawn = self._generator.standard_normal((rows, self._width)).astype(np.float32)
        drawn -= drawn[:, 2:].mean(axis=1, keepdims=True)
        drawn[:, :2] = 0.0
        return drawn

    def _encoder(self, encoder: Any) -> None:
        first, second = self._random(self._width, MELS, 3), self._random(self._width, self._width, 3, scale=1.5)
        first[[_LOW, _HIGH]] = 0.0
        first[[_LOW, _HIGH], :30] = _STEEP / (30 * 3)
        first[[_LOW, _HIGH], 50:] = -_STEEP / (30 * 3)
        encoder.conv1.weight, encoder.conv1.bias = first, np.zeros(self._width, np.float32)
        encoder.conv1.bias[[_LOW, _HIGH]] = -_STEEP * _VOICED, -_STEEP * _VOICED - 3.0
        second[:, [_LOW, _HIGH]] = 0.0
        second[[_SOUND, _TIME]] = 0.0
        second[_SOUND, [_LOW, _HIGH], 1] = _HEIGHT / 3.0, -_HEIGHT / 3.0
        encoder.conv2.weight, encoder.conv2.bias = second, np.zeros(self._width, np.float32)
        where = self._stream(POSITIONS)
        where[:, _TIME] = np.linspace(-_HEIGHT, _HEIGHT, POSITIONS)
        encoder.position_encodings.encodings = where
        for layer in encoder.layer:
            self._attention(layer.self_attention, parts=(3,))
            self._feed_forward(layer.ffn)
        self._norm(encoder.layer_norm)

    def _decoder(self, decoder: Any) -> None:
        tokens = self._stream(TOKENS)
        tokens[TEXT_TOKENS + 1, _START] = _HEIGHT
        decoder.embeddings.weight = tokens
        where = self._stream(TARGET_POSITIONS)
        where[:, _PAST] = _RISE * np.arange(TARGET_POSITIONS)
        decoder.position_encodings.encodings = where
        for layer in decoder.layer:
            self._attention(layer.self_attention, parts=(3,))
            self._attention(layer.attention, parts=(1, 2))
            self._feed_forward(layer.ffn)
        self._norm(decoder.layer_norm)
        self._count_from_start(decoder.layer[0].self_attention)
        self._look_for_end(decoder.layer[0].attention)
        self._projection(decoder.projection)

    def _attention(self, attention: Any, *, parts: tuple[int, ...]) -> None:
        """`parts`: how many of query, key and value each linear layer holds."""
        for linear, count in zip(attention.linear, parts, strict=False):
            linear.weight = self._random(count * self._width, self._width)
            linear.bias = np.zeros(count * self._width, np.float32)
        self._out(attention.linear[-1], self._width)
        self._norm(attention.layer_norm)

    def _feed_forward(self, layer: Any) -> None:
        layer.linear_0.weight = self._random(4 * self._width, self._width)
        layer.linear_0.bias = np.zeros(4 * self._width, np.float32)
        self._out(layer.linear_1, 4 * self._width)
        self._norm(layer.layer_norm)

    def _out(self, linear: Any, inputs: int) -> None:
        """Back into the stream, as its rows are."""
        linear.weight = self._random(self._width, inputs, scale=0.5)
        linear.weight -= linear.weight[2:].mean(axis=0)
        linear.weight[:2] = 0.0
        linear.bias = np.zeros(self._width, np.float32)

    def _norm(self, norm: Any) -> None:
        norm.gamma, norm.beta = np.ones(self._width, np.float32), np.zeros(self._width, np.float32)

    def _count_from_start(self, attention: Any) -> None:
        """The first head reads the ramp at the start token and takes it off: what stands before it does not count."""
        into, out, head = attention.linear[0], attention.linear[1], self._width // self._heads
        _constant_query(into, head)
        into.weight[self._width] = 0.0
        into.weight[self._width, _START] = 100.0
        value = 2 * self._width
        into.weight[value] = 0.0
        into.weight[value, _PAST] = 1.0
        out.weight[:, 0] = 0.0
        # What is read was divided by the spread of the stream: embedding and position, of variance one each.
        out.weight[_PAST, 0] = -np.sqrt(2.0)

    def _look_for_end(self, attention: Any) -> None:
        """The first head looks for the last position with sound, and takes off what would have been said by then."""
        query, both, out = attention.linear
        _constant_query(query, self._width // self._heads)
        both.weight[0] = 0.0
        both.weight[0, _SOUND], both.weight[0, _TIME] = 120.0, 40.0
        both.weight[self._width] = 0.0
        both.weight[self._width, _TIME] = 1.0
        whole = _RISE * TOKENS_PER_SECOND * WINDOW_SECONDS
        out.weight[:, 0] = 0.0
        out.weight[_PAST, 0] = -self._ending.gain * whole / (2 * _HEIGHT)
        out.bias[_PAST] = -whole / 2 - _RISE * (3.0 + self._ending.offset)

    def _projection(self, projection: Any) -> None:
        projection.weight = self._random(TOKENS, self._width, scale=_SPREAD)
        projection.bias = np.full(TOKENS, -1000.0, np.float32)
        projection.bias[:TEXT_TOKENS] = 0.0
        # Russian, wherever a language is asked for; the first stamp, wherever one is due.
        projection.bias[TEXT_TOKENS + 6] = -900.0
        projection.bias[_STAMPS] = -400.0
        end = projection.weight[TEXT_TOKENS]
        end[:] = 0.0
        end[_PAST] = 40.0 / _RISE
        projection.bias[TEXT_TOKENS] = 0.0
        if self._loop:
            projection.bias[TEXT_TOKENS] = -1e6
            projection.bias[_LOOPED] = 1000.0


_STAMPS = TOKENS - 1501
_LOOPED = 1000


def _constant_query(linear: Any, head: int) -> None:
    linear.weight[:head] = 0.0
    linear.bias[0] = 1.0


def _save(spec: WhisperSpec, folder: Path) -> None:
    """The model and what belongs to it, as the converters write them."""
    vocabulary = _write_tokenizer(folder)
    config = json.loads((SPEECH_MODEL / "config.json").read_text())
    moved = {
        name: [_moved(token) for token in config[name]] for name in ("lang_ids", "suppress_ids", "suppress_ids_begin")
    }
    for name, value in moved.items():
        setattr(spec.config, name, value)
    layers = len(spec.decoder.layer)
    spec.config.alignment_heads = [[layer, head] for layer in range(layers // 2, layers) for head in (1, 2)]
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    shutil.copyfile(SPEECH_MODEL / "preprocessor_config.json", folder / "preprocessor_config.json")


def _moved(token: int) -> int:
    """An id of the small model's vocabulary in the large one: the same text, then everything that is not text."""
    small = _small_text_tokens()
    return token if token < small else token - small + TEXT_TOKENS


def _small_text_tokens() -> int:
    read = json.loads((SPEECH_MODEL / "tokenizer.json").read_text())
    return int(read["added_tokens"][0]["id"])


def _write_tokenizer(folder: Path) -> list[str]:
    """The small model's tokenizer, filled up with invented words; returns all tokens by their ids."""
    read = json.loads((SPEECH_MODEL / "tokenizer.json").read_text())
    known = read["model"]["vocab"]
    fill = (word for word in _words() if word not in known)
    for token in range(len(known), TEXT_TOKENS):
        known[next(fill)] = token
    for added in read["added_tokens"]:
        added["id"] = _moved(added["id"])
    (folder / "tokenizer.json").write_text(json.dumps(read))
    named = {token: text for text, token in known.items()} | {one["id"]: one["content"] for one in read["added_tokens"]}
    return [named[token] for token in range(TOKENS)]


def _words() -> Iterator[str]:
    """Invented words of two to five syllables, each with its blank, in the letters of byte-level tokenizers."""
    rng = random.Random(58)
    spelled = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    given: set[str] = set()
    while True:
        (word,) = words(rng, 1)
        if word not in given:
            given.add(word)
            yield spelled.pre_tokenize_str(f" {word}")[0][0]


def _measured(folder: Path, ending: Ending) -> Ending:
    """What the ending must be for 3.5 tokens a second, by how the model ends after 5 and after 24 s of speech.

    The same if it is near enough.
    """
    model = ctranslate2.models.Whisper(str(folder), device="cpu", intra_threads=1)
    speech = decode_audio(str(GENERAL))
    counts = {}
    for seconds in (5, 24):
        features = pad_or_trim(FeatureExtractor()(speech[: 16_000 * seconds])[:, : 100 * seconds])
        prompt = [TEXT_TOKENS + 1, TEXT_TOKENS + 6, TEXT_TOKENS + 102]
        view = ctranslate2.StorageView.from_array(np.ascontiguousarray(features[None]))
        (result,) = model.generate(view, [prompt], beam_size=1)
        counts[seconds] = len(result.sequences_ids[0])
    if all(abs(count - TOKENS_PER_SECOND * seconds) <= _NEAR for seconds, count in counts.items()):
        return ending
    slope = (counts[24] - counts[5]) / 19
    # The time is counted from the middle of the window.
    middle = counts[5] + slope * (WINDOW_SECONDS / 2 - 5)
    return Ending(
        gain=ending.gain * TOKENS_PER_SECOND / slope,
        offset=ending.offset + TOKENS_PER_SECOND * WINDOW_SECONDS / 2 - middle,
    )


def main() -> None:
    """Write one."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("size", choices=list(SIZES))
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--loop", action="store_true", help="a text that never ends")
    given = arguments.parse_args()
    write_model(given.size, given.folder, loop=given.loop)


if __name__ == "__main__":
    main()
