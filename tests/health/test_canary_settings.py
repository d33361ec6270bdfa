"""The canary's settings: what keeps it from flying is said before anything starts."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.app.canary import check_canary
from bot.app.parts import wanted_channels
from bot.config import Config, load_config
from bot.errors import ConfigError
from bot.model import Mode
from tests.configured import Folder, server_key


def configured(tmp_path: Path, **settings: dict[str, Any]) -> Config:
    """A complete configuration with these changes, section by section."""
    folder = Folder(tmp_path / "earshot", ExitStack(), key=server_key())
    folder.write("secrets/hook", "json://127.0.0.1/hook")
    for section, values in settings.items():
        folder.set(section, **values)
    return load_config(tmp_path / "earshot" / "earshot.yaml", environment={})


def test_without_a_canary(tmp_path: Path) -> None:
    """It is off as long as no channel is named, and nothing is watched for it."""
    config = configured(tmp_path)
    assert check_canary(config) == "turned off"
    assert len(wanted_channels(config)) == len(config.channels)


@pytest.mark.parametrize(("channel", "named"), [("@Our_Canary", "Our_Canary"), (-1001000000009, -1001000000009)])
def test_its_channel_is_watched_beside_the_others(tmp_path: Path, channel: str | int, named: str | int) -> None:
    """By handle or by id, joined, looked at first, in a category of its own."""
    config = configured(tmp_path, canary={"channel": channel})
    assert (
        check_canary(config) == "every 10 min; when it came through, nobody outside is asked (no canary.ping_url_file)"
    )
    wanted = wanted_channels(config)[-1]
    assert named in (wanted.handle, wanted.channel_id)
    assert (wanted.category, wanted.priority, wanted.mode) == ("canary", 1, Mode.JOIN)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"canary": {"channel": "BLOGGER"}}, "canary.channel: BLOGGER is in channels.yaml too; remove it there"),
        (
            {
                "canary": {"channel": "our_canary"},
                "alerts": {"apprise": [{"name": "canary", "url_file": "secrets/hook"}]},
            },
            "the name 'canary' is the canary's own",
        ),
        (
            {
                "canary": {"channel": "our_canary"},
                "alerts": {
                    "chat": None,
                    "bot_token_file": None,
                    "apprise": [{"name": "hook", "url_file": "secrets/hook"}],
                },
            },
            "canary.channel: the alert bot posts there; get a token",
        ),
    ],
    ids=["listed twice", "name taken", "no bot"],
)
def test_what_keeps_it_from_flying(tmp_path: Path, settings: dict[str, dict[str, Any]], reason: str) -> None:
    """One clear line that names the key and what to do."""
    with pytest.raises(ConfigError) as refusal:
        check_canary(configured(tmp_path, **settings))
    assert reason in str(refusal.value)


def test_the_url_is_a_secret(tmp_path: Path) -> None:
    """It is read from its file and shown nowhere."""
    folder = tmp_path / "earshot" / "secrets"
    folder.mkdir(parents=True)
    (folder / "ping_url").write_text("https://hc-ping.com/secret-uuid\n")
    config = configured(tmp_path, canary={"channel": "our_canary", "ping_url_file": "secrets/ping_url"})
    assert check_canary(config) == "every 10 min; when it came through, a URL is asked"
    assert "secret-uuid" not in repr(config)
