"""`earshot rules backtest` and `retro`: a rule held against the archive, for a look or for alerts."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.app.sinks import sink_names
from bot.app.stores import open_begun_store
from bot.cli.asked import asked_rule
from bot.cli.edge import AGO, State, asynchronous, err, json_option, out, print_json, print_table, table
from bot.cli.found import Shown, print_shown, shown
from bot.cli.group import examples
from bot.config import Config
from bot.errors import ConfigError
from bot.model import ChannelId
from bot.monitor import Fired, admitting, look_back
from bot.rules import Rule, RuleSet
from bot.rules.trigger import On
from bot.store import Store, Window

# More alerts than this are raised only when somebody has said so.
ASK_ABOVE = 50
_AT_ONCE = 100


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a rule would have found, counted while the archive is gone through."""

    looked: int = 0
    fired: int = 0
    weeks: Counter[date] = field(default_factory=Counter)
    channels: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    samples: list[Shown] = field(default_factory=list)

    def take(self, fired: Fired, *, samples: int) -> None:
        """Count one post; keep it when there is room among the samples."""
        posted = fired.item.message.posted_at.date()
        self.fired += 1
        self.weeks[posted - timedelta(days=posted.weekday())] += 1
        self.channels[fired.past.channel.name] += 1
        self.reasons.update({span.reason for span in fired.match.spans})
        if len(self.samples) < samples:
            self.samples.append(shown(fired))


@click.command(
    "backtest",
    epilog=examples(
        "earshot rules backtest army-58 --since 30d",
        "earshot rules backtest 'person:Попов AND отставка' --since 2023-07-01 --until 2023-08-01",
        "earshot rules backtest '$strike' --since 7d --channel @milinfolive --json",
    ),
)
@click.argument("rule")
@click.option(
    "--since", type=AGO, default="30d", show_default=True, help="Posted so long ago or later: 30d, 2w, a date."
)
@click.option("--until", type=AGO, help="Posted before: a date, or 7d for seven days ago.")
@click.option("--channel", help="Only this channel: handle or id.")
@click.option("--samples", type=click.IntRange(0, 1000), default=5, show_default=True, help="So many posts are shown.")
@json_option
@click.pass_obj
@asynchronous
async def backtest(
    state: State,
    rule: str,
    since: datetime,
    until: datetime | None,
    channel: str | None,
    samples: int,
    as_json: bool,
) -> int:
    """Hold RULE, an id or a query, against the stored posts and transcripts, and raise nothing.

    The engine itself goes through the newest state of every post, deleted ones included, so the answer is that of the
    live way: how often the rule would have fired, in which weeks and channels, and the newest of the posts. Ctrl-C shows
    what was found so far (exit code 130).
    """
    config = state.config()
    known, one = asked_rule(config, rule)
    _posted(one)
    tally = Tally()
    async with open_begun_store(config) as store:
        complete = True
        if store is None:
            err.print("nothing has been recorded yet; `earshot run` does")
        else:
            window = await _window(store, one, channel, since, until)
            try:
                await _count(store, known, window, tally, samples)
            except asyncio.CancelledError:
                complete = False
    if as_json:
        print_json(_plain(one, rule, tally, since=since, until=until, complete=complete))
    else:
        _print(one, tally, since=since, complete=complete)
    return 0 if complete else 130


def _posted(rule: Rule) -> None:
    if rule.trigger.on is not On.POSTED:
        raise ConfigError(
            f"{rule.id}: waits for something to happen (on: {rule.trigger.on}); the archive is texts alone"
        )


async def _window(
    store: Store, rule: Rule, channel: str | None, since: datetime | None, until: datetime | None
) -> Window:
    channels = await store.channels.all()
    ids = admitting(rule, channels)
    if channel:
        found = await store.channels.find(channel)
        if found is None:
            raise ConfigError(f"{channel}: no such channel here; `earshot channels` lists them")
        ids = [ChannelId(found.channel_id)] if found.channel_id in ids else []
    return Window(since=since, until=until, channel_ids=None if len(ids) == len(channels) else ids)


async def _count(store: Store, known: RuleSet, window: Window, tally: Tally, samples: int) -> None:
    with _progress(await store.archive.count(window)) as advance:

        def looked(count: int) -> None:
            tally.looked += count
            advance(count)

        async with aclosing(look_back(store, known, window, looked=looked)) as found:
            async for fired in found:
                tally.take(fired, samples=samples)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("posts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda count: bar.advance(task, count)


def _print(rule: Rule, tally: Tally, *, since: datetime, complete: bool) -> None:
    days = max((datetime.now(UTC) - since).days, 1)
    unfinished = "" if complete else "[yellow]interrupted: the newest posts only.[/] "
    out.print(
        f"{unfinished}[bold]{escape(rule.id)}[/] would have fired on [bold]{tally.fired}[/] of {tally.looked} messages, "
        f"{7 * tally.fired / days:.1f} a week"
    )
    if not tally.fired:
        return
    weeks = table("week of", ">posts")
    for week in sorted(tally.weeks):
        weeks.add_row(f"{week:%Y-%m-%d}", str(tally.weeks[week]))
    channels = table("channel", ">posts")
    for name, count in tally.channels.most_common():
        channels.add_row(escape(name), str(count))
    for rows in (weeks, channels):
        out.print()
        print_table(rows)
    out.print(f"\nfound as: {', '.join(f'{reason} {count}' for reason, count in tally.reasons.most_common())}\n")
    for sample in tally.samples:
        print_shown(sample)


def _plain(
    rule: Rule, asked: str, tally: Tally, *, since: datetime, until: datetime | None, complete: bool
) -> dict[str, object]:
    return {
        "rule": asked,
        "revision": rule.revision,
        "since": since,
        "until": until,
        "complete": complete,
        "messages": tally.looked,
        "fired": tally.fired,
        "per_week": [{"week": str(week), "fired": tally.weeks[week]} for week in sorted(tally.weeks)],
        "per_channel": [{"channel": name, "fired": count} for name, count in tally.channels.most_common()],
        "reasons": dict(tally.reasons),
        "samples": [sample.plain() for sample in tally.samples],
    }


@click.command(
    "retro",
    epilog=examples("earshot rules retro army-58 --since 7d", "earshot rules retro army-58 --since 2023-07-01 --yes"),
)
@click.argument("rule")
@click.option("--since", type=AGO, required=True, help="Posted so long ago or later: 30d, 2w, a date.")
@click.option("--until", type=AGO, help="Posted before: a date, or 7d for seven days ago.")
@click.option("--channel", help="Only this channel: handle or id.")
@click.option("--yes", is_flag=True, help=f"Raise more than {ASK_ABOVE} alerts without asking.")
@click.pass_obj
@asynchronous
async def retro(
    state: State, rule: str, since: datetime, until: datetime | None, channel: str | None, yes: bool
) -> int:
    """Raise the alerts of RULE, by its id, on posts that are in the archive already; each says that it is from there.

    What has alerted does not alert again, so doing it twice raises nothing new. Alerts leave with the running Earshot.
    """
    config = state.config()
    known, one = _own_rule(config, rule)
    sinks = sink_names(config)
    async with open_begun_store(config) as store:
        if store is None:
            err.print("nothing has been recorded yet; `earshot run` does")
            return 1
        found = await _found(store, known, await _window(store, one, channel, since, until))
        if len(found) > ASK_ABOVE and not yes:
            click.confirm(f"{len(found)} posts match; raise up to {len(found)} alerts?", abort=True, err=True)
        new = 0
        # In the order in which they would have come.
        for start in range(0, len(found), _AT_ONCE):
            batch = [fired.raised(sinks) for fired in found[start : start + _AT_ONCE]]
            new += await store.intake.raise_past(batch)
    out.print(f"{len(found)} posts match; {new} alerts are new")
    return 0


def _own_rule(config: Config, rule: str) -> tuple[RuleSet, Rule]:
    known, one = asked_rule(config, rule)
    if one.id != rule:
        raise click.UsageError("alerts go by the id of a rule; put the query into a rule file first")
    _posted(one)
    return known, one


async def _found(store: Store, known: RuleSet, window: Window) -> list[Fired]:
    """All matches, the oldest post first."""
    with _progress(await store.archive.count(window)) as advance:
        async with aclosing(look_back(store, known, window, looked=advance)) as found:
            return [fired async for fired in found][::-1]
