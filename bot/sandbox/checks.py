"""What Telegram refuses in a message: lengths, entities, buttons, a random id used before."""

from datetime import datetime
from typing import Any

from telethon.tl import types

from bot.sandbox.media import units
from bot.sandbox.rpc import RpcError
from bot.sandbox.world import User, World

# UTF-16 units; https://core.telegram.org/api/config#message-length-max and caption_length_limit_default
TEXT_LIMIT = 4_096
CAPTION_LIMIT = 1_024
# https://core.telegram.org/api/bots/buttons
BUTTON_DATA_LIMIT = 64


def moment(date: datetime | None) -> datetime | None:
    """The date of a request; None for the epoch, by which TL says "no date"."""
    return date if date is not None and date.timestamp() > 0 else None


def check_text(text: str, *, caption: bool = False) -> None:
    """RpcError for a text that is too long or, unless it is a caption, empty."""
    if not caption and not text.strip():
        raise RpcError(400, "MESSAGE_EMPTY")
    if units(text) > (CAPTION_LIMIT if caption else TEXT_LIMIT):
        raise RpcError(400, "MEDIA_CAPTION_TOO_LONG" if caption else "MESSAGE_TOO_LONG")


def check_entities(text: str, entities: list[Any] | None) -> tuple[Any, ...]:
    """The entities, if each lies within the text; counted in UTF-16 units."""
    end = units(text)
    for entity in entities or ():
        if entity.offset < 0 or entity.length <= 0 or entity.offset + entity.length > end:
            raise RpcError(400, "ENTITY_BOUNDS_INVALID")
        if isinstance(entity, types.MessageEntityTextUrl) and not entity.url:
            raise RpcError(400, "ENTITY_TEXTURL_INVALID")
    return tuple(entities or ())


def claim_random_id(world: World, sender: User, *random_ids: int) -> None:
    """Take these ids for the sender; RANDOM_ID_DUPLICATE, and none taken, if one was used before."""
    claims = [(sender.id, random_id) for random_id in random_ids]
    if 0 in random_ids:
        raise RpcError(400, "RANDOM_ID_EMPTY")
    if len(set(claims)) < len(claims) or not world.sent.isdisjoint(claims):
        raise RpcError(500, "RANDOM_ID_DUPLICATE")
    world.sent.update(claims)


def inline_markup(sender: User, markup: Any) -> Any:
    """The keyboard, if it is an inline one of good buttons; Telegram passes over those of people."""
    if markup is None or not sender.is_bot:
        return None
    if not isinstance(markup, types.ReplyInlineMarkup):
        raise RpcError(400, "REPLY_MARKUP_INVALID")
    for row in markup.rows:
        for button in row.buttons:
            _check_button(button)
    return markup


def _check_button(button: Any) -> None:
    kind = button.type
    if not button.text:
        raise RpcError(400, "BUTTON_TEXT_INVALID")
    if isinstance(kind, types.InlineButtonTypeCallback) and not 0 < len(kind.data) <= BUTTON_DATA_LIMIT:
        raise RpcError(400, "BUTTON_DATA_INVALID")
    if isinstance(kind, types.InlineButtonTypeUrl) and "." not in kind.url:
        raise RpcError(400, "BUTTON_URL_INVALID")
