"""How loops wait: until there is work, until it is time, or until everything stops."""

import asyncio
import time


class Pulse:
    """A wake-up for one loop. Rows are the queue; a nudge only says that looking now is worth while."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._nudged = asyncio.Event()
        self._busy_since: float | None = time.monotonic()

    @property
    def stopping(self) -> bool:
        """True once the service is to stop."""
        return self._stop.is_set()

    @property
    def busy_for(self) -> float:
        """Seconds since the loop last came back from waiting; 0 while it waits. A stuck loop is one that stays busy."""
        return 0.0 if self._busy_since is None else time.monotonic() - self._busy_since

    def nudge(self) -> None:
        """Wake the loop; nudges given while it works are one nudge."""
        self._nudged.set()

    async def wait(self, seconds: float) -> bool:
        """Sleep until nudged, stopped or `seconds` have passed; True when stopping."""
        self._busy_since = None
        try:
            if not self._stop.is_set() and not self._nudged.is_set():
                waiters = [asyncio.ensure_future(self._stop.wait()), asyncio.ensure_future(self._nudged.wait())]
                try:
                    await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for waiter in waiters:
                        waiter.cancel()
        finally:
            self._busy_since = time.monotonic()
        self._nudged.clear()
        return self._stop.is_set()
