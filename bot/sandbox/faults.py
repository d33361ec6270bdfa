"""Misbehaviour on request. Each switch is set here and applied at one place in the server."""

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bot.sandbox.pushes import PushFaults
from bot.sandbox.rpc import RpcError

if TYPE_CHECKING:
    from bot.sandbox.chats import Chat
    from bot.sandbox.world import World


@dataclass(slots=True)
class _Planned:
    """An error for one call to come; `method` None: whichever it is."""

    method: str | None
    calls_left: int
    error: RpcError


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
        self.pushes = PushFaults()
        self.clear()

    def clear(self) -> None:
        """No more faults; what was done to files, logins and channels stays done."""
        self._errors: defaultdict[str, deque[RpcError]] = defaultdict(deque)
        self._planned: list[_Planned] = []
        self._lost: Counter[str] = Counter()
        self._delays: dict[str, float] = {}
        self._latency = 0.0
        self._unknown_left = 0
        self._calls_until_drop: int | None = None
        self.pushes.clear()
        self._world.switches.clear()

    # --- switches -----------------------------------------------------------------------------------------------------

    def flood_wait(self, method: str, seconds: int, times: int = 1) -> None:
        """Answer the method with FLOOD_WAIT; nothing is done."""
        self.error(method, 420, f"FLOOD_WAIT_{seconds}", times)

    def error(self, method: str, code: int, text: str, times: int = 1) -> None:
        """Answer the method with that error; nothing is done."""
        self._errors[method].extend(RpcError(code, text) for _ in range(times))

    def error_at(self, method: str | None, n: int, code: int, text: str) -> None:
        """Answer the `n`-th call of the method from now (1: the next; of any method for None) with that error."""
        self._planned.append(_Planned(method, n, RpcError(code, text)))

    def lose_reply(self, method: str, times: int = 1) -> None:
        """Do the work, but never send the answer."""
        self._lost[method] += times

    def delay(self, method: str, seconds: float) -> None:
        """Wait before the method is worked on, from now on; 0 ends it."""
        self._delays[method] = seconds

    def latency(self, seconds: float) -> None:
        """Delay every answer by so much, all of them side by side, as a long way would; 0 ends it."""
        self._latency = seconds

    def clock(self, seconds: float) -> None:
        """Put the server's clock so far ahead of this machine's (negative: behind): its message ids and all its dates."""
        self._world.switches.clock_ahead = seconds

    def unknown_constructor(self, times: int = 1) -> None:
        """Put an object that no client knows in front of the good content of the next `times` packets."""
        self._unknown_left = times

    def drop_connection(self, after_calls: int = 0) -> None:
        """Cut all TCP connections now, or end them once so many more calls have been answered."""
        if after_calls:
            self._calls_until_drop = after_calls
        else:
            self._cut()

    def refuse_connections(self, refuse: bool = True) -> None:
        """Close the ports, so that new connections are refused, or open them again. Those that stand are kept."""
        self._listen(not refuse)

    # --- pushes: of a chat (or its marked id) or of "all"; `times` True means until further notice -----------------------

    def swallow_push(self, chat: "Chat | int | Literal['all']", times: int | Literal[True] = 1) -> None:
        """Do not send the next `times` pushes.

        A push is what one user is told of one event, and counts only when that user listens.
        """
        self.pushes.order("swallow", _name(chat), times)

    def duplicate_push(self, chat: "Chat | int | Literal['all']", times: int | Literal[True] = 1) -> None:
        """Send each of the next `times` pushes twice."""
        self.pushes.order("duplicate", _name(chat), times)

    def reorder_push(self, chat: "Chat | int | Literal['all']", times: int | Literal[True] = 1) -> None:
        """Hold back each of the next `times` pushes and send it after the one that follows it in the same chat."""
        self.pushes.order("reorder", _name(chat), times)

    def spoil_push(self, chat: "Chat | int | Literal['all']", times: int | Literal[True] = 1) -> None:
        """Put an update of an unknown kind into each of the next `times` pushes, which makes them unreadable."""
        self.pushes.order("spoil", _name(chat), times)

    def delay_push(self, chat: "Chat | int | Literal['all']", seconds: float) -> None:
        """Send every push so much later, from now on; 0 ends it."""
        self.pushes.delay(_name(chat), seconds)

    # --- faults that live in the world ---------------------------------------------------------------------------------

    def difference_too_long(self, chat: "Chat", times: int = 1) -> None:
        """Answer the next getChannelDifference of the channel with channelDifferenceTooLong."""
        self._world.switches.difference_too_long(chat, times)

    def difference_limit(self, events: int) -> None:
        """Answer TooLong to every client that is more than so many events behind in a channel (at first: 100,000)."""
        self._world.limits.difference = events

    def omit_ids(self, chat: "Chat", ids: Iterable[int]) -> None:
        """Leave these ids (and no others) of a channel out of differences, of history and of answers by id.

        They come neither as a message nor as an empty one, as if the server had forgotten them; `()` ends it.
        """
        self._world.switches.omit_ids(chat, ids)

    def expire_file_reference(self, document_id: int, *, forever: bool = False) -> None:
        """Invalidate the file references given out so far; with `forever` also those to come."""
        self._world.switches.expire_file_reference(document_id, forever=forever)

    def truncate_file(self, document_id: int, size: int) -> None:
        """Serve only the first `size` bytes of a file."""
        self._world.switches.truncate_file(document_id, size)

    # --- applied by the server -----------------------------------------------------------------------------------------

    async def before(self, method: str) -> None:
        """Before a call is worked on: wait, or raise the error that was ordered."""
        if delay := self._delays.get(method, 0.0) + self._latency:
            await asyncio.sleep(delay)
        self._raise_planned(method)
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

    def take_unknown(self) -> bool:
        """Whether an unknown object is to go into this packet; counts."""
        left = self._unknown_left > 0
        self._unknown_left -= left
        return left

    def _raise_planned(self, method: str) -> None:
        due = None
        for planned in list(self._planned):
            if planned.method not in (None, method):
                continue
            planned.calls_left -= 1
            if planned.calls_left <= 0:
                self._planned.remove(planned)
                due = due or planned.error
        if due is not None:
            raise due


def _name(chat: "Chat | int | Literal['all']") -> int | Literal["all"]:
    return chat if chat == "all" or isinstance(chat, int) else chat.channel_id
