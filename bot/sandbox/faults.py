"""Misbehaviour on request. Each switch is set here and applied at one place in the server."""

import asyncio
import math
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from telethon import utils
from telethon.tl import types

from bot.sandbox.rpc import RpcError

if TYPE_CHECKING:
    from bot.sandbox.chats import Chat
    from bot.sandbox.world import World


class Faults:
    """The switches. Methods are named as in TL, e.g. `messages.getHistory`; `times` counts the calls that suffer.

    `cut` aborts all connections at once, `finish` ends them after what is written; `listen(False)` closes the ports.
    """

    def __init__(
        self,
        world: "World",
        *,
        cut: Callable[[], None],
        finish: Callable[[], None],
        listen: Callable[[bool], None],
    ) -> None:
        self._world = world
        self._cut = cut
        self._finish = finish
        self._listen = listen
        self.clear()

    def clear(self) -> None:
        """No more faults."""
        self._errors: defaultdict[str, deque[RpcError]] = defaultdict(deque)
        self._lost: Counter[str] = Counter()
        self._delays: dict[str, float] = {}
        # Marked chat id, or "all" -> how many more.
        self._swallowed: dict[int | str, float] = {}
        self._calls_until_drop: int | None = None

    # --- switches -----------------------------------------------------------------------------------------------------

    def flood_wait(self, method: str, seconds: int, times: int = 1) -> None:
        """Answer the method with FLOOD_WAIT; nothing is done."""
        self.error(method, 420, f"FLOOD_WAIT_{seconds}", times)

    def error(self, method: str, code: int, text: str, times: int = 1) -> None:
        """Answer the method with that error; nothing is done."""
        self._errors[method].extend(RpcError(code, text) for _ in range(times))

    def lose_reply(self, method: str, times: int = 1) -> None:
        """Do the work, but never send the answer."""
        self._lost[method] += times

    def delay(self, method: str, seconds: float) -> None:
        """Wait before the method is worked on, from now on; 0 ends it."""
        self._delays[method] = seconds

    def drop_connection(self, after_calls: int = 0) -> None:
        """Cut all TCP connections now, or end them once so many more calls have been answered."""
        if after_calls:
            self._calls_until_drop = after_calls
        else:
            self._cut()

    def refuse_connections(self, refuse: bool = True) -> None:
        """Close the ports, so that new connections are refused, or open them again. Those that stand are kept."""
        self._listen(not refuse)

    def swallow_push(self, chat: "Chat | int | Literal['all']", times: int | Literal[True] = 1) -> None:
        """Do not send the next `times` pushes about a chat (marked id), or about all; True: until further notice.

        A push is what one user is told of one event, and counts only when that user listens.
        """
        name = chat if chat == "all" or isinstance(chat, int) else chat.channel_id
        self._swallowed[name] = math.inf if times is True else times

    # --- faults that live in the world ---------------------------------------------------------------------------------

    def difference_too_long(self, chat: "Chat", times: int = 1) -> None:
        """Answer the next getChannelDifference of the channel with channelDifferenceTooLong."""
        self._world.switches.difference_too_long(chat, times)

    def expire_file_reference(self, document_id: int, *, forever: bool = False) -> None:
        """Invalidate the file references given out so far; with `forever` also those to come."""
        self._world.switches.expire_file_reference(document_id, forever=forever)

    def truncate_file(self, document_id: int, size: int) -> None:
        """Serve only the first `size` bytes of a file."""
        self._world.switches.truncate_file(document_id, size)

    # --- applied by the server -----------------------------------------------------------------------------------------

    async def before(self, method: str) -> None:
        """Before a call is worked on: wait, or raise the error that was ordered."""
        if delay := self._delays.get(method):
            await asyncio.sleep(delay)
        if self._errors[method]:
            raise self._errors[method].popleft()

    def loses(self, method: str) -> bool:
        """Whether the answer of this call, now done, is to be lost."""
        lost = self._lost[method] > 0
        self._lost[method] -= lost
        return lost

    def after(self) -> None:
        """A call was answered."""
        if self._calls_until_drop is not None:
            self._calls_until_drop -= 1
            if self._calls_until_drop == 0:
                self._calls_until_drop = None
                self._finish()

    def swallows(self, updates: Any) -> bool:
        """Whether this push is not to be sent."""
        names: list[int | str] = ["all", *chats_of(updates)]
        for name in names:
            if self._swallowed.get(name, 0) > 0:
                self._swallowed[name] -= 1
                return True
        return False


def chats_of(updates: Any) -> set[int]:
    """The marked ids of the chats that a push is about."""
    inner = updates.updates if hasattr(updates, "updates") else [getattr(updates, "update", updates)]
    return {chat for update in inner if (chat := _chat_of(update)) is not None}


def _chat_of(update: Any) -> int | None:
    message = getattr(update, "message", None)
    peer = getattr(message, "peer_id", None) or getattr(update, "peer", None)
    if peer is not None:
        return int(utils.get_peer_id(peer))
    if isinstance(channel_id := getattr(update, "channel_id", None), int):
        return int(utils.get_peer_id(types.PeerChannel(channel_id)))
    return None
