"""Handlers: bytes in and out. https://core.telegram.org/api/files"""

from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access, media
from bot.sandbox.files import NewFile, StoredFile
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.world import User, World

_MEGABYTE = 1024 * 1024
# The data centre in which uploads land.
_UPLOAD_DC = 2


@handles(functions.upload.SaveFilePartRequest)
def save_file_part(world: World, caller: Caller, request: Any) -> bool:
    """One part of a file of at most 10 MB."""
    world.files.save_part(caller.require_user(), request.file_id, request.file_part, request.bytes)
    return True


@handles(functions.upload.SaveBigFilePartRequest)
def save_big_file_part(world: World, caller: Caller, request: Any) -> bool:
    """One part of a larger file."""
    if request.file_part >= request.file_total_parts:
        raise RpcError(400, "FILE_PARTS_INVALID")
    world.files.save_part(caller.require_user(), request.file_id, request.file_part, request.bytes)
    return True


@handles(functions.upload.GetFileRequest)
def get_file(world: World, caller: Caller, request: Any) -> Any:
    """A part of a file, from the data centre that holds it; FILE_MIGRATE_X names that one."""
    caller.require_user()
    step = 1024 if request.precise else 4096
    if request.offset < 0 or request.offset % step:
        raise RpcError(400, "OFFSET_INVALID")
    if request.limit <= 0 or request.limit % step or request.limit > _MEGABYTE:
        raise RpcError(400, "LIMIT_INVALID")
    if not request.precise and _MEGABYTE % request.limit:
        raise RpcError(400, "LIMIT_INVALID")
    if request.offset // _MEGABYTE != (request.offset + request.limit - 1) // _MEGABYTE:
        raise RpcError(400, "LIMIT_INVALID")
    stored = _located(world, request.location)
    if stored.dc != caller.dc:
        raise RpcError(303, f"FILE_MIGRATE_{stored.dc}")
    data = stored.read(request.offset, request.limit)
    return types.upload.File(type=types.storage.FileUnknown(), mtime=0, bytes=data)


@handles(functions.messages.UploadMediaRequest)
def upload_media(world: World, caller: Caller, request: Any) -> Any:
    """Make uploaded parts a file without posting it, as for an album."""
    viewer = access.me(world, caller)
    access.peer(world, caller, request.peer)
    return media_of(world, viewer, request.media)


def media_of(world: World, viewer: User, given: Any) -> Any:
    """The TL media for a types.InputMedia...: uploaded bytes become a file, known files are checked."""
    if isinstance(given, types.InputMediaUploadedDocument):
        data = world.files.assemble(viewer.id, given.file)
        attributes = list(given.attributes)
        if not any(isinstance(one, types.DocumentAttributeFilename) for one in attributes) and given.file.name:
            attributes.append(types.DocumentAttributeFilename(file_name=given.file.name))
        new = NewFile(data=data, mime=given.mime_type, attributes=attributes)
        return media.file_media(world.files.add_document(new, dc=_UPLOAD_DC, at=world.now()))
    if isinstance(given, types.InputMediaUploadedPhoto):
        data = world.files.assemble(viewer.id, given.file)
        return media.file_media(world.files.add_photo(data, dc=_UPLOAD_DC, at=world.now()))
    if isinstance(given, types.InputMediaDocument | types.InputMediaPhoto):
        one = given.id
        return media.file_media(world.files.locate(one.id, one.access_hash, one.file_reference, refusal="MEDIA_EMPTY"))
    if isinstance(given, types.InputMediaPoll):
        return types.MessageMediaPoll(poll=given.poll, results=types.PollResults(total_voters=0))
    raise RpcError(400, "MEDIA_INVALID")


def _located(world: World, location: Any) -> StoredFile:
    if not isinstance(location, types.InputDocumentFileLocation | types.InputPhotoFileLocation):
        raise RpcError(400, "LOCATION_INVALID")
    stored = world.files.locate(location.id, location.access_hash, location.file_reference, refusal="FILE_ID_INVALID")
    photo = isinstance(stored.tl, types.Photo)
    if photo != isinstance(location, types.InputPhotoFileLocation):
        raise RpcError(400, "LOCATION_INVALID")
    if location.thumb_size != ("x" if photo else ""):
        raise RpcError(400, "LOCATION_INVALID")
    return stored
