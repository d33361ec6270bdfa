"""Clocks: what time it is at Telegram, and whether this machine slept. Pure; the clocks are parameters."""

import math
import time
from collections.abc import Callable

# What a quartz clock may be wrong by, in seconds per second; most are better by far.
DRIFT = 1e-4
# Seconds by which a message may be older or newer than the server's time
# (https://core.telegram.org/mtproto/security_guidelines#checking-msg-id).
TOO_OLD, TOO_NEW = 300.0, 30.0
# A tick that is late by less is an ordinary hiccup.
LOST_SECONDS = 30.0


def steady() -> float:
    """Seconds on a clock that nobody sets and that, where the system has one, runs on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def time_of(msg_id: int) -> float:
    """The server's time in a message id, in seconds since the epoch."""
    return msg_id / (1 << 32)


class ServerClock:
    """The server's time, kept by a steady clock: whatever is done to this machine's own clock has no effect on it."""

    def __init__(self, *, steady: Callable[[], float] = steady, wall: Callable[[], float] = time.time) -> None:
        self.steady = steady
        self._wall = wall
        # The server's time minus the steady clock's; None before the first measurement.
        self._ahead: float | None = None
        # By how many seconds that may be wrong, and when it was found.
        self._bound = math.inf
        self._found_at = 0.0

    def measure(self, server_time: float, *, sent: float, received: float) -> None:
        """Learn from a time that the server told between `sent` and `received`, both on the steady clock.

        The bound is half the round trip. A looser measurement is passed over, unless it contradicts what was known: then
        the server's clock was set, or the steady one stood still.
        """
        bound = (received - sent) / 2
        ahead = server_time - (sent + received) / 2
        known = self._bound + DRIFT * (received - self._found_at)
        contradicts = self._ahead is not None and abs(ahead - self._ahead) > bound + known
        if bound <= known or contradicts:
            self._ahead, self._bound, self._found_at = ahead, bound, received

    def now(self) -> float:
        """The server's time, in seconds since the epoch; this machine's own before the first measurement."""
        return self._wall() if self._ahead is None else self.steady() + self._ahead

    def plausible(self, server_time: float) -> bool:
        """Whether a message of that time can come from the server now."""
        age = self.now() - server_time
        return -TOO_NEW - self._bound <= age <= TOO_OLD + self._bound

    @property
    def local_ahead(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the server's; None before the first measurement."""
        return None if self._ahead is None else self._wall() - self.now()


class Ticks:
    """Notices that time was lost between two ticks of a loop: the machine slept, or the process was stopped.

    In a suspended machine the monotonic clock may stand still while the wall clock runs on; in a stopped process both run
    on and the tick is late. So the longer of the two counts. A wall clock set forward looks the same, and costs no more than
    a needless sweep.
    """

    def __init__(self, period: float) -> None:
        """`period`: seconds from one tick to the next, at the longest."""
        self._period = period
        self._last: tuple[float, float] | None = None

    def tick(self, wall: float, monotonic: float) -> float:
        """The seconds lost since the tick before; 0.0 when they are no more than `LOST_SECONDS`, and at the first tick."""
        last, self._last = self._last, (wall, monotonic)
        if last is None:
            return 0.0
        lost = max(wall - last[0], monotonic - last[1]) - self._period
        return lost if lost > LOST_SECONDS else 0.0
