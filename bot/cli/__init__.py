"""The command line: arguments in, tables or JSON out."""

import logging
from pathlib import Path

import click

import bot
from bot.cli.group import Group, Later


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
    # Not at the top: the help and the version end before this.
    from bot.cli.edge import State
    from bot.cli.logs import set_up_logs

    # What a command has to say it prints; `run` sets up the daemon's own logs.
    set_up_logs("warning", "words")
    # A connection that does not come about is told once, by the command.
    for name in ("telethon", "telethon.earshot"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context.obj = State(config)


cli.add(
    Later("demo", "bot.cli.begin:demo", "Play out the founding case."),
    Later("init", "bot.cli.begin:init", "Write a configuration to start from."),
    Later("login", "bot.cli.setup:login", "Log in the account, or the alert bot."),
    Later("check", "bot.cli.setup:check", "Say what would fail, before it fails."),
    Later("run", "bot.cli.serve:run", "Run the daemon."),
    Later("status", "bot.cli.overview:status", "Show alarms, lag, gaps, accounts, queues."),
    Later("channels", "bot.cli.overview:channels", "List whom it follows; or ask Telegram."),
    Later("audit", "bot.cli.audit:audit", "Account for every id; close gaps."),
    Later("backfill", "bot.cli.serve:backfill", "Read the past of a channel."),
    Later("rules", "bot.cli.rules:rules", "List the watch rules, try them, see what they stand for."),
    Later("search", "bot.cli.search:search", "Search texts and transcripts."),
    Later("transcribe", "bot.cli.transcribe:transcribe", "Transcribe recordings, without Telegram."),
    Later("speech", "bot.cli.speech:speech", "What this machine can do with speech; how well and how fast."),
)
