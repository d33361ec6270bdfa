"""Reading what a channel holds: pages of its history, and ids one by one.

Raw requests with our own loop. Measured with Telethon 1.45.0: its iterator ends, as a success, at the first page of
deleted messages, and its answers by id are matched by position, so that one omitted id shifts all that follow.
"""

from dataclasses import replace

from telethon.tl import functions, types

from bot.model import Channel, MessageId
from bot.telegram.account import Account
from bot.telegram.answers import sort_out
from bot.telegram.ids import input_channel, input_peer
from bot.telegram.ledger import chunks, missing
from bot.telegram.questions import Answer
from bot.telegram.received import keep_bytes

# Messages or ids per request.
PAGE = 100
# Ids that one verified page may span: where most are deleted, a page of history reaches far down.
SPAN = 1000


async def by_ids(account: Account, channel: Channel, ids: list[MessageId], *, timeout: float = 30.0) -> Answer:
    """Ask for ids. One that comes back neither as message nor as empty is in neither list, and stays a gap."""
    total = Answer()
    for piece in chunks(ids, PAGE):
        wanted = [types.InputMessageID(message_id) for message_id in piece]
        request = functions.channels.GetMessagesRequest(input_channel(channel), wanted)
        answer = await account.call(keep_bytes(request), timeout=timeout)
        total += sort_out(answer.messages, set(piece), getattr(answer, "pts", None))
    return total


async def page_below(account: Account, channel: Channel, upper: int, *, timeout: float = 30.0) -> Answer:
    """Up to 100 messages with ids of at most `upper`, newest first."""
    request = functions.messages.GetHistoryRequest(
        peer=input_peer(channel),
        offset_id=upper + 1,
        offset_date=None,
        add_offset=0,
        limit=PAGE,
        max_id=0,
        min_id=0,
        hash=0,
    )
    answer = await account.call(keep_bytes(request), timeout=timeout)
    return sort_out(answer.messages, pts=getattr(answer, "pts", None))


async def verified_page_below(account: Account, channel: Channel, upper: int, floor: int) -> Answer:
    """A page of history, with the ids that it leaves out asked for by id; it spans at most 1,000 ids, none below `floor`.

    Every id from `lowest` to `upper` has been asked for.
    """
    page = await page_below(account, channel, upper)
    lowest = max(page.lowest, floor, upper - SPAN + 1)
    kept = page.between(lowest, upper)
    both = kept + await by_ids(account, channel, missing(upper, lowest, kept.ids))
    return replace(both, lowest=lowest)
