"""The other items of an album in which an alert's words were found, as they were when the alert was raised.

An alert keeps the number of the version that it names, and only the ids of other items. Which of their states it is
about is told by time and words: of those that were heard by then the one in which most of the words stand where they
were found, and of several the newest. (An edit can be heard while the state before it is still being matched.)
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import WRITTEN, AlbumItem, Key, Match, Message, MessageId, RecordingState
from bot.store.keys import Wanted, same_message
from bot.store.posts import stamp
from bot.store.schema import messages, recordings, transcripts, versions
from bot.store.texts import words
from bot.transcript import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """One state of a message, and what has become of that since."""

    message: Message
    number: int
    stored_at: datetime
    recording_id: int | None
    current: int
    deleted: bool


def other_items(match: Match, *, written: bool = False) -> list[MessageId]:
    """The items in which words were found, but for the one that the alert names; `written`: words of text or caption."""
    found = (span for span in match.spans if span.item is not None and (not written or span.source in WRITTEN))
    return list(dict.fromkeys(span.item for span in found if span.item is not None))


async def load_named(conn: AsyncConnection, alerts: Sequence[RowMapping]) -> dict[int, tuple[AlbumItem, ...]]:
    """The other items by alert id, without English, in the order of the words; those not recorded are left out.

    `alerts`: rows with alert_id, channel_id, match and created_at. One without other items is not in the answer.
    """
    named = {row["alert_id"]: _keys(row) for row in alerts if other_items(row["match"])}
    if not named:
        return {}
    states = await _load_states(conn, {key for keys in named.values() for key in keys})
    chosen = {
        row["alert_id"]: [_chosen(states[key], row) for key in named[row["alert_id"]] if key in states]
        for row in alerts
        if row["alert_id"] in named
    }
    heard = await _load_heard(conn, {state.recording_id for found in chosen.values() for state in found} - {None})
    return {
        alert_id: tuple(_item(state, heard.get(state.recording_id)) for state in found)
        for alert_id, found in chosen.items()
    }


def _keys(row: RowMapping) -> list[Key]:
    return [Key(channel_id=row["channel_id"], message_id=number) for number in other_items(row["match"])]


async def _load_states(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, list[_State]]:
    """Every state of these messages, deletions left out."""
    m, v = messages.c, versions.c
    joined = Wanted(conn, keys).within(messages).join(versions, same_message(messages, versions))
    columns = (v.message, v.number, v.stored_at, v.recording_id, m.current, m.deleted_at)
    states: dict[Key, list[_State]] = defaultdict(list)
    for row in await conn.execute(sa.select(*columns).select_from(joined).where(v.message.is_not(None))):
        state = _State(
            message=row.message,
            number=row.number,
            stored_at=row.stored_at,
            recording_id=row.recording_id,
            current=row.current,
            deleted=row.deleted_at is not None,
        )
        states[row.message.key].append(state)
    return dict(states)


def _chosen(states: Sequence[_State], row: RowMapping) -> _State:
    # Of another machine's clock no state may be early enough.
    by_then = [state for state in states if state.stored_at <= row["created_at"]]
    match = row["match"]
    return max(
        by_then or states, key=lambda state: (_standing(state.message, match), stamp(state.message), state.number)
    )


def _standing(message: Message, match: Match) -> int:
    """How many of the words that were found in a message's text stand there in this state of it."""
    spans = [span for span in match.spans if span.item == message.message_id and span.source in WRITTEN]
    return sum(words(message.text[span.start : span.end]) == words(span.form) for span in spans)


async def _load_heard(conn: AsyncConnection, recording_ids: Iterable[int | None]) -> dict[int | None, Transcript]:
    wanted = set(recording_ids)
    if not wanted:
        return {}
    r = recordings.c
    query = sa.select(r.recording_id, transcripts.c.transcript).join_from(
        recordings, transcripts, transcripts.c.sha256 == r.sha256
    )
    found = query.where(r.recording_id.in_(wanted), r.state == RecordingState.DONE)
    return {recording_id: transcript for recording_id, transcript in await conn.execute(found)}


def _item(state: _State, transcript: Transcript | None) -> AlbumItem:
    return AlbumItem(
        message=state.message,
        transcript=transcript,
        version=state.number,
        edited_since=state.number != state.current,
        deleted_since=state.deleted,
    )
