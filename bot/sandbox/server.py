"""The sandbox Telegram as a server: data centres on loopback ports, and the script API for logins."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from telethon.crypto import AuthKey

from bot.sandbox.connection import Connection
from bot.sandbox.exchange import Call
from bot.sandbox.faults import Faults
from bot.sandbox.hub import Hub
from bot.sandbox.keys import ServerKey
from bot.sandbox.world import World

if TYPE_CHECKING:
    from bot.sandbox.world import User


class Sandbox:
    """A Telegram of our own on loopback, in the caller's event loop.

        async with Sandbox() as sandbox:
            sandbox.world.add_user("Analyst", phone="+9990001111")

    The first of `dcs` is the one that clients are configured with (`host`, `port`, `dc`, `public_key`); with `port=0`
    the system chooses the ports, and they stay over a restart. `state` is the folder of the key pair; without it the
    one that ships with the code is used. World, authorization keys and sessions outlive `stop`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        dcs: tuple[int, ...] = (2, 4),
        state: Path | None = None,
        world: World | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.host = host
        self.dc = dcs[0]
        self.world = world or World()
        self.faults = Faults(self.world, cut=self._cut, finish=self._finish, listen=self._listen)
        self._hub = Hub(self.world, self.faults, clock)
        self._ports = {dc: port if dc == self.dc else 0 for dc in dcs}
        self._state = state
        self._listeners: list[tuple[socket.socket, asyncio.Task[asyncio.Server]]] = []
        self._connections: dict[Connection, asyncio.Task[None] | None] = {}

    # --- running ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the ports."""
        if self._hub.server_key is None:
            self._hub.server_key = await asyncio.to_thread(ServerKey.open, self._state)
        self._listen(True)
        await asyncio.gather(*(task for _, task in self._listeners))

    async def stop(self) -> None:
        """Cut all connections and close the ports; everything is kept for another `start`."""
        self._listen(False)
        tasks = [task for task in self._connections.values() if task is not None]
        self._cut()
        await self._hub.close()
        await asyncio.gather(*tasks)

    async def __aenter__(self) -> "Sandbox":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """The port of `dc`; known once started."""
        return self._ports[self.dc]

    @property
    def public_key(self) -> Path:
        """The PEM file by which clients know this server; there once started."""
        if self._hub.server_key is None:
            raise RuntimeError("the server has not been started")
        return self._hub.server_key.public_key

    @property
    def calls(self) -> list[Call]:
        """The calls that were served, in the order of their completion; of very many, the newest."""
        return self._hub.exchange.calls

    @property
    def counted(self) -> Counter[str]:
        """How often each method was served, of all calls ever."""
        return self._hub.exchange.counted

    # --- logins -------------------------------------------------------------------------------------------------------

    def register_key(self, auth_key: bytes, *, user: "User | None" = None, dc: int | None = None) -> None:
        """Accept an authorization key (256 bytes) that was made without a handshake, logged in if a user is given."""
        device = self._hub.add_key(AuthKey(auth_key), dc or self.dc)
        if user is not None:
            device.log_in(user.id)

    def accept_login_token(self, token: bytes, user: "User") -> None:
        """Scan a login QR code with the user's phone; RpcError when the token is unknown or too old."""
        self._hub.logins.confirm_token(token, user)

    def expire_codes(self) -> None:
        """Let all login codes under way expire."""
        self._hub.logins.codes.clear()

    def rotate_salts(self) -> None:
        """From now on no server salt given out so far is accepted."""
        self._hub.salts.rotate()

    def revoke(self, user: "User") -> None:
        """End all logins of the user, as from another device: later calls are answered SESSION_REVOKED."""
        self._refuse(user, 401, "SESSION_REVOKED")

    def duplicate(self, user: "User") -> None:
        """Treat the user's keys as used from two places at once: they are lost, AUTH_KEY_DUPLICATED."""
        self._refuse(user, 406, "AUTH_KEY_DUPLICATED", lost=True)

    def forget_keys(self, user: "User") -> None:
        """Lose the user's keys without a word: packets under them are answered by the transport error -404."""
        self._hub.forget_keys(user.id)

    def forget_sessions(self) -> None:
        """Lose what is known of all sessions, and with it what was to be pushed, as when a server is restarted."""
        self._hub.forget_sessions()

    def ban(self, user: "User") -> None:
        """Ban the account: USER_DEACTIVATED_BAN, and PHONE_NUMBER_BANNED on the next login."""
        self._hub.logins.banned.add(user.id)

    def unban(self, user: "User") -> None:
        """Take a ban back."""
        self._hub.logins.banned.discard(user.id)

    def freeze(self, user: "User", *, hard: bool = False) -> None:
        """Freeze the account: it reads (`hard`: not even that), and everything else is FROZEN_METHOD_INVALID."""
        self._hub.logins.frozen[user.id] = hard

    def unfreeze(self, user: "User") -> None:
        """Take a freeze back."""
        self._hub.logins.frozen.pop(user.id, None)

    def move_home(self, user: "User", dc: int) -> None:
        """Let the user live at another data centre: logging in elsewhere is PHONE_MIGRATE or USER_MIGRATE."""
        self._hub.logins.homes[user.id] = dc

    def _refuse(self, user: "User", code: int, text: str, *, lost: bool = False) -> None:
        for device in list(self._hub.logins.of_user(user.id)):
            device.log_out()
            device.refusal, device.lost = (code, text), lost

    # --- connections --------------------------------------------------------------------------------------------------

    def _listen(self, listen: bool) -> None:
        if listen == bool(self._listeners):
            return
        if listen:
            for dc in self._ports:
                self._open_port(dc)
            return
        for listener, task in self._listeners:
            if task.done():
                task.result().close()
            else:
                task.cancel()
                listener.close()
        self._listeners.clear()

    def _open_port(self, dc: int) -> None:
        listener = socket.create_server((self.host, self._ports[dc]))
        self._ports[dc] = listener.getsockname()[1]
        # Somebody may have put another address there, for a proxy in front of this one.
        self.world.dcs.setdefault(dc, (self.host, self._ports[dc]))

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._accept(dc, reader, writer)

        task = asyncio.get_running_loop().create_task(asyncio.start_server(accepted, sock=listener))
        self._listeners.append((listener, task))

    async def _accept(self, dc: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self._hub, dc, reader, writer)
        self._connections[connection] = asyncio.current_task()
        try:
            await connection.run()
        finally:
            del self._connections[connection]
            self._hub.unlink(connection)

    def _cut(self) -> None:
        for connection in list(self._connections):
            connection.abort()

    def _close(self) -> None:
        for connection in list(self._connections):
            connection.close()

    def _finish(self) -> None:
        # The answer that was just given leaves at the end of this turn of the loop: close after it.
        asyncio.get_running_loop().call_soon(self._close)
