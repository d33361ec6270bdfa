"""What is known of every message id of a channel, as runs of ids in one state, learned in one way. Pure: no database here.

Runs are disjoint, in order, and as long as can be, so that ten million stored ids in a row are one run. Of two
states for one id the stronger wins, whichever is heard first: any order and repetition ends in the same states.
`how` is the way by which an id came into its state first.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.model import How


class IdState(StrEnum):
    """What the server made of an id; from weak to strong."""

    SERVICE = "service"
    STORED = "stored"
    # Held, but the server says that it does not show this post to everybody.
    RESTRICTED = "restricted"
    # The server said so. Telegram gives no id twice: nothing takes this back.
    DELETED = "deleted"


_STRENGTH = {state: strength for strength, state in enumerate(IdState)}


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """Ids `first` to `last`, both included, all in `state`, learned by `how`."""

    first: int
    last: int
    state: IdState
    how: How


@dataclass(frozen=True, slots=True)
class Edit:
    """What to write so that stored runs become the new ones."""

    removed: tuple[Run, ...]
    added: tuple[Run, ...]


def windows(ids: Iterable[int], *, apart: int = 1000) -> list[tuple[int, int]]:
    """The stretches that hold all `ids`, each with a neighbour on both sides; far ids do not share one."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(ids)):
        if found and number - found[-1][1] <= apart:
            found[-1] = (found[-1][0], number + 1)
        else:
            found.append((number - 1, number + 1))
    return found


def assign(runs: Sequence[Run], ids: Iterable[int], state: IdState, how: How) -> list[Run]:
    """`runs` once each of `ids` is at least `state`. Runs beyond the neighbours of `ids` need not be given.

    An id that was in that state or a stronger one keeps its `how`.
    """
    changed = list(runs)
    for first, last in stretches(ids):
        changed = _paint(changed, Run(first, last, state, how))
    return changed


def stretches(ids: Iterable[int]) -> list[tuple[int, int]]:
    """Consecutive ids as (first, last) pairs."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(ids)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def gaps(runs: Sequence[Run], first: int, last: int) -> list[tuple[int, int]]:
    """The (first, last) pairs within [first, last] that no run covers."""
    found: list[tuple[int, int]] = []
    expected = first
    for run in sorted(runs):
        if run.last < expected:
            continue
        if run.first > last:
            break
        if run.first > expected:
            found.append((expected, run.first - 1))
        expected = run.last + 1
    if expected <= last:
        found.append((expected, last))
    return found


def within(runs: Iterable[Run], ids: Iterable[int]) -> set[int]:
    """Those of `ids` that some run holds."""
    ordered = sorted(runs)
    starts = [run.first for run in ordered]
    places = ((number, bisect_right(starts, number) - 1) for number in ids)
    return {number for number, place in places if place >= 0 and number <= ordered[place].last}


def edit(before: Iterable[Run], after: Iterable[Run]) -> Edit:
    """The rows to remove and to add."""
    old, new = set(before), set(after)
    return Edit(removed=tuple(sorted(old - new)), added=tuple(sorted(new - old)))


def _paint(runs: Sequence[Run], brush: Run) -> list[Run]:
    """Lay `brush` over `runs`: it fills gaps and covers weaker states, never stronger ones."""
    pieces: list[Run] = []
    bare = brush.first
    for run in sorted(runs):
        if run.last < brush.first or run.first > brush.last:
            pieces.append(run)
            continue
        start, end = max(run.first, brush.first), min(run.last, brush.last)
        if bare < start:
            pieces.append(replace(brush, first=bare, last=start - 1))
        stronger = brush if _STRENGTH[brush.state] > _STRENGTH[run.state] else run
        pieces += [
            piece
            for piece in (
                replace(run, last=start - 1),
                replace(stronger, first=start, last=end),
                replace(run, first=end + 1),
            )
            if piece.first <= piece.last
        ]
        bare = end + 1
    if bare <= brush.last:
        pieces.append(replace(brush, first=bare))
    return _joined(pieces)


def _joined(runs: Iterable[Run]) -> list[Run]:
    joined: list[Run] = []
    for run in sorted(runs):
        before = joined[-1] if joined else None
        if before and before.last == run.first - 1 and (before.state, before.how) == (run.state, run.how):
            joined[-1] = replace(before, last=run.last)
        else:
            joined.append(run)
    return joined
