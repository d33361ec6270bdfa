"""Media files, named by their content: `ab/cdef...`, never by anything that Telegram says."""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from bot.errors import StoreError

P = ParamSpec("P")
T = TypeVar("T")

_PART = ".part-"
# A part this old belongs to a process that was killed.
_ABANDONED_SECONDS = 24 * 3600


class MediaFiles:
    """A folder of files named by their SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def prepare(self) -> None:
        """Make the folder, for its owner only, and sweep out what killed downloads left. Raise StoreError."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=_PART):
                pass
            for part in self._folder.glob(f"{_PART}*"):
                if time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                    part.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The media folder {self._folder} cannot be used: {error.strerror}") from error

    def path(self, sha256: str) -> Path:
        """Where the file of this hash lies or would lie. Raise StoreError for what is no hash."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise StoreError(f"Not the hex SHA-256 of a media file: {sha256[:80]!r}")
        return self._folder / sha256[:2] / sha256[2:]

    def exists(self, sha256: str) -> bool:
        """Whether we have the file."""
        return self.path(sha256).is_file()

    async def write(self, chunks: AsyncIterator[bytes], *, limit: int) -> tuple[str, int]:
        """Store a file and return (sha256, size in bytes).

        Atomic: whatever happens, either the whole file is there or nothing is. Raise StoreError when it grows past
        `limit` bytes or the disk fails; an error of `chunks` goes through.
        """
        digest, size = hashlib.sha256(), 0
        number, part = await self._disk(tempfile.mkstemp, None, _PART, self._folder)
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise StoreError(f"The media file is larger than the {limit} bytes allowed")
                digest.update(chunk)
                await self._disk(_write_all, number, chunk)
            await self._disk(os.fsync, number)
            await self._disk(_move, Path(part), self.path(digest.hexdigest()))
        finally:
            os.close(number)
            await asyncio.to_thread(Path(part).unlink, missing_ok=True)
        return digest.hexdigest(), size

    async def _disk(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Work on the disk in a thread; its errors are ours, those of the chunks are not."""
        try:
            return await asyncio.to_thread(function, *args, **kwargs)
        except OSError as error:
            raise StoreError(f"A media file cannot be written to {self._folder}: {error.strerror}") from error


def _write_all(number: int, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[os.write(number, left) :]


def _move(part: Path, target: Path) -> None:
    """Rename, and have the folders remember it."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    part.replace(target)
    for folder in (target.parent, target.parent.parent):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
