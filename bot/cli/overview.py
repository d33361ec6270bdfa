"""Commands that show how the listening goes: status, channels."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import click
from rich.markup import escape

from bot.app.stores import open_begun_store
from bot.cli.edge import State, asynchronous, json_option, out, print_json, print_table, table
from bot.cli.group import examples
from bot.cli.snapshot import canary_line, print_snapshot
from bot.config import Config
from bot.health.words import ago
from bot.model import Channel, Mode, utc_now

# The status names so many channels that are not followed, and counts the others.
_NAMED = 5


@click.command(epilog=examples("earshot status", "earshot status --json"))
@json_option
@click.pass_obj
@asynchronous
async def status(state: State, as_json: bool) -> int:
    """Show whether the daemon is alive, alarms in force, the lag of each channel, gaps, accounts, queues and waits.

    Exit code 1 when the daemon is not running or a loop is stuck.
    """
    config = state.config()
    now = utc_now()
    async with open_begun_store(config) as store:
        snapshot = await store.archive.status(now) if store else None
    port = config.settings.health.port
    alive = await _ask(port) if port else None
    well = alive["ok"] if alive else not port and _in_use(config)
    if as_json:
        print_json({"daemon": alive, "store": snapshot})
        return 0 if well else 1
    out.print(_liveliness(config, alive, now))
    if snapshot is None:
        out.print("nothing has been recorded yet; `earshot run` does")
        return 1
    print_snapshot(snapshot, now)
    if alive and alive.get("canary"):
        out.print(canary_line(alive["canary"], now))
    pinned = _Pinned([row.channel for row in snapshot.channels])
    missing = [_name(entry.handle, entry.id) for entry in config.channels if not pinned.of(entry.handle, entry.id)]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        out.print(f"[yellow]not followed[/] {', '.join(missing[:_NAMED])}{more}; `earshot channels --check` says why")
    return 0 if well else 1


# What loads Telethon or a server is loaded by those who need it: not by a look at the channels, nor when the daemon answers.


async def _ask(port: int) -> Mapping[str, Any] | None:
    from bot.health.http import ask

    return await ask(port, "/healthz")


def _in_use(config: Config) -> bool:
    from bot.app.parts import in_use

    return in_use(config)


async def _look_up(config: Config) -> list[str]:
    from bot.app.accounts import look_up

    return await look_up(config)


def _liveliness(config: Config, alive: Mapping[str, Any] | None, now: datetime) -> str:
    if alive is None:
        if not _in_use(config):
            return "[yellow]not running[/]"
        if config.settings.health.port:
            return "[yellow]starting or busy[/]: a process holds the session, but health does not answer"
        return "[green]running[/]: a process holds the session; health.port is 0, so no more is known"
    if not alive["ok"]:
        return f"[red]stuck[/]: {', '.join(alive['stuck'])}"
    return f"[green]running[/] for {ago((now - datetime.fromisoformat(alive['started_at'])).total_seconds())}"


@click.command(
    epilog=examples("earshot channels", "earshot channels --check", "earshot channels --json"),
)
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
    async with open_begun_store(config) as store:
        known = await store.channels.all() if store else ()
    if as_json:
        print_json({"channels": known, "problems": problems})
        return 1 if problems else 0
    pinned = _Pinned(known)
    rows = table("channel", "=id", "title", "category", ">prio", "=state")
    for entry in config.channels:
        channel = pinned.of(entry.handle, entry.id)
        now = channel.state.value if channel else "not followed"
        rows.add_row(
            _name(entry.handle, entry.id),
            str(channel.channel_id) if channel else "–",
            escape(channel.title if channel else entry.title),
            entry.category,
            str(entry.priority),
            f"{now}, polled" if entry.mode is Mode.POLL else now,
        )
    print_table(rows)
    for problem in problems:
        out.print(f"[red]problem[/] {escape(problem)}")
    return 1 if problems else 0


class _Pinned:
    """The channels in the store, by the entries of channels.yaml that they were pinned for."""

    def __init__(self, known: Iterable[Channel]) -> None:
        self._by_handle: dict[str, Channel] = {}
        self._by_id: dict[int, Channel] = {}
        for channel in known:
            self._by_id[channel.channel_id] = channel
            if channel.handle:
                self._by_handle[channel.handle.lower()] = channel

    def of(self, handle: str | None, channel_id: int | None) -> Channel | None:
        """The channel of the entry with this handle or id, when it was looked up."""
        found = self._by_handle.get(handle.lower()) if handle else None
        return found or (self._by_id.get(channel_id) if channel_id is not None else None)


def _name(handle: str | None, channel_id: int | None) -> str:
    return f"@{handle}" if handle else str(channel_id)
