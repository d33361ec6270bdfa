"""The configuration read: settings, secrets, channels and rule texts. Nothing is written.

Secrets come from a file (`*_file`) or the environment, never from the YAML itself, and print as hidden.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from bot.config.explain import SeveralWrong, validate
from bot.config.settings import ChannelEntry, ChannelsFile, Settings
from bot.errors import ConfigError
from bot.yamlfile import YamlFile, parse_yaml

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings with every path absolute and every secret read."""

    file: Path
    settings: Settings
    data_folder: Path
    database: SecretStr
    api_hash: SecretStr | None
    bot_token: SecretStr | None
    ping_url: SecretStr | None
    speech_key: SecretStr | None
    apprise: Mapping[str, SecretStr]
    channels: tuple[ChannelEntry, ...]
    # File name to text, for the rules room; in a sub-folder, as `lists/places.yaml`.
    rules: Mapping[str, str]

    @property
    def sessions(self) -> Path:
        """Folder of the session files."""
        return self.data_folder / "sessions"

    @property
    def media(self) -> Path:
        """Folder of the media files."""
        return self.data_folder / "media"


def find_config(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The settings file: as given, $EARSHOT_CONFIG, ./earshot.yaml or ./config/earshot.yaml; ConfigError when none."""
    if given is not None or (named := environment.get("EARSHOT_CONFIG")):
        path = given or Path(named or "")
        if path.is_dir():
            path /= "earshot.yaml"
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such settings file; `earshot init FOLDER` writes one")
        return path
    for path in (Path("earshot.yaml"), Path("config/earshot.yaml")):
        if path.is_file():
            return path
    raise ConfigError(
        "no earshot.yaml here; run in its folder, name it with --config, or write one with `earshot init FOLDER`"
    )


def load_config(file: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read and check settings, secrets, channels and rule texts, writing nothing; ConfigError with file, line, key."""
    found = examine_config(file, environment)
    if isinstance(found, Config):
        return found
    raise ConfigError(found[0])


def examine_config(file: Path, environment: Mapping[str, str] = os.environ) -> Config | list[str]:
    """What `load_config` reads; where something is wrong, all that is, a line each, the first one first."""
    file = file.resolve()
    wrong: list[str] = []

    def attempt(read: Callable[[], T], otherwise: T) -> T:
        try:
            return read()
        except SeveralWrong as error:
            wrong.extend(error.texts)
        except ConfigError as error:
            wrong.append(str(error))
        return otherwise

    yaml_file = attempt(lambda: parse_yaml(file.name, read_text(file)), None)
    settings = attempt(lambda: validate(Settings, yaml_file), None) if yaml_file else None
    if yaml_file is None or settings is None:
        return wrong

    def beside(path: Path) -> Path:
        return (file.parent / path.expanduser()).resolve()

    def secret(variable: str, path: Path | None, key: str) -> SecretStr | None:
        if value := environment.get(variable, "").strip():
            return SecretStr(value)
        where = f"{yaml_file.at(tuple(key.split('.')))}: {key}"
        return attempt(lambda: read_secret(path, beside, where), None) if path else None

    data_folder = beside(settings.data_folder)
    speech_key_file = settings.speech.server.api_key_file if settings.speech.server else None
    config = Config(
        file=file,
        settings=settings,
        data_folder=data_folder,
        database=attempt(lambda: _database(settings, data_folder, environment, yaml_file), SecretStr("")),
        api_hash=secret("EARSHOT_API_HASH", settings.telegram.api_hash_file, "telegram.api_hash_file"),
        bot_token=secret("EARSHOT_BOT_TOKEN", settings.alerts.bot_token_file, "alerts.bot_token_file"),
        ping_url=secret("EARSHOT_PING_URL", settings.canary.ping_url_file, "canary.ping_url_file"),
        speech_key=secret("EARSHOT_SPEECH_KEY", speech_key_file, "speech.server.api_key_file"),
        apprise=attempt(lambda: _apprise(settings, yaml_file, beside), {}),
        channels=attempt(lambda: _load_channels(beside(settings.channels_file)), ()),
        rules=attempt(lambda: read_rules(beside(settings.rules_folder)), {}),
    )
    return wrong or config


def read_text(path: Path) -> str:
    """The file as UTF-8; ConfigError when it cannot be read."""
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _apprise(settings: Settings, yaml_file: YamlFile, beside: Callable[[Path], Path]) -> dict[str, SecretStr]:
    urls: dict[str, SecretStr] = {}
    for index, entry in enumerate(settings.alerts.apprise):
        where = yaml_file.at(("alerts", "apprise", index, "name"))
        if entry.name in urls or entry.name == "chat":
            raise ConfigError(f"{where}: alerts.apprise: the name {entry.name!r} is taken; choose another")
        urls[entry.name] = read_secret(entry.url_file, beside, f"{where}: alerts.apprise.{index}.url_file")
    return urls


def read_secret(given: Path, beside: Callable[[Path], Path], where: str) -> SecretStr:
    """What the file `given` holds; ConfigError, which begins with `where` and never repeats a secret, when it is none."""
    path = beside(given)
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        if _looks_secret(str(given)):
            raise ConfigError(
                f"{where}: expected the name of a file; write the secret into one and name that"
            ) from error
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"{where}: {path} cannot be read: {reason}") from error
    if not text:
        raise ConfigError(f"{where}: {path} is empty; put the secret into it")
    return SecretStr(text)


def _looks_secret(text: str) -> bool:
    """Whether somebody wrote the api_hash, the token, the key or the URL itself: then no message may repeat it."""
    return bool(re.search(r"^[0-9a-fA-F]{32}$|^\d+:[\w-]{10,}$|^(sk|hf|gsk)[-_]|:/", text))


def _database(settings: Settings, data_folder: Path, environment: Mapping[str, str], yaml_file: YamlFile) -> SecretStr:
    where = f"{yaml_file.at(('database',))}: database"
    url = settings.database.get_secret_value() if settings.database else f"sqlite:///{data_folder / 'earshot.db'}"
    if given := environment.get("EARSHOT_DATABASE", "").strip():
        where, url = "EARSHOT_DATABASE", given
    if not url.startswith(("sqlite:///", "postgresql://", "postgres://")):
        scheme = url.partition("://")[0] if "://" in url else "no scheme"
        raise ConfigError(f"{where}: expected postgresql://user:password@host/name or sqlite:///path, found {scheme!r}")
    return SecretStr(url)


def _load_channels(path: Path) -> tuple[ChannelEntry, ...]:
    yaml_file = parse_yaml(path.name, read_text(path))
    entries = validate(ChannelsFile, yaml_file).channels
    seen: dict[str | int, int] = {}
    for index, entry in enumerate(entries):
        for name in (entry.handle.lower() if entry.handle else None, entry.id):
            if name is not None and (first := seen.setdefault(name, index)) != index:
                line = yaml_file.at(("channels", first)).rpartition(":")[2]
                where = yaml_file.at(("channels", index))
                raise ConfigError(f"{where}: {name} is listed twice (first in line {line}); keep one")
    return entries


def read_rules(folder: Path) -> dict[str, str]:
    """The texts of the rule files by name; ConfigError when there are none, or one cannot be read."""
    if not folder.is_dir():
        raise ConfigError(f"{folder}: rules_folder: there is no such folder; `earshot init FOLDER` writes examples")
    files = sorted(folder.rglob("*.yaml"))
    if not files:
        raise ConfigError(f"{folder}: rules_folder: no *.yaml in it; without rules nothing can be alerted")
    return {path.relative_to(folder).as_posix(): read_text(path) for path in files}
