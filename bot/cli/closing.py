"""The repair of `earshot audit --repair`: gaps are closed by us, or by the daemon that holds the account."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence

from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot.app.checks import check_account
from bot.app.parts import carrier_of, open_account
from bot.cli.edge import err
from bot.config import Config
from bot.errors import AccountDead, Locked, LoginNeeded, TelegramError
from bot.model import Channel, utc_now
from bot.store import Store
from bot.telegram import repair as close_gaps

# How long a running daemon is waited for, and how often it is looked at, in seconds.
PATIENCE = 60.0
LOOK_SECONDS = 0.5

Show = Callable[[str], None]


async def close(config: Config, store: Store, channels: Sequence[Channel], *, quiet: bool) -> None:
    """Close what can be closed of the gaps of these channels; say what could not be tried."""
    broken: dict[str, list[Channel]] = defaultdict(list)
    for channel in channels:
        if await store.channels.gaps(channel.channel_id, limit=1):
            broken[carrier_of(config, channel)].append(channel)
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
    await check_account(config, name, logged_in=True)
    async with open_account(config, store, name=name) as account:
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
