"""Commands that show how the listening goes: status, channels."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import click
from rich.markup import escape

from bot import app
from bot.cli.edge import State, ago, asynchronous, examples, json_option, out, print_json, print_table, table
from bot.config import Config
from bot.health import ask
from bot.model import Channel, ChannelState, DeliveryState, Mode, RecordingState, post_link, utc_now
from bot.store import Status

# The status names so many channels that are not followed, and counts the others.
_NAMED = 5


@click.command(
    short_help="Show lag, gaps, queues, flood waits.", epilog=examples("earshot status", "earshot status --json")
)
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
    well = alive["ok"] if alive else not port and app.in_use(config)
    if as_json:
        print_json({"daemon": alive, "store": snapshot})
        return 0 if well else 1
    out.print(_liveliness(config, alive, now))
    if snapshot is None:
        out.print("nothing has been recorded yet; `earshot run` does")
        return 1
    _print_snapshot(snapshot, now)
    pinned = _Pinned([row.channel for row in snapshot.channels])
    missing = [_name(entry.handle, entry.id) for entry in config.channels if not pinned.of(entry.handle, entry.id)]
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        out.print(f"[yellow]not followed[/] {', '.join(missing[:_NAMED])}{more}; `earshot channels --check` says why")
    return 0 if well else 1


def _liveliness(config: Config, alive: Mapping[str, Any] | None, now: datetime) -> str:
    if alive is None:
        if not app.in_use(config):
            return "[yellow]not running[/]"
        if config.settings.health.port:
            return "[yellow]starting or busy[/]: a process holds the session, but health does not answer"
        return "[green]running[/]: a process holds the session; health.port is 0, so no more is known"
    if not alive["ok"]:
        return f"[red]stuck[/]: {', '.join(alive['stuck'])}"
    return f"[green]running[/] for {ago((now - datetime.fromisoformat(alive['started_at'])).total_seconds())}"


def _print_snapshot(snapshot: Status, now: datetime) -> None:
    posts = table("channel", ">posts", ">versions", ">deleted", ">gaps", ">newest", ">lag", ">p99", ">worst")
    for row in snapshot.channels:
        newest = (now - row.newest_at).total_seconds() if row.newest_at else None
        lags = (row.lag.p50, row.lag.p99, row.lag.max) if row.lag else (None, None, None)
        state = row.channel.state
        name = escape(row.channel.name) + ("" if state is ChannelState.ACTIVE else f" [red]{state.value}[/]")
        figures = (row.messages, row.versions, row.deleted, row.gaps)
        posts.add_row(name, *map(str, figures), ago(newest), *map(ago, lags))
    print_table(posts)
    out.print(f"recordings: {_counts(snapshot.recordings)}")
    for sink in dict.fromkeys(name for name, _ in snapshot.outbox):
        out.print(f"messages to {sink}: {_counts({s: n for (name, s), n in snapshot.outbox.items() if name == sink})}")
        if reason := snapshot.held_up.get(sink):
            out.print(f"[red]held up[/] {escape(reason)}")
    for wait in snapshot.waits:
        out.print(f"[yellow]flood wait[/] {wait.account} {wait.method} until {wait.until:%Y-%m-%d %H:%M:%S} UTC")
    known = {row.channel.channel_id: row.channel for row in snapshot.channels}
    for failure in snapshot.failed:
        channel = known.get(failure.channel_id)
        where = post_link(channel, failure.message_id) if channel else f"{failure.channel_id}/{failure.message_id}"
        out.print(f"[red]not transcribed[/] {where}: {escape(failure.reason)}")
    if snapshot.unread:
        out.print(f"heard, not yet read: {snapshot.unread}")
    if snapshot.quarantined:
        out.print(f"[red]could not be read[/]: {snapshot.quarantined} (kept; the daemon's log says why)")


def _counts(counts: Mapping[RecordingState, int] | Mapping[DeliveryState, int]) -> str:
    return ", ".join(f"{count} {state.value}" for state, count in counts.items() if count) or "none"


@click.command(
    short_help="List whom it follows; or ask Telegram.",
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
    problems = await app.look_up(config) if ask_telegram else []
    async with app.open_begun_store(config) as store:
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
