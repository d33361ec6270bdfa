"""The settings: each declared once, here, with its default and its help; docs/settings.md is held to it by a test."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictInt,
    model_validator,
)

from bot.model import CYRILLIC, SPOKEN, Kind, Mode

# Environment variables that hold secrets, and the setting that names a file instead.
ENVIRONMENT = {
    "EARSHOT_API_HASH": "telegram.api_hash_file",
    "EARSHOT_BOT_TOKEN": "alerts.bot_token_file",
    "EARSHOT_DATABASE": "database",
    "EARSHOT_PING_URL": "canary.ping_url_file",
    "EARSHOT_SPEECH_KEY": "speech.server.api_key_file",
}


class Section(BaseModel):
    """A part of a settings file: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _handle(value: object) -> object:
    return value.removeprefix("@") if isinstance(value, str) else value


Handle = Annotated[str, BeforeValidator(_handle), Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{3,31}$")]
AccountName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
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


class ServerSection(Section):
    """Another Telegram than the public one, such as its test servers."""

    host: str = Field(description="Address of the data centre.")
    port: int = Field(443, ge=1, le=65535, description="Its TCP port.")
    dc: int = Field(2, ge=1, le=1000, description="Its number.")
    public_key_file: Path = Field(description="PEM file with the server's RSA public key.")


class TelegramSection(Section):
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
    accounts: tuple[AccountName, ...] = Field(
        ("main",), min_length=1, description="Names of the watching accounts; the channels are spread over them."
    )
    stuck_seconds: float = Field(
        300, ge=10, le=86400, description="Without an update or a sweep for so long, the connection is made anew."
    )
    resolves_per_hour: int = Field(100, ge=1, description="Handles that one account may look up in an hour.")
    resolves_per_day: int = Field(200, ge=1, description="Handles that one account may look up in a day.")
    joins_per_day: int = Field(50, ge=0, description="Channels that one account may join in a day.")
    server: ServerSection | None = Field(None, description="Telegram itself when absent.")

    @model_validator(mode="after")
    def _named_apart(self) -> "TelegramSection":
        if len(set(self.accounts)) < len(self.accounts) or "bot" in self.accounts:
            raise ValueError("accounts need names of their own, and 'bot' is the alert bot's")
        return self


class AppriseEntry(Section):
    """One more route for alerts: mail, a webhook or another chat."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="What `earshot status` calls it.")
    url_file: Path = Field(
        description="File that holds the Apprise URL, as https://github.com/caronc/apprise lists them."
    )


class AlertsSection(Section):
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


class AlarmsSection(Section):
    """When the daemon speaks up about itself, in the analyst chat."""

    lag_minutes: float = Field(10, gt=0, description="A channel is so far behind, and no less than two sweeps.")
    quiet_factor: float = Field(
        3, ge=0, description="A channel is quiet for so many times its usual longest pause; 0 turns it off."
    )
    gap_minutes: float = Field(30, gt=0, description="Ids are unaccounted for since so long.")
    due_minutes: float = Field(10, gt=0, description="An alert waits for its sink since so long.")
    speech_minutes: float = Field(60, gt=0, description="A recording waits for its transcript since so long.")
    clock_seconds: float = Field(10, gt=0, description="This machine's clock is off by so much.")
    deletions: int = Field(20, ge=2, description="So many posts of one channel deleted within ten minutes.")
    daily_at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] | None = Field(
        "06:00", description="When the daily line comes, in UTC; null for none."
    )


class CanarySection(Section):
    """A channel of your own that proves, post by post, that everything works from end to end."""

    channel: StrictInt | Handle | None = Field(
        None, description="The bot must be allowed to post in it, and every watching account to read it."
    )
    every_minutes: float = Field(10, gt=0, le=1440, description="Minutes between two posts.")
    ping_url_file: Path | None = Field(
        None,
        description="File that holds the URL asked after each canary that came through, as of healthchecks.io; or set "
        "EARSHOT_PING_URL.",
    )


def _server_url(value: str) -> str:
    """An address without secrets; what is wrong is told without repeating it, for a password may stand in it."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("expected an address as http://gpu-box:8000 or https://speech.example.org")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("no user, password or query in it; the key comes from api_key_file or EARSHOT_SPEECH_KEY")
    return value


class SpeechServerSection(Section):
    """A speech server of your own, with OpenAI's /v1/audio/transcriptions: speaches, vLLM, whisper.cpp and others."""

    url: Annotated[str, AfterValidator(_server_url)] = Field(
        description="Its address, as http://gpu-box:8000; https unless it is near."
    )
    model: str = Field(
        min_length=1,
        max_length=200,
        description="The model by the server's own name, as openai/whisper-large-v3-turbo.",
    )
    api_key_file: Path | None = Field(
        None, description="File that holds its key, where it wants one; or set EARSHOT_SPEECH_KEY."
    )
    concurrency: int = Field(4, ge=1, le=64, description="Recordings sent at once; the server has a queue of its own.")
    timeout_seconds: float = Field(
        600, ge=1, le=86400, description="Longest wait for one transcript; long recordings on a slow server need more."
    )


class SpeechSection(Section):
    """How recordings become text."""

    model: str = Field(
        "small",
        min_length=1,
        description="Whisper model: a name (small, medium, large-v3-turbo) or a folder in CTranslate2 format.",
    )
    second_model: str | None = Field(
        None,
        min_length=1,
        description="A better model, named likewise, that hears everything once more when nothing new waits; alerts are "
        "corrected by it.",
    )
    models_folder: Path | None = Field(None, description="Where models are kept; <data_folder>/models when absent.")
    mode: Literal["exact", "fitted"] = Field(
        "exact",
        description="fitted: short recordings in windows that fit them, several times as fast; measure first what it does "
        "to your recordings (earshot speech eval).",
    )
    batch: int = Field(0, ge=0, le=64, description="Most recordings decoded together; 0 chooses by the device.")
    translate: bool = Field(False, description="Also into English, by the model itself; shown under the transcript.")
    hot_words: bool = Field(
        False, description="Tell the decoder the people, units and places of the rules, so that it writes their names."
    )
    boilerplate_file: Path | None = Field(
        None,
        description="Phrases that your model invents where nobody speaks, beside those that come with Earshot; made by "
        "earshot speech harvest.",
    )
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
    server: SpeechServerSection | None = Field(
        None, description="A server that does the work instead; a process on this machine when absent."
    )

    @model_validator(mode="after")
    def _spoken(self) -> "SpeechSection":
        if silent := set(self.kinds) - SPOKEN:
            raise ValueError(f"{', '.join(sorted(silent))} cannot hold speech; use voice, video_note, audio, video")
        return self


def _written_in_cyrillic(models: dict[str, Path]) -> dict[str, Path]:
    if wrong := sorted(models.keys() - CYRILLIC):
        raise ValueError(
            f"{', '.join(wrong)}: expected languages that are written in Cyrillic ({', '.join(sorted(CYRILLIC))}); other "
            "texts are left alone"
        )
    return models


class TranslationSection(Section):
    """Texts and captions of alerted posts in English, by models on this machine."""

    models: Annotated[dict[str, Path], AfterValidator(_written_in_cyrillic)] = Field(
        min_length=1,
        description="Language (ISO 639-1) to the folder of a model: OPUS-MT in CTranslate2 format, or an unpacked Argos "
        "package. docs/translation.md says how to get one.",
    )
    compute_type: ComputeType = Field("default", description="CTranslate2 compute type: int8, float32, ...")
    beam_size: int = Field(4, ge=1, le=20, description="Width of the search; 1 is fastest.")
    threads: int = Field(1, ge=1, le=256, description="CPU threads.")
    memory_megabytes: int = Field(3000, ge=500, description="Address space of the translation process.")
    attempts: int = Field(3, ge=1, le=20, description="Tries after a crash or time-out before a text fails.")


class HealthSection(Section):
    """Answers for machines, on loopback."""

    port: int = Field(8787, ge=0, le=65535, description="Port of GET /healthz, /status and /metrics; 0 turns them off.")


class LogSection(Section):
    """What the daemon says while it works."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="The least that is written.")
    format: Literal["auto", "console", "json"] = Field("auto", description="auto: console on a terminal, else json.")


class Settings(Section):
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
    translation: TranslationSection | None = Field(None, description="Nothing is translated when absent.")
    alarms: AlarmsSection = AlarmsSection()
    canary: CanarySection = CanarySection()
    health: HealthSection = HealthSection()
    log: LogSection = LogSection()


class ChannelEntry(Section):
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


class ChannelsFile(Section):
    """The whole of channels.yaml."""

    channels: tuple[ChannelEntry, ...] = Field(min_length=1)
