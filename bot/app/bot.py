"""The alert bot: one account, by which alerts and canaries are posted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from bot.app.parts import open_account
from bot.config import Config
from bot.store import Store
from bot.telegram import Account, AnalystChat, login_bot


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertBot:
    """The bot, logged in, and how it logs in anew when its session is lost."""

    account: Account
    login: Callable[[], Awaitable[object]]

    def chat(self, where: str | int, *, name: str) -> AnalystChat:
        """A way into a chat or channel that the bot may write in. `name`: as a sink."""
        return AnalystChat(self.account, where, name=name, login=self.login)


@asynccontextmanager
async def open_bot(config: Config, store: Store) -> AsyncIterator[AlertBot | None]:
    """The bot; None when neither chat nor canary needs one."""
    needed = config.settings.alerts.chat is not None or config.settings.canary.channel is not None
    if not needed or config.bot_token is None:
        yield None
        return
    async with open_account(config, store, name="bot") as account:
        login = partial(login_bot, account, config.bot_token.get_secret_value())
        await login()
        yield AlertBot(account=account, login=login)
