"""Commands before the daemon runs: login, check."""

import sys

import click
import segno
from rich.markup import escape

from bot.app.checks import Finding, check_account, check_all
from bot.app.parts import open_account
from bot.app.stores import open_store
from bot.cli.edge import State, asynchronous, err, json_option, out, print_json
from bot.cli.group import examples
from bot.config import Config
from bot.errors import ConfigError
from bot.telegram import login_bot, login_by_code, login_by_qr


@click.command(
    epilog=examples(
        "earshot login",
        "earshot login --qr",
        "earshot login --account second",
        "earshot login --bot",
        "echo 12345 | earshot login --phone +9996612222   # the code on standard input",
    ),
)
@click.option("--phone", help="Phone number in international form; asked for when absent.")
@click.option("--qr", is_flag=True, help="Show a QR code to scan in Telegram: Settings, Devices, Link Desktop Device.")
@click.option("--account", "chosen", metavar="NAME", help="Which of telegram.accounts; the first one when absent.")
@click.option("--bot", "as_bot", is_flag=True, help="Log in the alert bot with its token from the settings.")
@click.pass_obj
@asynchronous
async def login(state: State, phone: str | None, qr: bool, chosen: str | None, as_bot: bool) -> None:
    """Log in a watching account by phone, code and password, or by QR code; or the alert bot by its token."""
    if sum((qr, as_bot, phone is not None)) > 1:
        raise click.UsageError("choose one of --phone, --qr and --bot")
    if as_bot and chosen is not None:
        raise click.UsageError("choose one of --account and --bot")
    config = state.config()
    name = "bot" if as_bot else _account(config, chosen)
    await check_account(config, name, logged_in=False)
    token = config.bot_token.get_secret_value() if config.bot_token else None
    if as_bot and token is None:
        raise ConfigError(f"{config.file.name}: alerts.bot_token_file: no token; get one from @BotFather")
    async with open_store(config) as store, open_account(config, store, name=name) as account:
        if as_bot and token:
            who = await login_bot(account, token)
        elif qr:
            who = await login_by_qr(account, show=_show_qr, ask_password=_ask_password)
        else:
            who = await login_by_code(
                account,
                phone=phone or _ask("Phone number (with +country code)"),
                ask_code=lambda: _ask("Code from Telegram"),
                ask_password=_ask_password,
            )
    out.print(
        f"Logged in as [bold]{escape(who)}[/]. The session is in {escape(str(config.sessions))}: keep it private."
    )


def _account(config: Config, chosen: str | None) -> str:
    """The watching account that is meant."""
    names = config.settings.telegram.accounts
    if chosen is not None and chosen not in names:
        raise ConfigError(
            f"{config.file.name}: telegram.accounts: there is no {chosen!r} among {', '.join(names)}; add it there first"
        )
    return chosen or names[0]


def _ask(what: str) -> str:
    """An answer from the terminal, or the next line of standard input; empty when there is none."""
    return click.prompt(what, err=True, type=str) if sys.stdin.isatty() else sys.stdin.readline()


def _ask_password() -> str:
    return click.prompt("Two-step password", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()


def _show_qr(url: str) -> None:
    err.print("Scan in Telegram: Settings > Devices > Link Desktop Device. A new code follows when this one expires.")
    segno.make(url, error="l").terminal(out=sys.stderr, compact=True)


@click.command(epilog=examples("earshot check", "earshot check --json"))
@json_option
@click.pass_obj
@asynchronous
async def check(state: State, as_json: bool) -> int:
    """Say what would fail, before it fails: settings, rules and their tests, channels, database, model, sessions.

    Everything that is wrong is listed; while a file cannot be read as it is, the checks that rest on it wait.
    Writes nothing, and talks to nobody but the database, a daemon on this machine and a speech server where one is set.
    Exit code 1 when something would keep `earshot run` from starting.
    """
    config = state.examine()
    if isinstance(config, list):
        findings = [Finding(what="settings", level="error", text=text) for text in config]
    else:
        findings = await check_all(config)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            out.print(f"{_mark(finding)} [bold]{finding.what}[/]  {escape(finding.text)}")
    return 0 if all(finding.level != "error" for finding in findings) else 1


def _mark(finding: Finding) -> str:
    return {"ok": "[green]ok   [/]", "error": "[red]error[/]"}[finding.level]
