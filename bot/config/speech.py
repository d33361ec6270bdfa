"""The speech section by itself: for commands that need nothing else of the settings, whose rest may be wrong or missing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ConfigDict, SecretStr

from bot.config.explain import validate
from bot.config.load import Config, read_secret, read_text
from bot.config.settings import Section, Settings, SpeechSection
from bot.errors import ConfigError
from bot.yamlfile import YamlFile, parse_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechConfig:
    """The section, the folder that its paths begin at, and the key of the speech server where there is one."""

    file: Path
    section: SpeechSection
    data_folder: Path
    key: SecretStr | None


class _Alone(Section):
    """What speech needs of a settings file."""

    model_config = ConfigDict(extra="ignore")

    data_folder: Path = Settings.model_fields["data_folder"].default
    speech: SpeechSection = SpeechSection()


def speech_of(config: Config) -> SpeechConfig:
    """That of a whole configuration."""
    return SpeechConfig(
        file=config.file, section=config.settings.speech, data_folder=config.data_folder, key=config.speech_key
    )


def load_speech(file: Path, environment: Mapping[str, str] = os.environ) -> SpeechConfig:
    """Read the speech section of `file`, and nothing else of it; ConfigError, with its line, when that is wrong."""
    file = file.resolve()
    yaml_file = parse_yaml(file.name, read_text(file))
    _require_its_name(yaml_file)
    # An empty file has no section: defaults.
    alone = validate(_Alone, YamlFile(yaml_file.name, {}, {}) if yaml_file.data is None else yaml_file)
    return SpeechConfig(
        file=file,
        section=alone.speech,
        data_folder=(file.parent / alone.data_folder.expanduser()).resolve(),
        key=_key(alone.speech, file, yaml_file, environment),
    )


def _require_its_name(yaml_file: YamlFile) -> None:
    """ConfigError for a section whose name is misspelt: it would be passed over."""
    for key in yaml_file.data if isinstance(yaml_file.data, dict) else ():
        if key not in Settings.model_fields and get_close_matches(str(key), list(Settings.model_fields)) == ["speech"]:
            raise ConfigError(f"{yaml_file.at((key,))}: {key}: there is no such key; did you mean 'speech'?")


def _key(section: SpeechSection, file: Path, yaml_file: YamlFile, environment: Mapping[str, str]) -> SecretStr | None:
    if section.server is None:
        return None
    if value := environment.get("EARSHOT_SPEECH_KEY", "").strip():
        return SecretStr(value)
    if section.server.api_key_file is None:
        return None
    where = f"{yaml_file.at(('speech', 'server', 'api_key_file'))}: speech.server.api_key_file"
    return read_secret(section.server.api_key_file, lambda path: (file.parent / path.expanduser()).resolve(), where)
