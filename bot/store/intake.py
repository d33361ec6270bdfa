"""What is heard: recorded raw with the ledger, read once, observed as versions with their alerts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import StoreError
from bot.model import Clock, Heard, How, Key, Message, RawMessage, Source, Unread
from bot.store.albums import albums_of, load_albums, load_items, siblings
from bot.store.alert_rows import Raised, load_forms, raise_alerts
from bot.store.engine import Database, verb
from bot.store.events import Burst, note_deletions
from bot.store.gap_rows import close_gaps, explain_gaps, open_gaps
from bot.store.group_commit import GroupCommit
from bot.store.keys import IS_NEWEST, Wanted
from bot.store.ledger import IdState
from bot.store.ledger_rows import Assigned, assign_ids
from bot.store.nouns import Known, Observation
from bot.store.observe import write_observations
from bot.store.posts import mark_deleted
from bot.store.schema import channels, messages, raw_messages, recordings, transcripts, versions

# Why ids are open when whoever heard of them did not say.
NOT_HEARD = "not heard"
NOT_ANSWERED = "asked for, not answered"
# Built once: every push passes here.
_THIS = channels.c.channel_id == sa.bindparam("channel")
_PLACE = sa.select(channels.c.watch_from, channels.c.top_id, channels.c.pts).where(_THIS)
_ADVANCE = channels.update().where(_THIS).values(top_id=sa.bindparam("top"), pts=sa.bindparam("point"))


class Intake:
    """From the wire to versions. Every verb is one transaction, and repeating it changes nothing."""

    def __init__(self, database: Database, clock: Clock, burst: Burst) -> None:
        self._database = database
        self._clock = clock
        self._burst = burst
        self._records = GroupCommit(database, self._record)

    @verb
    async def record(self, heard: Heard) -> int:
        """Record what one answer or push said of a channel; return the number of raw messages that are new.

        What several channels say at once is one transaction. Raise StoreError when the channel is not pinned.
        """
        return await self._records.write(heard)

    async def _record(self, conn: AsyncConnection, heard: Heard) -> int:
        window = await _advance(conn, heard)
        new = await _insert_raw(conn, heard, window)
        assigned = await _assign(conn, heard)
        await _move_gaps(conn, heard, window, assigned.fresh)
        gone = await mark_deleted(conn, heard.channel_id, assigned.deleted, at=heard.at, how=heard.how)
        await note_deletions(conn, heard.channel_id, gone, at=heard.at, burst=self._burst)
        return new

    @verb
    async def unread(self, limit: int = 100, *, after: int = 0) -> tuple[Unread, ...]:
        """Raw messages that nobody has converted, the oldest first; those with a raw id above `after`."""
        c = raw_messages.c
        query = raw_messages.select().where(c.state == "unread", c.raw_id > after).order_by(c.raw_id)
        async with self._database.read() as conn:
            rows = (await conn.execute(query.limit(limit))).mappings().all()
        return tuple(
            Unread(
                raw_id=row["raw_id"],
                channel_id=row["channel_id"],
                how=How(row["how"]),
                heard_at=row["heard_at"],
                raw=RawMessage(**{name: row[name] for name in ("message_id", "body", "layer", "digest", "service")}),
            )
            for row in rows
        )

    @verb
    async def quarantine(self, raw_id: int, reason: str) -> None:
        """Set aside a raw message that cannot be converted: kept and counted, not read again until `requeue`."""
        unread = raw_messages.update().where(raw_messages.c.raw_id == raw_id, raw_messages.c.state == "unread")
        async with self._database.write() as conn:
            await conn.execute(unread.values(state="quarantined", reason=reason))

    @verb
    async def requeue(self) -> int:
        """Have everything in quarantine read again, as after an upgrade; return how many."""
        aside = raw_messages.update().where(raw_messages.c.state == "quarantined")
        async with self._database.write() as conn:
            return (await conn.execute(aside.values(state="unread", reason=None))).rowcount

    @verb
    async def known(self, messages: Sequence[Message]) -> dict[Key, Known]:
        """What is held about these messages.

        Alerts, newest state, a transcript of the media that they bear, and the other items of their albums.
        """
        keys = [message.key for message in messages]
        albums = albums_of(messages)
        documents = {message.key: message.media.document_id for message in messages if message.media}
        async with self._database.read() as conn:
            forms = await load_forms(conn, keys, albums)
            items = await load_items(conn, set(albums.values()), living=True) if albums else {}
            latest = await _load_latest(conn, keys)
            heard = {}
            if documents:
                query = sa.select(recordings.c.document_id, transcripts.c.transcript).join_from(
                    recordings, transcripts, transcripts.c.sha256 == recordings.c.sha256
                )
                found = query.where(recordings.c.document_id.in_(set(documents.values())), recordings.c.state == "done")
                heard = {document: transcript for document, transcript in await conn.execute(found)}
        return {
            key: Known(
                forms=forms.get(key, frozenset()),
                transcript=heard.get(documents.get(key)),
                latest=latest.get(key),
                siblings=siblings(key, albums, items),
            )
            for key in keys
        }

    @verb
    async def observe(self, observations: Sequence[Observation]) -> int:
        """Write versions, recordings, matches, alerts, outbox and search index; return the number of new alerts.

        Raise StoreError for a raw message that was never recorded.
        """
        if not observations:
            return 0
        async with self._database.write() as conn:
            alerts, gone = await write_observations(conn, observations, at=self._clock())
            for channel_id, ids in gone.items():
                await note_deletions(conn, channel_id, list(ids), at=max(ids.values()), burst=self._burst)
            return alerts

    @verb
    async def raise_past(self, found: Sequence[Raised]) -> int:
        """Raise alerts on what the archive holds; return how many are new.

        As with an edit, only a (rule, form) that has not alerted on the post raises one; so doing it again raises none.
        """
        if not found:
            return 0
        async with self._database.write() as conn:
            keys = [one.key for one in found]
            known = await load_forms(conn, keys, await load_albums(conn, keys))
            news = [one for one in found if one.match.forms - known[one.key]]
            spoken = [one for one in news if all(span.source is Source.TRANSCRIPT for span in one.match.spans)]
            written = [one for one in news if one not in spoken]
            alerts = await raise_alerts(conn, written, spoken=False, at=self._clock())
            return alerts + await raise_alerts(conn, spoken, spoken=True, at=self._clock())


@dataclass(frozen=True, slots=True)
class _Window:
    """The ids that must be accounted for: from `first` to `top`, which was `before` until now."""

    first: int
    before: int
    top: int


async def _advance(conn: AsyncConnection, heard: Heard) -> _Window:
    """Move top_id and pts, forwards only."""
    row = (await conn.execute(_PLACE, {"channel": heard.channel_id})).first()
    if row is None:
        raise StoreError(f"Channel {heard.channel_id} is not pinned: pin it before recording what it says")
    named = [heard.top_id or 0, *(message.message_id for message in heard.messages)]
    top_id, pts = max(row.top_id, *named), max(row.pts, heard.pts or 0)
    if (top_id, pts) != (row.top_id, row.pts):
        await conn.execute(_ADVANCE, {"channel": heard.channel_id, "top": top_id, "point": pts})
    return _Window(row.watch_from, row.top_id, top_id)


async def _move_gaps(conn: AsyncConnection, heard: Heard, window: _Window, fresh: Sequence[int]) -> None:
    """Close and open gaps; `fresh` are the ids that the ledger did not know until now.

    A post that is the next one, or that was known, neither opens nor closes any: nothing is asked then.
    """
    closed = [number for number in fresh if window.first <= number <= window.before]
    if closed:
        await close_gaps(conn, heard.channel_id, closed)
    first = max(window.before + 1, window.first)
    known = sum(first <= number <= window.top for number in fresh)
    if known <= window.top - first:
        reason = heard.gap_reason or NOT_HEARD
        await open_gaps(conn, heard.channel_id, first, window.top, since=heard.at, reason=reason)
    if heard.unanswered:
        await explain_gaps(conn, heard.channel_id, heard.unanswered, heard.gap_reason or NOT_ANSWERED)


async def _insert_raw(conn: AsyncConnection, heard: Heard, window: _Window) -> int:
    rows = [
        {
            "channel_id": heard.channel_id,
            "message_id": message.message_id,
            "digest": message.digest,
            "body": message.body,
            "layer": message.layer,
            "service": message.service,
            "how": heard.how,
            "heard_at": heard.at,
            "state": "unread",
        }
        for message in await _news(conn, heard, window)
    ]
    if rows:
        await conn.execute(raw_messages.insert(), rows)
    return len(rows)


async def _news(conn: AsyncConnection, heard: Heard, window: _Window) -> list[RawMessage]:
    """States that are not held, and the last one told of a message when it is held but not its newest: it has returned.

    Only the last, for a history that is told again runs through states that have passed. Nothing is held above the top.
    """
    last = {message.message_id: number for number, message in enumerate(heard.messages)}
    if len(last) == len(heard.messages) and min(last, default=0) > window.before:
        return [*heard.messages]
    c = raw_messages.c
    keys = [Key(channel_id=heard.channel_id, message_id=number) for number in last if number <= window.before]
    query = sa.select(c.message_id, c.digest).select_from(Wanted(conn, keys).within(raw_messages)).order_by(c.raw_id)
    # By message, the oldest first.
    held: dict[int, list[bytes]] = defaultdict(list)
    for message_id, digest in await conn.execute(query) if keys else ():
        held[message_id].append(bytes(digest))
    news = []
    for number, message in enumerate(heard.messages):
        states = held[message.message_id]
        returned = bool(states) and states[-1] != message.digest and number == last[message.message_id]
        if message.digest not in states or returned:
            states.append(message.digest)
            news.append(message)
    return news


async def _assign(conn: AsyncConnection, heard: Heard) -> Assigned:
    """Bring the ledger up to date."""
    parts: list[tuple[set[int], IdState]] = [
        ({message.message_id for message in heard.messages if message.service}, IdState.SERVICE),
        ({message.message_id for message in heard.messages if not message.service}, IdState.STORED),
        (set(heard.deleted), IdState.DELETED),
    ]
    return await assign_ids(conn, heard.channel_id, parts, heard.how)


async def _load_latest(conn: AsyncConnection, keys: Sequence[Key]) -> dict[Key, Message]:
    current = Wanted(conn, keys).within(messages).join(versions, IS_NEWEST)
    query = sa.select(versions.c.message).select_from(current)
    return {message.key: message for message in (await conn.scalars(query))}
