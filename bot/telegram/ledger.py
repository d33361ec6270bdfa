"""The arithmetic of staying complete, without network or database: pts, pushes, gaps, and what a sweep has to ask.

pts is a channel's event counter: an update that carries `pts` and `pts_count` applies exactly when
`local + pts_count == pts` (https://core.telegram.org/api/updates).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from telethon.tl import types

from bot.model import ChannelId, Gap, MessageId
from bot.telegram.ids import marked


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A pushed update that counts in its channel's pts; the TL object is in `update`."""

    pts: int
    count: int
    update: Any


class Ask(StrEnum):
    """What a sweep has to ask of a channel."""

    NOTHING = "nothing"
    # pts moved: getChannelDifference knows what happened.
    DIFFERENCE = "difference"
    # No pts to start from, or ids that pts does not explain: the history says what is there.
    HISTORY = "history"


def channel_of(update: Any) -> ChannelId | None:
    """The channel that an update speaks of; None for updates of anything else."""
    message = getattr(update, "message", None)
    peer = getattr(message, "peer_id", None)
    if isinstance(peer, types.PeerChannel):
        return marked(peer.channel_id)
    bare_id = getattr(update, "channel_id", None)
    return marked(bare_id) if isinstance(bare_id, int) else None


def push_of(update: Any) -> Push | None:
    """The update as a push; None when it is only a hint (no pts, or a pts that says "too long")."""
    pts, count = getattr(update, "pts", None), getattr(update, "pts_count", None)
    return None if pts is None or count is None else Push(pts=pts, count=count, update=update)


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


def ids_in(gaps: Sequence[Gap], limit: int) -> list[MessageId]:
    """The newest `limit` ids of the gaps, newest first."""
    ids: list[MessageId] = []
    for gap in sorted(gaps, key=lambda gap: -gap.last):
        room = limit - len(ids)
        if room <= 0:
            break
        ids.extend(MessageId(i) for i in range(gap.last, max(gap.first, gap.last - room + 1) - 1, -1))
    return ids


def missing(upper: int, lowest: int, present: Iterable[int]) -> list[MessageId]:
    """The ids from `lowest` to `upper` that are not among `present`, newest first."""
    there = set(present)
    return [MessageId(i) for i in range(upper, lowest - 1, -1) if i not in there]


def chunks(ids: Sequence[MessageId], size: int = 100) -> list[list[MessageId]]:
    """The ids in pieces that one request can carry."""
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
