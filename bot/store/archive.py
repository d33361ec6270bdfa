"""Questions to what is kept: search, versions, transcripts, status."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Change, Channel, ChannelId, Hit, How, Key, Message, RecordingState, Source, Version
from bot.store.channels import load_channels
from bot.store.engine import Database, verb
from bot.store.index import fields
from bot.store.keys import IS_NEWEST, Wanted
from bot.store.nouns import Past, Status
from bot.store.past import Page, Window, count, load_page, load_past
from bot.store.schema import channels, messages, recordings, search_documents, transcripts, versions
from bot.store.search import Order, find
from bot.store.spoken import flags_at, spoken_at
from bot.store.status import load_status
from bot.store.texts import Term, excerpt, marks, parse_query, visible
from bot.transcript import Transcript


class Archive:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @verb
    async def search(
        self,
        words: str,
        *,
        order: Order = "newest",
        limit: int = 20,
        channel_id: ChannelId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[Hit, ...]:
        """Posts whose newest state or transcript holds all `words`; posts since deleted are found too.

        `words`: all of them must be there; "a phrase"; -without; begin*. Case, ё and stress marks do not matter.
        `since` is the first moment of posting that counts, `until` the first that no longer does.
        """
        terms = parse_query(words)
        if all(term.exclude for term in terms):
            return ()
        d = search_documents.c
        where = [
            *([d.channel_id == channel_id] if channel_id is not None else []),
            *([d.posted_at >= since] if since is not None else []),
            *([d.posted_at < until] if until is not None else []),
        ]
        async with self._database.read() as conn:
            found = [(row.channel_id, row.message_id) for row in await find(conn, terms, where, order, limit)]
            rows = {(row.channel_id, row.message_id): row for row in await _load_found(conn, found)}
            pinned = await load_channels(conn, channels.c.channel_id.in_({channel for channel, _ in found}))
        return tuple(_hit(rows[place], pinned[place[0]], terms) for place in found)

    @verb
    async def page(self, window: Window, *, after: tuple[datetime, int] | None = None, limit: int = 500) -> Page:
        """Whole posts of the window, the newest first, up to `limit` messages; `after` is where the last page ended.

        An album comes with each page that has an item of it.
        """
        async with self._database.read() as conn:
            return await load_page(conn, window, after, limit)

    @verb
    async def posts(self, keys: Sequence[Key]) -> tuple[Past, ...]:
        """The posts that these messages are, or are items of, each once."""
        async with self._database.read() as conn:
            return await load_past(conn, keys)

    @verb
    async def count(self, window: Window) -> int:
        """How many messages are in the window, its wish aside."""
        async with self._database.read() as conn:
            return await count(conn, window)

    @verb
    async def versions(self, key: Key) -> tuple[Version, ...]:
        """All recorded states of a message, in the order of recording."""
        c = versions.c
        query = versions.select().where(c.channel_id == key.channel_id, c.message_id == key.message_id)
        async with self._database.read() as conn:
            rows = (await conn.execute(query.order_by(c.number))).all()
        return tuple(
            Version(
                number=row.number,
                change=Change(row.change),
                stored_at=row.stored_at,
                how=How(row.how),
                message=row.message,
            )
            for row in rows
        )

    @verb
    async def transcript(self, key: Key) -> Transcript | None:
        """What is said in the recording that the message's newest state bears."""
        place = (messages.c.channel_id == key.channel_id) & (messages.c.message_id == key.message_id)
        async with self._database.read() as conn:
            query = sa.select(transcripts.c.transcript).select_from(_newest(messages)).where(place)
            found: Transcript | None = await conn.scalar(query)
            return found

    @verb
    async def status(self, now: datetime) -> Status:
        """What is kept, what waits, and what is missing."""
        async with self._database.read() as conn:
            return await load_status(conn, now)


def _newest(posts: sa.FromClause) -> sa.Join:
    """Posts in their newest state, with the transcript of what they bear."""
    return (
        posts.join(versions, IS_NEWEST)
        .outerjoin(
            recordings,
            (recordings.c.recording_id == versions.c.recording_id) & (recordings.c.state == RecordingState.DONE),
        )
        .outerjoin(transcripts, transcripts.c.sha256 == recordings.c.sha256)
    )


async def _load_found(conn: AsyncConnection, found: list[tuple[int, int]]) -> list[Any]:
    query = sa.select(
        messages.c.channel_id,
        messages.c.message_id,
        messages.c.current,
        messages.c.deleted_at,
        versions.c.message,
        transcripts.c.transcript,
    )
    return list((await conn.execute(query.select_from(_newest(Wanted(conn, found).within(messages))))).all())


def _hit(row: Any, channel: Channel, terms: tuple[Term, ...]) -> Hit:
    """Show the field that holds most of the terms; the first one of those."""
    message: Message = row.message
    candidates = [(source, text, marks(text, terms)) for source, text in fields(message, row.transcript)]
    source, text, found = max(candidates, key=lambda candidate: len({term for _, _, term in candidate[2]}))
    hits = [(start, end) for start, end, _ in found]
    words, spans = excerpt(text, hits)
    speech: Transcript | None = row.transcript if source is Source.TRANSCRIPT else None
    return Hit(
        channel=channel,
        message=message,
        version=row.current,
        source=source,
        excerpt=words,
        marks=spans,
        deleted=row.deleted_at is not None,
        spoken_at=spoken_at(speech, hits[0][0]) if speech else None,
        flags=flags_at(speech, visible(text, hits)) if speech else (),
    )
