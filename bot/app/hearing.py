"""Speech without Telegram: what to transcribe with where there may be no configuration at all."""

import os
from pathlib import Path

import bot
from bot.config import Config, find_config, load_config
from bot.config.settings import SpeechSection
from bot.errors import ConfigError
from bot.speech import SpeechSettings

# Twenty-five seconds of synthetic speech, with which a machine can be timed.
DEMO_NOTE = Path(bot.__file__).parent / "sandbox" / "recordings" / "general.ogg"


def settings_anywhere(given: Path | None) -> SpeechSettings:
    """Those of the configuration; the defaults where there is none, and none was asked for by name.

    ConfigError when the configuration is wrong, or is not where it was said to be.
    """
    config = config_anywhere(given)
    if config is not None:
        # Telethon comes with it, which nobody waits for who has no configuration.
        from bot.app.parts import speech_settings

        return speech_settings(config)
    return SpeechSettings(model=SpeechSection().model, models_folder=models_of_user())


def config_anywhere(given: Path | None) -> Config | None:
    """The configuration; None where there is none, and none was asked for by name (`given`, $EARSHOT_CONFIG)."""
    try:
        file = find_config(given)
    except ConfigError:
        if given is not None or os.environ.get("EARSHOT_CONFIG"):
            raise
        return None
    return load_config(file)


def models_of_user() -> Path:
    """Where models are kept that belong to no configuration: below $XDG_CACHE_HOME, or ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "earshot" / "models"
