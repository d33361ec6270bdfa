"""What Telegram limits, and the faults that live in the world rather than on the wire."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.sandbox.files import Files
from bot.sandbox.log import PeerKey

if TYPE_CHECKING:
    from bot.sandbox.chats import Chat
    from bot.sandbox.world import User


@dataclass(slots=True)
class Limits:
    """What Telegram limits. Where it publishes no figure, the value is ours and a test may change it."""

    # https://core.telegram.org/api/config#channels-limit-default
    channels: int = 500
    # getChannelDifference: events that may be outstanding before it answers TooLong.
    difference: int = 100_000
    peer_dialogs: int = 100
    # Seconds that a button press waits for the bot.
    callback_seconds: float = 10.0


class Switches:
    """Faults that live in the world. Those of the wire are in `bot.sandbox.faults`."""

    def __init__(self, files: Files) -> None:
        self._files = files
        # Seconds by which Telegram's clock is ahead of this machine's.
        self.clock_ahead = 0.0
        self._too_long: Counter[PeerKey] = Counter()
        self._omitted: dict[PeerKey, frozenset[int]] = {}

    def clear(self) -> None:
        """No more faults, but for what was done to files."""
        self.clock_ahead = 0.0
        self._too_long.clear()
        self._omitted.clear()

    def difference_too_long(self, whose: "Chat | User", times: int = 1) -> None:
        """Answer the next `times` differences of a channel, or of an account, with TooLong, whatever the gap."""
        self._too_long[whose.key] = times

    def take_too_long(self, whose: "Chat | User") -> bool:
        """Whether this answer is to be TooLong; counts."""
        left = self._too_long[whose.key] > 0
        self._too_long[whose.key] -= left
        return left

    def omit_ids(self, chat: "Chat", ids: Iterable[int]) -> None:
        """Leave these ids, and no others, of a channel out of every answer."""
        self._omitted[chat.key] = frozenset(ids)

    def told(self, key: PeerKey, ids: Sequence[int]) -> list[int]:
        """Those of `ids` that answers may name."""
        omitted = self._omitted.get(key)
        return [one for one in ids if one not in omitted] if omitted else list(ids)

    def expire_file_reference(self, document_id: int, *, forever: bool = False) -> None:
        """Invalidate the references given out so far; with `forever` also all those to come."""
        stored = self._files[document_id]
        stored.expire()
        stored.unreadable = forever

    def truncate_file(self, document_id: int, size: int) -> None:
        """Serve only the first `size` bytes, while the declared size stays."""
        self._files[document_id].cut = size
