"""Albums: messages that Telegram shows as one post."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import ChannelId, Item, Key, Message, MessageId, RecordingState
from bot.store.keys import IS_NEWEST, Wanted
from bot.store.schema import messages, recordings, transcripts, versions

# Channel and album.
Album = tuple[ChannelId, int]


def albums_of(found: Iterable[Message]) -> dict[Key, Album]:
    """The album of each message that is an item of one."""
    return {message.key: (message.channel_id, message.album_id) for message in found if message.album_id is not None}


async def load_albums(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, Album]:
    """The same for messages that are recorded."""
    c = messages.c
    query = sa.select(c.channel_id, c.message_id, c.album_id).select_from(Wanted(conn, keys).within(messages))
    return {
        Key(channel_id=ChannelId(channel_id), message_id=MessageId(message_id)): (ChannelId(channel_id), album_id)
        for channel_id, message_id, album_id in await conn.execute(query.where(c.album_id.is_not(None)))
    }


async def load_members(conn: AsyncConnection, albums: Iterable[Album]) -> dict[Key, Album]:
    """Every item of these albums, with its album."""
    columns = (messages.c.channel_id, messages.c.message_id, messages.c.album_id)
    rows = await conn.execute(sa.select(*columns).select_from(_within(conn, albums)))
    return {
        Key(channel_id=ChannelId(channel_id), message_id=MessageId(message_id)): (ChannelId(channel_id), album_id)
        for channel_id, message_id, album_id in rows
    }


async def load_items(
    conn: AsyncConnection, albums: Iterable[Album], *, living: bool = False
) -> dict[Album, tuple[Item, ...]]:
    """The items of each album in their newest states, by their ids; `living` leaves deleted ones out."""
    query = _items(_within(conn, albums)).order_by(messages.c.message_id)
    if living:
        query = query.where(messages.c.deleted_at.is_(None))
    found: dict[Album, list[Item]] = defaultdict(list)
    for row in await conn.execute(query):
        found[row.channel_id, row.album_id].append(Item(message=row.message, transcript=row.transcript))
    return {album: tuple(items) for album, items in found.items()}


def _items(found: sa.Join) -> sa.Select[Any]:
    """Rows of `messages` with their newest state, and the transcript of what it bears."""
    is_done = (recordings.c.recording_id == versions.c.recording_id) & (recordings.c.state == RecordingState.DONE)
    joined = (
        found.join(versions, IS_NEWEST)
        .outerjoin(recordings, is_done)
        .outerjoin(transcripts, transcripts.c.sha256 == recordings.c.sha256)
    )
    columns = (messages.c.channel_id, messages.c.album_id, versions.c.message, transcripts.c.transcript)
    return sa.select(*columns).select_from(joined)


def _within(conn: AsyncConnection, albums: Iterable[Album]) -> sa.Join:
    """Those rows of `messages` that are items of these albums."""
    wanted = Wanted(conn, albums).table
    return wanted.join(
        messages,
        # The literal condition shows both planners that the partial index serves.
        (messages.c.channel_id == wanted.c.channel_id)
        & (messages.c.album_id == wanted.c.message_id)
        & messages.c.album_id.is_not(None),
    )


def siblings(key: Key, albums: Mapping[Key, Album], items: Mapping[Album, tuple[Item, ...]]) -> tuple[Item, ...]:
    """The other items of the message's album."""
    found = items.get(albums[key], ()) if key in albums else ()
    return tuple(item for item in found if item.message.key != key)
