"""A stage: a Telegram of our own, a configuration that points at it, and the real `earshot` as its own processes.

The demo and the end-to-end tests play on it. The configuration is the one that an operator would write to use Telegram's
test servers; nothing tells the daemon where it is.
"""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot import EXAMPLE
from bot.sandbox.chats import Chat
from bot.sandbox.proxy import Proxy
from bot.sandbox.server import Sandbox

HERE = Path(__file__).resolve().parent
EXAMPLE_RULES = EXAMPLE / "rules"
SPEECH_MODEL = HERE / "speech_model"
GENERAL = HERE / "recordings" / "general.ogg"
PHONE = "+9996612222"
CODE = "22222"
TOKEN = "7000000001:sandbox-bot-token"  # noqa: S105 - it opens nothing but this sandbox
API_HASH = "0123456789abcdef0123456789abcdef"


def free_port() -> int:
    """A TCP port on loopback that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class StageError(Exception):
    """Something on the stage did not happen in time; the text says what, with the end of the daemon's log."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str


class Stage:
    """`async with Stage(folder) as stage:` starts the Telegram; `start` starts the daemon; leaving ends both."""

    def __init__(
        self,
        folder: Path,
        *,
        settings: Mapping[str, Any] | None = None,
        rules: Path = EXAMPLE_RULES,
        proxy: bool = False,
    ) -> None:
        """`folder`: for configuration and data. `settings`: merged over those of the stage, section by section.

        `proxy`: put a network between the daemon and Telegram that can be made to fail (`stage.proxy`).
        """
        self.folder = folder
        # Width of the terminal that the commands see.
        self.columns = 120
        self.sandbox = Sandbox()
        self._proxy = Proxy(self.sandbox) if proxy else None
        world = self.sandbox.world
        self.listener = world.add_user("Listener", phone=PHONE, code=CODE)
        self.bot = world.add_bot("Earshot", TOKEN)
        self.desk = world.add_channel("Analysts' desk", megagroup=True)
        self.desk.invite(self.bot)
        self._settings = settings or {}
        self._rules = rules
        self._daemon: asyncio.subprocess.Process | None = None

    @property
    def log(self) -> Path:
        """What the daemon wrote on standard error."""
        return self.folder / "earshot.log"

    @property
    def pid(self) -> int:
        """Process id of the running daemon."""
        assert self._daemon is not None, "the daemon has not been started"  # noqa: S101
        return self._daemon.pid

    @property
    def proxy(self) -> Proxy:
        """The network, when one was asked for."""
        assert self._proxy is not None, "this stage was made without a proxy"  # noqa: S101
        return self._proxy

    @property
    def port(self) -> int:
        """Where the daemon is to find Telegram."""
        return self._proxy.port if self._proxy else self.sandbox.port

    async def __aenter__(self) -> "Stage":
        await self.sandbox.start()
        if self._proxy is not None:
            await self._proxy.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        if self._proxy is not None:
            await self._proxy.stop()
        await self.sandbox.stop()

    def configure(self, channels: Sequence[Mapping[str, Any]]) -> None:
        """Write earshot.yaml, channels.yaml, the rules and the secrets into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        secrets = self.folder / "secrets"
        secrets.mkdir(mode=0o700, exist_ok=True)
        for name, text in (("api_hash", API_HASH), ("bot_token", TOKEN)):
            (secrets / name).write_text(text + "\n")
            (secrets / name).chmod(0o600)
        settings: dict[str, Any] = {
            "telegram": {
                "api_id": 1,
                "api_hash_file": "secrets/api_hash",
                "sweep_seconds": 5,
                "server": {
                    "host": self.sandbox.host,
                    "port": self.port,
                    "dc": self.sandbox.dc,
                    "public_key_file": str(self.sandbox.public_key),
                },
            },
            "alerts": {"chat": self.desk.channel_id, "bot_token_file": "secrets/bot_token"},
            "speech": {"model": str(SPEECH_MODEL), "compute_type": "int8", "threads": 1},
            "health": {"port": 0},
            "log": {"format": "json"},
        }
        for section, values in self._settings.items():
            settings[section] = {**settings.get(section, {}), **values} if isinstance(values, dict) else values
        self._write("earshot.yaml", settings)
        self._write("channels.yaml", {"channels": [dict(channel) for channel in channels]})
        shutil.copytree(self._rules, self.folder / "rules", dirs_exist_ok=True)

    async def earshot(self, *arguments: str, stdin: str = "", colours: bool = False) -> Ran:
        """Run `earshot ARGUMENTS` to its end."""
        pipe = asyncio.subprocess.PIPE
        process = await self._spawn(*arguments, stdin=pipe, stderr=pipe, colours=colours)
        out, err = await process.communicate(stdin.encode())
        return Ran(process.returncode or 0, out.decode(), err.decode())

    async def login(self) -> Ran:
        """Log in the watching account by phone and code, as its owner would."""
        return await self.earshot("login", "--phone", PHONE, stdin=f"{CODE}\n")

    async def start(self, *, launcher: Sequence[str] = ("-m", "bot")) -> None:
        """Start `earshot run`; its log goes to `log`. `launcher`: how Python is to start it."""
        with self.log.open("ab") as log:
            self._daemon = await self._spawn("run", stdin=asyncio.subprocess.DEVNULL, stderr=log, launcher=launcher)

    async def kill(self) -> None:
        """SIGKILL, if it runs."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM and wait; the exit code."""
        return await self._end(signal.SIGTERM)

    def send_signal(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait for the daemon to end by itself; its exit code (negative: the signal)."""
        return await self._daemon.wait() if self._daemon else 0

    @property
    def running(self) -> bool:
        """Whether the daemon process is there."""
        return self._daemon is not None and self._daemon.returncode is None

    async def until(self, condition: Callable[[], bool], *, what: str, seconds: float = 60.0) -> float:
        """Wait for `condition`; the seconds it took. StageError when it does not come about, or the daemon ends."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        while not condition():
            if not self.running:
                raise StageError(f"the daemon ended before: {what}\n{self.log_tail()}")
            if loop.time() - start > seconds:
                raise StageError(f"not within {seconds:.0f} s: {what}\n{self.log_tail()}")
            await asyncio.sleep(0.02)
        return loop.time() - start

    async def quiet(self, chat: Chat, *, seconds: float) -> None:
        """Wait until nothing new has come into `chat` for so long."""
        count, since = len(chat.messages), 0.0
        while since < seconds:
            await asyncio.sleep(0.1)
            since += 0.1
            if len(chat.messages) != count:
                count, since = len(chat.messages), 0.0

    def log_tail(self, lines: int = 20) -> str:
        """The end of the daemon's log."""
        if not self.log.exists():
            return "(the daemon wrote no log)"
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])

    async def _end(self, number: signal.Signals) -> int:
        daemon = self._daemon
        if daemon is None:
            return 0
        if daemon.returncode is None:
            daemon.send_signal(number)
            await daemon.wait()
        self._daemon = None
        return daemon.returncode or 0

    async def _spawn(
        self,
        *arguments: str,
        stdin: int,
        stderr: Any,
        launcher: Sequence[str] = ("-m", "bot"),
        colours: bool = False,
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *launcher,
            "--config",
            str(self.folder),
            *arguments,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE if stdin == asyncio.subprocess.PIPE else asyncio.subprocess.DEVNULL,
            stderr=stderr,
            env={**os.environ, "FORCE_COLOR" if colours else "NO_COLOR": "1", "COLUMNS": str(self.columns)},
        )

    def _write(self, name: str, data: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), "utf-8")
