"""From Telegram's objects to rows, and from rows to our nouns. Pure.

`raw_message` is called while a message is heard: it must never fail on what it does not understand. `convert` is called
later, on stored bytes; if it fails, the row is quarantined and nothing is lost.
"""

import hashlib
import inspect
import operator
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import structlog
from telethon.extensions import BinaryReader
from telethon.tl import TLObject, types
from telethon.tl.alltlobjects import LAYER
from telethon.utils import get_peer_id

from bot.model import ChannelId, Forward, Kind, Message, MessageId, RawMessage, Reply
from bot.telegram.entities import from_telegram
from bot.telegram.media_nouns import carried, spelled
from bot.telegram.received import received
from bot.telegram.services import service_words

log = structlog.get_logger()

# Counters, what depends on the reading account, and what the server adds by itself.
_NOT_WRITTEN = (
    "views", "forwards", "replies", "reactions", "reactions_are_possible",
    "out", "mentioned", "media_unread", "from_rank", "from_boosts_applied", "report_delivery_until_date",
    "pinned", "legacy", "edit_hide", "offline", "from_scheduled", "video_processing_pending", "summary_from_language",
)  # fmt: skip
# What lets the reading account, and no other, have a file or name a peer.
_OF_ACCOUNT: dict[str, Any] = {"file_reference": b"", "access_hash": 0}
# How Telethon declares fields that hold no further objects.
_VALUES = (bool, int, float, str, bytes, datetime)
_PLAIN = frozenset(hint for value in _VALUES for hint in (value, value | None))


def raw_message(tl: Any) -> RawMessage:
    """The row for a Message or MessageService as Telethon parsed it. Raises TypeError for anything else."""
    if not isinstance(tl, types.Message | types.MessageService):
        raise TypeError(f"only Message and MessageService are stored, got {type(tl).__name__}")
    body = received(tl)
    try:
        state = digest(tl)
    except Exception:
        # One odd post must not stop its channel: at worst the same state is kept twice.
        log.exception("no digest of the state, only of the bytes", message=tl.id)
        state = hashlib.sha256(body).digest()
    return RawMessage(
        message_id=MessageId(tl.id),
        body=body,
        layer=LAYER,
        digest=state,
        service=isinstance(tl, types.MessageService),
    )


def digest(tl: Any) -> bytes:
    """SHA-256 over what people wrote in the message `tl` (left untouched).

    The same for two hearings of one state, whichever account heard it: views, reactions, votes, file references and
    access hashes are left out. The edit date counts, unless Telegram hides it (`edit_hide`): then only a counter or a
    button moved, and a text that did change shows by itself.
    """
    return hashlib.sha256(bytes(_bare(tl))).digest()


def convert(channel_id: ChannelId, raw: RawMessage) -> Message:
    """The message that `raw.body` holds.

    Raises what Telethon's reader raises for bytes that are damaged or newer than the library, and ValueError for a TL
    object that is no message.
    """
    tl = _parse(raw.body)
    if isinstance(tl, types.MessageService):
        return Message(
            channel_id=channel_id,
            message_id=MessageId(tl.id),
            kind=Kind.SERVICE,
            posted_at=tl.date,
            reply=_reply(tl.reply_to),
            service=service_words(tl.action),
        )
    if isinstance(tl, types.Message):
        return _post(channel_id, tl)
    raise ValueError(f"stored as a message, but it is a {type(tl).__name__}")


def _post(channel_id: ChannelId, tl: Any) -> Message:
    carries = carried(tl.media)
    # Long structured posts come with an empty text; the words are in their blocks.
    text = tl.message or spelled(tl.rich_message) or carries.words
    return Message(
        channel_id=channel_id,
        message_id=MessageId(tl.id),
        kind=carries.kind,
        posted_at=tl.date,
        edited_at=_edited_at(tl),
        text=text,
        entities=from_telegram(tl.message, tl.entities),
        author=tl.post_author,
        forward=_forward(tl.fwd_from),
        reply=_reply(tl.reply_to),
        album_id=tl.grouped_id,
        media=carries.media,
        poll=carries.poll,
        preview=carries.preview,
        restricted=_restricted(tl.restriction_reason),
        protected=bool(tl.noforwards),
        views=tl.views,
    )


def _edited_at(tl: Any) -> datetime | None:
    # A hidden edit date moves with every reaction: it is not an edit by people.
    return None if tl.edit_hide else tl.edit_date


def _forward(header: Any) -> Forward | None:
    if header is None:
        return None
    from_channel = isinstance(header.from_id, types.PeerChannel)
    return Forward(
        posted_at=header.date,
        channel_id=ChannelId(get_peer_id(header.from_id)) if from_channel else None,
        message_id=MessageId(header.channel_post) if header.channel_post else None,
        name=header.from_name,
        author=header.post_author,
    )


def _reply(header: Any) -> Reply | None:
    """None also for an answer to a story, and where Telegram does not say which post is answered."""
    if not isinstance(header, types.MessageReplyHeader) or not header.reply_to_msg_id:
        return None
    return Reply(
        message_id=MessageId(header.reply_to_msg_id),
        channel_id=ChannelId(get_peer_id(header.reply_to_peer_id)) if header.reply_to_peer_id else None,
        quote=header.quote_text,
    )


def _restricted(reasons: Any) -> str | None:
    if not reasons:
        return None
    return "; ".join(f"{reason.reason} ({reason.platform}): {reason.text}" for reason in reasons)


def _parse(body: bytes) -> Any:
    return BinaryReader(body).tgread_object()


def _bare(tl: Any) -> Any:
    """`tl` without what changes without anybody writing, all the way down: itself where that is nothing, else a copy."""
    names = _telling(type(tl).__init__)
    if not names:
        return tl
    told, changed = vars(tl), _unwritten(tl)
    for name in names:
        value = told.get(name)
        if value and name not in changed:
            bare = _bare_field(name, value)
            if bare is not value:
                changed[name] = bare
    if not changed:
        return tl
    written = object.__new__(type(tl))
    vars(written).update(told, **changed)
    return written


def _bare_field(name: str, value: Any) -> Any:
    if isinstance(value, TLObject):
        return _bare(value)
    if isinstance(value, list):
        bare = [_bare(item) for item in value] if isinstance(value[0], TLObject) else value
        return value if all(map(operator.is_, bare, value)) else bare
    return _OF_ACCOUNT.get(name, value)


@cache
def _telling(init: Callable[..., None]) -> tuple[str, ...]:
    """The fields of what `init` makes that may hold something of an account, or objects; none in peers and entities."""
    hints = inspect.get_annotations(init)
    # The data of such a button counts votes.
    special = hints if init is types.InlineButtonTypeCallback.__init__ else _OF_ACCOUNT
    return tuple(name for name, hint in hints.items() if name in special or hint not in _PLAIN)


def _unwritten(tl: Any) -> dict[str, Any]:
    """The fields of one object that are not written by people, with what they count as."""
    match tl:
        case types.Message() | types.MessageService():
            told = vars(tl)
            unwritten = {name: None for name in _NOT_WRITTEN if told.get(name) is not None}
            return unwritten | ({"edit_date": None} if told.get("edit_hide") else {})
        case types.Photo():
            return {"sizes": [], "video_sizes": None}
        case types.Document():
            return {"thumbs": None, "video_thumbs": None}
        case types.MessageMediaDocument():
            # Smaller encodings of a video, which appear when the server has made them.
            return {"alt_documents": None, "nopremium": None}
        case types.Poll():
            return {"hash": 0}
        case types.MessageMediaPoll():
            return {"results": types.PollResults()}
        case types.MessageMediaToDo():
            return {"completions": None}
        case types.MessageMediaStory():
            return {"story": None}
        case types.MessageMediaWebPage():
            return {"webpage": _bare_page(tl.webpage)}
        case types.KeyboardInlineButton(type=types.InlineButtonTypeCallback()):
            # Bots count votes in the label.
            return {"text": ""}
        case types.InlineButtonTypeCallback():
            return {"data": b""}
    return {}


def _bare_page(page: Any) -> Any:
    """A link preview without instant view, pictures and hash, which the server renews; not ready is not there."""
    if not isinstance(page, types.WebPage):
        return types.WebPageEmpty(0)
    return types.WebPage(0, page.url, "", 0, site_name=page.site_name, title=page.title, description=page.description)
