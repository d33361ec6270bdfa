"""The founding case, played out on a Telegram of our own: `earshot demo`.

On 12 July 2023 a lawmaker posted a general's voice note; newspapers carried it a day later. Here the daemon hears it.
The channels are invented, the voice is synthetic, everything between is real: Telethon over TCP, Whisper, SQLite, a SIGKILL.
"""

import asyncio
import shlex
import shutil
import signal
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.text import Text

from bot.errors import ConfigError
from bot.sandbox.chats import Chat
from bot.sandbox.demo_view import Step, chat_panel, draw, say_what_next, times_table
from bot.sandbox.posted import Posted
from bot.sandbox.stage import GENERAL, Ran, Stage, StageError, free_port

MARKER = ".earshot-demo"
WEATHER = "Доброе утро! Сегодня в Бердянске солнечно, до +31."
BUDGET = "Завтра комитет рассматривает поправки к бюджету. Повестка в приложении."
HOLIDAY = "Поздравляю всех с праздником!"
STRIKE = "Ночью ракеты Storm Shadow ударили по запасному командному пункту армии под Бердянском. Есть погибшие."
STRIKE_EDITED = STRIKE + " Среди них погиб генерал-лейтенант."
COMMANDS = (
    ["status"],
    ["audit"],
    ["search", '"сняли с должности"'],
    ["search", "бердянском"],
    ["search", "праздником"],
)
# The daemon of the demo sweeps often and does not pause between alerts: somebody is waiting.
SETTINGS = {"telegram": {"sweep_seconds": 2}, "alerts": {"per_second": 5.0, "per_minute": 600}}
# Without a new message for so long, the chat has everything.
QUIET = 2.0


class Demo:
    """The play; `steps` collects how long each act took."""

    def __init__(self, console: Console, stage: Stage) -> None:
        self._console = console
        self._stage = stage
        stage.columns = console.width - 4
        self.steps: list[Step] = []
        # The message that ended each act, for the picture.
        self._highlights: list[Posted] = []
        world = stage.sandbox.world
        self._lawmaker = world.add_channel("Депутат говорит (demo)", handle="demo_lawmaker")
        self._blogger = world.add_channel("Военный наблюдатель (demo)", handle="demo_milblogger")
        self._digest = world.add_channel("Сводки за день (demo)", handle="demo_digest")

    async def play(self) -> None:
        """From an empty folder to the alerts, through a crash; StageError when something does not happen."""
        await self._set_up()
        await self._posts()
        await self._crash()

    async def _set_up(self) -> None:
        stage = self._stage
        where = f"{stage.sandbox.host}:{stage.sandbox.port}"
        self._console.print(
            f"A Telegram of our own listens on {where}: real MTProto, loopback only, no account needed."
        )
        self._blogger.post(WEATHER)
        self._lawmaker.post(BUDGET)
        stage.configure(
            [
                {"handle": "demo_lawmaker", "category": "lawmaker", "priority": 1, "language": "ru"},
                {"handle": "demo_milblogger", "category": "milblogger", "priority": 2, "language": "ru"},
                {"handle": "demo_digest", "category": "media", "language": "ru"},
            ]
        )
        with self._act("earshot login", "phone, code, key exchange; the session file is 0600"):
            await self._succeeds(stage.login())
        with self._act("earshot check", "settings, rules and their tests, database, model, session"):
            await self._succeeds(stage.earshot("check"))
        with self._act("earshot run", "channels looked up, joined, pinned by id; 'listening' in the chat"):
            await stage.start()
            await stage.until(lambda: bool(stage.desk.messages), what="the daemon says that it is listening")
            self._highlights.append(stage.desk.messages[0])

    async def _posts(self) -> None:
        with self._act("a blogger posts on a strike", "text post to alert"):
            self._strike = self._blogger.post(STRIKE)
            await self._alert(self._blogger, self._strike)
        self._holiday = self._lawmaker.post(HOLIDAY)
        with self._act(
            "a lawmaker posts a general's voice note", "24.6 s of synthetic Russian speech, Opus in Ogg; to alert"
        ):
            voice = self._lawmaker.post(voice=GENERAL)
            await self._alert(self._lawmaker, voice)
        await self._stage.quiet(self._stage.desk, seconds=QUIET)
        with self._act("a third channel reposts it", "the same recording, so it is not transcribed again; to alert"):
            repost = self._digest.forward(self._lawmaker, voice)
            await self._alert(self._digest, repost)
        await self._stage.quiet(self._stage.desk, seconds=QUIET)

    async def _crash(self) -> None:
        stage = self._stage
        before = len(stage.desk.messages)
        with self._act("SIGKILL", "while the daemon is down, one post is edited and one deleted"):
            await stage.kill()
            self._blogger.edit(self._strike, STRIKE_EDITED)
            self._lawmaker.delete(self._holiday)
        with self._act("earshot run, again", "the edit names a general: alerted as an update, and nothing twice"):
            await stage.start()
            await self._alert(self._blogger, self._strike, after=before)
        await stage.quiet(stage.desk, seconds=QUIET)

    async def show(self, picture: Path | None) -> None:
        """The analyst chat, the times, and what is stored, through the commands that an analyst would type."""
        panel = chat_panel(self._stage.desk.title, self._stage.desk.messages)
        if picture:
            draw(chat_panel(self._stage.desk.title, self._highlights), picture)
        for shown in (panel, times_table(self.steps)):
            self._console.print()
            self._console.print(shown)
        self._console.print()
        for arguments in COMMANDS:
            self._console.print(f"[bold green]$[/] earshot {escape(shlex.join(arguments))}")
            ran = await self._stage.earshot(*arguments, colours=self._console.is_terminal)
            self._console.print(Padding(Text.from_ansi((ran.out + ran.err).rstrip()), (0, 0, 1, 2)))

    @contextmanager
    def _act(self, what: str, remark: str) -> Iterator[None]:
        start = time.monotonic()
        with self._console.status(f"{what} …"):
            yield
        step = Step(what, time.monotonic() - start, remark)
        self.steps.append(step)
        self._console.print(f"[green]✓[/] {what} [dim]({step.seconds:.2f} s) {remark}[/]")

    @staticmethod
    async def _succeeds(command: Awaitable[Ran]) -> None:
        ran = await command
        if ran.code:
            raise StageError(f"the command ended with {ran.code}:\n{ran.out}{ran.err}")

    async def _alert(self, chat: Chat, message_id: int, *, after: int = 0) -> None:
        link = f"https://t.me/{chat.handle}/{message_id}"

        def found() -> list[Posted]:
            return [message for message in self._stage.desk.messages[after:] if link in message.text]

        await self._stage.until(lambda: bool(found()), what=f"an alert for {link}")
        self._highlights.append(found()[0])


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
    """Play the demo in `folder` (made anew) and return the exit code. With `serve` it stays up until Ctrl-C."""
    empty_folder(folder)
    console.rule("[bold]Earshot: the founding case[/]")
    settings = {**SETTINGS, "health": {"port": 8787 if serve else free_port()}}
    async with Stage(folder, settings=settings) as stage:
        demo = Demo(console, stage)
        try:
            await demo.play()
        except StageError as error:
            console.print(f"[bold red]The demo failed:[/] {escape(str(error))}")
            return 1
        await demo.show(picture)
        if serve:
            await _until_interrupted(console, folder)
        await stage.stop()
    say_what_next(console, folder)
    return 0


async def _until_interrupted(console: Console, folder: Path) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    console.print(
        f"[bold]Still listening.[/] In another terminal: [cyan].venv/bin/earshot --config {escape(str(folder))} status[/] "
        "or http://127.0.0.1:8787/status; Ctrl-C ends it."
    )
    await stop.wait()
