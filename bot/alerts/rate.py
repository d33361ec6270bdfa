"""How fast one chat may be written to.

Telegram asks for about one message a second and twenty a minute per group (core.telegram.org/bots/faq). A bucket that
refills would let twenty through at once and as many again within the same minute, so the limits are held over every
window: in no minute more than `per_minute`, no two closer than `1 / per_second`. Nothing is persisted; what a restart
forgets, Telegram answers with a flood wait.
"""

from collections import deque
from datetime import datetime, timedelta

_MINUTE = timedelta(minutes=1)


class Rate:
    """The limits of one sink and the sends that count against them."""

    def __init__(self, *, per_second: float, per_minute: int) -> None:
        if per_second <= 0 or per_minute < 1:
            raise ValueError(f"a rate must be above zero: per_second={per_second}, per_minute={per_minute}")
        self._apart = timedelta(seconds=1 / per_second)
        self._sent: deque[datetime] = deque(maxlen=per_minute)

    def wait(self, now: datetime) -> float:
        """Seconds until the next send may go, 0 when it may go now. A clock set back forgets what it contradicts."""
        if self._sent and now < self._sent[-1]:
            self._sent.clear()
        if not self._sent:
            return 0.0
        free = self._sent[-1] + self._apart
        if len(self._sent) == self._sent.maxlen:
            free = max(free, self._sent[0] + _MINUTE)
        return max(0.0, (free - now).total_seconds())

    def count(self, now: datetime) -> None:
        """A send went out."""
        self._sent.append(now)
