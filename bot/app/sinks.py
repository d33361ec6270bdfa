"""The sinks of a configuration, by name."""

from bot.config import Config
from bot.errors import ConfigError

CHAT = "chat"


def sink_names(config: Config) -> tuple[str, ...]:
    """Names of the sinks that this configuration has; ConfigError when there is none, since alerts would go nowhere."""
    alerts = config.settings.alerts
    names = tuple(config.apprise)
    if alerts.chat is not None:
        if config.bot_token is None:
            raise ConfigError(
                f"{config.file.name}: alerts.bot_token_file: the chat needs a bot; get a token from @BotFather, then name "
                "a file that holds it or set EARSHOT_BOT_TOKEN"
            )
        names = (CHAT, *names)
    if not names:
        raise ConfigError(
            f"{config.file.name}: alerts.chat: alerts would go nowhere; name the analysts' chat, or a route under "
            "alerts.apprise"
        )
    return names
