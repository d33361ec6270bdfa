"""What happens to pushes on their way: lost, sent twice, late, in the wrong order, or unreadable."""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from telethon import utils
from telethon.tl import TLObject, types

# A constructor that no layer has.
UNKNOWN = b"\xde\xc0\xad\x0b"

Order = Literal["swallow", "duplicate", "reorder", "spoil"]
Name = int | Literal["all"]
Send = Callable[[Any], None]


class Unknown(TLObject):
    """An object of a layer that the client does not know: a constructor and some bytes."""

    def _bytes(self) -> bytes:
        return UNKNOWN + b"\x01\x02\x03\x04" * 3


@dataclass(frozen=True, slots=True)
class _Held:
    """A push that waits for the next one; by user and chat."""

    updates: Any
    send: Send


class PushFaults:
    """Orders by chat (marked id) or for "all". A push is what one user is told of one event."""

    def __init__(self) -> None:
        # (order, chat) -> how many more.
        self._orders: dict[tuple[Order, Name], float] = {}
        self._delays: dict[Name, float] = {}
        self._held: dict[tuple[int, frozenset[int]], _Held] = {}
        self._late: set[asyncio.TimerHandle] = set()

    def order(self, order: Order, chat: Name, times: int | Literal[True]) -> None:
        """Let the next `times` pushes suffer that; True: until further notice."""
        self._orders[order, chat] = math.inf if times is True else times

    def delay(self, chat: Name, seconds: float) -> None:
        """Hold back every push of the chat for so long, from now on; 0 ends it."""
        self._delays[chat] = seconds

    def clear(self) -> None:
        """No more faults: what is held back is sent now, what is late stays late."""
        self._orders.clear()
        self._delays.clear()
        held, self._held = list(self._held.values()), {}
        for one in held:
            one.send(one.updates)

    def close(self) -> None:
        """Forget what is under way."""
        self._held.clear()
        for timer in self._late:
            timer.cancel()
        self._late.clear()

    def route(self, user_id: int, updates: Any, send: Send) -> None:
        """Send a push to its listener, or what the orders make of it."""
        chats = chats_of(updates)
        names: tuple[Name, ...] = ("all", *sorted(chats))
        if self._takes("swallow", names):
            return
        if self._takes("spoil", names):
            updates = _spoilt(updates)
        copies = 2 if self._takes("duplicate", names) else 1
        place = (user_id, frozenset(chats))
        held = self._held.pop(place, None)
        if held is None and self._takes("reorder", names):
            self._held[place] = _Held(updates, send)
            return
        sent = [(updates, send)] * copies + ([(held.updates, held.send)] if held else [])
        self._send(sent, max((self._delays.get(name, 0.0) for name in names), default=0.0))

    def _takes(self, order: Order, names: tuple[Name, ...]) -> bool:
        for name in names:
            if self._orders.get((order, name), 0) > 0:
                self._orders[order, name] -= 1
                return True
        return False

    def _send(self, pushes: list[tuple[Any, Send]], delay: float) -> None:
        if not delay:
            for updates, send in pushes:
                send(updates)
            return

        def now() -> None:
            self._late.discard(timer)
            self._send(pushes, 0.0)

        timer = asyncio.get_running_loop().call_later(delay, now)
        self._late.add(timer)


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


def _spoilt(updates: Any) -> Any:
    """The same push with an update in front that no client of this layer can read, nor step over."""
    if not isinstance(updates, types.Updates):
        return Unknown()
    return types.Updates([Unknown(), *updates.updates], updates.users, updates.chats, updates.date, updates.seq)
