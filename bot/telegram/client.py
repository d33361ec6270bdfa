"""Telethon with its own bookkeeping taken out: a connection that sends requests and hands on raw updates.

Measured with Telethon 1.45.0: its message box saves its position before a handler ran, drops every edit and delete of
a channel difference, takes "difference too long" for an empty answer and does not catch up after a reconnect. So it is
not in the path here. Updates go from the sender's queue straight to `on_update`, and what is missing is asked for by
the listener. Private parts are overridden, which is why the version is pinned:

* `connect`: asks for no account state, and does not wait for ever for the answer to its introduction;
* `_update_loop`: hands on, never looks inside;
* `_handle_auto_reconnect`: tells `on_reconnect`, nothing else;
* `_save_states_and_entities`: nothing to save;
* `_get_dc`: the configuration is per client (Telethon keeps one per process, wrong for two servers in one process);
* `MTProtoSender`: see `bot.telegram.wire`; endless reconnecting with a growing pause, and an event that says whether
  we are online.
"""

import asyncio
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import structlog
from telethon import TelegramClient
from telethon.client.telegrambaseclient import DEFAULT_DC_ID, DEFAULT_IPV4_IP, DEFAULT_PORT
from telethon.tl import functions, types
from telethon.tl.alltlobjects import LAYER

from bot.telegram.session import SessionFile
from bot.telegram.wire import KEEPALIVE_SECONDS, Link, Wire

log = structlog.get_logger()

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# So many connections within so many seconds look like an attack: from there on each waits.
STORM = 30
STORM_SECONDS = 60.0
STORM_PAUSE = 10.0

# Below warnings, Telethon writes what it received into its log.
_wire_log = logging.getLogger("telethon.earshot")
_wire_log.setLevel(logging.WARNING)


class Sender(Wire):
    """The main connection: `online` while requests can be sent, `trouble` says why the last attempt failed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.online = asyncio.Event()
        self.trouble = ""
        self._connected_at: deque[float] = deque(maxlen=STORM)

    async def _connect(self) -> None:
        await super()._connect()
        # What its caller gave up on (a timeout) is not sent again.
        for msg_id in [key for key, state in self._pending_state.items() if state.future.cancelled()]:
            del self._pending_state[msg_id]
        self.online.set()

    async def _try_connect(self, attempt: int) -> bool:
        self._pause(attempt)
        if len(self._connected_at) == STORM and time.monotonic() - self._connected_at[0] < STORM_SECONDS:
            log.warning("reconnecting too often", seconds=STORM_PAUSE)
            await asyncio.sleep(STORM_PAUSE)
        connected = await super()._try_connect(attempt)
        if connected:
            self._connected_at.append(time.monotonic())
        self.trouble = "" if connected else "no connection"
        return bool(connected)

    async def _try_gen_auth_key(self, attempt: int) -> bool:
        self._pause(attempt)
        made = await super()._try_gen_auth_key(attempt)
        self.trouble = "" if made else "the handshake failed: is this the server's public key?"
        return bool(made)

    def _start_reconnect(self, error: BaseException | None) -> None:
        self.online.clear()
        super()._start_reconnect(error)

    async def _disconnect(self, error: BaseException | None = None) -> None:
        self.online.clear()
        await super()._disconnect(error=error)

    async def ended(self) -> BaseException | None:
        """Why the connection was given up, once that is done with; None when there is no reason to name.

        Telethon tells the waiting requests first and clears up afterwards: connecting in between breaks both.
        """
        gone = self._disconnected
        await asyncio.wait([gone])
        return None if gone.cancelled() else gone.exception()

    def _pause(self, attempt: int) -> None:
        longest = min(FIRST_PAUSE * 2 ** min(attempt - 1, 10), LONGEST_PAUSE)
        self._delay = longest * random.uniform(0.5, 1.0)  # noqa: S311 - so that many clients do not return at once


class Client(TelegramClient):
    """A connection that neither remembers nor repairs; see the module."""

    def __init__(
        self,
        session: SessionFile,
        api_id: int,
        api_hash: str,
        *,
        on_update: Callable[[Any], None],
        on_reconnect: Callable[[], None],
        on_unreadable: Callable[[], None],
        keepalive: float = KEEPALIVE_SECONDS,
    ) -> None:
        super().__init__(
            session,
            api_id,
            api_hash,
            connection=Link,
            use_ipv6=":" in (session.server_address or ""),
            device_model="Earshot",
            base_logger=_wire_log,
            flood_sleep_threshold=0,
            request_retries=0,
            raise_last_call_error=True,
        )
        self._on_update = on_update
        self._on_reconnect = on_reconnect
        self._on_unreadable = on_unreadable
        self._keepalive = keepalive
        self._own_config: Any = None
        self._sender = Sender(
            session.auth_key,
            loggers=self._log,
            keepalive=keepalive,
            on_unreadable=on_unreadable,
            on_forgotten=on_reconnect,
            retries=None,
            delay=FIRST_PAUSE,
            connect_timeout=10,
            auth_key_callback=self._auth_key_callback,
            updates_queue=self._updates_queue,
            auto_reconnect_callback=self._handle_auto_reconnect,
        )

    @property
    def sender(self) -> Sender:
        """The main connection."""
        return self._sender

    async def connect(self) -> None:
        """Connect and say who we are; tries for ever. Raises what the introduction is answered with, or OSError."""
        if not self.session.server_address:
            self.session.set_dc(DEFAULT_DC_ID, DEFAULT_IPV4_IP, DEFAULT_PORT)
        session = self.session
        if not await self._sender.connect(self._link(session.server_address, session.port, session.dc_id)):
            return
        session.auth_key = self._sender.auth_key
        session.save()
        self._init_request.query = functions.help.GetConfigRequest()
        await self._introduce(functions.InvokeWithLayerRequest(LAYER, self._init_request))
        self._updates_handle = asyncio.get_running_loop().create_task(self._update_loop())

    async def media_sender(self, dc: int) -> Wire:
        """A new connection to another data centre, logged in by an exported authorization; the caller closes it."""
        address = await self._get_dc(dc)
        # Telethon's own way gives it no queue, so that a pushed update raises inside its receive loop, and leaves the
        # connection open when the login fails.
        sender = Wire(
            None,
            loggers=self._log,
            keepalive=self._keepalive,
            on_unreadable=self._on_unreadable,
            connect_timeout=10,
            updates_queue=self._updates_queue,
        )
        try:
            await sender.connect(self._link(address.ip_address, address.port, address.id))
            login = await self(functions.auth.ExportAuthorizationRequest(dc))
            self._init_request.query = functions.auth.ImportAuthorizationRequest(id=login.id, bytes=login.bytes)
            await sender.send(functions.InvokeWithLayerRequest(LAYER, self._init_request))
        except BaseException:
            await sender.disconnect()
            raise
        return sender

    async def switch_dc(self, dc: int) -> None:
        """Move the account's connection to the data centre that Telegram named."""
        await self._switch_dc(dc)

    async def revive(self) -> None:
        """Drop the connection, if there is one, with what is in the air, and connect anew."""
        await self._disconnect()
        try:
            await self.connect()
        except BaseException:
            # Half a connection sends, but hears nothing.
            await self._disconnect()
            raise

    async def start_over(self) -> None:
        """Connect with a new key."""
        await self._disconnect()
        await self._sender.ended()
        self.session.forget()
        self._sender.auth_key.key = None
        await self.connect()

    async def _introduce(self, request: Any) -> None:
        """Send the first request; when it is not answered, again over a new connection."""
        answer = self._sender.send(request)
        while not answer.done():
            await asyncio.wait([answer], timeout=self._keepalive)
            if not answer.done():
                log.warning("introduction not answered")
                self._sender.again()
        if answer.cancelled():
            raise ConnectionError("the connection was closed")
        answer.result()

    def _link(self, host: str, port: int, dc: int) -> Link:
        return Link(host, port, dc, loggers=self._log, proxy=self._proxy, local_addr=self._local_addr)

    async def _update_loop(self) -> None:
        while True:
            for update in _inner(await self._updates_queue.get()):
                try:
                    self._on_update(update)
                except Exception:
                    # One bad hint must not deafen us to the next.
                    log.exception("update not handed on", kind=type(update).__name__)

    async def _handle_auto_reconnect(self) -> None:
        self._on_reconnect()

    async def _save_states_and_entities(self) -> None:
        """Nothing is kept."""

    async def _get_dc(self, dc_id: int, cdn: bool = False) -> Any:
        if self._own_config is None:
            self._own_config = await self(functions.help.GetConfigRequest())
        fitting = [dc for dc in self._own_config.dc_options if dc.id == dc_id and bool(dc.cdn) == cdn]
        if not fitting:
            raise ConnectionError(f"Telegram's configuration names no address of data centre {dc_id}")
        return min(fitting, key=lambda dc: bool(dc.ipv6) != self._use_ipv6)


def _inner(updates: Any) -> Iterator[Any]:
    """The updates inside a container, and containers that mean something by themselves."""
    match updates:
        case types.Updates() | types.UpdatesCombined():
            yield from updates.updates
        case types.UpdateShort():
            yield updates.update
        case _:
            yield updates
