"""Handlers: buttons and commands of bots. https://core.telegram.org/api/bots/buttons"""

import asyncio
from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access
from bot.sandbox.chats import Chat
from bot.sandbox.delivery import log_for, push
from bot.sandbox.drafts import peer_of
from bot.sandbox.log import Entry
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.world import User, World


@handles(functions.messages.GetBotCallbackAnswerRequest)
async def press_button(world: World, caller: Caller, request: Any) -> Any:
    """Press an inline button; answers as the bot does, BOT_RESPONSE_TIMEOUT when it does not."""
    viewer = access.person(world, caller)
    target = access.peer(world, caller, request.peer)
    return await press(world, viewer, target, request.msg_id, request.data or b"")


@handles(functions.messages.SetBotCallbackAnswerRequest)
def answer_button(world: World, caller: Caller, request: Any) -> bool:
    """The bot's answer to a press; QUERY_ID_INVALID when nobody waits for it any more."""
    bot = access.me(world, caller)
    bot_id, waiting = world.queries.get(request.query_id, (0, None))
    if not bot.is_bot or waiting is None or bot_id != bot.id or waiting.done():
        raise RpcError(400, "QUERY_ID_INVALID")
    answer = types.messages.BotCallbackAnswer(
        cache_time=request.cache_time, alert=request.alert, message=request.message, url=request.url
    )
    waiting.set_result(answer)
    return True


@handles(functions.bots.SetBotCommandsRequest)
def set_bot_commands(world: World, caller: Caller, request: Any) -> bool:
    """The commands that clients offer while one types a slash."""
    bot = access.me(world, caller)
    if not bot.is_bot:
        raise RpcError(400, "USER_BOT_REQUIRED")
    if any(not command.command.isascii() or len(command.command) > 32 for command in request.commands):
        raise RpcError(400, "BOT_COMMAND_INVALID")
    world.bot_commands[bot.id] = list(request.commands)
    return True


async def press(world: World, viewer: User, target: User | Chat, message_id: int, data: bytes) -> Any:
    """As `viewer`, press the button with `data` under a message; returns types.messages.BotCallbackAnswer."""
    entry = log_for(world, viewer.id, target.key).living(message_id)
    if entry is None or entry.key != target.key or entry.author_id is None:
        raise RpcError(400, "MESSAGE_ID_INVALID")
    bot = world.users[entry.author_id]
    if not bot.is_bot or data not in _button_data(entry):
        raise RpcError(400, "DATA_INVALID")
    query_id = next(world.query_ids)
    waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    world.queries[query_id] = (bot.id, waiting)
    seen = entry if entry.key[0] == "channel" else bot.box.entries[entry.copies[bot.id] - 1]
    update = types.UpdateBotCallbackQuery(
        query_id=query_id,
        user_id=viewer.id,
        peer=peer_of(seen.key),
        msg_id=seen.tl.id,
        chat_instance=world.access_hash(0, seen.key),
        data=data,
    )
    push(world, bot.id, [update], [viewer.key, seen.key])
    try:
        return await asyncio.wait_for(waiting, world.limits.callback_seconds)
    except TimeoutError:
        raise RpcError(400, "BOT_RESPONSE_TIMEOUT") from None
    finally:
        del world.queries[query_id]


def _button_data(entry: Entry) -> set[bytes]:
    markup = entry.tl.reply_markup
    return {
        button.type.data
        for row in (markup.rows if markup else ())
        for button in row.buttons
        if isinstance(button.type, types.InlineButtonTypeCallback)
    }
