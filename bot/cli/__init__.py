"""The command line: arguments in, tables or JSON out."""

import logging
from pathlib import Path

import click

import bot
from bot.cli import audit, backtest, overview, rules, search, serve, setup
from bot.cli.edge import Command, Group, State
from bot.cli.logs import set_up_logs


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with `earshot demo`: the founding case on a Telegram of our own, no account needed.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file or its folder; default $EARSHOT_CONFIG, ./earshot.yaml, ./config/earshot.yaml.",
)
@click.version_option(bot.__version__, prog_name="earshot")
@click.pass_context
def cli(context: click.Context, config: Path | None) -> None:
    """Earshot listens to public Telegram channels: it stores every post, turns voice notes into text,
    and alerts the analysts' chat when a watch rule matches, with the proof attached.

    Exit codes: 0 done, 1 a problem was found, 2 wrong command line, 3 configuration, 4 Telegram, 5 database,
    6 another Earshot is running, 7 speech, 8 a sink refused, 9 Telegram not to be reached now, 130 interrupted.
    """
    # What a command has to say it prints; `run` sets up the daemon's own logs.
    set_up_logs("warning", "words")
    # A connection that does not come about is told once, by the command.
    for name in ("telethon", "telethon.earshot"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context.obj = State(config)


_COMMANDS: tuple[Command, ...] = (
    setup.demo,
    setup.init,
    setup.login,
    setup.check,
    serve.run,
    overview.status,
    overview.channels,
    audit.audit,
    serve.backfill,
    rules.rules,
    search.search,
)
for _command in (backtest.backtest, backtest.retro):
    rules.rules.add_command(_command)
for _command in _COMMANDS:
    cli.add_command(_command)
