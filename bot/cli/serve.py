"""Commands that listen: run, backfill."""

import asyncio
import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.app import service
from bot.app.checks import check_account
from bot.app.parts import carrier_of, in_use, open_account
from bot.app.stores import open_begun_store
from bot.cli.edge import MOMENT, State, asynchronous, err, json_option, out, print_json
from bot.cli.group import examples
from bot.cli.logs import set_up_logs
from bot.config import Config
from bot.errors import ConfigError, Locked
from bot.model import Backfill, Channel
from bot.store import Store
from bot.telegram import backfill as read_history


@click.command(epilog=examples("earshot run", "earshot --config /srv/earshot run"))
@click.pass_obj
@asynchronous
async def run(state: State) -> None:
    """Listen until told to stop (Ctrl-C or SIGTERM; twice ends at once). Needs `earshot login` first."""
    config = state.config()
    set_up_logs(config.settings.log.level, config.settings.log.format)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    await service.run(config, stop)


@click.command(
    epilog=examples(
        "earshot backfill @gurulev --since 2023-07-01", "earshot backfill -1001234567890 --since 2023-07-01"
    ),
)
@click.argument("channel")
@click.option("--since", type=MOMENT, required=True, help="Oldest day to read, in UTC.")
@json_option
@click.pass_obj
@asynchronous
async def backfill(state: State, channel: str, since: datetime, as_json: bool) -> None:
    """Read the history of CHANNEL (handle or id) back to a date.

    The daemon does it when it runs; else this command does. It can be interrupted and resumed at any time.
    """
    config = state.config()
    async with open_begun_store(config) as store:
        found = await store.channels.find(channel) if store else None
        if store is None or found is None:
            raise ConfigError(
                f"{channel}: not a channel that is followed; add it to {config.settings.channels_file}, then "
                "`earshot channels --check` or a restart of the daemon looks it up"
            )
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=as_json
        ) as progress:
            task = progress.add_task(f"{escape(found.name)}: asking", total=None)

            def show(done: Backfill) -> None:
                text = f"{escape(found.name)}: messages read: {done.messages}; back to id {done.reached}"
                progress.update(task, description=text)

            result = None
            while result is None:
                try:
                    result = await _by_ourselves(config, store, found, since.replace(tzinfo=UTC), show)
                except Locked:
                    result = await _by_daemon(config, store, found, since.replace(tzinfo=UTC), show)
    if as_json:
        print_json(result)
    else:
        out.print(f"{escape(found.name)}: messages read: {result.messages}; back to id {result.reached}")


async def _by_ourselves(
    config: Config, store: Store, channel: Channel, since: datetime, show: Callable[[Backfill], None]
) -> Backfill:
    """Read it through the account that carries the channel. Raise Locked when another process has that."""
    name = carrier_of(config, channel)
    await check_account(config, name, logged_in=True)
    async with open_account(config, store, name=name) as account:
        await account.require_login()
        return await read_history(account, store, channel, since=since, progress=show, stop=asyncio.Event())


async def _by_daemon(
    config: Config, store: Store, channel: Channel, since: datetime, show: Callable[[Backfill], None]
) -> Backfill | None:
    """Leave the order as a row; the daemon that holds the session takes it up, and the row shows how far it is.

    None when the daemon has ended before that.
    """
    known = await store.channels.backfill(channel.channel_id)
    if known is None or known.done or known.since != since:
        await store.channels.record_backfill(Backfill(channel_id=channel.channel_id, since=since))
    while True:
        now = await store.channels.backfill(channel.channel_id)
        if now is not None:
            show(now)
            if now.done:
                return now
        await asyncio.sleep(0.5)
        if not in_use(config):
            return None
