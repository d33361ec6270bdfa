"""A complete configuration folder, for tests that break one thing in it and call the command line."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import rsa
import yaml

from bot.sandbox.stage import API_HASH, SPEECH_MODEL, TOKEN
from bot.store import Store
from tests.stores import ready_sqlite

# Nobody listens at this TCP port, and nobody who asks for any free one is given it.
CLOSED_PORT = 1
# So few that they are compiled at once, with the ids that the example gives such rules.
FEW_RULES = Path(__file__).with_name("few_rules")
# In no output, whatever goes wrong.
PASSWORD = "hidden-password"
SECRETS = (API_HASH, TOKEN, PASSWORD)
CHANNELS = "channels:\n  - handle: lawmaker\n    category: lawmaker\n  - handle: blogger\n"


def server_key() -> str:
    """A server's public key as PEM."""
    public, _ = rsa.newkeys(512)
    return public.save_pkcs1().decode()


class Folder:
    """The folder: settings, channels, few rules, secrets, a session, a model. No database yet."""

    def __init__(self, path: Path, stack: ExitStack, *, key: str) -> None:
        """`key`: PEM of the server. What a test starts beside it goes on `stack`."""
        self.path = path
        self.stack = stack
        self.data = path / "data"
        self.settings: dict[str, Any] = {
            "telegram": {
                "api_id": 1,
                "api_hash_file": "secrets/api_hash",
                "connect_seconds": 1,
                "server": {"host": "127.0.0.1", "port": CLOSED_PORT, "public_key_file": "server.pem"},
            },
            "alerts": {"chat": -1001000000001, "bot_token_file": "secrets/bot_token"},
            "speech": {"model": str(SPEECH_MODEL), "compute_type": "int8", "threads": 1},
            "health": {"port": 0},
        }
        self.write("secrets/api_hash", API_HASH + "\n")
        self.write("secrets/bot_token", TOKEN + "\n")
        self.write("server.pem", key)
        self.write("channels.yaml", CHANNELS)
        shutil.copytree(FEW_RULES, path / "rules")
        self.give_session("main")
        self.set()

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file below the folder."""
        file = self.path / name
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def set(self, section: str = "", **values: Any) -> None:
        """Change settings of a section, or at the top, and write earshot.yaml."""
        target = self.settings.setdefault(section, {}) if section else self.settings
        target.update(values)
        self.write("earshot.yaml", yaml.safe_dump(self.settings, sort_keys=False))

    def append(self, text: str) -> None:
        """Add lines to earshot.yaml."""
        file = self.path / "earshot.yaml"
        file.write_text(file.read_text("utf-8") + text, "utf-8")

    def give_session(self, name: str, **changes: object) -> Path:
        """A session file as a login leaves it; `changes` are laid over its keys."""
        state = {"format": 1, "dc": 2, "host": "127.0.0.1", "port": 443, "auth_key": os.urandom(256).hex()}
        file = self.write(f"data/sessions/{name}.session", json.dumps({**state, **changes}))
        file.chmod(0o600)
        return file

    async def give_database(self) -> None:
        """The database and media folder that a first run leaves."""
        store = await Store.open(ready_sqlite(self.data), self.data / "media")
        await store.close()

    def sql(self, *statements: str) -> None:
        """Change the database behind the store's back; it is made if need be."""
        connection = sqlite3.connect(self.data / "earshot.db", isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def listing(self) -> dict[str, tuple[int, int, int]]:
        """Size, time of change and mode of everything below the folder."""
        found = {str(path.relative_to(self.path)): path.stat() for path in self.path.rglob("*")}
        return {name: (stat.st_size, stat.st_mtime_ns, stat.st_mode) for name, stat in found.items()}


Break = Callable[[Folder], object]
