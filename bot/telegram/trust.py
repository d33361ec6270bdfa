"""Which answers are believed. Telegram has several servers, and one may not have heard yet what another has told us."""

from bot.telegram.questions import Sighting

# Sightings below our pts in a row before the server is asked whether it still knows our pts.
LAGS = 3
# Answers in a row from servers that lag behind before one is believed: with the pauses between them some three minutes.
PATIENCE = 8


class Trust:
    """What the servers have shown to know of one channel, in pts and ids."""

    def __init__(self, pts: int) -> None:
        # A server with a lower pts lags behind. One with this pts knows of the ids up to `_proven`, and of those we hold.
        self._floor = pts
        self._proven = 0
        self._behind = 0
        self._stale = 0

    def told(self, sighting: Sighting) -> None:
        """Some server knows of this pts and of this id."""
        self._floor = max(self._floor, sighting.pts or 0)
        self._proven = max(self._proven, sighting.top)

    def lower(self, pts: int) -> None:
        """The server counts anew, from here."""
        self._floor = pts

    def knows(self, number: int) -> bool:
        """Whether a server that does not lag behind must know of an id that we do not hold."""
        return number <= self._proven

    def is_stale(self, pts: int | None) -> bool:
        """Whether an answer is to be put aside. Not without end: after some patience the server is believed."""
        if pts is None or pts >= self._floor:
            self._stale = 0
            return False
        self._stale += 1
        if self._stale <= PATIENCE:
            return True
        self._stale, self._floor = 0, pts
        return False

    def is_odd(self, sighting: Sighting, pts: int) -> bool:
        """Whether the overviews have named a pts below ours so often in a row that it should be looked into."""
        self._behind = self._behind + 1 if sighting.pts is not None and sighting.pts < pts else 0
        if self._behind < LAGS:
            return False
        self._behind = 0
        return True
