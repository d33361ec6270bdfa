"""`earshot search`: texts and transcripts, by words or by a rule query."""

import re
from datetime import UTC, datetime

import click

from bot.app.stores import open_begun_store
from bot.cli.asked import asked_query
from bot.cli.edge import MOMENT, State, asynchronous, err, json_option, out, print_json
from bot.cli.found import Order, by_rule, by_words, print_shown
from bot.cli.group import examples
from bot.errors import ConfigError
from bot.model import ChannelId
from bot.store import Store, Window, parse_query

# What only a rule query has; see the help.
_RULE_QUERY = re.compile(
    r"(?:^|[\s(])(?:(?:person|place|unit|url|mention):|NEAR/\d|(?:AND|OR|NOT)(?=[\s(])|\$\w|=\w|/\S)|[^\s]~|^\("
)


@click.command(
    epilog=examples(
        "earshot search Бердянск",
        "earshot search потери 'артиллер*'",
        "earshot search '\"сняли с должности\"' --order best",
        "earshot search 'удар -учения' --channel @milinfolive --since 2023-07-01 --json",
        "earshot search 'person:Попов NEAR/8 unit:\"58-я армия\"'",
        "earshot search '$strike AND place:Бердянск'",
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
    order: Order,
    limit: int,
    channel: str | None,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> int:
    """Search texts and transcripts: all WORDS, "a phrase", -without, prefix*. Exit code 1 when nothing is found.

    WORDS are a rule query as soon as they have person:, place: or unit:, AND, OR, NOT or NEAR/5, =word, word~1, /regex/
    or a $list of the rules folder. It finds what the rule would: every inflected form, numbers in words, transliterations;
    newest first. What hides itself from the index (letters that only look alike, stars) `earshot rules backtest` finds.
    """
    asked = " ".join(words)
    is_rule = bool(_RULE_QUERY.search(asked))
    if not is_rule and all(term.exclude for term in parse_query(asked)):
        raise click.UsageError("give at least one word to look for; -without and punctuation alone find nothing")
    if is_rule and order == "best":
        raise click.UsageError("a rule query finds the newest first; leave --order best out")
    config = state.config()
    rule = asked_query(asked, config) if is_rule else None
    async with open_begun_store(config) as store:
        if store is None:
            return _nothing_recorded(as_json)
        window = Window(since=_utc(since), until=_utc(until), channel_ids=await _channel(store, channel))
        found = await (by_rule(store, *rule, window, limit) if rule else by_words(store, asked, window, order, limit))
    if as_json:
        print_json([one.plain() for one in found])
    for one in () if as_json else found:
        print_shown(one)
    if not found and not as_json:
        out.print("nothing found")
    return 0 if found else 1


async def _channel(store: Store, channel: str | None) -> list[ChannelId] | None:
    if not channel:
        return None
    found = await store.channels.find(channel)
    if found is None:
        raise ConfigError(f"{channel}: no such channel here; `earshot channels` lists them")
    return [found.channel_id]


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _nothing_recorded(as_json: bool) -> int:
    if as_json:
        print_json([])
    err.print("nothing has been recorded yet; `earshot run` does")
    return 1
