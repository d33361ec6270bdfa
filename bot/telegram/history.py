"""Reading what a channel holds: pages of its history, and ids one by one.

Raw requests with our own loop. Measured with Telethon 1.45.0: its iterator ends, as a success, at the first page of
deleted messages, and its answers by id are matched by position, so that one omitted id shifts all that follow.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from telethon.tl import functions, types

from bot.model import Channel, MessageId, RawMessage
from bot.telegram.account import Account
from bot.telegram.convert import raw_message
from bot.telegram.ids import input_channel, input_peer
from bot.telegram.ledger import chunks, missing

# Messages or ids per request.
PAGE = 100
# Ids that one verified page may span: where most are deleted, a page of history reaches far down.
SPAN = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said of some ids: messages, and ids that it calls empty, which is how it says deleted."""

    messages: tuple[RawMessage, ...] = ()
    deleted: tuple[MessageId, ...] = ()
    # The lowest id that the answer speaks of; 0 when it speaks of none.
    lowest: int = 0
    # Unix time of the oldest message; None when there is none.
    oldest: float | None = None

    def __add__(self, other: "Answer") -> "Answer":
        lows = [low for low in (self.lowest, other.lowest) if low]
        dates = [date for date in (self.oldest, other.oldest) if date is not None]
        return Answer(
            messages=self.messages + other.messages,
            deleted=self.deleted + other.deleted,
            lowest=min(lows, default=0),
            oldest=min(dates, default=None),
        )


def sort_out(tl_messages: list[Any], wanted: set[int] | None = None) -> Answer:
    """Messages and empties apart, matched by id; what was not asked for is left out."""
    fitting = [tl for tl in tl_messages if wanted is None or tl.id in wanted]
    there = [tl for tl in fitting if not isinstance(tl, types.MessageEmpty)]
    return Answer(
        messages=tuple(raw_message(tl) for tl in there),
        deleted=tuple(MessageId(tl.id) for tl in fitting if isinstance(tl, types.MessageEmpty)),
        lowest=min((tl.id for tl in fitting), default=0),
        oldest=min((tl.date.timestamp() for tl in there if tl.date), default=None),
    )


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


async def by_ids(account: Account, channel: Channel, ids: list[MessageId]) -> Answer:
    """Ask for ids. One that comes back neither as message nor as empty is in neither list, and stays a gap."""
    total = Answer()
    for piece in chunks(ids, PAGE):
        wanted = [types.InputMessageID(message_id) for message_id in piece]
        answer = await account.call(functions.channels.GetMessagesRequest(input_channel(channel), wanted))
        total += sort_out(answer.messages, set(piece))
    return total


async def page_below(account: Account, channel: Channel, upper: int) -> Answer:
    """Up to 100 messages with ids of at most `upper`, newest first."""
    answer = await account.call(
        functions.messages.GetHistoryRequest(
            peer=input_peer(channel),
            offset_id=upper + 1,
            offset_date=None,
            add_offset=0,
            limit=PAGE,
            max_id=0,
            min_id=0,
            hash=0,
        )
    )
    return sort_out(answer.messages)


async def verified_page_below(account: Account, channel: Channel, upper: int, floor: int) -> Answer:
    """A page of history, with the ids that it leaves out asked for by id; it spans at most 1,000 ids, none below `floor`.

    Every id from `lowest` to `upper` has been asked for.
    """
    page = await page_below(account, channel, upper)
    lowest = max(page.lowest, floor, upper - SPAN + 1)
    kept = Answer(
        messages=tuple(raw for raw in page.messages if lowest <= raw.message_id <= upper),
        deleted=tuple(i for i in page.deleted if lowest <= i <= upper),
        oldest=page.oldest,
    )
    listed = {raw.message_id for raw in kept.messages} | set(kept.deleted)
    both = kept + await by_ids(account, channel, missing(upper, lowest, listed))
    return replace(both, lowest=lowest)
