"""Channels: pinned by id, their state, their gaps, their backfills."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Backfill, Channel, ChannelId, ChannelState, Gap, MessageId, Mode
from bot.store import ledger
from bot.store.accounts import put_hash
from bot.store.engine import Database, insert, verb
from bot.store.ledger_rows import runs_from
from bot.store.schema import access_hashes, backfills, channels

# What `pin` takes over from the configuration and the server when the channel is already there.
_REPINNED = ("handle", "title", "category", "priority", "language", "mode", "joined", "watched")
_RUNS_AT_ONCE = 5000


def channel_of(row: Mapping[str, Any]) -> Channel:
    """A channel from a row of `channels`, joined with `access_hash`."""
    return Channel(
        channel_id=ChannelId(row["channel_id"]),
        access_hash=row["access_hash"] or 0,
        handle=row["handle"],
        title=row["title"],
        category=row["category"],
        priority=row["priority"],
        language=row["language"],
        mode=Mode(row["mode"]),
        joined=row["joined"],
        watched=row["watched"],
        watch_from=MessageId(row["watch_from"]),
        top_id=MessageId(row["top_id"]),
        pts=row["pts"],
        state=ChannelState(row["state"]),
        state_since=row["state_since"],
        state_reason=row["state_reason"],
    )


async def load_channels(
    conn: AsyncConnection, *where: sa.ColumnElement[bool], account: str = "main"
) -> dict[ChannelId, Channel]:
    """The channels that satisfy `where`, the most urgent first."""
    joined = channels.outerjoin(
        access_hashes,
        (access_hashes.c.channel_id == channels.c.channel_id) & (access_hashes.c.account == account),
    )
    query = sa.select(channels, access_hashes.c.access_hash).select_from(joined).where(*where)
    rows = (await conn.execute(query.order_by(channels.c.priority, channels.c.channel_id))).mappings()
    found = (channel_of(dict(row)) for row in rows)
    return {channel.channel_id: channel for channel in found}


class Channels:
    """Which channels are watched, and how far."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def pin(self, channel: Channel, *, account: str) -> None:
        """Insert a channel, or update what may change; an existing row keeps watch_from, top_id, pts and state."""
        row = {
            "channel_id": channel.channel_id,
            **{name: getattr(channel, name) for name in _REPINNED},
            "watch_from": channel.watch_from,
            "top_id": channel.top_id,
            "pts": channel.pts,
            "state": channel.state,
            "state_since": channel.state_since,
            "state_reason": channel.state_reason,
        }
        async with self._database.write() as conn:
            statement = insert(conn, channels).values(row)
            await conn.execute(
                statement.on_conflict_do_update(
                    index_elements=[channels.c.channel_id], set_={name: statement.excluded[name] for name in _REPINNED}
                )
            )
            await put_hash(conn, account, channel.channel_id, channel.access_hash)

    @verb
    async def all(self, *, account: str = "main") -> tuple[Channel, ...]:
        """Every channel, the most urgent first, with `account`'s access hashes (0 where it has none)."""
        async with self._database.read() as conn:
            return tuple((await load_channels(conn, account=account)).values())

    @verb
    async def get(self, channel_id: ChannelId) -> Channel | None:
        """The channel of this id."""
        async with self._database.read() as conn:
            return (await load_channels(conn, channels.c.channel_id == channel_id)).get(channel_id)

    @verb
    async def find(self, name: str) -> Channel | None:
        """The channel that people call `@handle`, `handle` (in any case) or by its marked id."""
        name = name.strip()
        handle = name.removeprefix("https://t.me/").removeprefix("@")
        wanted = [sa.func.lower(channels.c.handle) == handle.lower()]
        if name.removeprefix("-").isdecimal() and len(name) < 19:
            wanted.append(channels.c.channel_id == int(name))
        async with self._database.read() as conn:
            return next(iter((await load_channels(conn, sa.or_(*wanted))).values()), None)

    @verb
    async def record_state(
        self, channel_id: ChannelId, state: ChannelState, *, reason: str | None, at: datetime
    ) -> None:
        """What the server says about the channel now; the same state again keeps its `state_since`."""
        changed = channels.update().where(channels.c.channel_id == channel_id, channels.c.state != state)
        async with self._database.write() as conn:
            await conn.execute(changed.values(state=state, state_since=at, state_reason=reason))

    @verb
    async def gaps(self, channel_id: ChannelId, *, limit: int = 1000) -> tuple[Gap, ...]:
        """The first `limit` runs of ids from watch_from to top_id that are not accounted for."""
        async with self._database.read() as conn:
            channel = (await load_channels(conn, channels.c.channel_id == channel_id)).get(channel_id)
            if channel is None:
                return ()
            found: list[Gap] = []
            first = int(channel.watch_from)
            while len(found) < limit and first <= channel.top_id:
                runs = await runs_from(conn, channel_id, first, limit=_RUNS_AT_ONCE)
                # A full page says nothing of what comes after its last run.
                last = runs[-1].last if len(runs) == _RUNS_AT_ONCE else int(channel.top_id)
                found += (
                    Gap(channel_id=channel_id, first=MessageId(low), last=MessageId(high))
                    for low, high in ledger.gaps(runs, first, min(last, channel.top_id))
                )
                first = last + 1
            return tuple(found[:limit])

    @verb
    async def backfill(self, channel_id: ChannelId) -> Backfill | None:
        """How far reading history has come, if it was asked for."""
        async with self._database.read() as conn:
            query = backfills.select().where(backfills.c.channel_id == channel_id)
            row = (await conn.execute(query)).mappings().first()
        return None if row is None else Backfill(**row)

    @verb
    async def record_backfill(self, backfill: Backfill) -> None:
        """Where to resume; once done, watching begins at what was reached."""
        row = {name: getattr(backfill, name) for name in ("since", "reached", "messages", "done")}
        async with self._database.write() as conn:
            statement = insert(conn, backfills).values(channel_id=backfill.channel_id, **row)
            await conn.execute(statement.on_conflict_do_update(index_elements=[backfills.c.channel_id], set_=row))
            if backfill.done and backfill.reached:
                lowered = channels.update().where(
                    channels.c.channel_id == backfill.channel_id, channels.c.watch_from > backfill.reached
                )
                await conn.execute(lowered.values(watch_from=backfill.reached))
