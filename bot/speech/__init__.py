"""Audio becomes text, in a process of its own; the only room that imports faster_whisper, ctranslate2 and av.

The process comes through here too. What only the daemon needs is loaded when it is first asked for: that is a fifth of
the processor time of its start.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.speech.local.transcriber import LocalTranscriber
    from bot.speech.models import KNOWN_MODELS, find_model
    from bot.speech.port import Transcriber
    from bot.speech.rehearing import Rehearser
    from bot.speech.settings import SpeechSettings
    from bot.speech.worker import SpeechWorker

__all__ = [
    "KNOWN_MODELS",
    "LocalTranscriber",
    "Rehearser",
    "SpeechSettings",
    "SpeechWorker",
    "Transcriber",
    "find_model",
]

_HOMES = {
    "KNOWN_MODELS": "bot.speech.models",
    "LocalTranscriber": "bot.speech.local.transcriber",
    "Rehearser": "bot.speech.rehearing",
    "SpeechSettings": "bot.speech.settings",
    "SpeechWorker": "bot.speech.worker",
    "Transcriber": "bot.speech.port",
    "find_model": "bot.speech.models",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
