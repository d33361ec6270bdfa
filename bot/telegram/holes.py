"""Ids that are to be asked for, and when: pure arithmetic on runs of ids.

What the server answers neither with a message nor with messageEmpty is asked for again, more and more seldom.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.store.ledger import stretches

# Seconds before an id that was not answered is asked for again, by how often it was asked before.
BACKOFF = (60.0, 600.0, 3600.0, 6 * 3600.0, 86400.0)


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """Ids `first` to `last`, both included. `tries`: how often they were asked for in vain; `due`: when to ask again."""

    first: int
    last: int
    tries: int = 0
    due: float = 0.0

    @property
    def size(self) -> int:
        """How many ids it spans."""
        return self.last - self.first + 1


class Holes:
    """Disjoint runs of ids, in order. Times are seconds on whatever clock the caller keeps to."""

    def __init__(self, runs: Iterable[tuple[int, int]] = ()) -> None:
        self._holes: list[Hole] = []
        for first, last in runs:
            self.open(first, last)

    def __bool__(self) -> bool:
        return bool(self._holes)

    def __iter__(self) -> Iterator[Hole]:
        return iter(self._holes)

    @property
    def size(self) -> int:
        """How many ids there are in all."""
        return sum(hole.size for hole in self._holes)

    def open(self, first: int, last: int) -> None:
        """Have these ids asked for at once, also those that wait for a later moment."""
        if first <= last:
            self._repaint(first, last, lambda _: None)
            at = bisect_left(self._holes, first, key=_first)
            self._holes[at:at] = [Hole(first, last)]
            self._join(at, at + 1)

    def close(self, ids: Iterable[int]) -> None:
        """These ids need not be asked for any more."""
        for first, last in stretches(ids) if self._holes else ():
            self._repaint(first, last, lambda _: None)

    def put_off(self, ids: Iterable[int], now: float) -> None:
        """These ids were asked for and not answered."""
        for first, last in stretches(ids) if self._holes else ():
            self._repaint(first, last, lambda hole: _later(hole, now))

    def hurry(self) -> None:
        """Have everything asked for at once."""
        self._holes = _joined([replace(hole, due=0.0) for hole in self._holes])

    def due(self, now: float) -> list[Hole]:
        """What is to be asked for by now, the newest ids first."""
        return [hole for hole in reversed(self._holes) if hole.due <= now]

    def any_due(self, now: float) -> bool:
        """Whether anything is to be asked for by now."""
        return any(hole.due <= now for hole in self._holes)

    def among(self, ids: Iterable[int]) -> list[int]:
        """Those of the ids that lie in a hole."""
        return [number for number in ids if self._at(number)] if self._holes else []

    def untried(self, ids: Iterable[int]) -> list[int]:
        """Those of the ids that lie in a hole and have not been asked for in vain."""
        return [number for number in ids if (hole := self._at(number)) and not hole.tries] if self._holes else []

    def _at(self, number: int) -> Hole | None:
        at = bisect_right(self._holes, number, key=_first) - 1
        return self._holes[at] if at >= 0 and self._holes[at].last >= number else None

    def _repaint(self, first: int, last: int, paint: Callable[[Hole], Hole | None]) -> None:
        start = bisect_left(self._holes, first, key=_last)
        end = bisect_right(self._holes, last, key=_first)
        pieces = [piece for hole in self._holes[start:end] for piece in _cut(hole, first, last, paint)]
        self._holes[start:end] = pieces
        self._join(start, start + len(pieces))

    def _join(self, start: int, end: int) -> None:
        """Make one of neighbours that are alike, from `start` to `end`, and of those with what is next to them."""
        start, end = max(start - 1, 0), end + 1
        self._holes[start:end] = _joined(self._holes[start:end])


def newest_ids(holes: Sequence[Hole], limit: int) -> list[int]:
    """The first `limit` ids of the holes as they come, each hole from its newest id down."""
    ids: list[int] = []
    for hole in holes:
        room = limit - len(ids)
        ids.extend(range(hole.last, max(hole.first, hole.last - room + 1) - 1, -1))
        if len(ids) >= limit:
            break
    return ids


def _first(hole: Hole) -> int:
    return hole.first


def _last(hole: Hole) -> int:
    return hole.last


def _later(hole: Hole, now: float) -> Hole:
    return replace(hole, tries=hole.tries + 1, due=now + BACKOFF[min(hole.tries, len(BACKOFF) - 1)])


def _cut(hole: Hole, first: int, last: int, paint: Callable[[Hole], Hole | None]) -> list[Hole]:
    start, end = max(hole.first, first), min(hole.last, last)
    if start > end:
        return [hole]
    inner = paint(replace(hole, first=start, last=end))
    parts = [replace(hole, last=start - 1), *([inner] if inner else []), replace(hole, first=end + 1)]
    return [part for part in parts if part.first <= part.last]


def _joined(holes: Sequence[Hole]) -> list[Hole]:
    joined: list[Hole] = []
    for hole in holes:
        before = joined[-1] if joined else None
        if before and before.last == hole.first - 1 and (before.tries, before.due) == (hole.tries, hole.due):
            joined[-1] = replace(before, last=hole.last)
        else:
            joined.append(hole)
    return joined
