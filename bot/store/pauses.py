"""How long a channel is usually quiet: what tells a mute channel from a slow one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.schema import channels, search_documents

# The pauses between so many of the last posts are looked at, and between more of them for the longest; fewer than the
# least say nothing.
_LAST = 200
_LONG = 1000
_LEAST = 20
# Brought up to date whenever a channel has got so many posts more.
_EVERY = 50


async def keep_pauses(conn: AsyncConnection, before: Iterable[Any], new_versions: Iterable[Mapping[str, Any]]) -> None:
    """Bring `channels.usual_gap` up to date where it is time; `before` are the channels' rows before `new_versions`."""
    new = Counter(row["channel_id"] for row in new_versions if row["number"] == 1)
    for row in before:
        posts = row.messages + new[row.channel_id]
        due = row.usual_gap is None or posts // _EVERY > row.messages // _EVERY
        if new[row.channel_id] and posts >= _LEAST and due:
            usual = usual_gap(await _load_last(conn, row.channel_id))
            moved = channels.update().where(channels.c.channel_id == row.channel_id)
            await conn.execute(moved.values(usual_gap=None if usual is None else usual // timedelta(microseconds=1)))


def usual_gap(posted: Sequence[datetime]) -> timedelta | None:
    """Of posts, the newest first, the 95th percentile (nearest rank) of the last pauses; None when there are too few.

    Half of the longest at least: who posts all day sleeps at night, which is one pause in a hundred.
    """
    if len(posted) < _LEAST:
        return None
    pauses = [later - earlier for later, earlier in pairwise(posted)]
    last = sorted(pauses[: _LAST - 1])
    return max(last[(len(last) * 95 + 99) // 100 - 1], max(pauses) / 2)


async def _load_last(conn: AsyncConnection, channel_id: int) -> Sequence[datetime]:
    d = search_documents.c
    query = sa.select(d.posted_at).where(d.channel_id == channel_id).order_by(d.posted_at.desc(), d.message_id.desc())
    return (await conn.scalars(query.limit(_LONG))).all()
