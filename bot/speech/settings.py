"""What the speech process is told before it starts."""

import os
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1024 * 1024


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
    # ISO 639-1 code of all recordings that bring no hint of their own; None listens first.
    language: str | None = None
    beam_size: int = 5
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
    def cores(self) -> int:
        """`threads`, with 0 resolved."""
        return self.threads or len(os.sched_getaffinity(0))
