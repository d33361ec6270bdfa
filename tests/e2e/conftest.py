"""The whole of Earshot: `earshot run` as its own process on the sandbox Telegram, without the minutes of a login."""

import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.sandbox.stage import Stage
from bot.sandbox.world import User
from tests.configured import FEW_RULES
from tests.stores import postgres_url

# As fast as Telegram's sandbox takes them; most tests are not about pauses.
FAST = {"telegram": {"sweep_seconds": 1}, "alerts": {"per_second": 30.0, "per_minute": 1800}}

OpenStage = Callable[..., AbstractAsyncContextManager[Stage]]


def give_session(stage: Stage) -> None:
    """Put session files of both accounts in place, as a login would have left them."""
    sessions = stage.folder / "data" / "sessions"
    sessions.mkdir(mode=0o700, parents=True)
    for name, user in (("main", stage.listener), ("bot", stage.bot)):
        log_in(stage, name, user)


def log_in(stage: Stage, name: str, user: User) -> None:
    """Put the session file of one account in place."""
    key = os.urandom(256)
    stage.sandbox.register_key(key, user=user)
    state = {"format": 1, "dc": 2, "host": "127.0.0.1", "port": stage.port, "auth_key": key.hex()}
    file = stage.folder / "data" / "sessions" / f"{name}.session"
    file.write_text(json.dumps(state))
    file.chmod(0o600)


@pytest.fixture
def open_stage(tmp_path: Path) -> OpenStage:
    """Open a stage with sessions in place; `settings` are merged over fast ones; few rules."""

    @asynccontextmanager
    async def opened(
        channels: list[dict[str, Any]], *, settings: Mapping[str, Any] | None = None, rules: Path = FEW_RULES
    ) -> AsyncIterator[Stage]:
        merged = {key: {**FAST.get(key, {}), **value} if isinstance(value, dict) else value
                  for key, value in {**FAST, **(settings or {})}.items()}  # fmt: skip
        async with Stage(tmp_path / "earshot", settings=merged, rules=rules) as stage:
            for channel in channels:
                stage.sandbox.world.add_channel(channel.get("title", channel["handle"]), handle=channel["handle"])
            stage.configure([{key: value for key, value in channel.items() if key != "title"} for channel in channels])
            give_session(stage)
            yield stage

    return opened


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request: pytest.FixtureRequest) -> str | None:
    """The URL for `database:`; None leaves the default."""
    return postgres_url() if request.param == "postgresql" else None
