"""The session file: private, whole, and one process's at a time."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from telethon.crypto import AuthKey

from bot.errors import ConfigError, Locked
from bot.telegram import SessionFile


def _fill(session: SessionFile) -> None:
    session.set_dc(2, "127.0.0.1", 443)
    session.auth_key = AuthKey(bytes(range(256)))


def test_saved_and_read_again(tmp_path: Path) -> None:
    """What was saved is there after opening again, in a 0600 file in a 0700 folder."""
    path = tmp_path / "sessions" / "main.session"
    session = SessionFile.open(path)
    _fill(session)
    session.save()
    session.release()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = SessionFile.open(path)
    assert (again.dc_id, again.server_address, again.port) == (2, "127.0.0.1", 443)
    assert again.auth_key.key == bytes(range(256))
    again.release()


def test_nothing_is_written_without_a_key(tmp_path: Path) -> None:
    """A session that never got a key leaves no file."""
    session = SessionFile.open(tmp_path / "s" / "main.session")
    session.set_dc(2, "127.0.0.1", 443)
    session.save()
    session.release()
    assert not (tmp_path / "s" / "main.session").exists()


def test_nothing_is_saved_after_release(tmp_path: Path) -> None:
    """A session whose lock was given up writes nothing any more."""
    session = SessionFile.open(tmp_path / "main.session")
    session.release()
    _fill(session)
    session.save()
    assert not session.path.exists()


def test_second_opening_is_refused(tmp_path: Path) -> None:
    """A session in use is refused with the number of the process that has it."""
    session = SessionFile.open(tmp_path / "main.session")
    with pytest.raises(Locked, match=rf"process {os.getpid()} is using this session"):
        SessionFile.open(tmp_path / "main.session")
    session.release()
    SessionFile.open(tmp_path / "main.session").release()


def test_asking_for_a_free_session(tmp_path: Path) -> None:
    """Whether a session is in use can be asked without writing anything or taking it."""
    path = tmp_path / "main.session"
    SessionFile.require_free(path)
    assert list(tmp_path.iterdir()) == []
    session = SessionFile.open(path)
    with pytest.raises(Locked, match=rf"process {os.getpid()} is using this session"):
        SessionFile.require_free(path)
    session.release()
    SessionFile.require_free(path)
    SessionFile.open(path).release()


@pytest.mark.slow
def test_second_process_is_refused(tmp_path: Path) -> None:
    """Another process cannot take a session that is in use."""
    session = SessionFile.open(tmp_path / "main.session")
    code = (
        "import sys; from pathlib import Path; from bot.errors import Locked; from bot.telegram.session import SessionFile\n"
        "try: SessionFile.open(Path(sys.argv[1]))\n"
        "except Locked as error: print(error); sys.exit(6)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(session.path)], capture_output=True, text=True, check=False)
    session.release()
    assert done.returncode == 6, done.stderr
    assert f"process {os.getpid()}" in done.stdout


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_readable_by_others(tmp_path: Path, mode: int) -> None:
    """A session that others may touch is refused with the command to type, and left as it is."""
    path = tmp_path / "my session"
    path.write_text("{}")
    path.chmod(mode)
    with pytest.raises(ConfigError, match=rf"chmod 600 '{path}'"):
        SessionFile.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    path.chmod(0o600)


def test_folder_writable_by_others(tmp_path: Path) -> None:
    """A folder in which others may put a session is refused with the command to type."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(ConfigError, match=f"chmod 700 {folder}"):
        SessionFile.open(folder / "main.session")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff",
        b"{}",
        b"[1]",
        b'"text"',
        b"SQLite format 3\x00",
        json.dumps({"format": 1, "dc": 2, "host": "h", "port": 1, "auth_key": "ab"}).encode(),
        json.dumps({"format": 2, "dc": 2, "host": "h", "port": 1, "auth_key": "ab" * 256}).encode(),
        json.dumps({"format": 1, "dc": "2", "host": "h", "port": 1, "auth_key": "ab" * 256}).encode(),
        json.dumps({"format": 1, "dc": 2, "host": "h", "port": 1, "auth_key": None}).encode(),
    ],
)
def test_damaged(tmp_path: Path, content: bytes) -> None:
    """A file that is not a whole session is refused, never overwritten, and the lock is free again."""
    path = tmp_path / "main.session"
    path.write_bytes(content)
    path.chmod(0o600)
    for _ in range(2):
        with pytest.raises(ConfigError, match="not a session of Earshot, or it is damaged"):
            SessionFile.open(path)
    assert path.read_bytes() == content


def test_interrupted_save_leaves_the_old_one(tmp_path: Path) -> None:
    """A draft that an interrupted save left behind is neither read nor in the way."""
    session = SessionFile.open(tmp_path / "main.session")
    _fill(session)
    session.save()
    (tmp_path / "main.session.new").write_bytes(b"half")
    session.set_dc(4, "127.0.0.1", 444)
    session.save()
    session.release()
    again = SessionFile.open(tmp_path / "main.session")
    assert again.dc_id == 4
    again.release()


def test_unsaveable_folder(tmp_path: Path) -> None:
    """A folder that cannot be made is a clear refusal."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        SessionFile.open(tmp_path / "file" / "main.session")
