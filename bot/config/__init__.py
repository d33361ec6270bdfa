"""What the operator writes: earshot.yaml, channels.yaml, rules/ and secrets, checked before anything else happens."""

from bot.config.load import Config, examine_config, find_config, load_config, read_rules
from bot.config.settings import ENVIRONMENT, Settings
from bot.config.speech import SpeechConfig, load_speech, speech_of

__all__ = [
    "ENVIRONMENT",
    "Config",
    "Settings",
    "SpeechConfig",
    "examine_config",
    "find_config",
    "load_config",
    "load_speech",
    "read_rules",
    "speech_of",
]
