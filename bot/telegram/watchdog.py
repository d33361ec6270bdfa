"""When a connection that stands counts as dead: progress is what is watched, not life. Pure: time is a parameter."""

from collections.abc import Hashable
from enum import StrEnum


class Verdict(StrEnum):
    """What is to be done."""

    WELL = "well"
    # Nothing came for too long: a new connection.
    REBUILD = "rebuild"
    # Nor over that one: a new process.
    GIVE_UP = "give up"


class Watchdog:
    """Watches one mark of progress, whatever it is: it only has to change."""

    def __init__(self, stuck_seconds: float) -> None:
        self._stuck_seconds = stuck_seconds
        self._mark: Hashable = None
        self._since: float | None = None
        self._rebuilt = False

    @property
    def suspicious(self) -> bool:
        """Nothing has come since the connection was made anew."""
        return self._rebuilt

    def look(self, mark: Hashable, *, now: float, excused: bool) -> Verdict:
        """Judge. `now`: seconds on a steady clock. `excused`: something else explains the standstill, so no time runs."""
        if self._since is None or excused:
            self._since = now
        if mark != self._mark:
            self._mark, self._since, self._rebuilt = mark, now, False
        if now - self._since < self._stuck_seconds:
            return Verdict.WELL
        return Verdict.GIVE_UP if self._rebuilt else Verdict.REBUILD

    def rebuilt(self, mark: Hashable, *, now: float) -> None:
        """A new connection was made; what its beginning does to the mark is no progress yet."""
        self._mark, self._since, self._rebuilt = mark, now, True
