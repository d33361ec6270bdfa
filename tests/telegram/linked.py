"""Accounts on the sandbox without the ceremony: a key shared beforehand stands for handshake and login."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bot.model import Clock, utc_now
from bot.sandbox import Sandbox
from bot.sandbox.world import User
from bot.store import Store
from bot.telegram.account import Account, Server
from bot.telegram.budget import Limits


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        """Move on by a timedelta."""
        self.now += timedelta(**span)


@asynccontextmanager
async def linked(
    sandbox: Sandbox,
    user: User,
    folder: Path,
    *,
    name: str = "main",
    store: Store | None = None,
    clock: Clock = utc_now,
    limits: Limits = MappingProxyType({}),
    port: int | None = None,
    **options: Any,
) -> AsyncIterator[Account]:
    """An open account of `user`, its session file in `folder`; `port` is that of a proxy in front of the sandbox."""
    key = os.urandom(256)
    sandbox.register_key(key, user=user)
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{name}.session"
    state = {"format": 1, "dc": sandbox.dc, "host": sandbox.host, "port": port or sandbox.port, "auth_key": key.hex()}
    path.touch(mode=0o600)
    path.write_text(json.dumps(state))
    server = Server(host=sandbox.host, port=port or sandbox.port, dc=sandbox.dc, public_key=sandbox.public_key)
    async with Account.open(
        path, 1, "0" * 32, name=name, store=store, server=server, clock=clock, limits=limits, **options
    ) as account:
        yield account
