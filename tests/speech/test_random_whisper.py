"""The models of the benchmarks: random weights in Whisper's true architecture."""

from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from faster_whisper import WhisperModel

from benchmarks.random_whisper import TEXT_TOKENS, TOKENS, TOKENS_PER_SECOND, specification, write_model
from bot.sandbox.stage import GENERAL
from bot.speech.local.model import Model
from bot.speech.sound.decode import RATE, decode

# openai/whisper, model card and `ModelDimensions`: layers of either half, width, heads; parameters in millions.
PUBLISHED = {"tiny": (4, 384, 6, 39), "base": (6, 512, 8, 74)}


@pytest.mark.parametrize("size", PUBLISHED)
def test_the_architecture_is_whispers(size: str) -> None:
    """Layers, width, heads, positions, vocabulary, and as many weights as are published, not counting one twice."""
    layers, width, heads, millions = PUBLISHED[size]
    spec = specification(size)
    assert (len(spec.encoder.layer), len(spec.decoder.layer)) == (layers, layers)
    assert int(spec.encoder.num_heads) == int(spec.decoder.num_heads) == heads
    assert spec.encoder.conv1.weight.shape == (width, 80, 3)
    assert spec.encoder.position_encodings.encodings.shape == (1500, width)
    assert spec.decoder.position_encodings.encodings.shape == (448, width)
    assert spec.decoder.embeddings.weight.shape == spec.decoder.projection.weight.shape == (TOKENS, width)
    assert spec.encoder.layer[0].ffn.linear_0.weight.shape == (4 * width, width)
    assert spec.decoder.layer[0].self_attention.linear[0].weight.shape == (3 * width, width)
    weights = sum(value.size for _, value in spec.variables(ordered=True) if isinstance(value, np.ndarray))
    # The true ones write with the table that they read with.
    assert (weights - TOKENS * width) / 1e6 == pytest.approx(millions, rel=0.05)


@pytest.mark.slow
@pytest.mark.drill
@pytest.mark.timeout(600)
def test_ctranslate2_loads_it_and_it_ends_where_speech_ends(tmp_path: Path) -> None:
    """It is int8 and multilingual, its encoder's output is as wide as tiny's, and it says 3.5 tokens a second."""
    folder = write_model("tiny", tmp_path / "tiny")
    loaded = ctranslate2.models.Whisper(str(folder), device="cpu", intra_threads=1)
    assert (loaded.is_multilingual, loaded.n_mels) == (True, 80)
    assert loaded.compute_type.startswith("int8")
    model = Model(str(folder), device="cpu", compute_type="default", workers=1, threads=1)
    assert model.encode_all([np.zeros((80, 3000), np.float32)])[0].shape == (1, 1500, 384)
    assert model.end_of_text == TEXT_TOKENS
    speech = decode(GENERAL, max_bytes=10**8, max_seconds=600.0).samples
    for seconds in (6, 12, 20):
        found, info = WhisperModel(str(folder), device="cpu", cpu_threads=1).transcribe(speech[: seconds * RATE])
        said = sum(token < TEXT_TOKENS for one in found for token in one.tokens)
        assert said == pytest.approx(TOKENS_PER_SECOND * seconds, rel=0.3)
        assert info.language == "ru"
