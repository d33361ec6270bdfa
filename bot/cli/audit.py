"""The command that accounts for every id: audit."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot import app
from bot.cli.edge import MOMENT, State, asynchronous, err, examples, json_option, out, print_json
from bot.cli.statement import print_statement, statement_json
from bot.config import Config
from bot.errors import AccountDead, ConfigError, Locked, LoginNeeded, TelegramError
from bot.model import Channel, utc_now
from bot.store import Store
from bot.telegram import repair as close_gaps

# How long a running daemon is waited for, and how often it is looked at, in seconds.
PATIENCE = 60.0
LOOK_SECONDS = 0.5

Show = Callable[[str], None]


@click.command(
    short_help="Account for every id; close gaps.",
    epilog=examples(
        "earshot audit",
        "earshot audit @gurulev --since 2023-07-01 --until 2023-08-01",
        "earshot audit --repair",
        "earshot audit --json",
    ),
)
@click.argument("channel", required=False)
@click.option("--since", type=MOMENT, help="Only ids posted at or after, in UTC.")
@click.option("--until", type=MOMENT, help="Only ids posted before, in UTC.")
@click.option("--repair", is_flag=True, help="First ask Telegram again for what is open.")
@json_option
@click.pass_obj
@asynchronous
async def audit(
    state: State, channel: str | None, since: datetime | None, until: datetime | None, repair: bool, as_json: bool
) -> int:
    """Say what became of every message id of CHANNEL (handle or id), or of all channels, since watching began.

    An id is stored, a service message, deleted, restricted, or in a gap; and was learned by push, difference, sweep or
    backfill. A gap is shown with its ids, since when and why it is open. Exit code 1 when there is one.

    --repair has a running daemon close what can be closed, or does it itself when none runs. It can be interrupted.
    """
    if since and until and since >= until:
        raise click.UsageError(f"--until {until:%Y-%m-%dT%H:%M} is not after --since {since:%Y-%m-%dT%H:%M}")
    config = state.config()
    window = {"since": since and since.replace(tzinfo=UTC), "until": until and until.replace(tzinfo=UTC)}
    async with app.open_begun_store(config) as store:
        channels = await _chosen(config, store, channel)
        if store and repair:
            await _repair(config, store, channels, quiet=as_json)
        found = [await store.channels.coverage(one.channel_id, **window) for one in channels] if store else []
    if as_json:
        print_json(statement_json(found))
    elif found:
        print_statement(found, utc_now())
    else:
        out.print("nothing has been recorded yet; `earshot run` does")
    return 1 if not found or any(one.gaps for one in found) else 0


async def _chosen(config: Config, store: Store | None, name: str | None) -> Sequence[Channel]:
    """The channel of this name, or all that are watched. Raise ConfigError for one that is not followed."""
    if name is None:
        return [channel for channel in await store.channels.all() if channel.watched] if store else []
    found = await store.channels.find(name) if store else None
    if found is None:
        raise ConfigError(
            f"{name}: not a channel that is followed; add it to {config.settings.channels_file}, then "
            "`earshot channels --check` or a restart of the daemon looks it up"
        )
    return [found]


async def _repair(config: Config, store: Store, channels: Sequence[Channel], *, quiet: bool) -> None:
    """Close what can be closed of the gaps of these channels; say what could not be tried."""
    broken: dict[str, list[Channel]] = defaultdict(list)
    for channel in channels:
        if await store.channels.gaps(channel.channel_id, limit=1):
            broken[app.carrier_of(config, channel)].append(channel)
    if not broken:
        return
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=quiet
    ) as progress:
        task = progress.add_task("repairing", total=None)

        def show(text: str) -> None:
            progress.update(task, description=text)

        for name, carried in broken.items():
            try:
                await _by_ourselves(config, store, name, carried, show)
            except Locked:
                await _by_daemon(store, carried, show)
            except TelegramError as error:
                # What is open is said all the same.
                err.print(f"[yellow]not repaired[/] by the account {name}: {escape(str(error))}")


async def _by_ourselves(config: Config, store: Store, name: str, channels: Sequence[Channel], show: Show) -> None:
    """Ask through the account `name`. Raise Locked when another process has it."""
    await app.check_account(config, name, logged_in=True)
    async with app.open_account(config, store, name=name) as account:
        await account.require_login()
        for channel in channels:
            seen = await store.channels.get(channel.channel_id, name)
            if seen is None or not seen.access_hash:
                err.print(f"[yellow]not repaired[/] {escape(channel.name)}: the account {name} has not looked it up")
                continue
            show(f"{escape(seen.name)}: asking")
            try:
                await close_gaps(account, store, seen, progress=_shown(seen, show))
            except (LoginNeeded, AccountDead):
                raise
            except TelegramError as error:
                err.print(f"[yellow]not repaired[/] {escape(seen.name)}: {escape(str(error))}")


def _shown(channel: Channel, show: Show) -> Callable[[int], None]:
    return lambda left: show(f"{escape(channel.name)}: ids still open: {left:,}")


async def _by_daemon(store: Store, channels: Sequence[Channel], show: Show) -> None:
    """Leave the orders as rows; whoever holds the account carries them out, in its next sweep."""
    ordered = utc_now()
    for channel in channels:
        await store.channels.order_repair(channel.channel_id, ordered)
    waiting = {channel.channel_id: channel for channel in channels}
    until = asyncio.get_running_loop().time() + PATIENCE
    while waiting and asyncio.get_running_loop().time() < until:
        show(f"the daemon repairs; channels still to do: {len(waiting)}")
        await asyncio.sleep(LOOK_SECONDS)
        wanted = {one.channel_id: one.repair_wanted for one in await store.channels.all()}
        waiting = {number: one for number, one in waiting.items() if wanted.get(number) is not None}
    for channel in waiting.values():
        err.print(
            f"[yellow]not repaired yet[/] {escape(channel.name)}: not done within {PATIENCE:.0f} s; the order stands, and "
            "is carried out by the daemon when it can"
        )
