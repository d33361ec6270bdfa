"""`earshot search`: texts and transcripts, by words or by a rule query."""

from datetime import UTC, datetime
from typing import Literal

import click
from rich.markup import escape
from rich.text import Text

from bot import app
from bot.cli.edge import (
    MOMENT,
    State,
    asynchronous,
    err,
    examples,
    json_option,
    out,
    print_json,
)
from bot.errors import ConfigError
from bot.model import Hit, Source, post_link
from bot.store import parse_query


@click.command(
    short_help="Search texts and transcripts.",
    epilog=examples(
        "earshot search Бердянск",
        "earshot search потери 'артиллер*'",
        "earshot search '\"сняли с должности\"' --order best",
        "earshot search 'удар -учения' --channel @milinfolive --since 2023-07-01 --json",
    ),
)
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--order", type=click.Choice(["newest", "best"]), default="newest", show_default=True, help="Which first."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@click.option("--channel", help="Only this channel: handle or id.")
@click.option("--since", type=MOMENT, help="Posted at or after, in UTC.")
@click.option("--until", type=MOMENT, help="Posted before, in UTC.")
@json_option
@click.pass_obj
@asynchronous
async def search(
    state: State,
    words: tuple[str, ...],
    order: Literal["newest", "best"],
    limit: int,
    channel: str | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> int:
    """Search texts and transcripts: all WORDS, "a phrase", -without, prefix*. Exit code 1 when nothing is found."""
    asked = " ".join(words)
    if all(term.exclude for term in parse_query(asked)):
        raise click.UsageError("give at least one word to look for; -without and punctuation alone find nothing")
    async with app.open_begun_store(state.config()) as store:
        if store is None:
            return _nothing_recorded(as_json)
        found = await store.channels.find(channel) if channel else None
        if channel and found is None:
            raise ConfigError(f"{channel}: no such channel here; `earshot channels` lists them")
        hits = await store.archive.search(
            asked,
            order=order,
            limit=limit,
            channel_id=found.channel_id if found else None,
            since=since.replace(tzinfo=UTC) if since else None,
            until=until.replace(tzinfo=UTC) if until else None,
        )
    if as_json:
        print_json([{**_plain(hit), "marks": hit.marks} for hit in hits])
    for hit in () if as_json else hits:
        _print_hit(hit)
    if not hits and not as_json:
        out.print("nothing found")
    return 0 if hits else 1


def _nothing_recorded(as_json: bool) -> int:
    if as_json:
        print_json([])
    err.print("nothing has been recorded yet; `earshot run` does")
    return 1


def _plain(hit: Hit) -> dict[str, object]:
    return {
        "channel": hit.channel.name,
        "message_id": hit.message.message_id,
        "posted_at": hit.message.posted_at,
        "source": hit.source,
        "excerpt": hit.excerpt,
        "deleted": hit.deleted,
        "spoken_at": hit.spoken_at,
        "link": post_link(hit.channel, hit.message.message_id),
    }


def _print_hit(hit: Hit) -> None:
    where = "" if hit.source in (Source.TEXT, Source.CAPTION) else f"  {hit.source.value.replace('_', ' ')}"
    if hit.spoken_at is not None:
        where += f" at {int(hit.spoken_at) // 60}:{int(hit.spoken_at) % 60:02d}"
    gone = "  [red]deleted[/]" if hit.deleted else ""
    head = f"[bold]{escape(hit.channel.name)}[/]  {hit.message.posted_at:%Y-%m-%d %H:%M} UTC"
    out.print(f"{head}[cyan]{where}[/]{gone}  [dim]{post_link(hit.channel, hit.message.message_id)}[/]")
    excerpt = Text(hit.excerpt)
    for start, end in hit.marks:
        excerpt.stylize("bold reverse", start, end)
    # Whisper begins its segments with a space.
    out.print(Text("  ") + excerpt[len(hit.excerpt) - len(hit.excerpt.lstrip()) :])
