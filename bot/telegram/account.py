"""One account: session, connection and waits behind a single door, `call`."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog
from telethon import errors as vendor
from telethon.network import MTProtoSender
from telethon.tl import functions, types

from bot.errors import AccountDead, FloodWait, LoginNeeded, TelegramError, Unreachable
from bot.model import Clock, Wait, utc_now
from bot.store import Store
from bot.telegram.budget import Budget, Limits
from bot.telegram.client import Client
from bot.telegram.refusals import VENDOR, new_word, translate
from bot.telegram.server import Server, point_at
from bot.telegram.session import SessionFile
from bot.telegram.waits import Waits

log = structlog.get_logger()

OnUpdate = Callable[[Any], None]
OnReconnect = Callable[[], None]


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
    ) -> None:
        self.name = name
        self.session = session
        self.api_id = api_id
        self.api_hash = api_hash
        # Why there is no login, found out when connecting; None while there is one.
        self.refusal: TelegramError | None = None
        # Words of Telegram that our library does not know, with the method that was answered so.
        self.news: Counter[tuple[str, str]] = Counter()
        self._clock = clock
        self._waits = Waits(name, store, clock)
        self._budget = Budget(name, store, limits, clock)
        self._client = Client(session, api_id, api_hash, on_update=self._hand_on, on_reconnect=self._reconnected)
        self._listeners: list[tuple[OnUpdate, OnReconnect]] = []
        self._media: dict[int, MTProtoSender] = {}
        # One for each data centre: one that cannot be reached must not hold up the others, least of all our own.
        self._opening: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._reviving: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

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
    ) -> AsyncIterator["Account"]:
        """Lock the session, connect, and close it all at the end.

        Does not demand a login (`require_login` does). `patience` bounds the first connection in seconds; None tries for
        ever, and later cuts are always mended without end. Raises Locked, ConfigError, or Unreachable.
        """
        session = SessionFile.open(session_path)
        try:
            point_at(session, server)
            account = cls(session, api_id, api_hash, name=name, store=store, clock=clock, limits=limits)
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
                return await self._send(request, dc)
        except VENDOR as error:
            refusal = translate(error, method=method, now=self._clock(), account=self.name)
            if isinstance(refusal, FloodWait):
                await self._waits.record(refusal)
            if (word := new_word(error)) is not None:
                log.error("a new word of Telegram's", account=self.name, method=method, word=word)
                self.news[word, method] += 1
            raise refusal from error

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
        return self._client.sender.online.is_set()

    @property
    def calls(self) -> Counter[str]:
        """Requests sent since the start, by method."""
        return self._budget.calls

    @property
    def waits(self) -> tuple[Wait, ...]:
        """The flood waits in force."""
        return self._waits.in_force

    def listen(self, on_update: OnUpdate, on_reconnect: OnReconnect = lambda: None) -> Callable[[], None]:
        """Have every pushed update, and every new connection, handed to plain functions; returns how to stop that."""
        pair = (on_update, on_reconnect)
        self._listeners.append(pair)
        return lambda: self._listeners.remove(pair)

    async def greet(self) -> None:
        """Ask for the account's state: Telegram pushes updates only to a connection that did."""
        try:
            await self.call(functions.updates.GetStateRequest())
            self.refusal = None
        except (LoginNeeded, AccountDead) as refusal:
            self.refusal = refusal
        except TelegramError as error:
            log.warning("state not asked", account=self.name, error=str(error))

    async def start_over(self) -> None:
        """Make a new key, when Telegram no longer accepts the old one; only a login does this."""
        await self._client.start_over()

    async def switch_dc(self, dc: int) -> None:
        """Move to the data centre that holds the account; only a login does this."""
        await self._client.switch_dc(dc)

    # --- connection ---

    async def _connect(self, patience: float | None) -> None:
        try:
            async with asyncio.timeout(patience):
                await self._client.connect()
        except (vendor.AuthKeyNotFound, vendor.RPCError) as error:
            refusal = translate(error, method="initConnection", now=self._clock(), account=self.name)
            if not isinstance(refusal, LoginNeeded | AccountDead):
                raise refusal from error
            self.refusal = refusal
        except VENDOR as error:
            where = f"{self.session.server_address}:{self.session.port}"
            trouble = self._client.sender.trouble or str(error) or "no answer"
            raise Unreachable(f"Telegram at {where} cannot be reached: {trouble}") from error
        else:
            await self.greet()
        self._spawn(self._watch())

    async def _send(self, request: Any, dc: int | None) -> Any:
        try:
            return await _answer(await self._sender(dc), request)
        except (vendor.PhoneMigrateError, vendor.UserMigrateError, vendor.NetworkMigrateError) as error:
            log.info("account lives elsewhere", account=self.name, dc=error.new_dc)
            await self._client.switch_dc(error.new_dc)
            return await _answer(await self._sender(None), request)
        except (vendor.FileMigrateError, vendor.StatsMigrateError) as error:
            return await _answer(await self._sender(error.new_dc), request)

    async def _sender(self, dc: int | None) -> MTProtoSender:
        if dc is not None and dc != self.session.dc_id:
            return await self._media_sender(dc)
        if self._reviving is None and not self._client.is_connected():
            self._reviving = self._spawn(self._revive())
            self._reviving.add_done_callback(self._revived)
        if self._reviving is not None:
            # It outlives the patience of whoever asked: a connection made by halves would be deaf.
            await asyncio.shield(self._reviving)
        # While offline nothing is queued, or each try would be sent anew once we are back.
        await self._client.sender.online.wait()
        return self._client.sender

    async def _media_sender(self, dc: int) -> MTProtoSender:
        async with self._opening[dc]:
            sender = self._media.get(dc)
            if sender is None or not sender.is_connected():
                sender = self._media[dc] = await self._client.media_sender(dc)
            return sender

    async def _revive(self) -> None:
        if self._closed:
            raise ConnectionError("the account is closed")
        if isinstance(await self._client.sender.ended(), vendor.AuthKeyNotFound):
            raise vendor.AuthKeyNotFound
        log.warning("connection made anew", account=self.name)
        await self._client.revive()

    def _revived(self, reviving: asyncio.Task[None]) -> None:
        self._reviving = None
        if not reviving.cancelled() and reviving.exception() is None:
            self._spawn(self.greet())

    async def _watch(self) -> None:
        """Telethon may end the connection for good (a broken key, a transport flood): say so, the next call mends it."""
        while True:
            await self._client.sender.online.wait()
            try:
                await self._client.disconnected
            except VENDOR as error:
                log.warning("connection ended", account=self.name, error=type(error).__name__)
            self._tell_reconnect()
            await asyncio.sleep(1)

    async def _close(self) -> None:
        self._closed = True
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for sender in self._media.values():
            await sender.disconnect()
        await self._client.disconnect()
        self.session.save()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- what comes by itself ---

    def _hand_on(self, update: Any) -> None:
        for on_update, _ in tuple(self._listeners):
            on_update(update)

    def _reconnected(self) -> None:
        log.info("reconnected", account=self.name)
        self._spawn(self.greet())
        self._tell_reconnect()

    def _tell_reconnect(self) -> None:
        for _, on_reconnect in tuple(self._listeners):
            on_reconnect()


async def _answer(sender: MTProtoSender, request: Any) -> Any:
    try:
        return await sender.send(request)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Telethon cancels what is in the air when it closes a connection; that is not our task being cancelled.
        raise ConnectionError("the connection was closed") from None
