"""The settings: each declared once, here, with its default and its help; docs/settings.md is held to it by a test.

Secrets come from a file (`*_file`) or the environment, never from the YAML itself, and print as hidden.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from bot.errors import ConfigError
from bot.model import SPOKEN, Kind, Mode
from bot.yamlfile import Path as YamlPath
from bot.yamlfile import YamlFile, parse_yaml, suggest

# Environment variables that hold secrets, and the setting that names a file instead.
ENVIRONMENT = {
    "EARSHOT_API_HASH": "telegram.api_hash_file",
    "EARSHOT_BOT_TOKEN": "alerts.bot_token_file",
    "EARSHOT_DATABASE": "database",
}


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _handle(value: object) -> object:
    return value.removeprefix("@") if isinstance(value, str) else value


Handle = Annotated[str, BeforeValidator(_handle), Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{3,31}$")]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]


# https://opennmt.net/CTranslate2/quantization.html
ComputeType = Literal[
    "default",
    "auto",
    "int8",
    "int8_float32",
    "int8_float16",
    "int8_bfloat16",
    "int16",
    "float16",
    "bfloat16",
    "float32",
]

S = TypeVar("S", bound=_Section)
T = TypeVar("T")


class ServerSection(_Section):
    """Another Telegram than the public one, such as its test servers."""

    host: str = Field(description="Address of the data centre.")
    port: int = Field(443, ge=1, le=65535, description="Its TCP port.")
    dc: int = Field(2, ge=1, le=1000, description="Its number.")
    public_key_file: Path = Field(description="PEM file with the server's RSA public key.")


class TelegramSection(_Section):
    """The watching account and how it follows channels."""

    api_id: int = Field(ge=1, le=2**31 - 1, description="From https://my.telegram.org, 'API development tools'.")
    api_hash_file: Path | None = Field(
        None, description="File that holds the api_hash from the same page; or set EARSHOT_API_HASH."
    )
    sweep_seconds: float = Field(
        60, ge=1, le=3600, description="Every channel is compared with the server this often, pushes or no pushes."
    )
    connect_seconds: float = Field(
        30,
        ge=1,
        le=3600,
        description="Give up when Telegram cannot be reached for so long at the start; later cuts are mended.",
    )
    server: ServerSection | None = Field(None, description="Telegram itself when absent.")


class AppriseEntry(_Section):
    """One more route for alerts: mail, a webhook or another chat."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="What `earshot status` calls it.")
    url_file: Path = Field(
        description="File that holds the Apprise URL, as https://github.com/caronc/apprise lists them."
    )


class AlertsSection(_Section):
    """Where alerts go."""

    chat: StrictInt | Handle | None = Field(
        None, description="The analyst chat: its id (-100...) or handle. The bot must be a member that may write."
    )
    bot_token_file: Path | None = Field(
        None, description="File that holds the token from @BotFather; or set EARSHOT_BOT_TOKEN."
    )
    notices: bool = Field(True, description="Say 'listening' and 'stopping' in the chat.")
    per_second: float = Field(1.0, gt=0, le=30, description="At most so many messages a second into the chat.")
    per_minute: int = Field(20, ge=1, le=1800, description="At most so many a minute: Telegram's limit for a group.")
    apprise: tuple[AppriseEntry, ...] = Field((), description="Further routes; each gets every alert.")


class SpeechSection(_Section):
    """How recordings become text."""

    model: str = Field(
        "small",
        min_length=1,
        description="Whisper model: a name (small, medium, large-v3-turbo) or a folder in CTranslate2 format.",
    )
    models_folder: Path | None = Field(None, description="Where models are kept; <data_folder>/models when absent.")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="Where the model runs.")
    compute_type: ComputeType = Field("default", description="CTranslate2 compute type: int8, float16, ...")
    language: Language | None = Field(None, description="ISO 639-1 code; detected for each recording when absent.")
    beam_size: int = Field(5, ge=1, le=20, description="Width of the search; 1 is fastest.")
    threads: int = Field(0, ge=0, le=256, description="CPU threads; 0 means one for each core.")
    kinds: tuple[Kind, ...] = Field((Kind.VOICE,), description="What is transcribed: voice, video_note, audio, video.")
    max_megabytes: int = Field(100, ge=1, le=4000, description="Larger files are not fetched.")
    max_minutes: int = Field(120, ge=1, le=1440, description="Longer recordings are refused.")
    memory_megabytes: int = Field(6000, ge=1000, description="Address space of the speech process.")
    attempts: int = Field(3, ge=1, le=20, description="Tries after a crash or time-out before a recording fails.")

    @model_validator(mode="after")
    def _spoken(self) -> "SpeechSection":
        if silent := set(self.kinds) - SPOKEN:
            raise ValueError(f"{', '.join(sorted(silent))} cannot hold speech; use voice, video_note, audio, video")
        return self


class HealthSection(_Section):
    """Answers for machines, on loopback."""

    port: int = Field(8787, ge=0, le=65535, description="Port of GET /healthz and GET /status; 0 turns them off.")


class LogSection(_Section):
    """What the daemon says while it works."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is written.")
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else json.")


class Settings(_Section):
    """Everything in earshot.yaml. Paths are relative to the file."""

    data_folder: Path = Field(Path("data"), description="Database, media, sessions and models; private to this user.")
    database: SecretStr | None = Field(
        None, description="postgresql://user:password@host/name; SQLite in the data folder when absent."
    )
    channels_file: Path = Field(Path("channels.yaml"), description="The channels to follow.")
    rules_folder: Path = Field(Path("rules"), description="The watch rules: every *.yaml in it.")
    telegram: TelegramSection
    alerts: AlertsSection = AlertsSection()
    speech: SpeechSection = SpeechSection()
    health: HealthSection = HealthSection()
    log: LogSection = LogSection()


class ChannelEntry(_Section):
    """One channel of channels.yaml."""

    handle: Handle | None = None
    id: int | None = Field(None, lt=-1_000_000_000_000)
    title: str = ""
    category: str = Field("other", pattern=r"^[a-z][a-z0-9_-]*$")
    priority: int = Field(5, ge=1, le=9)
    language: Language | None = None
    mode: Mode = Mode.JOIN
    note: str = ""

    @model_validator(mode="after")
    def _named(self) -> "ChannelEntry":
        if self.handle is None and self.id is None:
            raise ValueError("a channel needs a handle or an id (-100...)")
        return self


class _ChannelsFile(_Section):
    channels: tuple[ChannelEntry, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Settings with every path absolute and every secret read."""

    file: Path
    settings: Settings
    data_folder: Path
    database: SecretStr
    api_hash: SecretStr | None
    bot_token: SecretStr | None
    apprise: Mapping[str, SecretStr]
    channels: tuple[ChannelEntry, ...]
    # File name to text, for the rules room.
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
        except _SeveralWrong as error:
            wrong.extend(error.texts)
        except ConfigError as error:
            wrong.append(str(error))
        return otherwise

    yaml_file = attempt(lambda: parse_yaml(file.name, read_text(file)), None)
    settings = attempt(lambda: _validate(Settings, yaml_file), None) if yaml_file else None
    if yaml_file is None or settings is None:
        return wrong

    def beside(path: Path) -> Path:
        return (file.parent / path.expanduser()).resolve()

    def secret(variable: str, path: Path | None, key: str) -> SecretStr | None:
        if value := environment.get(variable, "").strip():
            return SecretStr(value)
        where = f"{yaml_file.at(tuple(key.split('.')))}: {key}"
        return attempt(lambda: _read_secret(path, beside, where), None) if path else None

    data_folder = beside(settings.data_folder)
    config = Config(
        file=file,
        settings=settings,
        data_folder=data_folder,
        database=attempt(lambda: _database(settings, data_folder, environment, yaml_file), SecretStr("")),
        api_hash=secret("EARSHOT_API_HASH", settings.telegram.api_hash_file, "telegram.api_hash_file"),
        bot_token=secret("EARSHOT_BOT_TOKEN", settings.alerts.bot_token_file, "alerts.bot_token_file"),
        apprise=attempt(lambda: _apprise(settings, yaml_file, beside), {}),
        channels=attempt(lambda: _load_channels(beside(settings.channels_file)), ()),
        rules=attempt(lambda: _load_rules(beside(settings.rules_folder)), {}),
    )
    return wrong or config


class _SeveralWrong(ConfigError):
    """More than one value of a file is wrong; the text is the first one's."""

    def __init__(self, texts: list[str]) -> None:
        super().__init__(texts[0])
        self.texts = texts


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
        urls[entry.name] = _read_secret(entry.url_file, beside, f"{where}: alerts.apprise.{index}.url_file")
    return urls


def _read_secret(given: Path, beside: Callable[[Path], Path], where: str) -> SecretStr:
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
    """Whether somebody wrote the api_hash, the token or the URL itself: then no message may repeat it."""
    return bool(re.search(r"^[0-9a-fA-F]{32}$|^\d+:[\w-]{10,}$|:/", text))


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
    entries = _validate(_ChannelsFile, yaml_file).channels
    seen: dict[str | int, int] = {}
    for index, entry in enumerate(entries):
        for name in (entry.handle.lower() if entry.handle else None, entry.id):
            if name is not None and (first := seen.setdefault(name, index)) != index:
                line = yaml_file.at(("channels", first)).rpartition(":")[2]
                where = yaml_file.at(("channels", index))
                raise ConfigError(f"{where}: {name} is listed twice (first in line {line}); keep one")
    return entries


def _load_rules(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise ConfigError(f"{folder}: rules_folder: there is no such folder; `earshot init FOLDER` writes examples")
    files = sorted(folder.glob("*.yaml"))
    if not files:
        raise ConfigError(f"{folder}: rules_folder: no *.yaml in it; without rules nothing can be alerted")
    return {path.name: read_text(path) for path in files}


def _validate(model: type[S], yaml_file: YamlFile) -> S:
    if not isinstance(yaml_file.data, dict):
        found = "nothing" if yaml_file.data is None else type(yaml_file.data).__name__
        raise ConfigError(f"{yaml_file.name}: expected keys such as {', '.join(model.model_fields)}; found {found}")
    try:
        return model.model_validate(yaml_file.data)
    except ValidationError as error:
        raise _SeveralWrong([_explain(model, yaml_file, one) for one in error.errors()]) from error


def _explain(model: type[BaseModel], yaml_file: YamlFile, error: ErrorDetails) -> str:
    path = tuple(part for part in error["loc"] if not _is_branch(part))
    dotted = ".".join(str(part) for part in path)
    where = yaml_file.at(path)
    match error["type"]:
        case "extra_forbidden":
            return f"{where}: {dotted}: there is no such key{_hint(model, path)}"
        case "missing":
            return f"{where}: {dotted}: this key is needed; {_help(model, path)}"
        case "value_error":
            return f"{where}: {dotted or 'here'}: {error['ctx']['error']}"
        case "string_pattern_mismatch" if path[-1] == "handle":
            return f"{where}: {dotted}: {error['input']!r} is no handle: 4 to 32 letters, digits and _ , a letter first"
    message = error["msg"][0].lower() + error["msg"][1:]
    # The value of a secret, or a whole section, is not repeated.
    plain = isinstance(error["input"], str | int | float | None) and path != ("database",)
    found = f"found {error['input']!r}" if plain else f"found {type(error['input']).__name__}"
    return f"{where}: {dotted}: {message}; {found}. {_help(model, path)}".rstrip()


def _is_branch(part: str | int) -> bool:
    """Pydantic names the branch of a union in the path, as `int` or `constrained-str`: no key of ours looks so."""
    return isinstance(part, str) and (part in {"int", "str"} or "[" in part or part == "constrained-str")


def _section(model: type[BaseModel], path: YamlPath) -> type[BaseModel] | None:
    for part in path:
        if isinstance(part, int):
            continue
        if part not in model.model_fields:
            return None
        annotation = model.model_fields[part].annotation
        nested = [t for t in (annotation, *get_args(annotation)) if isinstance(t, type) and issubclass(t, BaseModel)]
        if not nested:
            return None
        model = nested[0]
    return model


def _hint(model: type[BaseModel], path: YamlPath) -> str:
    key = str(path[-1])
    for variable, setting in ENVIRONMENT.items():
        if setting == ".".join(str(part) for part in path) + "_file":
            return f": secrets stay out of this file; name a file with {key}_file, or set {variable}"
    section = _section(model, path[:-1])
    return suggest(key, list(section.model_fields)) if section else ""


def _help(model: type[BaseModel], path: YamlPath) -> str:
    section = _section(model, path[:-1])
    field = section.model_fields.get(str(path[-1])) if section and path else None
    return (field.description or "") if field else ""
