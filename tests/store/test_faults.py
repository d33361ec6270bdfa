"""Kills and full disks."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ALL
from tests.stores import fresh_sqlite


def run(module: str, url: str, folder: Path, *more: str) -> str:
    """Run one of the processes that suffer; return what it printed."""
    command = [sys.executable, "-m", f"tests.store.{module}", url, str(folder / "media"), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def sound(file: Path) -> bool:
    """Whether SQLite finds nothing wrong with a database."""
    conn = sqlite3.connect(file)
    try:
        whole = conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return whole and conn.execute("PRAGMA foreign_key_check").fetchall() == []
    finally:
        conn.close()


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("life", "sends"), [("posts", 8), ("watch", 0)])
def test_killed_at_every_step(url: str, tmp_path: Path, life: str, sends: int) -> None:
    """Killed before a statement or commit, and started again, a life ends in the same rows and with the same sends."""
    # `make drills` kills at each step; PostgreSQL itself survives the kill of a client, so samples do.
    stride = str((1 if ALL else 8) * (1 if url.startswith("sqlite") else 4))
    lines = [json.loads(line) for line in run("dying", url, tmp_path, stride, life).splitlines() if line[0] in "[{"]
    random_ids: dict[int, int] = {}
    for delivery_id, random_id in lines[:-1]:
        assert random_ids.setdefault(delivery_id, random_id) == random_id
    assert lines[-1]["steps"] > 50
    assert len(random_ids) == sends * lines[-1]["lives"]
    if url.startswith("sqlite"):
        assert sound(tmp_path / "earshot.db")


@pytest.mark.slow
def test_full_disk(tmp_path: Path) -> None:
    """On a full disk a verb fails in clear words and writes nothing; with space again it goes on."""
    said = run("full_disk", fresh_sqlite(tmp_path), tmp_path)
    assert "full" in said
    assert sound(tmp_path / "earshot.db")
