"""The connections of one account: the main one, those to other data centres for files, and how each comes back."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from telethon import errors as vendor

from bot.telegram.client import Client
from bot.telegram.refusals import VENDOR
from bot.telegram.session import SessionFile
from bot.telegram.wire import Wire

log = structlog.get_logger()

# Pauses before a connection that ended for good is replaced once more, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


class Line:
    """Keeps an account connected. Cuts are mended by the wire itself; a connection that has ended for good is replaced here.

    `on_back` is called when a new connection stands (what was pushed meanwhile is lost), `on_lost` with the reason when
    none can be made. All raise what Telethon and the network raise (`refusals.VENDOR`).
    """

    def __init__(
        self,
        session: SessionFile,
        api_id: int,
        api_hash: str,
        *,
        name: str,
        keepalive: float,
        on_update: Callable[[Any], None],
        on_unreadable: Callable[[], None],
        on_back: Callable[[], None],
        on_lost: Callable[[BaseException], None],
    ) -> None:
        self._name = name
        self._session = session
        self._on_back = on_back
        self._on_lost = on_lost
        self._client = Client(
            session,
            api_id,
            api_hash,
            on_update=on_update,
            on_reconnect=on_back,
            on_unreadable=on_unreadable,
            keepalive=keepalive,
        )
        self._media: dict[int, Wire] = {}
        # One for each data centre: one that cannot be reached must not hold up the others, least of all our own.
        self._opening: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._reviving: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        # Held by whoever replaces the main connection.
        self._changing = asyncio.Lock()
        self._closed = False

    @property
    def trouble(self) -> str:
        """Why the last attempt to connect failed; empty when it did not."""
        return self._client.sender.trouble

    @property
    def online(self) -> bool:
        """Whether a request would be sent now."""
        return self._client.sender.online.is_set()

    @property
    def clock_offset(self) -> float | None:
        """Seconds by which our clock is ahead of Telegram's; None before it was measured."""
        return self._client.sender.clock.local_ahead

    async def connect(self) -> None:
        """Connect for the first time, and watch over it from then on, also when this fails."""
        try:
            await self._client.connect()
        finally:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def ask(self, request: Any, dc: int | None) -> Any:
        """Send a request to a data centre (None: our own) and return the answer; migrations are followed."""
        try:
            return await _answer(await self._sender(dc), request)
        except (vendor.PhoneMigrateError, vendor.UserMigrateError, vendor.NetworkMigrateError) as error:
            log.info("account lives elsewhere", account=self._name, dc=error.new_dc)
            await self.switch_dc(error.new_dc)
            return await _answer(await self._sender(None), request)
        except (vendor.FileMigrateError, vendor.StatsMigrateError) as error:
            return await _answer(await self._sender(error.new_dc), request)

    async def renew(self) -> None:
        """Drop all connections, with what is in the air, and make the main one anew; it goes on when the caller gives up."""
        for sender in list(self._media.values()):
            await sender.disconnect()
        await _uncancelled(asyncio.shield(self._revival(drop=True)))

    async def start_over(self) -> None:
        """Connect with a new key."""
        async with self._changing:
            await self._client.start_over()

    async def switch_dc(self, dc: int) -> None:
        """Connect to another data centre for good."""
        async with self._changing:
            await self._client.switch_dc(dc)

    async def close(self) -> None:
        """End all connections; no new one is made."""
        self._closed = True
        tasks = [task for task in (self._watching, self._reviving) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for sender in list(self._media.values()):
            await sender.disconnect()
        await self._client.disconnect()

    async def _sender(self, dc: int | None) -> Wire:
        if dc is not None and dc != self._session.dc_id:
            return await self._media_sender(dc)
        if self._reviving is not None or not self._client.is_connected():
            # It outlives the patience of whoever asked: a connection made by halves would be deaf.
            await _uncancelled(asyncio.shield(self._revival()))
        # While offline nothing is queued, or each try would be sent anew once we are back.
        await self._client.sender.online.wait()
        return self._client.sender

    async def _media_sender(self, dc: int) -> Wire:
        async with self._opening[dc]:
            sender = self._media.get(dc)
            if sender is None or not sender.is_connected():
                sender = self._media[dc] = await self._client.media_sender(dc)
            return sender

    def _revival(self, *, drop: bool = False) -> asyncio.Task[None]:
        if self._reviving is None:
            self._reviving = asyncio.get_running_loop().create_task(self._revive(drop))
            self._reviving.add_done_callback(self._revived)
        return self._reviving

    async def _revive(self, drop: bool) -> None:
        async with self._changing:
            if self._closed:
                raise ConnectionError("the account is closed")
            if self._client.is_connected() and not drop:
                return
            if not drop and isinstance(await self._client.sender.ended(), vendor.AuthKeyNotFound):
                raise vendor.AuthKeyNotFound
            log.warning("connection made anew", account=self._name)
            await self._client.revive()

    def _revived(self, reviving: asyncio.Task[None]) -> None:
        self._reviving = None
        if reviving.cancelled() or self._closed:
            return
        error = reviving.exception()
        if error is None:
            self._on_back()
        else:
            self._on_lost(error)

    async def _watch(self) -> None:
        """Telethon may end the connection for good (a broken key, a transport flood): replace it, whoever needs it."""
        pause = FIRST_PAUSE
        while True:
            error = await self._client.sender.ended()
            log.warning("connection ended", account=self._name, error=type(error).__name__ if error else None)
            try:
                await asyncio.shield(self._revival())
                pause = FIRST_PAUSE
            except VENDOR as failure:
                log.info("connection not replaced", account=self._name, error=type(failure).__name__)
                pause = min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)


async def _answer(sender: Wire, request: Any) -> Any:
    return await _uncancelled(sender.send(request))


async def _uncancelled(awaited: Awaitable[Any]) -> Any:
    """What is awaited; ConnectionError when not we, but what we wait for was cancelled: its connection was closed."""
    try:
        return await awaited
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ConnectionError("the connection was closed") from None
