"""The overview: where the server stands with many channels at once, and what each of them has to be asked."""

from collections.abc import Sequence

import structlog
from telethon.tl import functions, types

from bot.errors import ChannelUnavailable, Refused
from bot.telegram.account import Account
from bot.telegram.feed import Feed
from bot.telegram.ids import input_peer, marked
from bot.telegram.ledger import Ask

log = structlog.get_logger()

# Channels in one messages.getPeerDialogs.
BATCH = 100


async def look(account: Account, feeds: Sequence[Feed]) -> None:
    """Ask where these channels stand and tell each feed what it wants; one that spoils the request is found by halving.

    A channel that the answer leaves out is asked by itself. Raises what `Account.call` raises for the whole request.
    """
    peers = [types.InputDialogPeer(input_peer(feed.channel)) for feed in feeds]
    try:
        answer = await account.call(functions.messages.GetPeerDialogsRequest(peers))
    except (ChannelUnavailable, Refused) as error:
        if len(feeds) == 1:
            log.info("channel not in the overview", channel=feeds[0].channel.channel_id, error=str(error))
            feeds[0].want(Ask.DIFFERENCE)
            return
        middle = len(feeds) // 2
        await look(account, feeds[:middle])
        await look(account, feeds[middle:])
        return
    dialogs = {marked(d.peer.channel_id): d for d in answer.dialogs if isinstance(d.peer, types.PeerChannel)}
    for feed in feeds:
        dialog = dialogs.get(feed.channel.channel_id)
        feed.want(feed.needs(dialog.pts, dialog.top_message) if dialog else Ask.DIFFERENCE)
