"""What became of the ids of a channel: gaps as they stand, and the coverage statement."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Channel, ChannelId, Coverage, Gap, How, MessageId
from bot.store.schema import gaps, ledger, search_documents, tallies

# By state and by how it was learned.
Counts = dict[tuple[str, How], int]

# No message has a higher id.
_LAST_ID = 2**62


async def load_gaps(conn: AsyncConnection, *where: sa.ColumnElement[bool], limit: int | None = None) -> tuple[Gap, ...]:
    """The gaps that satisfy `where`, by channel and id."""
    c = gaps.c
    query = gaps.select().where(*where).order_by(c.channel_id, c.first_id).limit(limit)
    return tuple(gap_of(row) for row in await conn.execute(query))


def gap_of(row: Any) -> Gap:
    """A gap from its row."""
    return Gap(
        channel_id=ChannelId(row.channel_id),
        first=MessageId(row.first_id),
        last=MessageId(row.last_id),
        since=row.since,
        reason=row.reason,
    )


async def load_coverage(
    conn: AsyncConnection, channel: Channel, since: datetime | None, until: datetime | None
) -> Coverage:
    """The coverage of the ids from watch_from to top_id that lie between the dates."""
    first, last = int(channel.watch_from), int(channel.top_id)
    if since is not None:
        first = max(first, (await _id_before(conn, channel.channel_id, since) or 0) + 1)
    if until is not None:
        last = min(last, (await _id_from(conn, channel.channel_id, until) or last + 1) - 1)
    whole = (first, last) == (channel.watch_from, channel.top_id)
    c = gaps.c
    found = await load_gaps(conn, c.channel_id == channel.channel_id, c.first_id <= last, c.last_id >= first)
    return Coverage(
        channel=channel,
        first=MessageId(first),
        last=MessageId(last),
        ids=await (_count_all(conn, channel) if whole else _count(conn, channel.channel_id, first, last)),
        gaps=tuple(
            replace(gap, first=MessageId(max(gap.first, first)), last=MessageId(min(gap.last, last))) for gap in found
        ),
    )


async def _count_all(conn: AsyncConnection, channel: Channel) -> Counts:
    """The tally of the channel less the few ids outside of the window: a long ledger is not read for it."""
    c = tallies.c
    query = sa.select(c.state, c.how, c.ids).where(c.channel_id == channel.channel_id)
    counts = Counter({(state, How(how)): ids for state, how, ids in await conn.execute(query)})
    counts.subtract(await _count(conn, channel.channel_id, 1, channel.watch_from - 1))
    counts.subtract(await _count(conn, channel.channel_id, max(channel.watch_from, channel.top_id + 1), _LAST_ID))
    return {key: count for key, count in counts.items() if count}


async def _count(conn: AsyncConnection, channel_id: ChannelId, first: int, last: int) -> Counts:
    """How many of the ids are in each state, by how they came into it: read from the runs."""
    c, other = ledger.c, ledger.alias().c
    before = sa.select(sa.func.max(other.first_id)).where(other.channel_id == channel_id, other.first_id <= first)
    low = sa.case((c.first_id < first, first), else_=c.first_id)
    high = sa.case((c.last_id > last, last), else_=c.last_id)
    query = (
        sa.select(c.state, c.how, sa.cast(sa.func.sum(high - low + 1), sa.BigInteger))
        .where(
            c.channel_id == channel_id,
            # Where the run begins that holds `first`, if one does: so that the primary key alone finds them.
            c.first_id >= sa.func.coalesce(before.scalar_subquery(), first),
            c.first_id <= last,
            c.last_id >= first,
        )
        .group_by(c.state, c.how)
    )
    return {(state, How(how)): count for state, how, count in await conn.execute(query)}


async def _id_before(conn: AsyncConnection, channel_id: ChannelId, moment: datetime) -> int | None:
    """The newest post that was posted before a moment. Telegram gives ids in the order of posting."""
    d = search_documents.c
    query = sa.select(d.message_id).where(d.channel_id == channel_id, d.posted_at < moment)
    return await conn.scalar(query.order_by(d.posted_at.desc(), d.message_id.desc()).limit(1))


async def _id_from(conn: AsyncConnection, channel_id: ChannelId, moment: datetime) -> int | None:
    """The oldest post that was posted at a moment or later."""
    d = search_documents.c
    query = sa.select(d.message_id).where(d.channel_id == channel_id, d.posted_at >= moment)
    return await conn.scalar(query.order_by(d.posted_at, d.message_id).limit(1))
