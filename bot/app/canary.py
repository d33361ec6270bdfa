"""The canary's channel, as the configuration has it."""

from bot.canary import CANARY
from bot.config import Config
from bot.errors import ConfigError
from bot.model import Channel, ChannelId
from bot.telegram import WantedChannel


def check_canary(config: Config) -> str:
    """What the canary does, in words; ConfigError when it cannot."""
    canary = config.settings.canary
    if canary.channel is None:
        return "turned off"
    where = f"{config.file.name}: canary.channel"
    if config.bot_token is None:
        raise ConfigError(
            f"{where}: the alert bot posts there; get a token from @BotFather, then name a file that holds it "
            "(alerts.bot_token_file) or set EARSHOT_BOT_TOKEN"
        )
    if CANARY in config.apprise:
        raise ConfigError(f"{where}: alerts.apprise: the name '{CANARY}' is the canary's own; choose another")
    if any(_names(canary.channel, entry.handle, entry.id) for entry in config.channels):
        raise ConfigError(f"{where}: {canary.channel} is in {config.settings.channels_file} too; remove it there")
    then = "a URL is asked" if config.ping_url else "nobody outside is asked (no canary.ping_url_file)"
    return f"every {canary.every_minutes:g} min; when it came through, {then}"


def canary_channel(config: Config) -> list[WantedChannel]:
    """The channel to be watched beside those of channels.yaml; none when there is no canary."""
    named = config.settings.canary.channel
    if named is None:
        return []
    if isinstance(named, str):
        return [WantedChannel(handle=named, category=CANARY, priority=1)]
    return [WantedChannel(channel_id=ChannelId(named), category=CANARY, priority=1)]


def is_canary(config: Config, channel: Channel) -> bool:
    """Whether this is the canary's channel."""
    return _names(config.settings.canary.channel, channel.handle, channel.channel_id)


def _names(named: str | int | None, handle: str | None, channel_id: int | None) -> bool:
    if isinstance(named, str):
        return handle is not None and handle.lower() == named.lower()
    return named is not None and channel_id == named
