"""A checkpoint as a folder that faster-whisper loads: `python -m tools.speech_model.export CHECKPOINT TOKENIZER FOLDER`."""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import tokenizers
import torch
from ctranslate2.converters import TransformersConverter
from faster_whisper.tokenizer import _LANGUAGE_CODES, Tokenizer
from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

from tools.speech_model.model import MELS, POSITIONS, TARGET_POSITIONS, Shape, TinyWhisper

PREPROCESSOR = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "processor_class": "WhisperProcessor",
    "feature_size": MELS,
    "sampling_rate": 16_000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
    "n_samples": 480_000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": False,
}


def whisper_config(shape: Shape, tokens: int, tokenizer: tokenizers.Tokenizer) -> WhisperConfig:
    """The architecture in Hugging Face's words."""
    end = tokenizer.token_to_id("<|endoftext|>")
    return WhisperConfig(
        vocab_size=tokens,
        num_mel_bins=MELS,
        d_model=shape.width,
        encoder_layers=shape.encoder_layers,
        decoder_layers=shape.decoder_layers,
        encoder_attention_heads=shape.heads,
        decoder_attention_heads=shape.heads,
        encoder_ffn_dim=shape.feed_forward,
        decoder_ffn_dim=shape.feed_forward,
        max_source_positions=POSITIONS,
        max_target_positions=TARGET_POSITIONS,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=tokenizer.token_to_id("<|startoftranscript|>"),
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )


def generation_config(shape: Shape, tokenizer: tokenizers.Tokenizer) -> GenerationConfig:
    """What the converter copies from here: suppressed tokens, languages, and the heads that know word times."""
    known = Tokenizer(tokenizer, True, task="transcribe", language="ru")
    end = tokenizer.token_to_id("<|endoftext|>")
    config = GenerationConfig(
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=known.sot,
        max_length=TARGET_POSITIONS,
    )
    never = {known.transcribe, known.translate, known.sot, known.sot_prev, known.sot_lm, known.no_speech}
    config.suppress_tokens = sorted({*known.non_speech_tokens, *never})
    config.begin_suppress_tokens = [tokenizer.encode(" ").ids[0], end]
    config.is_multilingual = True
    names = {f"<|{code}|>": tokenizer.token_to_id(f"<|{code}|>") for code in _LANGUAGE_CODES}
    config.lang_to_id = {name: number for name, number in names.items() if number is not None}
    config.task_to_id = {"transcribe": known.transcribe, "translate": known.translate}
    config.no_timestamps_token_id = known.no_timestamps
    config.max_initial_timestamp_index = 50
    config.alignment_heads = [[shape.decoder_layers - 1, 0], [shape.decoder_layers - 1, 1]]
    config.return_timestamps = False
    return config


def to_hugging_face(model: TinyWhisper, tokenizer: tokenizers.Tokenizer) -> WhisperForConditionalGeneration:
    """The same weights under the same names, with the embedding written out and our helpers left behind."""
    rows = model.decoder.embedding().detach()
    exported = WhisperForConditionalGeneration(whisper_config(model.shape, len(rows), tokenizer))
    ours = ("phonemes", "decoder.text_rows", "decoder.stamp_map")
    state = {f"model.{name}": value for name, value in model.state_dict().items() if not name.startswith(ours)}
    state |= {"model.decoder.embed_tokens.weight": rows, "proj_out.weight": rows}
    exported.load_state_dict(state)
    exported.generation_config = generation_config(model.shape, tokenizer)
    return exported


def main() -> None:
    """Checkpoint to Transformers to CTranslate2, int8."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("checkpoint", type=Path)
    arguments.add_argument("tokenizer", type=Path)
    arguments.add_argument("folder", type=Path)
    given = arguments.parse_args()
    saved = torch.load(given.checkpoint, map_location="cpu")
    model = TinyWhisper(Shape(**saved["shape"]))
    model.load_state_dict(saved["state"])
    tokenizer = tokenizers.Tokenizer.from_file(str(given.tokenizer))
    with tempfile.TemporaryDirectory() as folder:
        to_hugging_face(model.eval(), tokenizer).save_pretrained(folder)
        shutil.copy(given.tokenizer, Path(folder) / "tokenizer.json")
        end = {name: "<|endoftext|>" for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
        settings = {"tokenizer_class": "WhisperTokenizerFast", "model_max_length": TARGET_POSITIONS, **end}
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(settings))
        (Path(folder) / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
        converter = TransformersConverter(folder, copy_files=["tokenizer.json", "preprocessor_config.json"])
        converter.convert(str(given.folder), quantization="int8", force=True)
    for path in sorted(given.folder.iterdir()):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
