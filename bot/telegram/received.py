"""Messages with the bytes that they were read from, so that they need not be serialised again to be stored."""

from typing import Any

from telethon.extensions import BinaryReader
from telethon.tl import TLRequest, types


def keep_bytes(request: TLRequest) -> TLRequest:
    """The same request; `received` knows the messages of its answer."""
    request.read_result = _read
    return request


def received(tl: Any) -> bytes:
    """The message as Telegram sent it; as Telethon writes it where that was not kept, as for pushes."""
    kept = vars(tl).get("_received")
    return kept if isinstance(kept, bytes) else bytes(tl)


def _read(reader: BinaryReader) -> Any:
    keeping = _Reader(reader.stream)
    keeping.position = reader.position
    return keeping.tgread_object()


class _Reader(BinaryReader):
    def tgread_object(self) -> Any:
        begin = self.position
        tl = super().tgread_object()
        if isinstance(tl, _MESSAGES):
            tl._received = bytes(self.stream[begin : self.position])
        return tl


_MESSAGES = (types.Message, types.MessageService)
