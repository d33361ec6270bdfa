"""One file, in parts, checked against what Telegram declared.

Measured with Telethon 1.45.0: its own download takes a short file for success, takes no notice of a declared size that
is too small, and follows a CDN redirect without checking hashes. So the parts are asked for here.
https://core.telegram.org/api/files#downloading-files
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import structlog
from telethon.tl import functions, types

from bot.errors import MediaUnavailable, TelegramError, Unreachable
from bot.model import ChannelId, MessageId
from bot.telegram.account import Account
from bot.telegram.ids import bare
from bot.telegram.refusals import word_of

log = structlog.get_logger()

# The largest part that Telegram gives out, in bytes.
PART = 512 * 1024
# Seconds for one part on a slow line.
PART_TIMEOUT = 60.0
# Tries of one part before the whole file is put off.
PART_TRIES = 3


class Gone(TelegramError):
    """The post no longer bears the file: deleted, or its media replaced."""


class Short(MediaUnavailable):
    """Telegram gave fewer bytes than it declared, as it does while a file is not all there."""


Find = Callable[[], Awaitable[Any]]


async def find_document(
    account: Account, channel_id: ChannelId, access_hash: int, message_id: MessageId, document_id: int
) -> Any:
    """The types.Document that the post bears now, with a fresh file reference.

    Raises Gone when it does not bear it any more, MediaUnavailable when Telegram says nothing of the post.
    """
    answer = await account.call(
        functions.channels.GetMessagesRequest(
            types.InputChannel(bare(channel_id), access_hash), [types.InputMessageID(message_id)]
        )
    )
    # By id, not by place: the server may leave ids out.
    found = next((message for message in answer.messages if message.id == message_id), None)
    if found is None:
        raise MediaUnavailable(f"Telegram says nothing of message {message_id}", permanent=False)
    if isinstance(found, types.MessageEmpty):
        raise Gone("deleted before it could be fetched")
    document = getattr(found.media, "document", None)
    if not isinstance(document, types.Document) or document.id != document_id:
        raise Gone("replaced by another file before it could be fetched")
    return document


async def parts(account: Account, find: Find, *, limit_bytes: int, whole: bool = True) -> AsyncGenerator[bytes]:
    """The bytes of the document that `find` gives, in order, at most `limit_bytes`.

    `find` is asked again, once, when the file reference expires on the way. Raises MediaUnavailable: permanent when the
    file is over the limit or longer than declared, not permanent when Telegram does not give it now. A file that is
    shorter than declared is Short, unless it need not be `whole` and has any bytes at all.
    """
    document = await find()
    if document.size > limit_bytes:
        raise MediaUnavailable(
            f"{document.size:,} bytes, over the limit of {limit_bytes:,} (speech.max_megabytes)", permanent=True
        )
    renewed = False
    received = 0
    while True:
        try:
            part = await _part(account, document, received)
        except MediaUnavailable as error:
            if renewed or not word_of(error).startswith("FILE_REFERENCE"):
                raise
            log.info("file reference renewed", document_id=document.id)
            document, renewed = await find(), True
            continue
        received += len(part)
        if received > document.size:
            raise MediaUnavailable(f"Telegram sent {received:,} bytes and declared {document.size:,}", permanent=True)
        if part:
            yield part
        if len(part) < PART:
            break
    if received < document.size and (whole or not received):
        raise Short(f"Telegram sent {received:,} of {document.size:,} bytes", permanent=False)


async def _part(account: Account, document: Any, offset: int) -> bytes:
    request = functions.upload.GetFileRequest(
        types.InputDocumentFileLocation(document.id, document.access_hash, document.file_reference, ""),
        offset=offset,
        limit=PART,
    )
    for attempt in range(1, PART_TRIES + 1):
        try:
            answer = await account.call(request, timeout=PART_TIMEOUT, dc=document.dc_id)
            break
        except Unreachable:
            if attempt == PART_TRIES:
                raise
    if not isinstance(answer, types.upload.File):
        # We never said that we support CDNs, and their hashes would have to be checked.
        raise MediaUnavailable(f"Telegram answered with {type(answer).__name__} instead of bytes", permanent=False)
    return bytes(answer.bytes)
