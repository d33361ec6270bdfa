"""Files: what was posted or uploaded, in which data centre it lies, and which file reference is good."""

import hashlib
import itertools
import struct
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from telethon.tl import types

from bot.sandbox.rpc import RpcError

# https://core.telegram.org/api/files#uploading-files
PART_LIMIT = 512 * 1024


@dataclass(slots=True)
class StoredFile:
    """A document or photo. `tl` is the one object that every message bearing the file shares."""

    data: bytes
    # types.Document or types.Photo.
    tl: Any
    # Serve no more bytes than this, whatever the declared size.
    cut: int | None = None
    # No reference is accepted, not even a fresh one.
    unreadable: bool = False
    # How often the reference was changed.
    age: int = 0

    @property
    def file_id(self) -> int:
        """Telegram's document or photo id."""
        return int(self.tl.id)

    @property
    def dc(self) -> int:
        """The data centre that serves it."""
        return int(self.tl.dc_id)

    def check(self, reference: bytes) -> None:
        """RpcError unless `reference` is the one in force."""
        if not reference:
            raise RpcError(400, "FILE_REFERENCE_EMPTY")
        if self.unreadable or reference != self.tl.file_reference:
            raise RpcError(400, "FILE_REFERENCE_EXPIRED")

    def expire(self) -> None:
        """Make all references given out so far invalid; messages fetched from now on carry a good one."""
        self.age += 1
        self.tl.file_reference = _reference(self.file_id, self.age)

    def read(self, offset: int, limit: int) -> bytes:
        """At most `limit` bytes from `offset`, none past the end."""
        end = len(self.data) if self.cut is None else min(self.cut, len(self.data))
        return self.data[offset : min(offset + limit, end)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """Bytes about to become a file, with what Telegram would declare of them."""

    data: bytes
    mime: str
    attributes: list[Any] = field(default_factory=list)


class Files:
    """All files of the world, and the parts of uploads that are not yet files."""

    def __init__(self) -> None:
        self.by_id: dict[int, StoredFile] = {}
        self._ids = itertools.count(5_000_000_000_000_001)
        self._parts: dict[tuple[int, int], dict[int, bytes]] = {}

    def __getitem__(self, file_id: int) -> StoredFile:
        return self.by_id[file_id]

    def add_document(self, new: NewFile, *, dc: int, at: datetime, size: int | None = None) -> StoredFile:
        """Store bytes as a document; `size` is what Telegram declares, where that is to differ from the truth."""
        file_id = next(self._ids)
        document = types.Document(
            id=file_id,
            access_hash=_file_hash(file_id),
            file_reference=_reference(file_id, 0),
            date=at,
            mime_type=new.mime,
            size=len(new.data) if size is None else size,
            dc_id=dc,
            attributes=new.attributes,
        )
        return self._keep(StoredFile(data=new.data, tl=document))

    def add_photo(self, data: bytes, *, dc: int, at: datetime) -> StoredFile:
        """Store bytes as a photo of one size."""
        file_id = next(self._ids)
        photo = types.Photo(
            id=file_id,
            access_hash=_file_hash(file_id),
            file_reference=_reference(file_id, 0),
            date=at,
            sizes=[types.PhotoSize(type="x", w=800, h=600, size=len(data))],
            dc_id=dc,
        )
        return self._keep(StoredFile(data=data, tl=photo))

    def locate(self, file_id: int, access_hash: int, reference: bytes, *, refusal: str) -> StoredFile:
        """The file that an input object names; RpcError `refusal` for a wrong id or hash, or for its reference."""
        stored = self.by_id.get(file_id)
        if stored is None or stored.tl.access_hash != access_hash:
            raise RpcError(400, refusal)
        stored.check(reference)
        return stored

    def save_part(self, user_id: int, upload_id: int, part: int, data: bytes) -> None:
        """Keep one part of an upload."""
        if part < 0:
            raise RpcError(400, "FILE_PART_INVALID")
        if not data:
            raise RpcError(400, "FILE_PART_EMPTY")
        if len(data) > PART_LIMIT:
            raise RpcError(400, "FILE_PART_TOO_BIG")
        self._parts.setdefault((user_id, upload_id), {})[part] = data

    def assemble(self, user_id: int, upload: Any) -> bytes:
        """The bytes of types.InputFile or InputFileBig; RpcError when parts are missing or of unequal size."""
        parts = self._parts.get((user_id, upload.id), {})
        if not upload.parts or len(parts) > upload.parts:
            raise RpcError(400, "FILE_PARTS_INVALID")
        for number in range(upload.parts):
            if number not in parts:
                raise RpcError(400, f"FILE_PART_{number}_MISSING")
        sizes = [len(parts[number]) for number in range(upload.parts)]
        if any(size != sizes[0] or size % 1024 for size in sizes[:-1]) or sizes[-1] > sizes[0]:
            raise RpcError(400, "FILE_PART_SIZE_CHANGED")
        data = b"".join(parts[number] for number in range(upload.parts))
        md5 = getattr(upload, "md5_checksum", "")
        if md5 and md5 != hashlib.md5(data, usedforsecurity=False).hexdigest():
            raise RpcError(400, "MD5_CHECKSUM_INVALID")
        del self._parts[user_id, upload.id]
        return data

    def _keep(self, stored: StoredFile) -> StoredFile:
        self.by_id[stored.file_id] = stored
        return stored


def read_bytes(source: Path | bytes) -> bytes:
    """The bytes themselves, or of the file at that path."""
    return source if isinstance(source, bytes) else source.read_bytes()


def ogg_seconds(data: bytes) -> float | None:
    """How long an Ogg Opus recording plays, from the granule position of its last page (48 kHz, RFC 7845)."""
    page = data.rfind(b"OggS")
    if page < 0 or len(data) < page + 14:
        return None
    (granule,) = struct.unpack_from("<q", data, page + 6)
    return granule / 48_000 if granule > 0 else None


def _file_hash(file_id: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"file {file_id}".encode(), digest_size=8).digest(), "big", signed=True)


def _reference(file_id: int, age: int) -> bytes:
    return b"\x01" + hashlib.blake2b(f"reference {file_id} {age}".encode(), digest_size=20).digest()
