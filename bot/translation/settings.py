"""What the translation process is told before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class TranslationSettings:
    """Models, and what they may use."""

    # ISO 639-1 code of what is written -> the folder of a model that turns it into English.
    models: Mapping[str, Path]
    # CTranslate2's word: `default` keeps what the model was saved in, `int8`, ...
    compute_type: str = "default"
    # Width of the search.
    beam_size: int = 4
    # CPU threads.
    threads: int = 1
    # Address space of the translation process, all models included.
    memory_bytes: int = 3_000_000_000
    # Seconds for a text: so many, and so many more for each of its characters.
    timeout_floor: float = 60.0
    timeout_per_character: float = 0.1
