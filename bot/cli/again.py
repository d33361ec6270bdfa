"""`earshot transcribe --again`: the recordings of the past, heard by another model."""

from datetime import datetime

import click
from rich.markup import escape

from bot.app.again import Again, again
from bot.app.stores import open_begun_store
from bot.cli.edge import err, out, print_json
from bot.config import Config
from bot.model import Quote


async def hear_again(
    config: Config,
    *,
    model: str | None,
    since: datetime | None,
    until: datetime | None,
    channel: str | None,
    alert: bool,
    look: bool,
    as_json: bool,
) -> int:
    """Ask for it, or with `look` only show how far it is; exit code 1 when recordings could not be heard again."""
    if model is None or since is None:
        raise click.UsageError("--again needs --model, which is to hear, and --since, as 30d or 2023-07-01")
    async with open_begun_store(config) as store:
        if store is None:
            err.print("nothing has been recorded yet; `earshot run` does")
            return 1
        found = await again(
            config, store, model=model, since=since, until=until, channel=channel, alert=alert, ask=not look
        )
    if as_json:
        print_json(found)
    else:
        _print(found, look)
    return 1 if found.refused else 0


def _print(found: Again, look: bool) -> None:
    counts = found.counts
    wanted, done, failed = (counts.get(state, 0) for state in ("wanted", "done", "failed"))
    asked = "" if look else f"{found.asked} recordings asked for; "
    out.print(
        f"[bold]{escape(found.identity or found.model)}[/]: {asked}{done} heard again, {wanted} to come, {failed} failed"
    )
    if wanted:
        out.print("The running Earshot hears them after all that is new; the same command shows how far it is.")
    for one in found.differences:
        out.print(f"\n{escape(one.channel)}, {one.posted_at:%Y-%m-%d %H:%M} UTC  {escape(one.link)}")
        for quote in one.new:
            out.print(f"  [green]new[/]      {_quote(quote)}")
        for quote in one.vanished:
            out.print(f"  [yellow]vanished[/] {_quote(quote)}")
    if done and not found.differences:
        out.print("In what was heard again, the rules find what they had found before.")
    for refused in found.refused:
        err.print(f"[red]refused[/] {escape(refused.link)}: {escape(refused.reason)}")


def _quote(quote: Quote) -> str:
    minutes, seconds = divmod(int(quote.at), 60)
    return f"{escape(quote.rule_id)} at {minutes}:{seconds:02}: {escape(quote.text)}"
