"""The archive read from the newest post to the oldest, page by page: whole posts, with what is said in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Channel, ChannelId, Item, Key, Message, MessageId, RecordingState
from bot.store.albums import Album, load_members
from bot.store.channels import load_channels
from bot.store.keys import IS_NEWEST, Wanted
from bot.store.newest import load_newest
from bot.store.nouns import Past
from bot.store.schema import channels, messages, recordings, search_documents, transcripts, versions
from bot.store.wishes import Wish, sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which posts of the archive are meant: posted at or after `since` and before `until`, in these channels (None: all).

    `wish`: only those whose indexed words fulfil it.
    """

    since: datetime | None = None
    until: datetime | None = None
    channel_ids: Collection[ChannelId] | None = None
    wish: Wish | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of posts, and where the next one begins; None after the last."""

    posts: tuple[Past, ...]
    # Messages on it: an album is one post of several.
    messages: int
    after: tuple[datetime, int] | None


async def load_page(conn: AsyncConnection, window: Window, after: tuple[datetime, int] | None, limit: int) -> Page:
    """Up to `limit` messages, the newest first; an album is given whole with each of its items, by its first on the page."""
    d = search_documents.c
    where = within(window)
    if after is not None:
        at, document_id = after
        # The first half says no more than the second, but it is the one that an index answers.
        where += [d.posted_at <= at, (d.posted_at < at) | (d.document_id < document_id)]
    ties = [d.document_id.desc()]
    if window.wish is None:
        query = sa.select(d.channel_id, d.message_id, d.posted_at, d.document_id).where(*where)
        rows = list((await conn.execute(query.order_by(d.posted_at.desc(), *ties).limit(limit))).all())
    else:
        rows = await load_newest(conn, sought(conn.dialect.name, window.wish), where, ties, limit)
    keys = [Key(channel_id=ChannelId(row.channel_id), message_id=MessageId(row.message_id)) for row in rows]
    last = (rows[-1].posted_at, rows[-1].document_id) if len(rows) == limit else None
    return Page(posts=await load_past(conn, keys), messages=len(rows), after=last)


async def count(conn: AsyncConnection, window: Window) -> int:
    """How many messages are in the window, its wish aside."""
    query = sa.select(sa.func.count()).select_from(search_documents).where(*within(window))
    return int(await conn.scalar(query) or 0)


def within(window: Window) -> list[sa.ColumnElement[bool]]:
    """The window as conditions on `search_documents`, its wish aside."""
    d = search_documents.c
    conditions: list[sa.ColumnElement[bool]] = []
    if window.channel_ids is not None:
        conditions.append(d.channel_id.in_(window.channel_ids))
    if window.since is not None:
        conditions.append(d.posted_at >= window.since)
    if window.until is not None:
        conditions.append(d.posted_at < window.until)
    return conditions


async def load_past(conn: AsyncConnection, keys: Sequence[Key]) -> tuple[Past, ...]:
    """The posts that these messages are, or are items of, each once, in their order."""
    found = await _load_states(conn, keys)
    albums = {(key.channel_id, row.message.album_id) for key, row in found.items() if row.message.album_id is not None}
    if albums:
        members = await load_members(conn, albums)
        found |= await _load_states(conn, [key for key in members if key not in found])
    forwards = {row.message.forward.channel_id for row in found.values() if row.message.forward} - {None}
    wanted = forwards | {key.channel_id for key in found}
    pinned = await load_channels(conn, channels.c.channel_id.in_(wanted))
    posts: dict[Key | Album, list[Any]] = {_name(found[key].message): [] for key in keys if key in found}
    for row in found.values():
        posts[_name(row.message)].append(row)
    return tuple(_past(rows, pinned) for rows in posts.values())


async def _load_states(conn: AsyncConnection, keys: Sequence[Key]) -> dict[Key, Any]:
    """The newest state of each message, with the transcript of what it bears."""
    is_done = (recordings.c.recording_id == versions.c.recording_id) & (recordings.c.state == RecordingState.DONE)
    joined = (
        Wanted(conn, keys)
        .within(messages)
        .join(versions, IS_NEWEST)
        .outerjoin(recordings, is_done)
        .outerjoin(transcripts, transcripts.c.sha256 == recordings.c.sha256)
    )
    query = sa.select(messages.c.current, messages.c.deleted_at, versions.c.message, transcripts.c.transcript)
    rows = await conn.execute(query.select_from(joined))
    return {row.message.key: row for row in rows}


def _name(message: Message) -> Key | Album:
    return message.key if message.album_id is None else (message.channel_id, message.album_id)


def _past(rows: list[Any], pinned: Mapping[ChannelId, Channel]) -> Past:
    rows.sort(key=lambda row: row.message.message_id)
    forwards = [row.message.forward for row in rows if row.message.forward]
    return Past(
        channel=pinned[rows[0].message.channel_id],
        items=tuple(Item(message=row.message, transcript=row.transcript) for row in rows),
        versions={row.message.message_id: row.current for row in rows},
        deleted=frozenset(row.message.message_id for row in rows if row.deleted_at is not None),
        origins={one.channel_id: pinned[one.channel_id] for one in forwards if one.channel_id in pinned},
    )
