"""One account: session, connection and waits behind a single door, `call`."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog
from telethon import errors as vendor
from telethon.tl import functions, types

from bot.errors import AccountDead, FloodWait, LoginNeeded, TelegramError, Unreachable
from bot.model import Clock, Wait, utc_now
from bot.store import Store
from bot.telegram.budget import Budget, Limits
from bot.telegram.hearers import Hearers, OnReconnect, OnUpdate
from bot.telegram.line import Line
from bot.telegram.refusals import VENDOR, new_word, translate
from bot.telegram.server import Server, point_at
from bot.telegram.session import SessionFile
from bot.telegram.waits import Waits
from bot.telegram.wire import KEEPALIVE_SECONDS

log = structlog.get_logger()

# An account that nobody uses is asked for after so many keepalives: a ping is answered also when the account is lost.
CHECK_KEEPALIVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is logged in."""

    user_id: int
    name: str
    username: str | None
    bot: bool
    premium: bool = False


def method_of(request: Any) -> str:
    """Telegram's name of a request, as `messages.getHistory`."""
    space = type(request).__module__.rpartition(".")[2]
    name = type(request).__name__.removesuffix("Request")
    name = name[:1].lower() + name[1:]
    return name if space == "functions" else f"{space}.{name}"


class Account:
    """A connected account. Made by `open`; every request goes through `call`.

    Flood waits and budgets are kept in the database and outlive the process; while one holds, no packet leaves for its
    method.
    """

    def __init__(
        self,
        session: SessionFile,
        api_id: int,
        api_hash: str,
        *,
        name: str,
        store: Store | None,
        clock: Clock,
        limits: Limits = MappingProxyType({}),
        keepalive: float = KEEPALIVE_SECONDS,
    ) -> None:
        self.name = name
        self.session = session
        self.api_id = api_id
        self.api_hash = api_hash
        # Why there is no login, found out when connecting and from time to time; None while there is one.
        self.refusal: TelegramError | None = None
        # Messages, and answers, of which Telethon does not know the kind: the library is older than the server.
        self.unknown_constructors = 0
        # Words of Telegram that our library does not know, with the method that was answered so.
        self.news: Counter[tuple[str, str]] = Counter()
        self._clock = clock
        self._waits = Waits(name, store, clock)
        self._budget = Budget(name, store, limits, clock)
        self._keepalive = keepalive
        self._hearers = Hearers()
        self._line = Line(
            session,
            api_id,
            api_hash,
            name=name,
            keepalive=keepalive,
            on_update=self._hearers.hand_on,
            on_unreadable=self._unreadable,
            on_back=self._reconnected,
            on_lost=self._lost,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        # On the loop's clock: when Telegram last answered a request.
        self._answered_at = 0.0

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        session_path: Path,
        api_id: int,
        api_hash: str,
        *,
        name: str = "main",
        store: Store | None = None,
        server: Server | None = None,
        clock: Clock = utc_now,
        patience: float | None = 30.0,
        limits: Limits = MappingProxyType({}),
        keepalive: float = KEEPALIVE_SECONDS,
    ) -> AsyncIterator["Account"]:
        """Lock the session, connect, and close it all at the end.

        Does not demand a login (`require_login` does). `patience` bounds the first connection in seconds; None tries for
        ever, and later cuts are always mended without end. `keepalive`: seconds between pings; a connection that is dead is
        found and replaced within about two of them. Raises Locked, ConfigError, or Unreachable.
        """
        session = SessionFile.open(session_path)
        try:
            point_at(session, server)
            account = cls(
                session, api_id, api_hash, name=name, store=store, clock=clock, limits=limits, keepalive=keepalive
            )
            try:
                await account._waits.recall()
                await account._budget.recall()
                await account._connect(patience)
                yield account
            finally:
                await account._close()
        finally:
            session.release()

    async def call(self, request: Any, *, timeout: float = 30.0, dc: int | None = None) -> Any:
        """Send one request (with Input... objects in it) and return Telegram's answer.

        `dc`: the data centre to ask, for files; migrations are followed. A request in the air when the connection is cut
        is sent again with the next one. Raises FloodWait (also without asking, while one is in force or the budget is
        spent), Unreachable when there is no answer in `timeout` seconds, and what `refusals.translate` says.
        """
        method = method_of(request)
        self._waits.obey(method)
        await self._budget.spend(method)
        try:
            async with asyncio.timeout(timeout):
                answer = await self._line.ask(request, dc)
        except VENDOR as error:
            self.unknown_constructors += isinstance(error, vendor.TypeNotFoundError)
            refusal = translate(error, method=method, now=self._clock(), account=self.name)
            if isinstance(refusal, FloodWait):
                await self._waits.record(refusal)
            if isinstance(refusal, LoginNeeded | AccountDead) and dc in (None, self.session.dc_id):
                self._refused(refusal)
            if (word := new_word(error)) is not None:
                log.error("a new word of Telegram's", account=self.name, method=method, word=word)
                self.news[word, method] += 1
            raise refusal from error
        self._answered_at = asyncio.get_running_loop().time()
        return answer

    async def reconnect(self, *, timeout: float = 30.0) -> None:
        """Drop the connections and make new ones at once: after a suspend, or when nothing seems to come in any more.

        What is in the air fails as Unreachable; listeners are told when the new one stands. Raises Unreachable when that
        takes longer than `timeout` seconds (it goes on being tried), LoginNeeded or AccountDead when there can be none.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._line.renew()
        except VENDOR as error:
            raise translate(error, method="initConnection", now=self._clock(), account=self.name) from error

    async def me(self) -> Identity:
        """Who we are, asked of Telegram; raises LoginNeeded or AccountDead when we are nobody."""
        (user,) = await self.call(functions.users.GetUsersRequest([types.InputUserSelf()]))
        name = " ".join(part for part in (user.first_name, user.last_name) if part)
        return Identity(
            user_id=user.id, name=name, username=user.username, bot=bool(user.bot), premium=bool(user.premium)
        )

    async def require_login(self) -> None:
        """Raise LoginNeeded or AccountDead unless Telegram knows us; Unreachable when it does not answer."""
        await self.me()

    @property
    def online(self) -> bool:
        """Whether requests can be sent now."""
        return self._line.online

    @property
    def clock_offset(self) -> float | None:
        """Seconds by which this machine's clock is ahead of Telegram's (negative: behind); None before it was measured."""
        return self._line.clock_offset

    @property
    def calls(self) -> Counter[str]:
        """Requests sent since the start, by method."""
        return self._budget.calls

    @property
    def waits(self) -> tuple[Wait, ...]:
        """The flood waits in force."""
        return self._waits.in_force

    def listen(self, on_update: OnUpdate, on_reconnect: OnReconnect = lambda: None) -> Callable[[], None]:
        """Have every pushed update handed to a plain function; returns how to stop that.

        `on_reconnect` is called when pushes may have been lost: there is a new connection, something came in that could not
        be read, or the account is no longer good. Whoever follows channels asks the server then.
        """
        return self._hearers.add(on_update, on_reconnect)

    async def greet(self) -> None:
        """Ask for the account's state: Telegram pushes updates only to a connection that did."""
        try:
            await self.call(functions.updates.GetStateRequest())
        except (LoginNeeded, AccountDead):
            # Noted by `call`.
            return
        except TelegramError as error:
            log.warning("state not asked", account=self.name, error=str(error))
        else:
            self.refusal = None

    async def start_over(self) -> None:
        """Make a new key, when Telegram no longer accepts the old one; only a login does this."""
        await self._line.start_over()

    async def switch_dc(self, dc: int) -> None:
        """Move to the data centre that holds the account; only a login does this."""
        await self._line.switch_dc(dc)

    # --- connection ---

    async def _connect(self, patience: float | None) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._line.connect()
        except (vendor.AuthKeyNotFound, vendor.RPCError) as error:
            refusal = translate(error, method="initConnection", now=self._clock(), account=self.name)
            if not isinstance(refusal, LoginNeeded | AccountDead):
                raise refusal from error
            self.refusal = refusal
        except VENDOR as error:
            where = f"{self.session.server_address}:{self.session.port}"
            trouble = self._line.trouble or str(error) or "no answer"
            raise Unreachable(f"Telegram at {where} cannot be reached: {trouble}") from error
        else:
            await self.greet()
        self._spawn(self._check_in())

    async def _check_in(self) -> None:
        """Nobody may be asking, and a ping is answered also when the account is banned: ask when all has been quiet."""
        loop = asyncio.get_running_loop()
        while True:
            asleep_at = loop.time()
            await asyncio.sleep(CHECK_KEEPALIVES * self._keepalive)
            if self.online and self._answered_at < asleep_at:
                await self.greet()

    async def _close(self) -> None:
        self._hearers.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._line.close()
        self.session.save()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- what comes by itself ---

    def _reconnected(self) -> None:
        log.info("reconnected", account=self.name)
        self._spawn(self.greet())
        self._hearers.tell()

    def _lost(self, error: BaseException) -> None:
        """No connection can be made anew, for that reason."""
        refusal = translate(error, method="initConnection", now=self._clock(), account=self.name)
        if isinstance(refusal, LoginNeeded | AccountDead):
            self._refused(refusal)

    def _refused(self, refusal: TelegramError) -> None:
        """Listeners are told once: their next request meets the refusal."""
        news, self.refusal = self.refusal is None, refusal
        if news:
            log.debug("account refused", account=self.name, error=str(refusal))
            self._hearers.tell()

    def _unreadable(self) -> None:
        self.unknown_constructors += 1
        self._hearers.tell_sparingly()
