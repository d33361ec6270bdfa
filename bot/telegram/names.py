"""Names change hands, the pinned ids stay: what channels are called now, held against what they are watched as."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from bot.errors import AccountDead, LoginNeeded, TelegramError
from bot.model import Channel
from bot.store import Store
from bot.telegram.ids import marked
from bot.telegram.seeker import Seeker, has_name

log = structlog.get_logger()


class NameKeeper:
    """Takes titles and memberships over as they are now, and collects what is odd."""

    def __init__(self, store: Store, *, look_up_lost: bool) -> None:
        """`look_up_lost`: ask who has a handle that a watched channel has lost: one look-up each."""
        self._store = store
        self._look_up_lost = look_up_lost
        # What keeps a channel from being heard, a line each.
        self.problems: list[str] = []
        # A stable name for each oddity, and a line for people.
        self.remarks: dict[str, str] = {}

    async def compare(self, seeker: Seeker, channels: Sequence[Channel]) -> None:
        """Compare channels that this account carries. Raises LoginNeeded and AccountDead."""
        asked = {channel.channel_id: channel for channel in channels if channel.access_hash}
        try:
            seen = await seeker.look(list(asked.values()))
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            log.warning("names not compared", account=seeker.name, error=str(error))
            return
        for channel_id, refusal in seen.refused.items():
            self.problems.append(f"{asked[channel_id].name}: {refusal}")
        for channel_id, chat in seen.chats.items():
            if (channel := asked.get(channel_id)) is not None:
                await self._compare(seeker, channel, chat)

    async def _compare(self, seeker: Seeker, channel: Channel, chat: Any) -> None:
        now = replace(channel, title=chat.title, access_hash=chat.access_hash, joined=not chat.left)
        if now != channel:
            await self._store.channels.pin(now, account=seeker.name)
        if channel.handle and not has_name(chat, channel.handle):
            await self._remark_on(seeker, channel, chat.username)

    async def _remark_on(self, seeker: Seeker, channel: Channel, called: str | None) -> None:
        """The channel has lost the handle that it is watched by."""
        now = f"@{called}" if called else "without a public name"
        self.remarks[f"renamed:{channel.channel_id}:{channel.handle}:{called or ''}"] = (
            f"@{channel.handle}: the channel {channel.channel_id} is now {now}. It is still the one that is watched; "
            f"write its id or its new name in channels.yaml"
        )
        if not self._look_up_lost:
            return
        try:
            holder = await seeker.resolve(channel.handle or "")
        except (LoginNeeded, AccountDead):
            raise
        except TelegramError as error:
            log.info("nobody known to have the lost name", handle=channel.handle, error=str(error))
            return
        if marked(holder.id) != channel.channel_id:
            self.remarks[f"taken:{channel.channel_id}:{channel.handle}:{marked(holder.id)}"] = (
                f"@{channel.handle}: the name has been taken over by another channel ({marked(holder.id)}, "
                f"{holder.title!r}). Watched is still {channel.channel_id}, {channel.title!r}"
            )
