"""Posts and their versions, within one transaction: loaded, changed in memory, written back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Change, ChannelId, How, Key, Kind, Message, MessageId
from bot.store.columns import Moment
from bot.store.keys import Wanted
from bot.store.rechecks import call_off
from bot.store.schema import channels, messages, raw_messages, versions

_IDS_AT_ONCE = 500


@dataclass(slots=True, kw_only=True)
class Post:
    """A working copy of one post."""

    key: Key
    service: bool = False
    # Whether its row exists.
    kept: bool = False
    # Every state held, by version number.
    states: dict[int, Message] = field(default_factory=dict)
    # The number of the newest state.
    current: int | None = None
    # Of the last version, a deletion included.
    last: int = 0
    deleted_at: datetime | None = None
    deleted_how: How | None = None
    # Whether a version tells of the deletion.
    deletion_told: bool = False
    changed: bool = False

    @property
    def newest(self) -> Message | None:
        """The newest state."""
        return None if self.current is None else self.states[self.current]

    @property
    def album_id(self) -> int | None:
        """The album of the newest state."""
        return None if self.newest is None else self.newest.album_id

    def place(self, message: Message) -> tuple[int, bool]:
        """Find or make the version for a state: its number, and whether it is new.

        A state older than the newest one arrived late: kept, but it does not become current.
        """
        newest = self.newest
        if newest is not None and newest == message and self.current is not None:
            return self.current, False
        late = newest is not None and stamp(message) < stamp(newest)
        if late:
            for number, state in self.states.items():
                if state == message:
                    return number, False
        self.last += 1
        self.states[self.last] = message
        if not late:
            self.current, self.changed = self.last, True
        self.service = message.kind is Kind.SERVICE
        return self.last, True

    def tell_deletion(self) -> dict[str, Any] | None:
        """The row of the `deleted` version, when it is due."""
        if self.deleted_at is None or self.deletion_told or self.current is None:
            return None
        self.deletion_told = True
        self.last += 1
        return version_row(
            self.key, self.last, change=Change.DELETED, stored_at=self.deleted_at, how=self.deleted_how or How.SWEEP
        )


def stamp(message: Message) -> tuple[datetime, bool]:
    """Orders the states of a post. Telegram counts in seconds: an edit may carry the second of the post."""
    return message.edited_at or message.posted_at, message.edited_at is not None


def version_row(
    key: Key,
    number: int,
    *,
    change: Change,
    stored_at: datetime,
    how: How,
    raw_id: int | None = None,
    message: Message | None = None,
    recording_id: int | None = None,
    lag: timedelta | None = None,
) -> dict[str, Any]:
    """A row of `versions`."""
    return {
        "channel_id": key.channel_id,
        "message_id": key.message_id,
        "number": number,
        "change": change,
        "stored_at": stored_at,
        "how": how,
        "raw_id": raw_id,
        "message": message,
        "recording_id": recording_id,
        "lag": None if lag is None else lag // timedelta(microseconds=1),
    }


async def load_posts(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Post]:
    """Working copies of these posts; a post without a row begins empty."""
    posts = {key: Post(key=key) for key in keys}
    wanted = Wanted(conn, posts)
    for row in await conn.execute(sa.select(messages).select_from(wanted.within(messages))):
        post = posts[_key(row)]
        post.kept, post.current, post.service = True, row.current, row.service
        post.deleted_at, post.deleted_how = row.deleted_at, How(row.deleted_how) if row.deleted_how else None
    c = versions.c
    query = sa.select(c.channel_id, c.message_id, c.number, c.change, c.message)
    for row in await conn.execute(query.select_from(wanted.within(versions))):
        post = posts[_key(row)]
        post.last = max(post.last, row.number)
        if row.message is None:
            post.deletion_told = True
        else:
            post.states[row.number] = row.message
    return posts


def _key(row: Any) -> Key:
    return Key(channel_id=ChannelId(row.channel_id), message_id=MessageId(row.message_id))


async def write_posts(conn: AsyncConnection, posts: Iterable[Post], new_versions: Sequence[dict[str, Any]]) -> None:
    """Write what changed: post rows, then versions, then the counters of their channels."""
    posts = list(posts)
    fresh = [_post_row(post) for post in posts if not post.kept]
    if fresh:
        await conn.execute(messages.insert(), fresh)
    moved = [
        {
            "c": post.key.channel_id,
            "m": post.key.message_id,
            "current": post.current,
            "service": post.service,
            "album_id": post.album_id,
        }
        for post in posts
        if post.kept and post.changed
    ]
    if moved:
        place = (messages.c.channel_id == sa.bindparam("c")) & (messages.c.message_id == sa.bindparam("m"))
        await conn.execute(messages.update().where(place), moved)
    if new_versions:
        await conn.execute(versions.insert(), new_versions)
    await _count(conn, {post.key: post for post in posts}, new_versions)


def _post_row(post: Post) -> dict[str, Any]:
    return {
        "channel_id": post.key.channel_id,
        "message_id": post.key.message_id,
        "current": post.current,
        "service": post.service,
        "deleted_at": post.deleted_at,
        "deleted_how": post.deleted_how,
        "album_id": post.album_id,
    }


async def _count(conn: AsyncConnection, posts: dict[Key, Post], new_versions: Sequence[dict[str, Any]]) -> None:
    """Move the counters that status reads."""
    counted: dict[int, Counter[str]] = {}
    newest: dict[int, datetime] = {}
    for row in new_versions:
        channel_id, message = row["channel_id"], row["message"]
        counts = counted.setdefault(channel_id, Counter())
        counts["versions"] += 1
        if posts[Key(channel_id=channel_id, message_id=row["message_id"])].service:
            continue
        counts["messages"] += row["number"] == 1
        counts["deleted"] += message is None
        if message is not None:
            newest[channel_id] = max(newest.get(channel_id, message.posted_at), message.posted_at)
    c = channels.c
    for channel_id, counts in counted.items():
        at = newest.get(channel_id)
        later = c.newest_at if at is None else sa.case((c.newest_at > at, c.newest_at), else_=sa.literal(at, Moment()))
        values = {name: c[name] + counts[name] for name in ("messages", "versions", "deleted")}
        await conn.execute(channels.update().where(c.channel_id == channel_id).values(**values, newest_at=later))


async def mark_deleted(
    conn: AsyncConnection, channel_id: ChannelId, ids: Sequence[int], *, at: datetime, how: How
) -> list[int]:
    """Give those of the ids that we hold, and that are not yet known to be deleted, their `deleted` version.

    A post whose raw form nobody has read yet gets it when it is observed. Return the ids of those that got it now,
    service messages left out.
    """
    gone: list[int] = []
    for start in range(0, len(ids), _IDS_AT_ONCE):
        part = ids[start : start + _IDS_AT_ONCE]
        c = raw_messages.c
        query = sa.select(c.message_id, c.service).where(c.channel_id == channel_id, c.message_id.in_(part))
        held = {
            Key(channel_id=channel_id, message_id=MessageId(number)): service
            for number, service in await conn.execute(query)
        }
        if not held:
            continue
        posts = [post for post in (await load_posts(conn, held)).values() if post.deleted_at is None]
        for post in posts:
            post.deleted_at, post.deleted_how = at, how
            post.service = post.service or held[post.key]
        await _write_deletions(conn, channel_id, [post for post in posts if post.kept])
        await call_off(conn, channel_id, part)
        told = [row for row in (post.tell_deletion() for post in posts) if row is not None]
        await write_posts(conn, posts, told)
        services = {post.key.message_id for post in posts if post.service}
        gone += [row["message_id"] for row in told if row["message_id"] not in services]
    return gone


async def _write_deletions(conn: AsyncConnection, channel_id: ChannelId, posts: Sequence[Post]) -> None:
    for post in posts:
        place = (messages.c.channel_id == channel_id) & (messages.c.message_id == post.key.message_id)
        values = {"deleted_at": post.deleted_at, "deleted_how": post.deleted_how}
        await conn.execute(messages.update().where(place).values(values))
