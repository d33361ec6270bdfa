"""How an alert names channels and posts, and what strangers wrote inside one of our lines. Pure."""

import re
from dataclasses import replace

from bot.alerts.neutral import clip, isolated, plain
from bot.model import Alert, Channel, MessageId, post_link

_HANDLE = re.compile(r"[A-Za-z0-9_]{1,64}")


def data(text: str, limit: int) -> str:
    """A stranger's or a rule's short text inside one of our lines, in at most `limit` UTF-16 units."""
    return isolated(clip(plain(text), limit))


def channel_name(channel: Channel) -> str:
    """Title and handle, as far as it has them; else its number."""
    title = data(channel.title, 150)
    handle = f"@{channel.handle}" if _has_handle(channel) else ""
    return f"{title} ({handle})" if title and handle else title or handle or str(channel.channel_id)


def link(alert: Alert, number: MessageId | None = None) -> str:
    """The address of the message that the alert names, or of another item of its album."""
    return post_link(linked(alert.channel), number or alert.message.message_id)


def linked(channel: Channel) -> Channel:
    """The channel as a link may name it."""
    return channel if _has_handle(channel) else replace(channel, handle=None)


def _has_handle(channel: Channel) -> bool:
    """Whether the handle is one that Telegram gives out, so that it can stand in a link."""
    return channel.handle is not None and _HANDLE.fullmatch(channel.handle) is not None
