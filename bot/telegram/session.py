"""The session file: what proves to Telegram who we are, kept by ourselves and by one process at a time.

Telethon's SQLite session is not used. A second process that touches it stops Telethon's keep-alive without a word, and
a copied session is revoked by Telegram for good (AUTH_KEY_DUPLICATED, https://core.telegram.org/api/errors). Ids and
access hashes live in the database; this file holds nothing but the way to the server and the key.
"""

import contextlib
import fcntl
import json
import os
import shlex
import stat
from pathlib import Path
from typing import Any

from telethon.crypto import AuthKey
from telethon.sessions import MemorySession

from bot.errors import ConfigError, Locked, LoginNeeded
from bot.telegram.refusals import login_command

FORMAT = 1
AUTH_KEY_BYTES = 256


class SessionFile(MemorySession):
    """One account's session, in a 0600 file; holds an exclusive lock until `release`.

    Telethon calls `save` whenever the key or the data centre changed, and `close` when it disconnects; the lock
    outlives both, so that a reconnecting client never gives way to a second process.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._lock: int | None = None
        self._saved: dict[str, Any] = {}

    @classmethod
    def open(cls, path: Path) -> "SessionFile":
        """Lock and read `path`, which need not exist yet.

        Raises Locked when another process has it, ConfigError when others may read it or it is damaged. Nothing is
        written but the folder (0700) and the lock file beside `path`.
        """
        session = cls(path)
        _prepare_folder(path.parent)
        session._lock = _take_lock(path)
        try:
            session._load()
        except BaseException:
            session.release()
            raise
        return session

    @staticmethod
    def check(path: Path) -> None:
        """Raise what `open` would say of the file, and LoginNeeded when it is not there; writes nothing, takes no lock."""
        _check_folder(path.parent)
        if not path.exists():
            raise LoginNeeded(f"{path}: there is no session yet; type: {login_command(path.stem)}")
        SessionFile(path)._load()

    @staticmethod
    def require_free(path: Path) -> None:
        """Raise Locked when a process has the session now; writes nothing, and holds nothing afterwards."""
        try:
            lock = os.open(_lock_of(path), os.O_RDONLY)
        except OSError:
            # No lock file, no holder; one that cannot be read is told by `open`.
            return
        try:
            _flock(lock, path)
        finally:
            os.close(lock)

    def save(self) -> None:
        """Write the file if anything changed: a new file is synced and renamed over the old one."""
        state = self._state()
        if self._lock is None or state == self._saved or not state["auth_key"]:
            return
        _write_atomically(self.path, json.dumps(state, indent=1).encode())
        self._saved = state

    def forget(self) -> None:
        """Drop a key that Telegram no longer accepts, so that a login starts from nothing; the file stays until then."""
        self._auth_key = None

    def release(self) -> None:
        """Let other processes have it; nothing is saved from here on."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def process_entities(self, tlo: object) -> None:
        """Names and access hashes are pinned in the database; Telethon's own cache is not kept."""

    def _state(self) -> dict[str, Any]:
        key = self._auth_key.key if self._auth_key else None
        return {
            "format": FORMAT,
            "dc": self._dc_id,
            "host": self._server_address,
            "port": self._port,
            "auth_key": key.hex() if key else None,
        }

    def _load(self) -> None:
        try:
            mode = self.path.stat().st_mode
        except FileNotFoundError:
            return
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ConfigError(
                f"{self.path}: other users may read this session, and whoever reads it has the account; "
                f"type: chmod 600 {shlex.quote(str(self.path))}"
            )
        state = _parse(self.path)
        self.set_dc(state["dc"], state["host"], state["port"])
        self._auth_key = AuthKey(bytes.fromhex(state["auth_key"]))
        self._saved = state


def _parse(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes())
        known = state["format"] == FORMAT and len(bytes.fromhex(state["auth_key"])) == AUTH_KEY_BYTES
        typed = isinstance(state["dc"], int) and isinstance(state["host"], str) and isinstance(state["port"], int)
    except OSError as error:
        raise ConfigError(f"{path}: the session cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        known = typed = False
    if not known or not typed:
        raise ConfigError(
            f"{path}: this is not a session of Earshot, or it is damaged; put a copy from a backup in its place, "
            f"or move it away and type: earshot login"
        )
    return {name: state[name] for name in ("format", "dc", "host", "port", "auth_key")}


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: the folder for sessions cannot be used: {error.strerror}") from error
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    try:
        mode = folder.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"{folder}: the folder for sessions cannot be used: {error.strerror}") from error
    if not stat.S_ISDIR(mode):
        raise ConfigError(f"{folder}: the folder for sessions cannot be used: it is a file")
    # Who may only list the folder learns a file name; who may write in it can put another session in place.
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(
            f"{folder}: other users may write in the folder of the session; type: chmod 700 {shlex.quote(str(folder))}"
        )


def _take_lock(path: Path) -> int:
    name = _lock_of(path)
    try:
        lock = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"{name}: the lock of the session cannot be opened: {error.strerror}") from error
    try:
        _flock(lock, path)
    except Locked:
        os.close(lock)
        raise
    # The lock holds without the number, which is for people: a full disk is no reason not to listen.
    with contextlib.suppress(OSError):
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _flock(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
        raise Locked(
            f"{path}: process {holder} is using this session; two at a time would make Telegram revoke it. "
            f"Stop that process first (for a service: systemctl stop earshot)"
        ) from None


def _write_atomically(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        draft.unlink()
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise ConfigError(f"{path}: the session cannot be saved: {error.strerror}") from error
