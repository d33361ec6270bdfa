"""What would fail, before it fails: the findings of `earshot check`. Reads only; talks to nobody."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from bot import app
from bot.alerts import AppriseSink
from bot.config import Config
from bot.errors import EarshotError, RuleError
from bot.speech import find_model
from bot.store import Store
from bot.telegram import check_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report. `error`: `earshot run` would not start, or would not do its work."""

    what: str
    level: Literal["ok", "warning", "error"]
    text: str


async def check_all(config: Config) -> list[Finding]:
    """Every check, in the order in which `earshot run` would meet them."""
    checks: tuple[tuple[str, Callable[[Config], Awaitable[str]]], ...] = (
        ("rules", _rules),
        ("channels", _channels),
        ("sinks", _sinks),
        ("database", _database),
        ("model", _model),
        ("session", _session),
    )
    findings = [Finding(what="settings", level="ok", text=str(config.file))]
    for what, check in checks:
        try:
            text = await check(config)
        except EarshotError as error:
            findings.append(Finding(what=what, level="error", text=str(error)))
        else:
            level: Literal["ok", "warning"] = "warning" if text.startswith("!") else "ok"
            findings.append(Finding(what=what, level=level, text=text.removeprefix("!")))
    return findings


async def _rules(config: Config) -> str:
    rules = app.load_rules(config)
    results = rules.run_tests()
    if wrong := [result for result in results if not result.passed]:
        first = wrong[0]
        raise RuleError(f"{len(wrong)} of {len(results)} tests inside the rules fail; the first: {first.describe()}")
    return f"{len(rules.rules)} rules, {len(results)} tests inside them pass"


async def _channels(config: Config) -> str:
    return f"{len(config.channels)} channels in {config.settings.channels_file}"


async def _sinks(config: Config) -> str:
    names = app.sink_names(config)
    for name, url in config.apprise.items():
        AppriseSink(name, url.get_secret_value())
    return f"alerts go to {', '.join(names)}"


async def _database(config: Config) -> str:
    return await Store.check(config.database.get_secret_value()) or "ready"


async def _model(config: Config) -> str:
    return find_model(app.speech_settings(config))


async def _session(config: Config) -> str:
    if config.api_hash is None:
        app.require_api_hash(config)
    check_session(config.sessions / "main.session")
    return "there is a session for the watching account"
