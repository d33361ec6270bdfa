"""Audio becomes text, in a process of its own; the only room that imports faster_whisper, ctranslate2 and av."""

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
