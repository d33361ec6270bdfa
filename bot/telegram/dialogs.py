"""The chats that an account is in, which is where access hashes come from without looking up a name."""

from typing import Any

from telethon.tl import functions, types

from bot.model import ChannelId
from bot.telegram.account import Account
from bot.telegram.ids import marked

# Dialogs in one messages.getDialogs.
PAGE = 100


async def channels_in_dialogs(account: Account) -> dict[ChannelId, Any]:
    """Every channel that the account is in, as types.Channel. Raises what `Account.call` raises."""
    found: dict[ChannelId, Any] = {}
    date, message_id, peer = None, 0, types.InputPeerEmpty()
    while True:
        answer = await account.call(
            functions.messages.GetDialogsRequest(
                offset_date=date, offset_id=message_id, offset_peer=peer, limit=PAGE, hash=0
            )
        )
        found |= {marked(chat.id): chat for chat in answer.chats if isinstance(chat, types.Channel)}
        if not isinstance(answer, types.messages.DialogsSlice) or not answer.dialogs:
            return found
        offset = _next_offset(answer)
        if offset[:2] == (date, message_id):
            return found
        date, message_id, peer = offset


def _next_offset(answer: Any) -> tuple[Any, int, Any]:
    """Where the next page of dialogs begins: at the last one that has a message and a peer we can name."""
    last = answer.dialogs[-1]
    date = next((m.date for m in answer.messages if m.id == last.top_message and m.peer_id == last.peer), None)
    match last.peer:
        case types.PeerChannel():
            chat = next((c for c in answer.chats if c.id == last.peer.channel_id), None)
            peer: Any = types.InputPeerChannel(last.peer.channel_id, getattr(chat, "access_hash", None) or 0)
        case types.PeerChat():
            peer = types.InputPeerChat(last.peer.chat_id)
        case _:
            user = next((u for u in answer.users if u.id == last.peer.user_id), None)
            peer = types.InputPeerUser(last.peer.user_id, getattr(user, "access_hash", None) or 0)
    return date, last.top_message, peer
