"""Telegram's updates and answers, read into our nouns. Pure: nothing is asked here."""

from collections.abc import Iterable
from typing import Any

from telethon.tl import types

from bot.model import ChannelId, MessageId, RawMessage
from bot.telegram.convert import raw_message
from bot.telegram.ids import marked
from bot.telegram.ledger import Push
from bot.telegram.questions import Answer, Empty, Sighting, Slice, TooLong


def channel_of(update: Any) -> ChannelId | None:
    """The channel that an update speaks of; None for updates of anything else."""
    message = getattr(update, "message", None)
    peer = getattr(message, "peer_id", None)
    if isinstance(peer, types.PeerChannel):
        return marked(peer.channel_id)
    bare_id = getattr(update, "channel_id", None)
    return marked(bare_id) if isinstance(bare_id, int) else None


def push_of(update: Any) -> Push | None:
    """The update as a push; None when it is only a hint (no pts, or a pts that says "too long")."""
    pts, count = getattr(update, "pts", None), getattr(update, "pts_count", None)
    if pts is None or count is None:
        return None
    messages, deleted = read_updates([update])
    return Push(pts=pts, count=count, messages=messages, deleted=deleted)


def read_updates(updates: Iterable[Any]) -> tuple[tuple[RawMessage, ...], tuple[MessageId, ...]]:
    """Messages, new and edited, and deleted ids, in the order of the updates; other updates only move pts."""
    messages: list[RawMessage] = []
    deleted: list[MessageId] = []
    for update in updates:
        match update:
            case types.UpdateNewChannelMessage() | types.UpdateEditChannelMessage():
                if not isinstance(update.message, types.MessageEmpty):
                    messages.append(raw_message(update.message))
            case types.UpdateDeleteChannelMessages():
                deleted.extend(MessageId(i) for i in update.messages)
    return tuple(messages), tuple(deleted)


def sort_out(tl_messages: list[Any], wanted: set[int] | None = None, pts: int | None = None) -> Answer:
    """Messages and empties apart, matched by id; what was not asked for is left out."""
    fitting = [tl for tl in tl_messages if wanted is None or tl.id in wanted]
    there = [tl for tl in fitting if not isinstance(tl, types.MessageEmpty)]
    return Answer(
        messages=tuple(raw_message(tl) for tl in there),
        deleted=tuple(MessageId(tl.id) for tl in fitting if isinstance(tl, types.MessageEmpty)),
        pts=pts,
        lowest=min((tl.id for tl in fitting), default=0),
        oldest=min((tl.date.timestamp() for tl in there if tl.date), default=None),
    )


def read_sighting(dialog: Any) -> Sighting:
    """Where a dialog says that its channel stands."""
    return Sighting(pts=dialog.pts, top=dialog.top_message)


def read_difference(answer: Any) -> Slice | Empty | TooLong:
    """One answer to updates.getChannelDifference. Raises TypeError for anything else."""
    match answer:
        case types.updates.ChannelDifferenceEmpty():
            return Empty(answer.pts)
        case types.updates.ChannelDifferenceTooLong():
            return TooLong(sighting=read_sighting(answer.dialog), messages=sort_out(answer.messages).messages)
        case types.updates.ChannelDifference():
            new = sort_out(answer.new_messages)
            changed, deleted = read_updates(answer.other_updates)
            counts = (getattr(update, "pts_count", None) or 0 for update in answer.other_updates)
            return Slice(
                pts=answer.pts,
                messages=new.messages + changed,
                deleted=new.deleted + deleted,
                told=len(answer.new_messages) + sum(counts),
                final=bool(answer.final),
            )
    raise TypeError(f"no channel difference: {type(answer).__name__}")
