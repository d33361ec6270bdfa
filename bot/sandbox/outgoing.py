"""What the server sends on a session: numbered, compressed where it helps, and packed into containers."""

import asyncio
import gzip
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from telethon.tl import TLObject, types
from telethon.tl.core import GzipPacked, MessageContainer

from bot.sandbox.pushes import Unknown

_REMEMBERED = 2000
_MAX_BYTES, _MAX_MESSAGES = 512 * 1024, 100
_GZIP_FROM = 512
# Seconds in which a request is either answered or acknowledged.
_ACK_WITHIN = 0.2


def packed(body: bytes) -> bytes:
    """The serialised object, as gzip_packed where that is shorter."""
    if len(body) < _GZIP_FROM:
        return body
    compressed = struct.pack("<I", GzipPacked.CONSTRUCTOR_ID) + TLObject.serialize_bytes(gzip.compress(body, 5))
    return compressed if len(compressed) < len(body) else body


@dataclass(frozen=True, slots=True)
class _Item:
    body: bytes
    # Content-related: the client acknowledges it.
    content: bool
    # An answer to something the client sent, not a message of the server's own accord.
    reply: bool
    # msg_id of the request that it answers.
    request: int | None = None


class Outgoing:
    """Messages on their way; all that is queued in one turn of the event loop leaves in one packet.

    `send(msg_id, seqno, body)` encrypts and sends; `take_unknown()` says whether to spoil a packet.
    """

    def __init__(
        self, clock: Callable[[], float], send: Callable[[int, int, bytes], None], take_unknown: Callable[[], bool]
    ) -> None:
        self._clock = clock
        self._send = send
        self._take_unknown = take_unknown
        self._queue: list[_Item] = []
        # Requests received, neither answered nor acknowledged.
        self._owed: dict[int, None] = {}
        # msg_id of a sent answer -> msg_id of its request.
        self._sent: OrderedDict[int, int] = OrderedDict()
        self._last_id = 0
        self._content_sent = 0
        self._flush_handle: asyncio.Handle | None = None
        self._ack_handle: asyncio.Handle | None = None

    def push(self, message: TLObject) -> None:
        """Queue a message of the server's own accord."""
        self._put(_Item(bytes(message), content=True, reply=False))

    def reply(self, message: TLObject) -> None:
        """Queue a service message that answers the client."""
        self._put(_Item(bytes(message), content=False, reply=True))

    def answer(self, request: int, body: bytes) -> None:
        """Queue an rpc_result."""
        self._owed.pop(request, None)
        self._put(_Item(body, content=True, reply=True, request=request))

    def owe(self, request: int) -> None:
        """Note that the client is to hear of this request soon, by an answer or an acknowledgement."""
        self._owed[request] = None
        if self._ack_handle is None:
            self._ack_handle = asyncio.get_running_loop().call_later(_ACK_WITHIN, self._acknowledge_owed)

    def answered(self, msg_ids: Iterable[int]) -> Iterator[int]:
        """The requests that these messages of ours answered."""
        return (self._sent[msg_id] for msg_id in msg_ids if msg_id in self._sent)

    def acknowledge(self, msg_ids: Iterable[int]) -> list[int]:
        """The client has these messages; the requests that they answered are returned and forgotten."""
        return [self._sent.pop(msg_id) for msg_id in msg_ids if msg_id in self._sent]

    def clear(self) -> None:
        """Forget what is queued."""
        self._queue.clear()
        self._owed.clear()
        for handle in (self._flush_handle, self._ack_handle):
            if handle is not None:
                handle.cancel()
        self._flush_handle = self._ack_handle = None

    def _put(self, item: _Item) -> None:
        self._queue.append(item)
        if self._flush_handle is None:
            self._flush_handle = asyncio.get_running_loop().call_soon(self._flush)

    def _acknowledge_owed(self) -> None:
        self._ack_handle = None
        if self._owed:
            owed, self._owed = list(self._owed), {}
            self.reply(types.MsgsAck(owed))

    def _flush(self) -> None:
        self._flush_handle = None
        queue, self._queue = self._queue, []
        for batch in _batches(queue):
            if self._take_unknown():
                batch.insert(0, _Item(bytes(Unknown()), content=True, reply=False))
            messages = [(*self._number(item), item.body) for item in batch]
            if len(messages) == 1:
                self._send(*messages[0])
            else:
                body = struct.pack("<Ii", MessageContainer.CONSTRUCTOR_ID, len(messages)) + b"".join(
                    struct.pack("<qii", msg_id, seqno, len(inner)) + inner for msg_id, seqno, inner in messages
                )
                self._send(self._next_id(reply=True), 2 * self._content_sent, body)

    def _number(self, item: _Item) -> tuple[int, int]:
        msg_id = self._next_id(reply=item.reply)
        seqno = 2 * self._content_sent + item.content
        self._content_sent += item.content
        if item.request is not None:
            self._sent[msg_id] = item.request
            while len(self._sent) > _REMEMBERED:
                self._sent.popitem(last=False)
        return msg_id, seqno

    def _next_id(self, *, reply: bool) -> int:
        """Server ids are odd: 1 modulo 4 in answer to the client, 3 otherwise; they only grow."""
        now = self._clock()
        candidate = int(now) << 32 | int((now % 1) * (1 << 32)) & ~3
        self._last_id = max(candidate, (self._last_id & ~3) + 4) | (1 if reply else 3)
        return self._last_id


def _batches(queue: list[_Item]) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    size = 0
    for item in queue:
        if batch and (size + len(item.body) > _MAX_BYTES or len(batch) == _MAX_MESSAGES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.body) + 16
    if batch:
        yield batch
