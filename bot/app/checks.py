"""What would fail, before it fails: the findings of `earshot check`.

Reads only; talks to nobody but the database, and a speech server where one is set.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import structlog

from bot.alerts import AppriseSink
from bot.app.canary import check_canary
from bot.app.parts import require_api_hash, server_of, session_path, speech_server, speech_settings
from bot.app.rules import load_rules
from bot.app.sinks import sink_names
from bot.app.translation import check_translation
from bot.config import Config
from bot.errors import ConfigError, EarshotError, LoginNeeded, RuleError, ServerAway, StoreError
from bot.health.http import ask, require_free_port
from bot.speech import find_model
from bot.store import Store
from bot.telegram import SessionFile

log = structlog.get_logger()

Check = Callable[[Config], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report. `error`: `earshot run` would not start, or would not do its work."""

    what: str
    level: Literal["ok", "error"]
    text: str


async def check_all(config: Config) -> list[Finding]:
    """Every check, in the order in which `earshot run` would meet them; one that fails hides no other."""
    findings = [Finding(what="settings", level="ok", text=str(config.file))]
    for what, check in {**_CHECKS, **_sessions(config), "bot session": _bot_session, "health": _health}.items():
        try:
            findings.append(Finding(what=what, level="ok", text=await check(config)))
        except EarshotError as error:
            findings.append(Finding(what=what, level="error", text=str(error)))
    return findings


async def preflight(config: Config) -> None:
    """Raise the first error that would keep the service from its work, before anything is written or anyone is asked.

    A failing test inside a rule does not: a rule that may be wrong is better than no listening. Nor does a speech server
    that is away: recordings wait for it. Translation models are loaded when they can be kept: see `open_translator`.
    """
    _require_free(config)
    for what, check in _CHECKS.items():
        try:
            if what not in ("rule tests", "translation"):
                await check(config)
        except ServerAway as error:
            log.warning("speech.server_away", reason=str(error))
    _require_session(config)
    await _bot_session(config)
    if port := config.settings.health.port:
        require_free_port(port)


async def check_accounts(config: Config) -> None:
    """Raise what would keep every watching account from connecting, before anything is written.

    Raises Locked first, when a daemon has one.
    """
    _require_free(config)
    await _api(config)
    await _data_folder(config)
    await _database(config)
    _require_session(config)


async def check_account(config: Config, name: str, *, logged_in: bool) -> None:
    """Raise what would keep the account `name` from connecting, before anything is written.

    `logged_in`: there must be a session. Raises Locked first, when a daemon has it.
    """
    SessionFile.require_free(session_path(config, name))
    await _api(config)
    await _data_folder(config)
    await _database(config)
    try:
        SessionFile.check(session_path(config, name))
    except LoginNeeded:
        if logged_in:
            raise


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


async def _canary(config: Config) -> str:
    return check_canary(config)


async def _data_folder(config: Config) -> str:
    folder = config.data_folder
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if not place.is_dir():
        raise ConfigError(f"{config.file.name}: data_folder: {place} is a file; expected a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigError(f"{config.file.name}: data_folder: this user may not write in {place}; check its owner")
    return str(folder) if place == folder else f"{folder} will be made"


async def _database(config: Config) -> str:
    url = config.database.get_secret_value()
    if url == f"sqlite:///{config.data_folder / 'earshot.db'}" and not config.data_folder.exists():
        return "will be made in the data folder"
    if complaint := await Store.check(url):
        raise StoreError(complaint)
    return "ready" if await Store.begun(url) else "will be made at the first start"


async def _model(config: Config) -> str:
    if (server := speech_server(config)) is None:
        return find_model(speech_settings(config))
    from bot.speech.remote.server import ask_server

    plain = "; without https others may read the recordings and the key on their way" if server.exposed else ""
    return await ask_server(server) + plain


async def _api(config: Config) -> str:
    require_api_hash(config)
    if (server := server_of(config)) is None:
        return "api_id and api_hash for Telegram itself"
    server.read_key()
    return f"api_id and api_hash for the server at {server.host}:{server.port}"


def _sessions(config: Config) -> dict[str, Check]:
    """A check for each watching account; named only where there are several."""
    names = config.settings.telegram.accounts
    if len(names) == 1:
        return {"session": partial(_session, name=names[0], text="there is a session for the watching account")}
    return {f"session {name}": partial(_session, name=name, text="there is a session") for name in names}


async def _session(config: Config, *, name: str, text: str) -> str:
    SessionFile.check(session_path(config, name))
    return text


def _require_free(config: Config) -> None:
    for name in config.settings.telegram.accounts:
        SessionFile.require_free(session_path(config, name))


def _require_session(config: Config) -> None:
    """Raise LoginNeeded when no watching account has a session, and what is wrong with any other session file."""
    refusals: list[LoginNeeded] = []
    for name in config.settings.telegram.accounts:
        try:
            SessionFile.check(session_path(config, name))
        except LoginNeeded as error:
            refusals.append(error)
    if len(refusals) == len(config.settings.telegram.accounts):
        raise refusals[0]


async def _bot_session(config: Config) -> str:
    if config.settings.alerts.chat is None and config.settings.canary.channel is None:
        return "no alert bot is needed"
    try:
        SessionFile.check(session_path(config, "bot"))
    except LoginNeeded:
        return "the alert bot logs in with its token at the first start"
    return "there is a session for the alert bot"


async def _health(config: Config) -> str:
    if not (port := config.settings.health.port):
        return "turned off"
    if answer := await ask(port, "/healthz"):
        return f"an Earshot, process {answer['pid']}, answers on 127.0.0.1:{port}"
    require_free_port(port)
    return f"127.0.0.1:{port} is free"


_CHECKS: dict[str, Check] = {
    "rules": _rules,
    "rule tests": _rule_tests,
    "channels": _channels,
    "sinks": _sinks,
    "canary": _canary,
    "data folder": _data_folder,
    "database": _database,
    "model": _model,
    "translation": check_translation,
    "telegram": _api,
}
