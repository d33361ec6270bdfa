"""The arithmetic of staying complete, without network or database: pts, pushes, and what a sweep has to ask.

pts is a channel's event counter: an update that carries `pts` and `pts_count` applies exactly when
`local + pts_count == pts` (https://core.telegram.org/api/updates).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.model import MessageId, RawMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A pushed update that counts in its channel's pts, and what it tells."""

    pts: int
    count: int
    messages: tuple[RawMessage, ...] = ()
    deleted: tuple[MessageId, ...] = ()


class Ask(StrEnum):
    """What a sweep has to ask of a channel."""

    NOTHING = "nothing"
    # pts moved: getChannelDifference knows what happened.
    DIFFERENCE = "difference"
    # No pts to start from, or ids that pts does not explain: the history says what is there.
    HISTORY = "history"


def sequence(local: int, pushes: Iterable[Push]) -> tuple[list[Push], list[Push], int]:
    """(apply, keep, pts): what follows on `local` without a gap, what lies behind a gap, and pts after applying.

    What is older than `local` is dropped: it is recorded already. Any order and repetition gives the same result.
    """
    apply: list[Push] = []
    keep: list[Push] = []
    for push in sorted(pushes, key=lambda push: (push.pts, push.count)):
        if keep:
            keep.append(push)
        elif push.count == 0 and push.pts == local:
            apply.append(push)
        elif push.pts <= local:
            continue
        elif local + push.count == push.pts:
            apply.append(push)
            local = push.pts
        else:
            keep.append(push)
    return apply, keep, local


def ask_for(*, pts: int, top_id: int, server_pts: int | None, server_top: int) -> Ask:
    """What to ask when the server named `server_pts` and `server_top` for a channel that we have up to `pts`, `top_id`."""
    if pts == 0:
        return Ask.HISTORY
    if server_pts is None or server_pts > pts:
        return Ask.DIFFERENCE
    # Newer ids without a newer pts break Telegram's own rule. A lower pts alone is a replica that lags behind.
    return Ask.HISTORY if server_top > top_id else Ask.NOTHING


def missing(upper: int, lowest: int, present: Iterable[int]) -> list[MessageId]:
    """The ids from `lowest` to `upper` that are not among `present`, newest first."""
    there = set(present)
    return [MessageId(i) for i in range(upper, lowest - 1, -1) if i not in there]


def chunks(ids: Sequence[MessageId], size: int = 100) -> list[list[MessageId]]:
    """The ids in pieces that one request can carry."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
