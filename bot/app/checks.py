"""What would fail, before it fails: the findings of `earshot check`. Reads only; talks to nobody."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from bot.alerts import AppriseSink
from bot.app.parts import load_rules, require_api_hash, sink_names, speech_settings
from bot.config import Config
from bot.errors import EarshotError, RuleError, StoreError
from bot.speech import find_model
from bot.store import Store
from bot.telegram import SessionFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report. `error`: `earshot run` would not start, or would not do its work."""

    what: str
    level: Literal["ok", "error"]
    text: str


async def check_all(config: Config) -> list[Finding]:
    """Every check, in the order in which `earshot run` would meet them."""
    findings = [Finding(what="settings", level="ok", text=str(config.file))]
    for what, check in _CHECKS.items():
        try:
            findings.append(Finding(what=what, level="ok", text=await check(config)))
        except EarshotError as error:
            findings.append(Finding(what=what, level="error", text=str(error)))
    return findings


async def preflight(config: Config) -> None:
    """Raise the first error that would keep the service from its work, before anything is written or anyone is asked.

    A failing test inside a rule does not: a rule that may be wrong is better than no listening.
    """
    for what, check in _CHECKS.items():
        if what != "rule tests":
            await check(config)


async def _rules(config: Config) -> str:
    return f"{len(load_rules(config).rules)} rules in {config.settings.rules_folder}"


async def _rule_tests(config: Config) -> str:
    results = load_rules(config).run_tests()
    if wrong := [result for result in results if not result.passed]:
        first = wrong[0]
        raise RuleError(f"{len(wrong)} of {len(results)} tests inside the rules fail; the first: {first}")
    return f"{len(results)} tests inside the rules pass"


async def _channels(config: Config) -> str:
    return f"{len(config.channels)} channels in {config.settings.channels_file}"


async def _sinks(config: Config) -> str:
    names = sink_names(config)
    for name, url in config.apprise.items():
        AppriseSink(name, url.get_secret_value())
    return f"alerts go to {', '.join(names)}"


async def _database(config: Config) -> str:
    if not config.data_folder.exists():
        return f"will be made in {config.data_folder}"
    if complaint := await Store.check(config.database.get_secret_value()):
        raise StoreError(complaint)
    return "ready"


async def _model(config: Config) -> str:
    return find_model(speech_settings(config))


async def _session(config: Config) -> str:
    require_api_hash(config)
    SessionFile.check(config.sessions / "main.session")
    return "there is a session for the watching account"


_CHECKS: dict[str, Callable[[Config], Awaitable[str]]] = {
    "rules": _rules,
    "rule tests": _rule_tests,
    "channels": _channels,
    "sinks": _sinks,
    "database": _database,
    "model": _model,
    "session": _session,
}
