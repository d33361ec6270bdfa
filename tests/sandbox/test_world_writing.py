"""What the world does for those who write: sends, edits, deletions, forwards, uploads, buttons."""

import asyncio
import hashlib
import itertools

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from bot.sandbox.chats import Chat
from bot.sandbox.world import World
from tests.sandbox.asking import Asker

_random = itertools.count(1)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def analyst(world: World) -> Asker:
    return Asker(world, world.add_user("Analyst", phone="+9990001111"))


@pytest.fixture
def bot(world: World) -> Asker:
    return Asker(world, world.add_bot("Alerts", "77:x"))


@pytest.fixture
def desk(world: World, analyst: Asker, bot: Asker) -> Chat:
    """A megagroup with the analyst and the bot in it."""
    chat = world.add_channel("Desk", megagroup=True)
    chat.invite(analyst.user)
    chat.invite(bot.user)
    analyst.take(), bot.take()
    return chat


def send(who: Asker, to, text: str, **more) -> f.messages.SendMessageRequest:
    return f.messages.SendMessageRequest(peer=who.peer(to), message=text, **({"random_id": next(_random)} | more))


def buttons(*data: bytes) -> types.ReplyInlineMarkup:
    row = [types.KeyboardInlineButton(text="ok", type=types.InlineButtonTypeCallback(data=one)) for one in data]
    return types.ReplyInlineMarkup(rows=[types.KeyboardInlineButtonRow(buttons=row)])


# --- sending ----------------------------------------------------------------------------------------------------------


async def test_a_message_to_a_megagroup_is_answered_and_pushed(analyst, bot, desk):
    """The sender learns its id by the answer, the others by a push; the world keeps text, sender and random id."""
    bold = types.MessageEntityBold(offset=0, length=2)
    answer = await bot.ask(send(bot, desk, "hi there", entities=[bold], random_id=4242))
    given, new = answer.updates
    assert (given.id, given.random_id) == (1, 4242)
    assert (new.message.out, new.message.from_id, new.pts) == (True, types.PeerUser(bot.user.id), 2)
    assert answer.users[0].is_self
    assert bot.take() == []
    (heard,) = analyst.take()
    assert (heard.message.message, heard.message.out) == ("hi there", False)
    (kept,) = desk.messages
    assert (kept.id, kept.text, kept.sender_id, kept.random_id) == (1, "hi there", bot.user.id, 4242)
    assert [(e.offset, e.length) for e in kept.entities] == [(0, 2)]
    assert desk.texts == ["hi there"]


async def test_a_random_id_is_good_once(bot, desk):
    """A repeated random id is RANDOM_ID_DUPLICATE with code 500, and nothing is posted again."""
    await bot.ask(send(bot, desk, "once", random_id=5))
    assert await bot.refused(send(bot, desk, "once", random_id=5)) == "500 RANDOM_ID_DUPLICATE"
    assert await bot.refused(send(bot, desk, "x", random_id=0)) == "400 RANDOM_ID_EMPTY"
    assert len(desk.messages) == 1


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", "MESSAGE_EMPTY"),
        (" \n", "MESSAGE_EMPTY"),
        ("x" * 4097, "MESSAGE_TOO_LONG"),
        ("𝕏" * 2049, "MESSAGE_TOO_LONG"),
    ],
)
async def test_bad_texts_are_refused(bot, desk, text, refusal):
    """Empty texts, and those above 4,096 UTF-16 units, are refused."""
    assert await bot.refused(send(bot, desk, text)) == f"400 {refusal}"
    await bot.ask(send(bot, desk, "𝕏" * 2048))


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 0), (0, 4), (3, 1)])
async def test_entities_lie_within_the_text(bot, desk, offset, length):
    """An entity that reaches out of the text, in UTF-16 units, is ENTITY_BOUNDS_INVALID."""
    bad = types.MessageEntityBold(offset=offset, length=length)
    assert await bot.refused(send(bot, desk, "𝕏a", entities=[bad])) == "400 ENTITY_BOUNDS_INVALID"
    await bot.ask(send(bot, desk, "𝕏a", entities=[types.MessageEntityBold(offset=0, length=3)]))


async def test_an_address_gets_a_preview_unless_declined(bot, desk):
    """Telegram previews the first address of a text, shown or hidden, unless told not to; an edit can take it away."""
    hidden = types.MessageEntityTextUrl(offset=0, length=1, url="https://evil.example/a")
    await bot.ask(send(bot, desk, "see https://x.com/a now"))
    await bot.ask(send(bot, desk, "see", entities=[hidden]))
    await bot.ask(send(bot, desk, "see https://x.com/a", no_webpage=True))
    urls = [p.tl.media and p.tl.media.webpage.url for p in desk.messages]
    assert urls == ["https://x.com/a", "https://evil.example/a", None]
    await bot.ask(f.messages.EditMessageRequest(bot.peer(desk), 1, message="see no more", no_webpage=True))
    assert desk.message(1).tl.media is None


async def test_assertions_can_ask_what_is_clickable(bot, desk):
    """`links` names hidden addresses, and what clients would find in the text outside of code."""
    hidden = types.MessageEntityTextUrl(offset=0, length=1, url="https://evil.example/a")
    code = types.MessageEntityCode(offset=26, length=7)
    desk.post("𝕏 see t.me/x or @someone or bad.com; 3.5 km, hxxps://no[.]example", entities=[hidden, code])
    assert desk.message(1).links == ("https://evil.example/a", "t.me/x", "@someone")


async def test_rights_to_write_are_checked(world, analyst, bot, desk):
    """A channel needs an administrator, a megagroup a member who is not muted, a private one is closed to others."""
    channel = world.add_channel("News", handle="news_x")
    assert await analyst.refused(send(analyst, channel, "x")) == "400 CHAT_ADMIN_REQUIRED"
    channel.invite(analyst.user, admin=True)
    await analyst.ask(send(analyst, channel, "x"))
    assert channel.message(1).tl.from_id is None
    assert channel.message(1).sender_id == analyst.user.id
    desk.invite(analyst.user, muted=True)
    assert await analyst.refused(send(analyst, desk, "x")) == "403 CHAT_WRITE_FORBIDDEN"
    desk.kick(bot.user)
    assert await bot.refused(send(bot, desk, "x")) == "400 CHANNEL_PRIVATE"


async def test_a_bot_cannot_write_first(world, analyst, bot):
    """A private chat with a bot is begun by the person."""
    assert await bot.refused(send(bot, analyst.user, "hello")) == "400 PEER_ID_INVALID"
    world.say(analyst.user, bot.user, "/start")
    (heard,) = bot.take()
    assert (heard.message.message, heard.message.from_id) == ("/start", types.PeerUser(analyst.user.id))
    named = types.InputPeerUser(analyst.user.id, 0)
    await bot.ask(f.messages.SendMessageRequest(named, "hello", random_id=next(_random)))
    assert [p.text for p in world.conversation(analyst.user, bot.user)] == ["/start", "hello"]


async def test_private_chats_and_basic_groups_share_the_boxes(world, analyst, bot):
    """Each account numbers its messages itself, across its private chats and basic groups; replies are translated."""
    world.say(analyst.user, bot.user, "/start")
    group = world.add_group("Small", [analyst.user, bot.user])
    first = group.post("yes?", sender=analyst.user)
    other = world.add_user("Other", phone="+9990002222")
    group.invite(other)
    asker = Asker(world, other)
    bot.take()
    reply = types.InputReplyToMessage(reply_to_msg_id=2)
    answer = await bot.ask(send(bot, group, "no", reply_to=reply))
    assert (first, answer.updates[0].id) == (2, 3)
    (heard,) = asker.take()
    assert (heard.message.id, heard.message.reply_to, heard.pts) == (1, None, 2)
    assert [p.text for p in group.messages] == ["yes?", "no"]
    history = f.messages.GetHistoryRequest(analyst.peer(group), 0, None, 0, 10, 0, 0, 0)
    seen = (await analyst.ask(history)).messages
    assert [(m.id, m.message, m.reply_to and m.reply_to.reply_to_msg_id) for m in seen] == [
        (3, "no", 2),
        (2, "yes?", None),
    ]


async def test_a_group_that_became_a_megagroup_is_closed(world, analyst, bot):
    """After migration the old group takes no messages, and both sides of the move are told."""
    group = world.add_group("Small", [analyst.user, bot.user])
    bot.take()
    heir = group.migrate()
    actions = [type(u.message.action).__name__ for u in bot.take() if hasattr(u, "message")]
    assert actions == ["MessageActionChatMigrateTo", "MessageActionChannelMigrateFrom"]
    assert await bot.refused(send(bot, group, "x")) == "400 CHAT_ID_INVALID"
    await bot.ask(send(bot, heir, "x"))
    chats = await bot.ask(f.messages.GetChatsRequest([group.id]))
    assert (chats.chats[0].deactivated, chats.chats[0].migrated_to.channel_id) == (True, heir.id)


# --- editing and deleting ---------------------------------------------------------------------------------------------


async def test_authors_edit_and_nobody_else(analyst, bot, desk):
    """The author's edit is answered and pushed with its pts; others are MESSAGE_AUTHOR_REQUIRED."""
    await bot.ask(send(bot, desk, "one"))
    analyst.take()
    edit = f.messages.EditMessageRequest(bot.peer(desk), 1, message="two")
    answer = await bot.ask(edit)
    assert (answer.updates[0].message.message, answer.updates[0].pts) == ("two", 3)
    assert [u.message.message for u in analyst.take()] == ["two"]
    assert await bot.refused(edit) == "400 MESSAGE_NOT_MODIFIED"
    foreign = f.messages.EditMessageRequest(analyst.peer(desk), 1, message="three")
    assert await analyst.refused(foreign) == "403 MESSAGE_AUTHOR_REQUIRED"
    missing = f.messages.EditMessageRequest(bot.peer(desk), 9, message="x")
    assert await bot.refused(missing) == "400 MESSAGE_ID_INVALID"
    assert [edit.text for edit in desk.message(1).edits] == ["one"]


async def test_an_edit_of_buttons_keeps_the_text(bot, desk):
    """Editing with a keyboard alone leaves text and entities as they are."""
    bold = types.MessageEntityBold(offset=0, length=3)
    await bot.ask(send(bot, desk, "one", entities=[bold], reply_markup=buttons(b"1")))
    await bot.ask(f.messages.EditMessageRequest(bot.peer(desk), 1, reply_markup=buttons(b"2")))
    kept = desk.message(1)
    assert (kept.text, len(kept.entities)) == ("one", 1)
    assert kept.tl.reply_markup.rows[0].buttons[0].type.data == b"2"


async def test_deleting_needs_rights(analyst, bot, desk):
    """Members delete their own messages, administrators all; ids already gone are passed over."""
    await bot.ask(send(bot, desk, "one"))
    mine = f.channels.DeleteMessagesRequest(bot.channel(desk), [1, 7])
    theirs = f.channels.DeleteMessagesRequest(analyst.channel(desk), [1])
    assert await analyst.refused(theirs) == "403 MESSAGE_DELETE_FORBIDDEN"
    analyst.take()
    affected = await bot.ask(mine)
    assert (affected.pts, affected.pts_count) == (3, 1)
    assert [u.messages for u in analyst.take()] == [[1]]
    assert (await bot.ask(mine)).pts_count == 0
    assert desk.messages[0].deleted
    assert desk.texts == []


async def test_private_messages_are_deleted_for_one_or_for_both(world, analyst, bot):
    """Without `revoke` the other keeps its copy."""
    world.say(analyst.user, bot.user, "a")
    world.say(analyst.user, bot.user, "b")
    bot.take()
    await analyst.ask(f.messages.DeleteMessagesRequest([1], revoke=False))
    assert bot.take() == []
    await analyst.ask(f.messages.DeleteMessagesRequest([2], revoke=True))
    assert [u.messages for u in bot.take()] == [[2]]
    assert [p.deleted for p in world.conversation(bot.user, analyst.user)] == [False, True]


async def test_reactions_are_counted(analyst, desk):
    """sendReaction raises the count of that emoji."""
    desk.post("x")
    react = f.messages.SendReactionRequest(analyst.peer(desk), 1, reaction=[types.ReactionEmoji(emoticon="👍")])
    await analyst.ask(react)
    answer = await analyst.ask(react)
    assert answer.updates[0].reactions.results[0].count == 2


# --- media ------------------------------------------------------------------------------------------------------------


async def upload(who: Asker, data: bytes, *, size: int = 1024) -> types.InputFile:
    """Upload in parts of `size` bytes."""
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    file_id = next(_random)
    for number, part in enumerate(parts):
        await who.ask(f.upload.SaveFilePartRequest(file_id, number, part))
    return types.InputFile(file_id, len(parts), "note.ogg", hashlib.md5(data).hexdigest())  # noqa: S324


async def test_an_upload_becomes_a_file(world, bot, desk):
    """Parts are joined, checked and stored; the message bears the file, with the attributes that were sent."""
    data = bytes(range(256)) * 9
    file = await upload(bot, data)
    audio = types.DocumentAttributeAudio(duration=3, voice=True)
    media = types.InputMediaUploadedDocument(file=file, mime_type="audio/ogg", attributes=[audio])
    request = f.messages.SendMediaRequest(bot.peer(desk), media, "cap", random_id=next(_random))
    answer = await bot.ask(request)
    assert answer.updates[1].message.media.voice
    assert desk.file_of(1).data == data
    assert world.files[desk.file_of(1).file_id].tl.size == len(data)
    assert await bot.refused(request) == "500 RANDOM_ID_DUPLICATE"


async def test_bad_uploads_are_refused(bot, desk):
    """Missing parts, a wrong checksum and too large parts are told apart."""

    async def refusal(file) -> str:
        media = types.InputMediaUploadedDocument(file=file, mime_type="x/y", attributes=[])
        return await bot.refused(f.messages.SendMediaRequest(bot.peer(desk), media, "", random_id=next(_random)))

    file = await upload(bot, b"x" * 3000)
    assert await refusal(types.InputFile(file.id, 4, "n", "")) == "400 FILE_PART_3_MISSING"
    assert await refusal(types.InputFile(file.id, 3, "n", "0" * 32)) == "400 MD5_CHECKSUM_INVALID"
    assert await refusal(types.InputFile(9_999, 0, "n", "")) == "400 FILE_PARTS_INVALID"
    big = f.upload.SaveFilePartRequest(1, 0, b"x" * (512 * 1024 + 1))
    assert await bot.refused(big) == "400 FILE_PART_TOO_BIG"


async def test_captions_are_shorter_than_texts(bot, desk):
    """A caption may have 1,024 UTF-16 units."""
    media = types.InputMediaUploadedPhoto(file=await upload(bot, b"jpeg"))
    request = f.messages.SendMediaRequest(bot.peer(desk), media, "x" * 1025, random_id=next(_random))
    assert await bot.refused(request) == "400 MEDIA_CAPTION_TOO_LONG"


async def test_an_album_is_sent_from_files_on_the_server(bot, desk, analyst):
    """uploadMedia makes files, sendMultiMedia posts them together under one album id."""
    items = []
    for number in range(2):
        given = types.InputMediaUploadedPhoto(file=await upload(bot, b"jpeg%d" % number))
        photo = (await bot.ask(f.messages.UploadMediaRequest(bot.peer(desk), given))).photo
        named = types.InputMediaPhoto(types.InputPhoto(photo.id, photo.access_hash, photo.file_reference))
        items.append(types.InputSingleMedia(named, f"c{number}", random_id=next(_random)))
    await bot.ask(f.messages.SendMultiMediaRequest(bot.peer(desk), items))
    one, two = (update.message for update in analyst.take())
    assert one.grouped_id == two.grouped_id > 0
    assert [p.text for p in desk.messages] == ["c0", "c1"]


async def test_forwards_keep_the_origin_unless_forbidden(world, analyst, bot, desk):
    """A forward names channel, post and date and keeps the document id; protected content is refused."""
    channel = world.add_channel("News", handle="news_x")
    origin = channel.post("hear", voice=b"ogg")
    request = f.messages.ForwardMessagesRequest(
        analyst.peer(channel), [origin], analyst.peer(desk), random_id=[next(_random)]
    )
    (_, new) = (await analyst.ask(request)).updates
    assert new.message.fwd_from.from_id == types.PeerChannel(channel.id)
    assert new.message.fwd_from.channel_post == origin
    assert new.message.voice.id == channel.file_of(origin).file_id
    again = f.messages.ForwardMessagesRequest(
        analyst.peer(desk), [1], analyst.peer(desk), random_id=[next(_random)], drop_author=True
    )
    assert (await analyst.ask(again)).updates[1].message.fwd_from is None
    channel.protected = True
    request.random_id = [next(_random)]
    assert await analyst.refused(request) == "400 CHAT_FORWARDS_RESTRICTED"


# --- buttons ----------------------------------------------------------------------------------------------------------


async def test_a_press_goes_to_the_bot_and_its_answer_back(analyst, bot, desk):
    """The bot hears who pressed what under which message; what it answers is what the presser gets."""
    await bot.ask(send(bot, desk, "sure?", reply_markup=buttons(b"yes", b"no")))
    pressing = asyncio.create_task(
        analyst.ask(f.messages.GetBotCallbackAnswerRequest(analyst.peer(desk), 1, data=b"yes"))
    )
    await asyncio.sleep(0)
    (query,) = bot.take()
    assert (query.user_id, query.msg_id, query.data) == (analyst.user.id, 1, b"yes")
    await bot.ask(f.messages.SetBotCallbackAnswerRequest(query.query_id, 0, message="noted", alert=True))
    answer = await pressing
    assert (answer.message, answer.alert) == ("noted", True)
    late = f.messages.SetBotCallbackAnswerRequest(query.query_id, 0)
    assert await bot.refused(late) == "400 QUERY_ID_INVALID"


async def test_a_press_without_answer_times_out(world, analyst, bot, desk):
    """A silent bot is BOT_RESPONSE_TIMEOUT, a button that is not there DATA_INVALID."""
    world.limits.callback_seconds = 0.01
    await bot.ask(send(bot, desk, "sure?", reply_markup=buttons(b"yes")))
    press = f.messages.GetBotCallbackAnswerRequest(analyst.peer(desk), 1, data=b"yes")
    assert await analyst.refused(press) == "400 BOT_RESPONSE_TIMEOUT"
    press.data = b"maybe"
    assert await analyst.refused(press) == "400 DATA_INVALID"


async def test_bad_keyboards_are_refused(analyst, bot, desk):
    """Button data has at most 64 bytes; a person's keyboard is passed over."""
    assert await bot.refused(send(bot, desk, "x", reply_markup=buttons(b"x" * 65))) == "400 BUTTON_DATA_INVALID"
    await analyst.ask(send(analyst, desk, "x", reply_markup=buttons(b"1")))
    assert desk.message(1).tl.reply_markup is None


async def test_bots_tell_their_commands(world, analyst, bot):
    """setBotCommands is for bots."""
    commands = [types.BotCommand(command="status", description="Is it alive?")]
    request = f.bots.SetBotCommandsRequest(types.BotCommandScopeDefault(), "en", commands)
    assert await bot.ask(request) is True
    assert [c.command for c in world.bot_commands[bot.user.id]] == ["status"]
    assert await analyst.refused(request) == "400 USER_BOT_REQUIRED"
