"""The watching accounts of a configuration, wired."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from bot.alerts import plain
from bot.app.checks import check_accounts
from bot.app.parts import connect_account, wanted_channels
from bot.app.stores import open_store
from bot.config import Config
from bot.model import Alarm, utc_now
from bot.store import Store
from bot.telegram import Fleet, Voice


def make_fleet(
    config: Config,
    store: Store,
    stop: asyncio.Event,
    *,
    sinks: Sequence[str],
    reader_nudge: Callable[[], None] = lambda: None,
) -> Fleet:
    """The fleet, with nothing opened yet. `sinks`: names of all that are told of accounts lost and names changed."""
    telegram = config.settings.telegram
    return Fleet(
        store,
        stop,
        telegram.accounts,
        wanted_channels(config),
        open_account=partial(connect_account, config, store),
        voice=_voice(store, tuple(sinks)),
        sweep_seconds=telegram.sweep_seconds,
        stuck_seconds=telegram.stuck_seconds,
        reader_nudge=reader_nudge,
    )


async def look_up(config: Config) -> list[str]:
    """Pin the channels of the configuration, as a start of the daemon does; a line for each that has a problem."""
    await check_accounts(config)
    async with open_store(config) as store:
        fleet = make_fleet(config, store, asyncio.Event(), sinks=())
        try:
            await fleet.open()
            pinned = await fleet.pin()
        finally:
            await fleet.close()
    return [*pinned.problems, *pinned.remarks.values()]


def _voice(store: Store, sinks: Sequence[str]) -> Voice:
    async def tell(name: str, text: str) -> None:
        # Who looks things up at the command line reads them there, and the daemon still has them to tell.
        if sinks:
            await store.alarms.tell_once(name, sinks, f"⚠ {plain(text)}", utc_now())

    async def alarm(alarm: Alarm, text: str) -> None:
        if sinks:
            await store.alarms.raise_(alarm, sinks, f"⚠ {plain(text)}", utc_now())

    return Voice(tell=tell, alarm=alarm)
