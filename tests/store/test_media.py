"""Media files: all or nothing, named by content."""

import hashlib
import os
import stat
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.store.media import MediaFiles


@pytest.fixture
def media(tmp_path: Path) -> MediaFiles:
    """An empty folder, ready."""
    files = MediaFiles(tmp_path / "media")
    files.prepare()
    return files


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    """What a download yields."""
    for part in parts:
        yield part


def everything(folder: Path) -> list[Path]:
    """All files below."""
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_write(media: MediaFiles, tmp_path: Path) -> None:
    """A file lies under its hash, for its owner only, and a second copy changes nothing."""
    sha256 = hashlib.sha256(b"abcdef").hexdigest()
    assert not media.exists(sha256)
    for _ in range(2):
        assert await media.write(chunks(b"abc", b"", b"def"), limit=6) == (sha256, 6)
    assert media.path(sha256) == tmp_path / "media" / sha256[:2] / sha256[2:]
    assert media.path(sha256).read_bytes() == b"abcdef"
    assert everything(tmp_path) == [media.path(sha256)]
    assert stat.S_IMODE((tmp_path / "media").stat().st_mode) == 0o700
    assert stat.S_IMODE(media.path(sha256).stat().st_mode) == 0o600


async def test_empty(media: MediaFiles) -> None:
    """A file of no bytes is a file."""
    assert await media.write(chunks(), limit=6) == (hashlib.sha256().hexdigest(), 0)


async def test_limit(media: MediaFiles, tmp_path: Path) -> None:
    """A file that grows past the limit is refused, and nothing is left behind."""
    with pytest.raises(StoreError, match="larger than the 5 bytes"):
        await media.write(chunks(b"abc", b"def"), limit=5)
    assert everything(tmp_path) == []


async def test_broken_download(media: MediaFiles, tmp_path: Path) -> None:
    """An error of the download goes through as it is, and nothing is left behind."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"abc"
        raise ConnectionResetError("cut")

    with pytest.raises(ConnectionResetError, match="cut"):
        await media.write(broken(), limit=50)
    assert everything(tmp_path) == []


def test_names(media: MediaFiles) -> None:
    """Nothing but a hash leads to a path."""
    for name in ("../../etc/passwd", "a" * 63, "A" * 64, "", "/" * 64, "\0" * 64):
        with pytest.raises(StoreError, match="SHA-256"):
            media.path(name)


def test_abandoned(media: MediaFiles, tmp_path: Path) -> None:
    """What a killed download left is swept out a day later; a running one's is not."""
    old, new = (tmp_path / "media" / f".part-{name}" for name in ("old", "new"))
    for part in (old, new):
        part.write_bytes(b"x")
    os.utime(old, (time.time() - 90_000,) * 2)
    media.prepare()
    assert everything(tmp_path) == [new]


def test_unusable(tmp_path: Path) -> None:
    """A folder that cannot be made is named."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match=r"media folder .*file/media cannot be used"):
        MediaFiles(tmp_path / "file" / "media").prepare()
