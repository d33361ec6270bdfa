"""What the operator writes: earshot.yaml, channels.yaml, rules/ and secrets, checked before anything else happens."""

from bot.config.load import Config, examine_config, find_config, load_config, read_rules
from bot.config.settings import ENVIRONMENT, Settings

__all__ = ["ENVIRONMENT", "Config", "Settings", "examine_config", "find_config", "load_config", "read_rules"]
