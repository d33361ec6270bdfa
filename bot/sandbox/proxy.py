"""The network between clients and the sandbox: a TCP proxy on loopback that cuts, stalls, slows down and resets."""

import asyncio
import contextlib
import socket
import struct
from typing import Any

from bot.sandbox.server import Sandbox

_CHUNK = 64 * 1024
# Parts of a second in which a slow connection passes something on.
_SLICES = 20
# SO_LINGER with a time-out of 0: closing sends RST.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """Stands in front of every data centre of a started sandbox, which from then on announces the proxy's ports.

        async with Sandbox() as sandbox, Proxy(sandbox) as proxy:
            ...  # clients connect to proxy.port
            proxy.half_open()

    One mode at a time, `open` at first; each method that sets one ends the one before.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # Data centre -> where it really is, and our port for it.
        self._targets: dict[int, tuple[str, int]] = {}
        self._ports: dict[int, int] = {}
        self._servers: list[asyncio.Server] = []
        self._pairs: set[_Pair] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        # Connections that were made through it so far.
        self.accepted = 0
        self._running = False
        self._deaf = False
        self._rate: float | None = None
        self._reset_after: int | None = None

    @property
    def port(self) -> int:
        """Where clients of the sandbox's first data centre connect."""
        return self._ports[self._sandbox.dc]

    # --- modes --------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Pass everything on. What `half_open` has made deaf stays deaf: bytes are missing in it."""
        self._deaf, self._rate, self._reset_after = False, None, None

    def cut(self) -> None:
        """Reset every connection now, and pass new ones."""
        self.open()
        for pair in list(self._pairs):
            pair.reset()

    def half_open(self) -> None:
        """Swallow everything in both directions from now on, also on new connections; all of them stay open."""
        self.open()
        self._deaf = True
        for pair in self._pairs:
            pair.deaf = True

    def slow(self, bytes_per_second: float) -> None:
        """Pass on so much in each direction of each connection."""
        self.open()
        self._rate = bytes_per_second

    def reset_after(self, count: int) -> None:
        """Reset each connection that is made from now on once `count` bytes went through it, in whatever direction."""
        self.open()
        self._reset_after = count

    async def refuse(self, refuse: bool = True) -> None:
        """Close the ports, so that new connections are refused, or open them again. Those that stand are kept."""
        if refuse:
            self._close_ports()
        elif not self._servers:
            await self._open_ports()

    # --- running ------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the ports, and have the sandbox announce them."""
        self._running = True
        self._targets = dict(self._sandbox.world.dcs)
        await self._open_ports()
        for dc, (host, _) in self._targets.items():
            self._sandbox.world.dcs[dc] = (host, self._ports[dc])

    async def stop(self) -> None:
        """Cut everything and close; the sandbox announces its own ports again."""
        self._running = False
        self._close_ports()
        self._sandbox.world.dcs.update(self._targets)
        for pair in list(self._pairs):
            pair.reset()
        await asyncio.gather(*self._serving)

    async def __aenter__(self) -> "Proxy":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _open_ports(self) -> None:
        for dc, (host, _) in self._targets.items():

            async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dc: int = dc) -> None:
                await self._serve(self._targets[dc], reader, writer)

            server = await asyncio.start_server(accepted, host, self._ports.get(dc, 0))
            self._ports[dc] = server.sockets[0].getsockname()[1]
            self._servers.append(server)

    def _close_ports(self) -> None:
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def _serve(self, target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if task := asyncio.current_task():
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            there_reader, there_writer = await asyncio.open_connection(*target)
        except OSError:
            # Nobody is behind us: to the client it looks as if the server broke the connection.
            _reset(writer)
            return
        pair = _Pair(self, writer, there_writer)
        pair.deaf, pair.left = self._deaf, self._reset_after
        if not self._running:
            pair.reset()
        self._pairs.add(pair)
        try:
            await pair.run(reader, there_reader)
        finally:
            self._pairs.discard(pair)

    @property
    def rate(self) -> float | None:
        """Bytes per second, when it is slow."""
        return self._rate


class _Pair:
    """A client's connection and ours to the server."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.deaf = False
        # Bytes until it is reset.
        self.left: int | None = None
        self._proxy = proxy
        self._client = client
        self._server = server

    async def run(self, from_client: asyncio.StreamReader, from_server: asyncio.StreamReader) -> None:
        """Pass on until both sides have ended, or it is reset."""
        try:
            await asyncio.gather(self._pump(from_client, self._server), self._pump(from_server, self._client))
        finally:
            self._client.close()
            self._server.close()

    def reset(self) -> None:
        """Have both sides see a reset."""
        _reset(self._client)
        _reset(self._server)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self._chunk()):
                if self.deaf:
                    continue
                if self._proxy.rate is not None:
                    await asyncio.sleep(len(data) / self._proxy.rate)
                writer.write(self._counted(data))
                await writer.drain()
                if self.left == 0:
                    self.reset()
        if not self.deaf:
            writer.close()

    def _chunk(self) -> int:
        return _CHUNK if self._proxy.rate is None else max(int(self._proxy.rate / _SLICES), 1)

    def _counted(self, data: bytes) -> bytes:
        if self.left is None:
            return data
        data = data[: self.left]
        self.left -= len(data)
        return data


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: Any = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()
