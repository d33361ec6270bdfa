"""A stage for drills: daemons forked from a zygote, a proxy before the sandbox, and a supervisor as systemd would be."""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bot.sandbox.chats import Chat
from bot.sandbox.stage import Stage
from tests.drills.plain_listener import READY
from tests.drills.play import Play
from tests.drills.truth import STEADY, Weather
from tests.drills.zygote import Forked, Zygote

RULES = Path(__file__).with_name("rules")
HANDLES = ("lawmaker", "blogger", "digest", "governor", "brigade")
SETTINGS: dict[str, Any] = {
    "telegram": {"sweep_seconds": 1},
    "alerts": {"per_second": 30.0, "per_minute": 1800},
}
# Exit codes after which a supervisor does not start again: deploy/earshot.service.
LOGIN_LOST = 4
FOR_A_PERSON = (3, LOGIN_LOST)
# Pause of the supervisor before it starts again, in seconds.
RESTART = 0.1


class Scene(Stage):
    """`async with Scene(...) as scene:` then `listening` and `supervise`.

    `listener`: "earshot", or a plain listener ("plain", "plain, catch_up") in its place.
    """

    def __init__(
        self,
        folder: Path,
        zygote: Zygote,
        *,
        channels: int = 4,
        accounts: int = 1,
        listener: str = "earshot",
    ) -> None:
        names = {"accounts": ["main", "second"]} if accounts == 2 else {}
        settings = {**SETTINGS, "telegram": {**SETTINGS["telegram"], **names}}
        super().__init__(folder, settings=settings, rules=RULES, proxy=True)
        self.kind = listener
        self.sweep_seconds = float(SETTINGS["telegram"]["sweep_seconds"])
        self.chats: list[Chat] = []
        # For the next start: see `bombs.arm`.
        self.bomb: Mapping[str, Any] | None = None
        # Exit codes in order, those of kills among them.
        self.exits: list[int] = []
        # Exit codes that are no finding, besides those of the faults.
        self.may_exit: set[int] = set()
        # The newest id of each channel when the listener first said that it listens; empty until then.
        self.base: dict[int, int] = {}
        # The trouble of being down, while it is.
        self._down: int | None = None
        # (from, to, aftermath) of every fault; `to` is infinite while it lasts.
        self._troubles: dict[int, tuple[float, float, float]] = {}
        self._zygote = zygote
        self._supervisor: asyncio.Task[None] | None = None
        self._pipes: set[int] = set()
        # The second watching account, when there is one.
        self.second = self.sandbox.world.add_user("Second", phone="+9996613333") if accounts == 2 else None
        for handle in HANDLES[:channels]:
            self._open_channel(handle)
        self.desk.invite(self.listener)

    async def __aenter__(self) -> "Scene":
        await super().__aenter__()
        self._zygote.attach()
        self.configure([{"handle": chat.handle} for chat in self.chats])
        self.give_session("main")
        self.give_session("bot")
        if self.second is not None:
            self.give_session("second")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
        await super().__aexit__()
        self._zygote.detach()
        for pipe in list(self._pipes):
            self._end_pipe(pipe)

    # --- sessions -----------------------------------------------------------------------------------------------------

    def give_session(self, name: str) -> None:
        """A session file as a login leaves it, with a new key."""
        user = {"main": self.listener, "bot": self.bot, "second": self.second}[name]
        key = os.urandom(256)
        self.sandbox.register_key(key, user=user)
        folder = self.folder / "data" / "sessions"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = {"format": 1, "dc": self.sandbox.dc, "host": "127.0.0.1", "port": self.port, "auth_key": key.hex()}
        file = folder / f"{name}.session"
        file.write_text(json.dumps(state))
        file.chmod(0o600)
        # A plain listener takes its login from there when it has no session file of its own.
        (self.folder / "data" / "plain.session").unlink(missing_ok=True)

    # --- the daemon ---------------------------------------------------------------------------------------------------

    @property
    def database(self) -> Path:
        """Where the listener keeps what it heard."""
        return self.folder / "data" / ("earshot.db" if self.kind == "earshot" else "plain.db")

    async def start(self, **_: object) -> None:
        """Fork a daemon; `bomb` goes with it, once."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        self._pipes.add(reading)
        # A pipe, and not a file: a full disk is to fail the store, not the log.
        asyncio.get_running_loop().add_reader(reading, self._log_from, reading)
        try:
            self._daemon = await self._fork(writing)  # type: ignore[assignment]
        finally:
            os.close(writing)
        self.bomb = None

    async def listening(self, *, seconds: float = 30.0) -> None:
        """Start, and wait until it says that it is listening."""
        said = self.said()
        await self.start()
        await self.until(lambda: self.said() > said, what="listening", seconds=seconds)
        self.base = {chat.channel_id: chat.log.top_id for chat in self.chats}

    async def first_word(self, *, seconds: float = 30.0) -> None:
        """Wait until any of its lives has said that it listens."""
        async with asyncio.timeout(seconds):
            while not self.said():  # noqa: ASYNC110 - the chat gives no signal
                await asyncio.sleep(0.02)

    def said(self) -> int:
        """How often a listener has said that it is ready."""
        return sum("is listening" in message.text or message.text == READY for message in self.desk.messages)

    def watched(self, play: Play) -> None:
        """Note the moments of what is there already: it was posted before the play."""
        play.stamp(self.chats)

    def supervise(self, *, start: bool = False) -> None:
        """From now on start it again whenever it ends, but for a reason that wants a person; `start`: also the first time."""
        self._supervisor = asyncio.get_running_loop().create_task(self._supervise(start=start))

    @property
    def wants_a_login(self) -> bool:
        """Whether it has ended for good because the login is lost."""
        return not self.running and self.exits[-1:] == [LOGIN_LOST]

    async def log_in_again(self) -> None:
        """What a person does then: log in anew, and start it."""
        await self.leave()
        self.give_session("main")
        self.supervise(start=True)

    @property
    def settled(self) -> bool:
        """Whether a listener runs and has said that it listens."""
        return self.running and self._down is None

    async def leave(self) -> None:
        """No more starting again."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None

    # --- the weather --------------------------------------------------------------------------------------------------

    def trouble(self, aftermath: float = STEADY) -> int:
        """A fault begins; its name for `over`. `aftermath`: seconds until pushes flow again once it has ended."""
        name = len(self._troubles)
        self._troubles[name] = (time.monotonic(), float("inf"), aftermath)
        return name

    def over(self, name: int) -> None:
        """That fault has ended."""
        begin, _, aftermath = self._troubles[name]
        self._troubles[name] = (begin, time.monotonic(), aftermath)

    @property
    def weather(self) -> Weather:
        """What could be seen so far."""
        return Weather(
            tuple((begin, end + aftermath) for begin, end, aftermath in self._troubles.values()), self.sweep_seconds
        )

    # --- within -------------------------------------------------------------------------------------------------------

    def _open_channel(self, handle: str) -> None:
        chat = self.sandbox.world.add_channel(handle.title(), handle=handle)
        for user in filter(None, (self.listener, self.second)):
            chat.invite(user)
        chat.post("Запись до начала")
        self.chats.append(chat)

    async def _fork(self, stderr: int) -> Forked:
        if self.kind == "earshot":
            target, arguments = "bot.__main__:main", ["--config", str(self.folder), "run"]
        else:
            target, arguments = "tests.drills.plain_listener:main", [str(self.folder), self.kind]
        return await self._zygote.fork(target, arguments, stderr=stderr, env={"NO_COLOR": "1"}, bomb=self.bomb)

    async def _supervise(self, *, start: bool) -> None:
        if start:
            await self._start_again(self._down if self._down is not None else self.trouble())
        while True:
            self.exits.append(await self.ended())
            self._down = self.trouble()
            if self.exits[-1] in FOR_A_PERSON:
                return
            await asyncio.sleep(RESTART)
            await self._start_again(self._down)

    async def _start_again(self, down: int) -> None:
        """Start, and wait until it listens or has ended; the trouble is over when it listens."""
        self._down, said = down, self.said()
        await self.start()
        while self.running and self.said() == said:  # noqa: ASYNC110 - the chat gives no signal
            await asyncio.sleep(0.02)
        if self.running:
            self.over(down)
            self._down = None

    def _log_from(self, pipe: int) -> None:
        data = os.read(pipe, 1 << 16)
        if not data:
            self._end_pipe(pipe)
            return
        with self.log.open("ab") as log:
            log.write(data)

    def _end_pipe(self, pipe: int) -> None:
        asyncio.get_running_loop().remove_reader(pipe)
        os.close(pipe)
        self._pipes.discard(pipe)
