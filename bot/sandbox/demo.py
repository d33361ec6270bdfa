"""The founding case, played out on a Telegram of our own: `earshot demo`.

On 12 July 2023 a lawmaker posted a general's voice note; newspapers carried it a day later. Here the daemon hears it.
The channels are invented, the voice is synthetic, everything between is real: Telethon over TCP, Whisper, SQLite, a SIGKILL.
"""

import asyncio
import contextlib
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import ROUNDED
from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from telethon.helpers import add_surrogate, del_surrogate
from telethon.tl import types

from bot.errors import ConfigError
from bot.sandbox.chats import Chat, Posted
from bot.sandbox.stage import GENERAL, Stage, StageError

MARKER = ".earshot-demo"
STRIKE = "Ночью ракеты Storm Shadow ударили по запасному командному пункту армии под Бердянском. Есть погибшие."
STRIKE_EDITED = STRIKE + " Среди них погиб генерал-лейтенант."
WEATHER = "Доброе утро! Сегодня в Бердянске солнечно, до +31."
BUDGET = "Завтра комитет рассматривает поправки к бюджету. Повестка в приложении."

_STYLES: dict[type, str] = {
    types.MessageEntityBold: "bold yellow",
    types.MessageEntityCode: "cyan",
    types.MessageEntityItalic: "italic",
    types.MessageEntityUrl: "blue underline",
    types.MessageEntityBlockquote: "",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the table of times."""

    what: str
    took: float
    remark: str


class Demo:
    """The play; `steps` collects how long each act took."""

    def __init__(self, console: Console, stage: Stage) -> None:
        self._console = console
        self._stage = stage
        self.steps: list[Step] = []
        world = stage.sandbox.world
        self._lawmaker = world.add_channel("Депутат говорит (demo)", handle="demo_lawmaker")
        self._blogger = world.add_channel("Военный наблюдатель (demo)", handle="demo_milblogger")
        self._reposts = world.add_channel("Сводки за день (demo)", handle="demo_digest")

    def empty_folder(folder: Path) -> None:
    """Make the demo's folder anew; ConfigError when it holds something else."""
    try:
        if folder.exists() and any(folder.iterdir()):
            if not (folder / MARKER).exists():
                raise ConfigError(f"{folder}: is not empty and not an earlier demo; choose another --folder")
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).touch()
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be used for the demo: {error.strerror}") from error


async def play(console: Console, *, folder: Path, serve: bool, picture: Path | None) -> int:
    """Play the demo in `folder` (made anew); the exit code. With `serve` it stays up until Ctrl-C."""
    empty_folder(folder)
    console.rule("[bold]Earshot: the founding case[/]")
    # A shorter sweep and no pause between alerts: the play is for people who wait.
    settings = {"alerts": {"per_second": 5.0, "per_minute": 600}, "telegram": {"sweep_seconds": 2}}
    async with Stage(folder, settings=_merged(settings, serve=serve)) as stage:
        demo = Demo(console, stage)
        try:
            await demo.play()
        except StageError as error:
            console.print(f"[bold red]The demo failed:[/] {escape(str(error))}")
            return 1
        console.print()
        console.print(demo.chat())
        if picture:
            _draw(demo, picture)
        console.print()
        console.print(demo.times())
        console.print()
        await demo.show_commands()
        if serve:
            await _serve(console, folder)
        await stage.stop()
    _say_what_next(console, folder)
    return 0


def _merged(settings: dict[str, Any], *, serve: bool) -> dict[str, Any]:
    return {**settings, "health": {"port": 8787}} if serve else settings


def _draw(demo: Demo, picture: Path) -> None:
    """Write the analyst chat as an SVG."""
    canvas = Console(record=True, width=116, file=open("/dev/null", "w"), force_terminal=True)  # noqa: SIM115
    canvas.print(demo.chat())
    picture.write_text(canvas.export_svg(title="earshot demo"), "utf-8")


async def _serve(console: Console, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    console.print(
        f"[bold]Still listening.[/] In another terminal: [cyan].venv/bin/earshot --config {escape(str(folder))} status[/]; "
        "http://127.0.0.1:8787/status; Ctrl-C ends it."
    )
    await stop.wait()


def _say_what_next(console: Console, folder: Path) -> None:
    name = escape(str(folder))
    console.print("[bold]Everything is kept.[/] What to type next:")
    for command, why in (
        (f".venv/bin/earshot --config {name} search 'артиллерийской разведки'", "words in texts and in speech"),
        (f".venv/bin/earshot --config {name} rules list", "what alerts were raised for"),
        (f"ls -R {name}/data", "database, recordings by SHA-256, sessions"),
        ("make demo ARGS=--serve", "the same, and it stays up"),
        (".venv/bin/earshot init FOLDER", "your own listening post"),
    ):
        console.print(f"  [cyan]{command}[/]  [dim]{why}[/]")
