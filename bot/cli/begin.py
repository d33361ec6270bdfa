"""The first two commands: demo, init."""

import shlex
import shutil
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from bot import EXAMPLE
from bot.cli.edge import asynchronous, out
from bot.cli.group import examples
from bot.errors import ConfigError


@click.command(
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
    # A whole Telegram comes with it, which `init` need not wait for.
    from bot.sandbox.demo import play

    return await play(Console(highlight=False), folder=folder, serve=serve, picture=picture)


@click.command(epilog=examples("earshot init /srv/earshot"))
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
