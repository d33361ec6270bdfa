"""The command that accounts for every id: audit."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from bot.app.stores import open_begun_store
from bot.cli.edge import MOMENT, State, asynchronous, json_option, out, print_json
from bot.cli.group import examples
from bot.cli.statement import print_statement, statement_json
from bot.config import Config
from bot.errors import ConfigError
from bot.model import Channel, utc_now
from bot.store import Store


@click.command(
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
    async with open_begun_store(config) as store:
        channels = await _chosen(config, store, channel)
        if store and repair:
            # Telegram is needed for this alone.
            from bot.cli.closing import close

            await close(config, store, channels, quiet=as_json)
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
