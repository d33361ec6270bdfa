"""Commands before the daemon runs: demo, init, login, check."""

import shlex
import shutil
import sys
from pathlib import Path

import click
import segno
from rich.console import Console
from rich.markup import escape

from bot import EXAMPLE, app
from bot.cli.edge import State, asynchronous, err, examples, json_option, out, print_json
from bot.config import Config
from bot.errors import ConfigError
from bot.sandbox.demo import play
from bot.telegram import login_bot, login_by_code, login_by_qr


@click.command(
    short_help="Play out the founding case.",
    epilog=examples(
        "earshot demo", "earshot demo --serve --folder /tmp/earshot", "earshot demo --picture docs/demo-chat.svg"
    ),
)
@click.option("--serve", is_flag=True, help="Stay up afterwards, for exploring, until Ctrl-C.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("earshot-demo"),
    show_default=True,
    help="Where the demo keeps its data; made anew each time.",
)
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), help="Also write the analyst chat as an SVG picture."
)
@asynchronous
async def demo(serve: bool, folder: Path, picture: Path | None) -> int:
    """Play out the founding case on a Telegram of our own: no account, no download, loopback only.

    The daemon in it is the real `earshot run` in its own process. The voice is synthetic.
    """
    return await play(Console(highlight=False), folder=folder, serve=serve, picture=picture)


@click.command(short_help="Write a configuration to start from.", epilog=examples("earshot init /srv/earshot"))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Write a commented configuration with example channels and rules into FOLDER.

    Nothing that is already there is touched.
    """
    present = [name for name in ("earshot.yaml", "channels.yaml", "rules") if (folder / name).exists()]
    if present:
        raise ConfigError(f"{folder / present[0]}: is already there; choose another folder, or move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("earshot.yaml", "channels.yaml"):
            shutil.copyfile(EXAMPLE / name, folder / name)
        shutil.copytree(EXAMPLE / "rules", folder / "rules")
        for name in ("data", "secrets"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
    out.print(f"Wrote [bold]{escape(str(folder / 'earshot.yaml'))}[/], channels.yaml and rules/. Next:")
    steps = (
        ("edit earshot.yaml", "api_id, the analysts' chat; secrets as files"),
        ("edit channels.yaml", "check each handle: they change hands"),
        (f"earshot --config {shlex.quote(str(folder))} check", "what is still missing"),
        (f"earshot --config {shlex.quote(str(folder))} login", "the account that listens"),
        (f"earshot --config {shlex.quote(str(folder))} run", "the daemon"),
    )
    width = max(len(step) for step, _ in steps)
    for step, why in steps:
        out.print(f"  {escape(step.ljust(width))}  [dim]{escape(why)}[/]")


@click.command(
    short_help="Log in the account, or the alert bot.",
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
    await app.check_account(config, name, logged_in=False)
    token = config.bot_token.get_secret_value() if config.bot_token else None
    if as_bot and token is None:
        raise ConfigError(f"{config.file.name}: alerts.bot_token_file: no token; get one from @BotFather")
    async with app.open_store(config) as store, app.open_account(config, store, name=name) as account:
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


@click.command(
    short_help="Say what would fail, before it fails.", epilog=examples("earshot check", "earshot check --json")
)
@json_option
@click.pass_obj
@asynchronous
async def check(state: State, as_json: bool) -> int:
    """Say what would fail, before it fails: settings, rules and their tests, channels, database, model, sessions.

    Everything that is wrong is listed; while a file cannot be read as it is, the checks that rest on it wait.
    Writes nothing, and talks to nobody but the database and a daemon on this machine.
    Exit code 1 when something would keep `earshot run` from starting.
    """
    config = state.examine()
    if isinstance(config, list):
        findings = [app.Finding(what="settings", level="error", text=text) for text in config]
    else:
        findings = await app.check_all(config)
    if as_json:
        print_json(findings)
    else:
        for finding in findings:
            out.print(f"{_mark(finding)} [bold]{finding.what}[/]  {escape(finding.text)}")
    return 0 if all(finding.level != "error" for finding in findings) else 1


def _mark(finding: app.Finding) -> str:
    return {"ok": "[green]ok   [/]", "error": "[red]error[/]"}[finding.level]
