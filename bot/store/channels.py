"""Channels: pinned by id, their state, their gaps, their backfills."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import Backfill, Channel, ChannelId, ChannelState, Clock, Coverage, Gap, MessageId, Mode
from bot.store.accounts import put_hash
from bot.store.coverage import load_coverage, load_gaps
from bot.store.engine import Database, insert, verb
from bot.store.gap_rows import open_gaps
from bot.store.schema import access_hashes, backfills, channels, gaps

# What `pin` takes over from the configuration and the server when the channel is already there.
_REPINNED = ("handle", "title", "category", "priority", "language", "mode", "watched")
_NOT_READ = "not read since watching began"
_NOT_FILLED = "left open by the backfill"


def channel_of(row: Mapping[str, Any]) -> Channel:
    """A channel from a row of `channels`, joined with an account's `access_hash` and `joined`."""
    return Channel(
        channel_id=ChannelId(row["channel_id"]),
        access_hash=row["access_hash"] or 0,
        account=row["account"],
        handle=row["handle"],
        title=row["title"],
        category=row["category"],
        priority=row["priority"],
        language=row["language"],
        mode=Mode(row["mode"]),
        joined=bool(row["joined"]),
        watched=row["watched"],
        watch_from=MessageId(row["watch_from"]),
        top_id=MessageId(row["top_id"]),
        pts=row["pts"],
        state=ChannelState(row["state"]),
        state_since=row["state_since"],
        state_reason=row["state_reason"],
        repair_wanted=row["repair_wanted"],
    )


async def load_channels(
    conn: AsyncConnection, *where: sa.ColumnElement[bool], account: str | None = None
) -> dict[ChannelId, Channel]:
    """The channels that satisfy `where`, the most urgent first, as `account` sees them; None: each as its carrier does."""
    c, hashes = channels.c, access_hashes.c
    of_account = hashes.account == (c.account if account is None else account)
    seen = channels.outerjoin(access_hashes, (hashes.channel_id == c.channel_id) & of_account)
    query = sa.select(channels, hashes.access_hash, hashes.joined).select_from(seen).where(*where)
    rows = (await conn.execute(query.order_by(channels.c.priority, channels.c.channel_id))).mappings()
    found = (channel_of(dict(row)) for row in rows)
    return {channel.channel_id: channel for channel in found}


class Channels:
    """Which channels are watched, by which account, and how far."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @verb
    async def pin(self, channel: Channel, *, account: str) -> None:
        """Insert a channel, or update what may change, as `account` sees it.

        An existing row keeps its carrier, watch_from, top_id, pts and state. A new one is carried by
        `channel.account`, else by `account`. `joined` and `access_hash` are kept for `account`, unless the hash is 0.
        """
        row = {
            "channel_id": channel.channel_id,
            **{name: getattr(channel, name) for name in _REPINNED},
            "account": channel.account or account,
            "watch_from": channel.watch_from,
            "top_id": channel.top_id,
            "pts": channel.pts,
            "state": channel.state,
            "state_since": channel.state_since,
            "state_reason": channel.state_reason,
        }
        this = channels.c.channel_id == channel.channel_id
        async with self._database.write() as conn:
            if await conn.scalar(sa.select(channels.c.channel_id).where(this)) is None:
                await conn.execute(channels.insert().values(row))
                await self._open(conn, channel.channel_id, channel.watch_from, channel.top_id, _NOT_READ)
            else:
                await conn.execute(channels.update().where(this).values({name: row[name] for name in _REPINNED}))
            await put_hash(conn, account, channel.channel_id, channel.access_hash, joined=channel.joined)

    @verb
    async def carry(self, carriers: Mapping[ChannelId, str | None]) -> None:
        """From now on each channel is heard by the account named for it; None: by nobody."""
        if not carriers:
            return
        this = channels.c.channel_id == sa.bindparam("channel")
        rows = [{"channel": channel_id, "carrier": account} for channel_id, account in carriers.items()]
        async with self._database.write() as conn:
            await conn.execute(channels.update().where(this).values(account=sa.bindparam("carrier")), rows)

    @verb
    async def all(self, account: str | None = None) -> tuple[Channel, ...]:
        """Every channel, the most urgent first.

        `access_hash` (0 where there is none) and `joined` are those of `account`; None: those of each one's carrier.
        """
        async with self._database.read() as conn:
            return tuple((await load_channels(conn, account=account)).values())

    @verb
    async def get(self, channel_id: ChannelId, account: str | None = None) -> Channel | None:
        """The channel of this id, as `account` sees it, or its carrier."""
        async with self._database.read() as conn:
            found = await load_channels(conn, channels.c.channel_id == channel_id, account=account)
            return found.get(channel_id)

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
        """The first `limit` runs of ids from watch_from to top_id that are not accounted for.

        Two may touch: ids that are open since different moments, or for different reasons, are not one gap.
        """
        async with self._database.read() as conn:
            return await load_gaps(conn, gaps.c.channel_id == channel_id, limit=limit)

    @verb
    async def open_gaps(self, account: str) -> dict[ChannelId, tuple[Gap, ...]]:
        """The gaps of all channels that `account` carries, by channel; one without gaps is not named."""
        carried = sa.select(channels.c.channel_id).where(channels.c.account == account)
        async with self._database.read() as conn:
            found = await load_gaps(conn, gaps.c.channel_id.in_(carried))
        return {channel_id: tuple(group) for channel_id, group in groupby(found, key=lambda gap: gap.channel_id)}

    @verb
    async def coverage(
        self, channel_id: ChannelId, *, since: datetime | None = None, until: datetime | None = None
    ) -> Coverage:
        """What became of every id from watch_from to top_id, and how it was learned.

        With dates: of the ids after the last post held from before `since`, and before the first from `until` on.
        Raise StoreError for a channel that is not pinned.
        """
        async with self._database.read() as conn:
            channel = (await load_channels(conn, channels.c.channel_id == channel_id)).get(channel_id)
            if channel is None:
                raise StoreError(f"Channel {channel_id} is not pinned")
            return await load_coverage(conn, channel, since, until)

    @verb
    async def order_repair(self, channel_id: ChannelId, at: datetime) -> None:
        """Have whoever hears the channel close what can be closed of its gaps, now: see `Channel.repair_wanted`."""
        this = channels.update().where(channels.c.channel_id == channel_id)
        async with self._database.write() as conn:
            await conn.execute(this.values(repair_wanted=at))

    @verb
    async def record_repaired(self, channel_id: ChannelId, ordered: datetime) -> None:
        """What was ordered up to `ordered` (the `repair_wanted` that was seen) is done; a later order stands."""
        c = channels.c
        this = channels.update().where(c.channel_id == channel_id, c.repair_wanted <= ordered)
        async with self._database.write() as conn:
            await conn.execute(this.values(repair_wanted=None))

    @verb
    async def backfill(self, channel_id: ChannelId) -> Backfill | None:
        """How far reading history has come, if it was asked for."""
        async with self._database.read() as conn:
            query = backfills.select().where(backfills.c.channel_id == channel_id)
            row = (await conn.execute(query)).mappings().first()
        return None if row is None else Backfill(**row)

    @verb
    async def unfinished_backfills(self, account: str) -> tuple[Backfill, ...]:
        """Those that were ordered and are not done, of the channels that `account` carries."""
        query = backfills.select().join(channels, channels.c.channel_id == backfills.c.channel_id)
        ours = query.where(~backfills.c.done, channels.c.account == account).order_by(backfills.c.channel_id)
        async with self._database.read() as conn:
            return tuple(Backfill(**row) for row in (await conn.execute(ours)).mappings())

    @verb
    async def record_backfill(self, backfill: Backfill) -> None:
        """Where to resume; once done, watching begins at what was reached."""
        row = {name: getattr(backfill, name) for name in ("since", "reached", "messages", "done")}
        async with self._database.write() as conn:
            statement = insert(conn, backfills).values(channel_id=backfill.channel_id, **row)
            await conn.execute(statement.on_conflict_do_update(index_elements=[backfills.c.channel_id], set_=row))
            if backfill.done and backfill.reached:
                await self._lower(conn, backfill.channel_id, backfill.reached)

    async def _lower(self, conn: AsyncConnection, channel_id: ChannelId, reached: MessageId) -> None:
        """Have watching begin at `reached`, unless it began earlier."""
        c = channels.c
        row = (await conn.execute(sa.select(c.watch_from, c.top_id).where(c.channel_id == channel_id))).one()
        if row.watch_from > reached:
            await conn.execute(channels.update().where(c.channel_id == channel_id).values(watch_from=reached))
            await self._open(conn, channel_id, reached, min(row.watch_from - 1, row.top_id), _NOT_FILLED)

    async def _open(self, conn: AsyncConnection, channel_id: ChannelId, first: int, last: int, reason: str) -> None:
        if first <= last:
            await open_gaps(conn, channel_id, first, last, since=self._clock(), reason=reason)
