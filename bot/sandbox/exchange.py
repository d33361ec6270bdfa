"""From a request on the wire to the bytes of its answer: wrappers taken off, faults applied, the call recorded."""

import struct
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog
from telethon.tl import TLObject, TLRequest, functions, types
from telethon.tl.alltlobjects import LAYER

from bot.sandbox import rpc
from bot.sandbox.faults import Faults
from bot.sandbox.incoming import Unreadable
from bot.sandbox.logins import Device, api_id_is_valid
from bot.sandbox.outgoing import packed
from bot.sandbox.rpc import RpcError

if TYPE_CHECKING:
    from bot.sandbox.world import World

_log = structlog.get_logger()
# Calls kept; long runs make millions.
_REMEMBERED = 200_000
_VECTOR, _TRUE, _FALSE = 0x1CB5C415, 0x997275B5, 0xBC799737


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was served; `error` is as Telegram words it, e.g. `400 CHANNEL_INVALID`."""

    method: str
    user_id: int | None
    at: datetime
    error: str | None


@dataclass(slots=True)
class Unwrapped:
    """A request without its wrappers, and what they said."""

    request: Any
    layer: int | None = None
    introduction: Any = None
    without_updates: bool = False
    after: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The serialised answer, and whether the call succeeded and its answer goes out."""

    body: bytes
    ok: bool
    lost: bool = False


def method_name(request: Any) -> str:
    """The TL name, e.g. `messages.getHistory`."""
    if isinstance(request, Unreadable):
        return f"#{request.constructor:08x}"
    kind = type(request)
    space = kind.__module__.rpartition(".")[2]
    name = kind.__name__.removesuffix("Request")
    name = name[:1].lower() + name[1:]
    return name if space in ("functions", "types") else f"{space}.{name}"


def unwrap(request: Any) -> Unwrapped:
    """Take off invokeWithLayer, initConnection, invokeWithoutUpdates and invokeAfterMsg(s)."""
    result = Unwrapped(request)
    while True:
        match result.request:
            case functions.InvokeWithLayerRequest():
                result.layer = result.request.layer
            case functions.InitConnectionRequest():
                result.introduction = result.request
            case functions.InvokeWithoutUpdatesRequest():
                result.without_updates = True
            case functions.InvokeAfterMsgRequest():
                result.after.append(result.request.msg_id)
            case functions.InvokeAfterMsgsRequest():
                result.after.extend(result.request.msg_ids)
            case _:
                return result
        result.request = result.request.query


def serialise(result: Any) -> bytes:
    """A method's result on the wire: an object, a list of objects, or a bool."""
    if isinstance(result, bool):
        return struct.pack("<I", _TRUE if result else _FALSE)
    if isinstance(result, TLObject):
        return bytes(result)
    if isinstance(result, list):
        return struct.pack("<Ii", _VECTOR, len(result)) + b"".join(serialise(item) for item in result)
    raise TypeError(f"a method cannot return {type(result).__name__}")


class Exchange:
    """Where calls are served."""

    def __init__(self, world: "World", faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self.calls: list[Call] = []
        self.counted: Counter[str] = Counter()

    async def perform(self, device: Device, call: Unwrapped) -> Outcome:
        """Serve one call; never raises."""
        method = method_name(call.request)
        user_id = device.user_id
        try:
            body, error = packed(serialise(await self._result(device, call, method))), None
        except RpcError as refusal:
            body, error = bytes(types.RpcError(refusal.code, refusal.text)), f"{refusal.code} {refusal.text}"
        except Exception as crash:  # noqa: BLE001 - one broken handler must not end the connection
            _log.exception("sandbox handler crashed", method=method)
            # Not a 500: clients try those again, and a test would only hang.
            text = f"SANDBOX_{type(crash).__name__.upper()}"
            body, error = bytes(types.RpcError(400, text)), f"400 {text}"
        self._record(Call(method, device.user_id or user_id, self._world.now(), error))
        return Outcome(body, ok=error is None, lost=self._faults.loses(method))

    def _record(self, call: Call) -> None:
        self.counted[call.method] += 1
        self.calls.append(call)
        if len(self.calls) > _REMEMBERED:
            del self.calls[: _REMEMBERED // 2]

    async def _result(self, device: Device, call: Unwrapped, method: str) -> Any:
        self._introduce(device, call)
        if isinstance(call.request, Unreadable):
            raise RpcError(400, call.request.error)
        if not isinstance(call.request, TLRequest):
            raise RpcError(400, "INPUT_METHOD_INVALID")
        await self._faults.before(method)
        device.logins.check(device, method)
        return await rpc.answer(self._world, device, call.request)

    @staticmethod
    def _introduce(device: Device, call: Unwrapped) -> None:
        """A key's first call must say which layer and application it is (https://core.telegram.org/api/invoking)."""
        if call.layer is not None and call.layer != LAYER:
            raise RpcError(400, "CONNECTION_LAYER_INVALID")
        if call.introduction is not None:
            if not api_id_is_valid(call.introduction.api_id):
                raise RpcError(400, "CONNECTION_API_ID_INVALID")
            device.layer = call.layer or device.layer
            device.api_id = call.introduction.api_id
            device.model = call.introduction.device_model
        if device.layer is None:
            raise RpcError(400, "CONNECTION_NOT_INITED")
