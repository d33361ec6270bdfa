"""What the speech process is told before it starts."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a model listens, whatever it runs on."""

    beam_size: int = 5
    # Short recordings in windows that fit them, not in the 30 s that Whisper was trained on: faster, and not measured yet
    # on real speech.
    fitted: bool = False
    # Times and probabilities of words, which matches and marks need.
    words: bool = True
    # Also in English, as the model puts it.
    translate: bool = False
    # Names that the decoder is told to expect.
    hot_words: str = ""
    # ISO 639-1 code of everything that is said; None listens.
    language: str | None = None
    # A file of further phrases that the model invents; empty for none.
    boilerplate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """Model, device and limits. `model` is a name as `small`, a Hugging Face id as `owner/name`, or a folder."""

    model: str
    # Where models that are given by name are kept.
    models_folder: Path
    # `auto`, `cpu` or `cuda`.
    device: str = "auto"
    # CTranslate2's word: `default` keeps what the model was saved in, `int8`, `float16`, ...
    compute_type: str = "default"
    # ISO 639-1 code of everything that is said; None listens.
    language: str | None = None
    beam_size: int = 5
    # `exact`, or `fitted`: see `Manner`.
    mode: Literal["exact", "fitted"] = "exact"
    # Most recordings that are decoded together; 0 chooses by the device.
    batch: int = 0
    words: bool = True
    translate: bool = False
    boilerplate: Path | None = None
    # CPU threads; 0 takes every core that this process may use.
    threads: int = 0
    max_bytes: int = 512 * MEBIBYTE
    # Seconds of sound; a longer recording is refused as soon as that many are decoded.
    max_seconds: float = 2 * 3600.0
    # Address space of the speech process, model included.
    memory_bytes: int = 6000 * MEBIBYTE
    # A job may take `timeout_floor` seconds plus `timeout_factor` seconds per second of sound.
    timeout_factor: float = 15.0
    timeout_floor: float = 120.0

    @property
    def manner(self) -> Manner:
        """How it listens."""
        return Manner(
            beam_size=self.beam_size,
            fitted=self.mode == "fitted",
            words=self.words,
            translate=self.translate,
            language=self.language,
            boilerplate=str(self.boilerplate.absolute()) if self.boilerplate else "",
        )

    @property
    def together(self) -> int:
        """`batch`, with 0 resolved: eight are worth the wait on a processor; a graphics card takes more."""
        return self.batch or (16 if self.device == "cuda" else 8)

    @property
    def cores(self) -> int:
        """`threads`, with 0 resolved."""
        return self.threads or len(os.sched_getaffinity(0))
