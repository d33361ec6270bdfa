"""What people are told about the accounts, and through what."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from bot.errors import EarshotError
from bot.model import Alarm
from bot.telegram.account import Account
from bot.telegram.refusals import state_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How people are told."""

    # A name that is told once in the life of the database, and the words.
    tell: Callable[[str, str], Awaitable[object]]
    # An alarm, and the words in which it is told now. Whoever looks after alarms ends it.
    alarm: Callable[[Alarm, str], Awaitable[object]]

    async def tell_loss(
        self, name: str, error: EarshotError, at: datetime, *, heard_by: Counter[str], waiting: int
    ) -> None:
        """An account is lost. `heard_by`: how many of its channels each other account hears now; `waiting`: the others."""
        over = ", ".join(f"{count} by {other}" for other, count in sorted(heard_by.items()))
        parts = [f"heard from now on: {over}"] if over else []
        parts += [f"waiting to be looked up by another account: {waiting}"] if waiting else []
        text = f"The watching account {name} is {state_of(error).value}: {error}"
        channels = f". Its channels: {'; '.join(parts)}" if parts else ""
        await self.alarm(Alarm(name=f"account:{name}", since=at, text=text), text + channels)

    async def tell_news(self, account: Account) -> None:
        """Words of Telegram's that nobody here knows."""
        for word, method in tuple(account.news):
            await self.tell(f"new:{word}:{method}", f"Telegram said something new: {word} to {method}")
