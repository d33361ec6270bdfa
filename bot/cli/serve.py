"""Commands around the daemon: run, status, channels, backfill."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bot import app
from bot.cli.edge import State, ago, asynchronous, err, examples, json_option, out, print_json, table
from bot.cli.logs import set_up_logs
from bot.config import Config
from bot.errors import ConfigError, Locked
from bot.health import ask
from bot.model import Backfill, Channel, DeliveryState, RecordingState, utc_now
from bot.store import Status, Store
from bot.telegram import backfill as read_history
from bot.telegram import pin_channels


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
    await app.run(config, stop)


@click.command(epilog=examples("earshot status", "earshot status --json"))
@json_option
@click.pass_obj
@asynchronous
async def status(state: State, as_json: bool) -> int:
    """Show whether the daemon is alive, the lag of each channel, gaps, queues and waits.

    Exit code 1 when the daemon is not running or a loop is stuck.
    """
    config = state.config()
    now = utc_now()
    async with app.open_begun_store(config) as store:
        snapshot = await store.archive.status(now) if store else None
    port = config.settings.health.port
    alive = await ask(port, "/healthz") if port else None
    if as_json:
        print_json({"daemon": alive, "store": snapshot})
        return 0 if alive and alive["ok"] else 1
    if alive is None:
        out.print("[yellow]not running[/] (or health.port is 0)")
    else:
        up = ago((now - datetime.fromisoformat(alive["started_at"])).total_seconds())
        out.print(f"[green]running[/] for {up}" if alive["ok"] else f"[red]stuck[/]: {', '.join(alive['stuck'])}")
    if snapshot is None:
        out.print("nothing has been recorded yet; `earshot run` does")
        return 1
    _print_snapshot(snapshot, now)
    return 0 if alive and alive["ok"] else 1


def _print_snapshot(snapshot: Status, now: datetime) -> None:
    posts = table(
        "channel", "state", ">posts", ">versions", ">deleted", ">gaps", ">newest", ">lag p50", ">p99", ">worst"
    )
    for row in snapshot.channels:
        newest = (now - row.newest_at).total_seconds() if row.newest_at else None
        lags = (row.lag.p50, row.lag.p99, row.lag.max) if row.lag else (None, None, None)
        posts.add_row(
            escape(row.channel.name), row.channel.state.value, str(row.messages), str(row.versions), str(row.deleted),
            str(row.gaps), ago(newest), *map(ago, lags),
        )  # fmt: skip
    out.print(posts)
    out.print(f"recordings: {_counts(snapshot.recordings)}")
    for sink in dict.fromkeys(name for name, _ in snapshot.outbox):
        out.print(f"alerts to {sink}: {_counts({s: n for (name, s), n in snapshot.outbox.items() if name == sink})}")
        if reason := snapshot.held_up.get(sink):
            out.print(f"[red]held up[/] {escape(reason)}")
    for wait in snapshot.waits:
        out.print(f"[yellow]flood wait[/] {wait.account} {wait.method} until {wait.until:%H:%M:%S} UTC")
    for failure in snapshot.failed:
        out.print(f"[red]not transcribed[/] {failure.channel_id}/{failure.message_id}: {escape(failure.reason)}")
    if snapshot.quarantined:
        out.print(f"[red]{snapshot.quarantined} messages could not be read[/] (kept; see the log)")


def _counts(counts: Mapping[RecordingState, int] | Mapping[DeliveryState, int]) -> str:
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count) or "none"


@click.command(epilog=examples("earshot channels", "earshot channels --check", "earshot channels --json"))
@click.option(
    "--check", "ask_telegram", is_flag=True, help="Ask Telegram about each one now (the daemon must be stopped)."
)
@json_option
@click.pass_obj
@asynchronous
async def channels(state: State, ask_telegram: bool, as_json: bool) -> int:
    """List the channels of channels.yaml and what is known of each; handles change hands, so check them."""
    config = state.config()
    problems = await _look_up(config) if ask_telegram else []
    async with app.open_begun_store(config) as store:
        known = await store.channels.all() if store else ()
    if as_json:
        print_json({"channels": known, "problems": problems})
        return 1 if problems else 0
    by_handle = {(channel.handle or "").lower(): channel for channel in known}
    by_id = {channel.channel_id: channel for channel in known}
    rows = table("channel", "id", "title", "category", ">priority", "mode", "state")
    for entry in config.channels:
        pinned = by_handle.get((entry.handle or "").lower()) if entry.handle else None
        pinned = pinned or next((by_id[key] for key in by_id if key == entry.id), None)
        name = f"@{entry.handle}" if entry.handle else str(entry.id)
        rows.add_row(
            name, str(pinned.channel_id) if pinned else "–", escape(pinned.title if pinned else entry.title),
            entry.category, str(entry.priority), entry.mode.value, pinned.state.value if pinned else "not yet looked up",
        )  # fmt: skip
    out.print(rows)
    for problem in problems:
        out.print(f"[red]problem[/] {escape(problem)}")
    return 1 if problems else 0


async def _look_up(config: Config) -> list[str]:
    """Pin the channels of the configuration, as a start of the daemon does; a line for each that has a problem."""
    await app.check_account(config, "main", logged_in=True)
    async with app.open_store(config) as store, app.open_account(config, store, name="main") as account:
        await account.require_login()
        _, problems = await pin_channels(account, store, app.wanted_channels(config))
    return problems


@click.command(
    epilog=examples(
        "earshot backfill @gurulev --since 2023-07-01", "earshot backfill -1001234567890 --since 2023-07-01"
    )
)
@click.argument("channel")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), required=True, help="Oldest day to read, in UTC."
)
@json_option
@click.pass_obj
@asynchronous
async def backfill(state: State, channel: str, since: datetime, as_json: bool) -> None:
    """Read the history of CHANNEL (handle or id) back to a date.

    The daemon does it when it runs; else this command does. It can be interrupted and resumed at any time.
    """
    config = state.config()
    async with app.open_begun_store(config) as store:
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
                text = f"{escape(found.name)}: {done.messages} messages, down to id {done.reached}"
                progress.update(task, description=text)

            try:
                await app.check_account(config, "main", logged_in=True)
                async with app.open_account(config, store, name="main") as account:
                    await account.require_login()
                    result = await read_history(
                        account, store, found, since=since.replace(tzinfo=UTC), progress=show, stop=asyncio.Event()
                    )
            except Locked:
                result = await _by_daemon(store, found, since.replace(tzinfo=UTC), show)
    if as_json:
        print_json(result)
    else:
        out.print(f"{escape(found.name)}: {result.messages} messages read, down to id {result.reached}.")


async def _by_daemon(store: Store, channel: Channel, since: datetime, show: Callable[[Backfill], None]) -> Backfill:
    """Leave the order as a row; the daemon that holds the session takes it up, and the row shows how far it is."""
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
