"""The counter between the wire and the world: who calls, which handler answers, what a refusal is."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bot.sandbox.world import World


class RpcError(Exception):
    """A refusal as Telegram words it, e.g. `RpcError(400, "CHANNEL_INVALID")`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


@dataclass(slots=True)
class Caller:
    """One authorization key at one data centre; `user_id` is None until it has logged in."""

    auth_key_id: int
    dc: int
    user_id: int | None = None

    def require_user(self) -> int:
        """The id of the logged-in user; RpcError 401 otherwise."""
        if self.user_id is None:
            raise RpcError(401, "AUTH_KEY_UNREGISTERED")
        return self.user_id


Handler = Callable[["World", Caller, Any], Any]
HANDLERS: dict[type, Handler] = {}


def handles(*requests: type) -> Callable[[Handler], Handler]:
    """Register the function, plain or async, that answers these TL requests with a TL object, a list or a bool."""

    def register(handler: Handler) -> Handler:
        for request in requests:
            if request in HANDLERS:
                raise ValueError(f"{request.__name__} has a handler already")
            HANDLERS[request] = handler
        return handler

    return register


async def answer(world: "World", caller: Caller, request: Any) -> Any:
    """The world's answer to an unwrapped request; RpcError for a refusal and for a request nobody handles."""
    handler = HANDLERS.get(type(request))
    if handler is None:
        raise RpcError(400, "INPUT_METHOD_INVALID")
    result = handler(world, caller, request)
    return await result if inspect.isawaitable(result) else result
