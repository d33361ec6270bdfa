"""Who is told what an account hears, and when pushes may have been lost."""

import asyncio
from collections.abc import Callable
from typing import Any

OnUpdate = Callable[[Any], None]
OnReconnect = Callable[[], None]

# However many times `tell_sparingly` is called, hearers are told no more often than this, in seconds.
SPARING_SECONDS = 10.0


class Hearers:
    """Pairs of plain functions; they must not raise."""

    def __init__(self) -> None:
        self._pairs: list[tuple[OnUpdate, OnReconnect]] = []
        # Runs while nobody is to be told sparingly; and whether somebody should have been since it began.
        self._hush: asyncio.TimerHandle | None = None
        self._hushed = False

    def add(self, on_update: OnUpdate, on_reconnect: OnReconnect) -> Callable[[], None]:
        """From now on hand to these; returns how to stop that."""
        pair = (on_update, on_reconnect)
        self._pairs.append(pair)
        return lambda: self._pairs.remove(pair)

    def hand_on(self, update: Any) -> None:
        """Hand on what was pushed."""
        for on_update, _ in tuple(self._pairs):
            on_update(update)

    def tell(self) -> None:
        """Say that pushes may have been lost."""
        for _, on_reconnect in tuple(self._pairs):
            on_reconnect()

    def tell_sparingly(self) -> None:
        """Say so now if it was not said of late, else once the pause is over."""
        if self._hush is not None:
            self._hushed = True
            return
        self._hush = asyncio.get_running_loop().call_later(SPARING_SECONDS, self._end_hush)
        self.tell()

    def close(self) -> None:
        """Leave unsaid what was not said yet."""
        if self._hush is not None:
            self._hush.cancel()

    def _end_hush(self) -> None:
        self._hush = None
        if self._hushed:
            self._hushed = False
            self.tell_sparingly()
