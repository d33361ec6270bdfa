"""The posts that bear a recording, in whatever encoding: which they are, and how long after the first each came."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import How, Key, Message, RecordingState
from bot.store.albums import albums_of, load_items, siblings
from bot.store.alert_rows import load_forms, load_spoken
from bot.store.channels import load_channels
from bot.store.keys import IS_NEWEST, same_message
from bot.store.nouns import Appearance
from bot.store.schema import channels, messages, recordings, search_documents, versions

# States in which `sha256` names bytes that are of use.
_FETCHED = (RecordingState.FETCHED, RecordingState.DONE, RecordingState.FAILED)


@dataclass(frozen=True, slots=True)
class First:
    """Where a recording was first posted, as far as is known."""

    key: Key
    at: datetime

    def after(self, message: Message) -> timedelta:
        """How long after it another post came; clocks are Telegram's, so never before."""
        return max(message.posted_at - self.at, timedelta())


def bearers(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Posts whose newest state bears a recording, deleted ones included, the oldest first."""
    v = versions.c
    query = sa.select(v.message, v.number, v.how, v.recording_id).select_from(messages.join(versions, IS_NEWEST))
    return query.where(which).order_by(v.stored_at, v.message_id)


async def bearing(conn: AsyncConnection, recording_ids: Collection[int]) -> list[tuple[Message, int]]:
    """(newest state, its version) of every post that bears one of the recordings, deleted ones included."""
    rows = await conn.execute(bearers(versions.c.recording_id.in_(recording_ids)))
    return [(row.message, row.number) for row in rows]


async def recordings_of(conn: AsyncConnection, sha256: str) -> list[int]:
    """The recordings that are heard as this file: the same bytes, and the same in other encodings."""
    c = recordings.c
    query = sa.select(c.recording_id).where(c.sha256 == sha256, c.state.in_(_FETCHED)).order_by(c.recording_id)
    return [*await conn.scalars(query)]


async def load_appearances(conn: AsyncConnection, recording_ids: Collection[int]) -> tuple[Appearance, ...]:
    """The posts whose newest text bears one of the recordings, the oldest record first."""
    rows = (await conn.execute(bearers(versions.c.recording_id.in_(recording_ids)))).all()
    if not rows:
        return ()
    keys = [row.message.key for row in rows]
    albums = albums_of(row.message for row in rows)
    forms = await load_forms(conn, keys, albums)
    spoken = await load_spoken(conn, keys)
    items = await load_items(conn, set(albums.values())) if albums else {}
    pinned = await load_channels(conn, channels.c.channel_id.in_({row.message.channel_id for row in rows}))
    first = await load_first(conn, {row.recording_id for row in rows})
    return tuple(
        Appearance(
            channel=pinned[row.message.channel_id],
            message=row.message,
            version=row.number,
            how=How(row.how),
            forms=forms.get(row.message.key, frozenset()),
            siblings=siblings(row.message.key, albums, items),
            spoken=spoken.get((row.message.key, row.number), frozenset()),
            after=first[row.recording_id].after(row.message) if row.recording_id in first else timedelta(),
        )
        for row in rows
    )


async def load_first(conn: AsyncConnection, recording_ids: Collection[int]) -> dict[int, First]:
    """Where each of these recordings was first posted, by anyone and in any encoding."""
    if not recording_ids:
        return {}
    families = await _families(conn, recording_ids)
    family_of = {other: one for one, others in families.items() for other in others}
    d = search_documents
    posted = versions.join(messages, IS_NEWEST).join(d, same_message(messages, d))
    query = (
        sa.select(versions.c.recording_id, d.c.channel_id, d.c.message_id, d.c.posted_at)
        .select_from(posted)
        .where(versions.c.recording_id.in_(family_of))
        .order_by(d.c.posted_at, d.c.channel_id, d.c.message_id)
    )
    found: dict[int | str, First] = {}
    for recording_id, channel_id, message_id, at in await conn.execute(query):
        found.setdefault(family_of[recording_id], First(Key(channel_id=channel_id, message_id=message_id), at))
    return {one: found[family_of[one]] for one in recording_ids if family_of[one] in found}


async def _families(conn: AsyncConnection, recording_ids: Collection[int]) -> Mapping[int | str, Sequence[int]]:
    """These recordings and their twins, by the file that they are heard as; those not fetched stand alone."""
    c = recordings.c
    query = sa.select(c.recording_id, c.sha256, c.state).where(c.recording_id.in_(recording_ids))
    own = {row.recording_id: row.sha256 if row.state in _FETCHED else None for row in await conn.execute(query)}
    families: dict[int | str, list[int]] = {one: [one] for one, sha256 in own.items() if sha256 is None}
    files = {sha256 for sha256 in own.values() if sha256 is not None}
    twins = sa.select(c.recording_id, c.sha256).where(c.sha256.in_(files), c.state.in_(_FETCHED))
    for recording_id, sha256 in await conn.execute(twins) if files else ():
        families.setdefault(sha256, []).append(recording_id)
    return families
