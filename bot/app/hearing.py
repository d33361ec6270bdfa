"""What hears recordings, by the speech section alone: for the service, and for commands without Telegram."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import bot
from bot.config import SpeechConfig, find_config, load_speech
from bot.config.settings import SpeechSection
from bot.errors import ConfigError
from bot.speech import LocalTranscriber, SpeechSettings, Transcriber
from bot.speech.truth.boilerplate import load_book

if TYPE_CHECKING:
    from bot.speech.remote.server import RemoteSettings

# Twenty-five seconds of synthetic speech, with which a machine can be timed.
DEMO_NOTE = Path(bot.__file__).parent / "sandbox" / "recordings" / "general.ogg"
# What a command's --model calls the speech server of the configuration.
SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearer:
    """What hears for a command: the model of `settings` on this machine or, where it is not None, the `server`."""

    settings: SpeechSettings
    server: "RemoteSettings | None"
    # Where the settings are from, in words.
    origin: str

    @property
    def model(self) -> str:
        """The model by the name under which it was asked for."""
        return self.server.model if self.server else self.settings.model

    def open(self) -> Transcriber:
        """One that has asked for nothing yet."""
        return _remote(self.server) if self.server else LocalTranscriber(self.settings)


def hearer_anywhere(given: Path | None, model: str | None = None) -> Hearer:
    """What is to hear: `model` (a name or a folder on this machine, or SERVER); else the server of the configuration;
    else its model; the defaults where there is no configuration, and none was asked for by name (`given`, $EARSHOT_CONFIG).

    ConfigError when the speech section is wrong, or the configuration is not where it was said to be.
    """
    config = _config_anywhere(given)
    server = server_settings(config) if config and model in (None, SERVER) else None
    if model == SERVER and server is None:
        raise ConfigError(f"--model {SERVER}: no speech.server is set{f' in {config.file}' if config else ''}")
    settings = _settings(config)
    if model not in (None, SERVER):
        settings = replace(settings, model=model)
    origin = f"the speech section of {config.file}" if config else "defaults, as there is no earshot.yaml here"
    return Hearer(settings=settings, server=server, origin=origin)


def settings_anywhere(given: Path | None) -> SpeechSettings:
    """Those of the model on this machine; the same otherwise as `hearer_anywhere`."""
    return _settings(_config_anywhere(given))


def local_settings(config: SpeechConfig, *, model: str | None = None) -> SpeechSettings:
    """Those of a process on this machine, with another `model` than the configured one if need be.

    A model that is an existing folder beside the settings file is meant as such. ConfigError for a file of phrases that
    cannot be used.
    """
    speech = config.section
    model = model or speech.model
    folder = (config.file.parent / model).expanduser().resolve()
    models = config.file.parent / speech.models_folder if speech.models_folder else config.data_folder / "models"
    return SpeechSettings(
        model=str(folder) if "/" in model or folder.is_dir() else model,
        models_folder=models.resolve(),
        device=speech.device,
        compute_type=speech.compute_type,
        language=speech.language,
        beam_size=speech.beam_size,
        threads=speech.threads,
        mode=speech.mode,
        batch=speech.batch,
        translate=speech.translate,
        boilerplate=_boilerplate(config),
        max_bytes=speech.max_megabytes * 1_000_000,
        max_seconds=speech.max_minutes * 60.0,
        memory_bytes=speech.memory_megabytes * 1_000_000,
    )


def server_settings(config: SpeechConfig) -> "RemoteSettings | None":
    """Those of the speech server; None without one. ConfigError for a key that no header can carry."""
    speech = config.section
    if speech.server is None:
        return None
    # Most have none, and commands load what they need.
    from bot.speech.remote.server import RemoteSettings

    key = config.key.get_secret_value() if config.key else None
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            f"{config.file.name}: speech.server.api_key_file: expected one word of plain characters, as the server's own "
            "settings have it"
        )
    return RemoteSettings(
        url=speech.server.url,
        model=speech.server.model,
        api_key=key,
        language=speech.language,
        concurrency=speech.server.concurrency,
        timeout=speech.server.timeout_seconds,
        max_bytes=speech.max_megabytes * 1_000_000,
        max_seconds=speech.max_minutes * 60.0,
    )


def transcriber_of(config: SpeechConfig) -> Transcriber:
    """The team's server where one is set, else a process on this machine."""
    if (server := server_settings(config)) is None:
        return LocalTranscriber(local_settings(config))
    return _remote(server)


def _remote(server: "RemoteSettings") -> Transcriber:
    from bot.speech.remote.transcriber import RemoteTranscriber

    return RemoteTranscriber(server)


def _config_anywhere(given: Path | None) -> SpeechConfig | None:
    try:
        file = find_config(given)
    except ConfigError:
        if given is not None or os.environ.get("EARSHOT_CONFIG"):
            raise
        return None
    return load_speech(file)


def _settings(config: SpeechConfig | None) -> SpeechSettings:
    if config is not None:
        return local_settings(config)
    return SpeechSettings(model=SpeechSection().model, models_folder=_models_of_user())


def _models_of_user() -> Path:
    """Where models are kept that belong to no configuration: below $XDG_CACHE_HOME, or ~/.cache."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "earshot" / "models"


def _boilerplate(config: SpeechConfig) -> Path | None:
    if (given := config.section.boilerplate_file) is None:
        return None
    path = (config.file.parent / given.expanduser()).resolve()
    load_book(path)
    return path
