"""Translation models of the true architecture, made in a second: no weights can be fetched where the tests run.

`word_for_word` has weights set by hand, so that it translates each word by a dictionary: its decoder looks, place by
place, at the source word of the same place. `random_model` has random ones and pieces of words: what it says is no
language, but the library has all its work with it.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import sentencepiece
from ctranslate2.specs import TransformerSpec, common_spec

# Places that the dictionary model knows: more than a sentence may have or become.
PLACES = 320
# Sharp enough for a softmax to look at one place only.
_SHARP = 40.0
END, UNKNOWN = "</s>", "<unk>"


def word_for_word(folder: Path, words: Mapping[str, str]) -> Path:
    """A folder as ct2-transformers-converter leaves it: each word becomes the other, what is unknown stays unknown."""
    folder.mkdir(parents=True)
    train(folder / "source.spm", words, kind="word")
    train(folder / "target.spm", words.values(), kind="word")
    source = [END, UNKNOWN, *(f"▁{word}" for word in words)]
    target = [END, UNKNOWN, *dict.fromkeys(f"▁{word}" for word in words.values())]
    there = [
        target.index(f"▁{words[word[1:]]}") if word.startswith("▁") else number for number, word in enumerate(source)
    ]
    save(_dictionary(len(source), len(target), there), source, target, folder)
    return folder


def _dictionary(sources: int, targets: int, there: list[int]) -> TransformerSpec:
    """Dimensions: one for each source word, one for each place, one for each target word."""
    size = sources + PLACES + targets
    words, places, results = slice(0, sources), slice(sources, sources + PLACES), slice(sources + PLACES, size)
    spec = TransformerSpec.from_config((1, 1), 1, pre_norm=False, activation=common_spec.Activation.SWISH)
    spec.encoder.scale_embeddings = spec.decoder.scale_embeddings = False
    spec.encoder.embeddings[0].weight = np.eye(sources, size, dtype=np.float32)
    spec.decoder.embeddings.weight = np.zeros((targets, size), np.float32)
    at = np.zeros((PLACES, size), np.float32)
    at[:, places] = np.eye(PLACES)
    spec.encoder.position_encodings.encodings = spec.decoder.position_encodings.encodings = at
    _fill(spec, lambda *shape: np.zeros(shape, np.float32), size, size)
    look = spec.decoder.layer[0].attention
    look.linear[0].weight[places, places] = np.eye(PLACES) * _SHARP
    look.linear[1].weight[:size][places, places] = np.eye(PLACES) * _SHARP
    look.linear[1].weight[size:][words, words] = np.eye(sources)
    for source, target in enumerate(there):
        look.linear[2].weight[results.start + target, source] = _SHARP
    spec.decoder.projection.weight = np.zeros((targets, size), np.float32)
    spec.decoder.projection.weight[:, results] = np.eye(targets) * _SHARP
    return spec


def random_model(folder: Path, sentences: Iterable[str], *, seed: int = 7) -> Path:
    """A folder in the same shape: Marian's layers, pieces of words from `sentences`, random weights."""
    folder.mkdir(parents=True)
    train(folder / "source.spm", sentences, kind="unigram", size=120)
    shutil.copy(folder / "source.spm", folder / "target.spm")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "source.spm"))
    known = [pieces.id_to_piece(number) for number in range(3, pieces.get_piece_size())]
    save(_random(len(known) + 2, seed), [END, UNKNOWN, *known], [END, UNKNOWN, *known], folder)
    return folder


def _random(tokens: int, seed: int, *, size: int = 32, heads: int = 4) -> TransformerSpec:
    chance = np.random.default_rng(seed)

    def weights(*shape: int) -> Any:
        return chance.normal(0, 0.3, shape).astype(np.float32)

    spec = TransformerSpec.from_config((2, 2), heads, pre_norm=False, activation=common_spec.Activation.SWISH)
    spec.decoder.start_from_zero_embedding = True
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = weights(tokens, size)
    spec.decoder.projection.weight = weights(tokens, size)
    _fill(spec, weights, size, 2 * size)
    return spec


def _fill(spec: TransformerSpec, weights: Any, size: int, inner: int) -> None:
    """Give every layer its weights; norms neither stretch nor shift."""
    for layer in (*spec.encoder.layer, *spec.decoder.layer):
        looks = [(layer.self_attention, (3, 1))]
        if hasattr(layer, "attention"):
            looks.append((layer.attention, (1, 2, 1)))
        for look, times in looks:
            for linear, many in zip(look.linear, times, strict=True):
                linear.weight = weights(many * size, size)
            _plain(look.layer_norm, size)
        layer.ffn.linear_0.weight, layer.ffn.linear_1.weight = weights(inner, size), weights(size, inner)
        _plain(layer.ffn.layer_norm, size)


def _plain(norm: Any, size: int) -> None:
    norm.gamma, norm.beta = np.ones(size, np.float32), np.zeros(size, np.float32)


def save(spec: TransformerSpec, source: list[str], target: list[str], folder: Path) -> None:
    """Write the weights and what goes with them."""
    spec.register_source_vocabulary(source)
    spec.register_target_vocabulary(target)
    spec.config.decoder_start_token = END
    spec.validate()
    spec.optimize(quantization=None)
    spec.save(str(folder))


def train(file: Path, sentences: Iterable[str], *, kind: str, size: int = 4000) -> None:
    """A SentencePiece model."""
    with file.open("wb") as out:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(list(sentences)),
            model_writer=out,
            model_type=kind,
            vocab_size=size,
            hard_vocab_limit=False,
            minloglevel=2,
        )


def as_argos(opus: Path, folder: Path, *, source: str, target: str = "en") -> Path:
    """The same model in the shape of an Argos package, with one piece model for both sides."""
    (folder / "model").mkdir(parents=True)
    for file in opus.iterdir():
        if file.suffix != ".spm":
            shutil.copy(file, folder / "model")
    shutil.copy(opus / "source.spm", folder / "sentencepiece.model")
    (folder / "metadata.json").write_text(json.dumps({"from_code": source, "to_code": target}))
    return folder
