"""Wrong configuration: one clear line with file, line and key, and nothing is written."""

import stat
from pathlib import Path

import pytest

from bot.config import examine_config, find_config, load_config
from bot.errors import ConfigError

GOOD = "telegram: {api_id: 1}\n"
CHANNELS = "channels:\n  - handle: durov\n"
RULE = "rules:\n  - id: one\n    title: One\n    match: слово\n"


def write(folder: Path, settings: str = GOOD, channels: str = CHANNELS, rules: str | None = RULE) -> Path:
    """A configuration folder; its settings file."""
    (folder / "earshot.yaml").write_text(settings, "utf-8")
    (folder / "channels.yaml").write_text(channels, "utf-8")
    if rules is not None:
        (folder / "rules").mkdir()
        (folder / "rules" / "one.yaml").write_text(rules, "utf-8")
    return folder / "earshot.yaml"


def listing(folder: Path) -> set[str]:
    """Every path below `folder`."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


SETTINGS = [
    ("", "earshot.yaml: expected keys such as"),
    ("telegram", "earshot.yaml: expected keys such as"),
    ("- 1\n", "earshot.yaml: expected keys such as"),
    ("log: {}\n", "telegram: this key is needed"),
    ("telegram: {}\n", "telegram.api_id: this key is needed; From https://my.telegram.org"),
    ("telegram: {api_id: 0}\n", "earshot.yaml:1: telegram.api_id: input should be greater than or equal to 1; found 0"),
    ("telegram: {api_id: abc}\n", "earshot.yaml:1: telegram.api_id: input should be a valid integer"),
    ("telegram: {api_id: 1}\ntelegram: {api_id: 2}\n", "earshot.yaml:2: 'telegram' is given twice"),
    ("telegram: {api_id: 1\n", "earshot.yaml:2: not valid YAML"),
    ("telegram: {api_id: 1}\nlog: @x\n", "earshot.yaml:2: not valid YAML"),
    ("telegram:\n  api_id: 1\n  api_hash: secret\n", "earshot.yaml:3: telegram.api_hash: there is no such key: secrets stay out"),
    ("telegram:\n  api_id: 1\n  swep_seconds: 5\n", "earshot.yaml:3: telegram.swep_seconds: there is no such key; did you mean 'sweep_seconds'?"),
    (GOOD + "alert:\n  chat: 1\n", "earshot.yaml:2: alert: there is no such key; did you mean 'alerts'?"),
    (GOOD + "alerts:\n  bot_token: 1:x\n", "set EARSHOT_BOT_TOKEN"),
    (GOOD + "alerts: {chat: no}\n", "earshot.yaml:2: alerts.chat"),
    (GOOD + "alerts: {chat: 'a b'}\n", "earshot.yaml:2: alerts.chat"),
    (GOOD + "alerts: {per_minute: 0}\n", "earshot.yaml:2: alerts.per_minute"),
    (GOOD + "alerts: {bot_token_file: absent}\n", "alerts.bot_token_file"),
    (GOOD + "alerts:\n  apprise:\n    - {name: mail, url_file: absent}\n", "earshot.yaml:4: alerts.apprise.0.url_file"),
    (GOOD + "speech: {model: ''}\n", "earshot.yaml:2: speech.model"),
    (GOOD + "speech: {device: gpu}\n", "earshot.yaml:2: speech.device: input should be 'auto', 'cpu' or 'cuda'; found 'gpu'"),
    (GOOD + "speech: {kinds: [photo]}\n", "photo cannot hold speech"),
    (GOOD + "speech: {kinds: [song]}\n", "earshot.yaml:2: speech.kinds.0"),
    (GOOD + "speech: {language: russian}\n", "earshot.yaml:2: speech.language"),
    (GOOD + "speech: {beam_size: 0}\n", "earshot.yaml:2: speech.beam_size"),
    (GOOD + "health: {port: 99999}\n", "earshot.yaml:2: health.port"),
    (GOOD + "log: {level: loud}\n", "earshot.yaml:2: log.level"),
    (GOOD + "database: mysql://x/y\n", "earshot.yaml:2: database: expected postgresql://"),
    (GOOD + "database: earshot.db\n", "database: expected postgresql://"),
    (GOOD + "channels_file: absent.yaml\n", "absent.yaml: there is no such file"),
    (GOOD + "rules_folder: absent\n", "rules_folder: there is no such folder"),
    ("telegram: {api_id: 1, server: {host: x}}\n", "telegram.server.public_key_file: this key is needed"),
    ("telegram: {api_id: 1, api_hash_file: absent}\n", "telegram.api_hash_file"),
    ("telegram: {api_id: 99999999999}\n", "telegram.api_id: input should be less than or equal to 2147483647"),
    ("telegram: {api_id: 2023-13-45}\n", "earshot.yaml:1: '2023-13-45' is not understood"),
    ("telegram: {api_id: 1}\nlog: {level: \x07}\n", "earshot.yaml:2: not valid YAML: it holds the control character U+0007"),
    ("telegram: &t {api_id: 1, server: *t}\n", "a part of it contains itself"),
    ("[" * 5000, "earshot.yaml: nested too deep"),
    (GOOD + "speech: {compute_type: int9}\n", "earshot.yaml:2: speech.compute_type: input should be 'default'"),
    (GOOD + "database: {url: 'postgresql://u:hidden@h/n'}\n", "earshot.yaml:2: database: input should be a valid string; found dict."),
    ("telegram: {api_id: 1, api_hash_file: 0123456789abcdef0123456789abcdef}\n", "api_hash_file: expected the name of a file; write the secret into one"),
    ("telegram: {api_id: 1, accounts: []}\n", "earshot.yaml:1: telegram.accounts"),
    ("telegram: {api_id: 1, accounts: [main, main]}\n", "earshot.yaml:1: telegram: accounts need names of their own"),
    ("telegram: {api_id: 1, accounts: [bot]}\n", "'bot' is the alert bot's"),
    ("telegram: {api_id: 1, accounts: ['../x']}\n", "earshot.yaml:1: telegram.accounts.0"),
    (GOOD + "alarms: {daily_at: '25:00'}\n", "earshot.yaml:2: alarms.daily_at"),
    (GOOD + "alarms: {lag_minutes: 0}\n", "earshot.yaml:2: alarms.lag_minutes"),
    (GOOD + "canary: {channel: 'a b'}\n", "earshot.yaml:2: canary.channel"),
    (GOOD + "canary: {ping_url_file: absent}\n", "canary.ping_url_file"),
    (GOOD + "canary: {ping_url: 'https://x'}\n", "set EARSHOT_PING_URL"),
    (GOOD + "alerts: {bot_token_file: '7000000001:AAbbCCddEEff'}\n", "bot_token_file: expected the name of a file; write the secret into one"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), SETTINGS)
def test_wrong_settings_are_one_clear_line(tmp_path: Path, settings: str, expected: str) -> None:
    """Each wrong settings file is refused with file, line, key and remedy, and nothing is written."""
    file = write(tmp_path, settings)
    before = listing(tmp_path)
    with pytest.raises(ConfigError) as caught:
        load_config(file, environment={})
    text = str(caught.value)
    assert expected in text
    assert "\n" not in text
    assert listing(tmp_path) == before


def test_everything_that_is_wrong_is_listed(tmp_path: Path) -> None:
    """All mistakes of a settings file are found at once, and so are those of the files that it names."""
    file = write(tmp_path, "telegram: {api_id: 0}\nlog: {level: loud}\n")
    found = examine_config(file, environment={})
    assert isinstance(found, list)
    assert [text.split(": ")[1] for text in found] == ["telegram.api_id", "log.level"]
    file.write_text("telegram: {api_id: 1, api_hash_file: absent}\nchannels_file: none.yaml\nrules_folder: none\n")
    found = examine_config(file, environment={"EARSHOT_DATABASE": "mysql://u:hidden@h/n"})
    assert isinstance(found, list)
    assert len(found) == 4
    assert found[0].startswith("EARSHOT_DATABASE: expected postgresql://")
    assert "hidden" not in " ".join(found)


CHANNEL_FILES = [
    ("", "channels.yaml: expected keys such as channels"),
    ("channels: []\n", "channels.yaml:1: channels"),
    ("channels:\n  - title: x\n", "channels.yaml:2: channels.0: a channel needs a handle or an id"),
    ("channels:\n  - handle: a\n", "channels.yaml:2: channels.0.handle: 'a' is no handle"),
    ("channels:\n  - handle: https://t.me/x\n", "is no handle"),
    ("channels:\n  - handle: durov\n  - handle: '@Durov'\n", "channels.yaml:3: durov is listed twice (first in line 2)"),
    ("channels:\n  - id: 12345\n", "channels.yaml:2: channels.0.id"),
    ("channels:\n  - {handle: durov, prority: 1}\n", "did you mean 'priority'?"),
    ("channels:\n  - {handle: durov, priority: 10}\n", "channels.yaml:2: channels.0.priority"),
    ("channels:\n  - {handle: durov, mode: lurk}\n", "channels.yaml:2: channels.0.mode: input should be 'join' or 'poll'"),
    ("channels:\n  - @durov\n", "channels.yaml:2: not valid YAML"),
]  # fmt: skip


@pytest.mark.parametrize(("channels", "expected"), CHANNEL_FILES)
def test_wrong_channels_are_one_clear_line(tmp_path: Path, channels: str, expected: str) -> None:
    """Each wrong channels file is refused with file, line and key."""
    file = write(tmp_path, channels=channels)
    with pytest.raises(ConfigError) as caught:
        load_config(file, environment={})
    assert expected in str(caught.value)


def test_settings_that_are_not_text_are_refused(tmp_path: Path) -> None:
    """A binary file under the name of the settings is said to be no text."""
    file = write(tmp_path)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_config(file, environment={})


def test_an_empty_rules_folder_is_refused(tmp_path: Path) -> None:
    """Listening without rules could alert nothing, so it is refused."""
    file = write(tmp_path, rules=None)
    (tmp_path / "rules").mkdir()
    with pytest.raises(ConfigError, match=r"no \*\.yaml in it"):
        load_config(file, environment={})


def test_an_empty_secret_file_is_refused(tmp_path: Path) -> None:
    """An empty secret is a slip, not a secret."""
    file = write(tmp_path, "telegram: {api_id: 1, api_hash_file: hash}\n")
    (tmp_path / "hash").write_text("\n")
    with pytest.raises(ConfigError, match="is empty"):
        load_config(file, environment={})


def test_no_settings_file_says_how_to_write_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a settings file the user is told of `earshot init`."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="earshot init"):
        find_config(None, environment={})
    with pytest.raises(ConfigError, match="no such settings file"):
        find_config(tmp_path / "absent.yaml", environment={})


def test_secrets_come_from_files_or_the_environment_and_print_as_hidden(tmp_path: Path) -> None:
    """The environment wins over the file, and no secret shows in a repr."""
    file = write(tmp_path, "telegram: {api_id: 1, api_hash_file: hash}\nalerts: {chat: -1001, bot_token_file: token}\n")
    for name, text in (("hash", "hash-in-file\n"), ("token", "token-in-file\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(stat.S_IRUSR)
    config = load_config(file, environment={"EARSHOT_API_HASH": "hash-in-environment"})
    assert config.api_hash is not None
    assert config.api_hash.get_secret_value() == "hash-in-environment"
    assert config.bot_token is not None
    assert config.bot_token.get_secret_value() == "token-in-file"
    assert "token-in-file" not in repr(config)
    assert "hash-in-environment" not in repr(config)


def test_one_url_moves_the_store_to_postgresql(tmp_path: Path) -> None:
    """SQLite in the data folder by default; the URL is the only thing that changes."""
    file = write(tmp_path)
    assert load_config(file, environment={}).database.get_secret_value() == f"sqlite:///{tmp_path}/data/earshot.db"
    moved = load_config(file, environment={"EARSHOT_DATABASE": "postgresql://u:p@h/n"})
    assert moved.database.get_secret_value() == "postgresql://u:p@h/n"
