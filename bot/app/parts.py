"""The parts of a service, each made from the configuration alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.canary import canary_channel
from bot.config import Config
from bot.errors import ConfigError, Locked
from bot.model import Channel, ChannelId
from bot.speech import LocalTranscriber, SpeechSettings, Transcriber
from bot.speech.truth.boilerplate import load_book
from bot.store import Store
from bot.telegram import Account, Server, SessionFile, WantedChannel, limits

if TYPE_CHECKING:
    from bot.speech.remote.server import RemoteSettings

# What stands in the example file, where every operator needs a number of their own.
EXAMPLE_API_ID = 1


@asynccontextmanager
async def open_account(config: Config, store: Store, *, name: str) -> AsyncIterator[Account]:
    """A watching account, or `bot` (alerts), connected; ours alone, on this machine and all that share the store."""
    async with store.accounts.lease(name), connect_account(config, store, name) as account:
        yield account


@asynccontextmanager
async def connect_account(config: Config, store: Store, name: str) -> AsyncIterator[Account]:
    """The same for who holds the account's lease already."""
    telegram = config.settings.telegram
    api_hash = require_api_hash(config)
    async with Account.open(
        session_path(config, name),
        telegram.api_id,
        api_hash,
        name=name,
        store=store,
        server=server_of(config),
        patience=telegram.connect_seconds,
        limits=limits(
            resolves_per_hour=telegram.resolves_per_hour,
            resolves_per_day=telegram.resolves_per_day,
            joins_per_day=telegram.joins_per_day,
        ),
    ) as account:
        yield account


def session_path(config: Config, name: str) -> Path:
    """The session file of the account `name`."""
    return config.sessions / f"{name}.session"


def in_use(config: Config) -> bool:
    """Whether a process holds the session of a watching account now: the daemon, a login or a backfill."""
    try:
        for name in config.settings.telegram.accounts:
            SessionFile.require_free(session_path(config, name))
    except Locked:
        return True
    return False


def carrier_of(config: Config, channel: Channel) -> str:
    """The configured account that a command is to ask about a channel: its carrier, else the first."""
    names = config.settings.telegram.accounts
    return channel.account if channel.account in names else names[0]


def server_of(config: Config) -> Server | None:
    """The server of the settings; None for Telegram itself."""
    if (server := config.settings.telegram.server) is None:
        return None
    key = (config.file.parent / server.public_key_file.expanduser()).resolve()
    return Server(host=server.host, port=server.port, dc=server.dc, public_key=key)


def require_api_hash(config: Config) -> str:
    """The api_hash; ConfigError when there is none, or the api_id is still that of the example file."""
    telegram = config.settings.telegram
    if telegram.server is None and telegram.api_id == EXAMPLE_API_ID:
        raise ConfigError(
            f"{config.file.name}: telegram.api_id: {EXAMPLE_API_ID} only holds the place; get your api_id and api_hash at "
            "https://my.telegram.org"
        )
    if config.api_hash is None:
        raise ConfigError(
            f"{config.file.name}: telegram.api_hash_file: no api_hash; get one at https://my.telegram.org, then name a "
            "file that holds it or set EARSHOT_API_HASH"
        )
    return config.api_hash.get_secret_value()


def wanted_channels(config: Config) -> list[WantedChannel]:
    """The channels of channels.yaml, and the canary's, as the telegram room takes them."""
    listed = [
        WantedChannel(
            handle=entry.handle,
            channel_id=None if entry.id is None else ChannelId(entry.id),
            category=entry.category,
            priority=entry.priority,
            language=entry.language,
            mode=entry.mode,
        )
        for entry in config.channels
    ]
    return [*listed, *canary_channel(config)]


def speech_settings(config: Config, *, model: str | None = None, hot_words: str = "") -> SpeechSettings:
    """The speech settings, with another `model` than the configured one if need be.

    A model that is an existing folder beside the settings file is meant as such.
    """
    speech = config.settings.speech
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
        hot_words=hot_words,
        boilerplate=boilerplate_file(config),
        max_bytes=speech.max_megabytes * 1_000_000,
        max_seconds=speech.max_minutes * 60.0,
        memory_bytes=speech.memory_megabytes * 1_000_000,
    )


def boilerplate_file(config: Config) -> Path | None:
    """The file of further phrases. ConfigError when it cannot be used."""
    if (given := config.settings.speech.boilerplate_file) is None:
        return None
    path = (config.file.parent / given.expanduser()).resolve()
    load_book(path)
    return path


def speech_transcriber(config: Config, *, hot_words: str = "") -> Transcriber:
    """What turns recordings into transcripts: the team's server where one is set, else a process on this machine."""
    if (remote := speech_server(config)) is None:
        return LocalTranscriber(speech_settings(config, hot_words=hot_words))
    # Most have none, and commands load what they need.
    from bot.speech.remote.transcriber import RemoteTranscriber

    return RemoteTranscriber(remote)


def local_transcriber(config: Config, model: str) -> Transcriber:
    """A process of ours with another model than the configured one."""
    return LocalTranscriber(speech_settings(config, model=model))


def speech_server(config: Config) -> "RemoteSettings | None":
    """The speech server's settings; None without one. ConfigError for a key that no header can carry."""
    speech = config.settings.speech
    if speech.server is None:
        return None
    from bot.speech.remote.server import RemoteSettings

    key = config.speech_key.get_secret_value() if config.speech_key else None
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
