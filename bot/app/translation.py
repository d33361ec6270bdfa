"""What makes texts English, made from the configuration; most have none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.app.loop import Loop
from bot.config import Config
from bot.errors import ChildDied, ConfigError, ModelMissing
from bot.monitor import Monitor
from bot.pulse import Pulse
from bot.store import Store
from bot.translation import LocalTranslator, TranslationSettings, TranslationWorker, check_folder

log = structlog.get_logger()

# One text is given less than eight minutes; then models are loaded anew.
_BOUND = 1200.0


def translation_settings(config: Config) -> TranslationSettings | None:
    """What the translation process is told; None where nothing is translated."""
    section = config.settings.translation
    if section is None:
        return None
    return TranslationSettings(
        models={
            language: (config.file.parent / folder.expanduser()).resolve()
            for language, folder in section.models.items()
        },
        compute_type=section.compute_type,
        beam_size=section.beam_size,
        threads=section.threads,
        memory_bytes=section.memory_megabytes * 1_000_000,
    )


async def check_translation(config: Config) -> str:
    """Load the models in a process as the service does, and say which they are.

    Raises ConfigError, with file, key and folder, for what is no model; ChildDied when the process cannot be had now.
    """
    settings = translation_settings(config)
    if settings is None:
        return "off: texts are not put into English"
    translator = LocalTranslator(settings)
    try:
        models = await _load(config, settings, translator)
    finally:
        await translator.close()
    return ", ".join(f"{language} to en by {models[language]}" for language in sorted(models))


@asynccontextmanager
async def open_translator(config: Config) -> AsyncIterator[LocalTranslator | None]:
    """What translates, its models loaded and kept for the first text; None where nothing is translated.

    Raises ConfigError as `check_translation`. A process that dies is no reason not to start: texts wait, and try anew.
    """
    if (settings := translation_settings(config)) is None:
        yield None
        return
    translator = LocalTranslator(settings)
    try:
        try:
            await _load(config, settings, translator)
        except ChildDied as error:
            log.warning("translation.not_ready", reason=str(error))
        yield translator
    finally:
        await translator.close()


async def _load(config: Config, settings: TranslationSettings, translator: LocalTranslator) -> dict[str, str]:
    try:
        for language, folder in settings.models.items():
            check_folder(language, folder)
        return await translator.start()
    except ModelMissing as error:
        raise ConfigError(f"{config.file.name}: {error}") from error


def translation_loop(
    config: Config, store: Store, monitor: Monitor, pulse: Pulse, translator: LocalTranslator | None
) -> dict[str, Loop]:
    """The loop by its name; none where nothing is translated."""
    section = config.settings.translation
    if section is None or translator is None:
        return {}
    worker = TranslationWorker(store, monitor, translator, pulse, attempts=section.attempts)
    return {"translation": Loop(run=worker.run, pulse=pulse, bound=_BOUND)}
