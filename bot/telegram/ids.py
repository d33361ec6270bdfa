"""Channel ids: Telegram's bare ones on the wire, marked ones (-100...) everywhere else."""

from telethon.tl import types

from bot.model import Channel, ChannelId

_MARK = 10**12


def marked(bare_id: int) -> ChannelId:
    """The marked id of a channel."""
    return ChannelId(-_MARK - bare_id)


def bare(channel_id: ChannelId) -> int:
    """The id of a channel as the wire has it."""
    return -channel_id - _MARK


def input_channel(channel: Channel) -> types.InputChannel:
    """A channel as the channels.* and updates.* methods take it."""
    return types.InputChannel(bare(channel.channel_id), channel.access_hash)


def input_peer(channel: Channel) -> types.InputPeerChannel:
    """A channel as the messages.* methods take it."""
    return types.InputPeerChannel(bare(channel.channel_id), channel.access_hash)
