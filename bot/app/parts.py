"""The parts of a service, each made from the configuration alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.app.canary import canary_channel
from bot.app.hearing import local_settings, server_settings, transcriber_of
from bot.config import Config, speech_of
from bot.errors import ConfigError, Locked
from bot.model import Channel, ChannelId
from bot.speech import LocalTranscriber, SpeechSettings, Transcriber
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


def speech_settings(config: Config, *, model: str | None = None) -> SpeechSettings:
    """The speech settings, with another `model` than the configured one if need be."""
    return local_settings(speech_of(config), model=model)


def speech_transcriber(config: Config) -> Transcriber:
    """What turns recordings into transcripts: the team's server where one is set, else a process on this machine."""
    return transcriber_of(speech_of(config))


def local_transcriber(config: Config, model: str) -> Transcriber:
    """A process of ours with another model than the configured one."""
    return LocalTranscriber(speech_settings(config, model=model))


def speech_server(config: Config) -> "RemoteSettings | None":
    """The speech server's settings; None without one. ConfigError for a key that no header can carry."""
    return server_settings(speech_of(config))
