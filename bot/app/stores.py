"""The store of a configuration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.config import Config
from bot.errors import ConfigError
from bot.store import Burst, Store


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[Store]:
    """The store of this configuration, migrated; the data folder is made private to this user."""
    try:
        config.data_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"data_folder: {config.data_folder} cannot be made: {error.strerror}") from error
    burst = Burst(posts=config.settings.alarms.deletions)
    store = await Store.open(config.database.get_secret_value(), config.media, burst=burst)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_begun_store(config: Config) -> AsyncIterator[Store | None]:
    """The store for a command that only reads: None, and nothing is made, when nothing has been recorded yet."""
    if await Store.begun(config.database.get_secret_value()):
        async with open_store(config) as store:
            yield store
    else:
        yield None
