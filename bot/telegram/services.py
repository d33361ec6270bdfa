"""Service messages in words: `pin`, `title: New name`."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from telethon.tl import types
from telethon.utils import get_peer_id

# What people should read where the class name is not enough. All others are spelled from their class names.
_SPELLED: dict[type, Callable[[Any], str]] = {
    types.MessageActionPinMessage: lambda action: "pin",
    types.MessageActionChatEditTitle: lambda action: f"title: {action.title}",
    types.MessageActionChatEditPhoto: lambda action: "photo changed",
    types.MessageActionChatDeletePhoto: lambda action: "photo removed",
    types.MessageActionChannelCreate: lambda action: f"created: {action.title}",
    types.MessageActionChatCreate: lambda action: f"group created: {action.title}",
    types.MessageActionChatMigrateTo: lambda action: f"migrated to {_channel(action.channel_id)}",
    types.MessageActionChannelMigrateFrom: lambda action: f"migrated from group {-action.chat_id}: {action.title}",
    types.MessageActionChatAddUser: lambda action: f"joined: {_ids(action.users)}",
    types.MessageActionChatDeleteUser: lambda action: f"left: {action.user_id}",
    types.MessageActionChatJoinedByLink: lambda action: "joined by link",
    types.MessageActionChatJoinedByRequest: lambda action: "joined by request",
    types.MessageActionChangeCreator: lambda action: f"new owner: {action.new_creator_id}",
    types.MessageActionNewCreatorPending: lambda action: f"new owner pending: {action.new_creator_id}",
    types.MessageActionCustomAction: lambda action: f"custom action: {action.message}",
    types.MessageActionTopicCreate: lambda action: f"topic created: {action.title}",
    types.MessageActionGroupCallScheduled: lambda action: f"live stream scheduled: {_minute(action.schedule_date)}",
    types.MessageActionGroupCall: lambda action: _call(action.duration),
    types.MessageActionSetMessagesTTL: lambda action: f"messages expire after {action.period} s",
    types.MessageActionGiveawayLaunch: lambda action: "giveaway launched",
}  # fmt: skip


def service_words(action: Any) -> str:
    """What happened; every MessageAction has words, also one that is newer than this list."""
    spelled = _SPELLED.get(type(action))
    if spelled:
        return spelled(action)
    stem = type(action).__name__.removeprefix("MessageAction")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", stem).lower()


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _channel(channel_id: int) -> int:
    return int(get_peer_id(types.PeerChannel(channel_id)))


def _ids(users: list[int]) -> str:
    return ", ".join(str(user) for user in users)


def _call(duration: int | None) -> str:
    return "live stream started" if duration is None else f"live stream ended after {duration} s"
