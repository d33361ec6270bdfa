"""What the world answers to those who read: history, ids, dialogs, differences, profiles."""

from datetime import UTC, datetime, timedelta

import pytest
from telethon.tl import functions as f
from telethon.tl import types

from bot.model import Entity, LinkPreview, Poll
from bot.sandbox.chats import Chat
from bot.sandbox.rpc import Caller, RpcError, answer
from bot.sandbox.world import World
from tests.sandbox.asking import Asker

NOON = datetime(2026, 7, 12, 12, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World(clock=lambda: NOON)


@pytest.fixture
def reader(world: World) -> Asker:
    return Asker(world, world.add_user("Reader", phone="+9990001111"))


@pytest.fixture
def channel(world: World, reader: Asker) -> Chat:
    """A channel that the reader is in."""
    chat = world.add_channel("Osvedomitel", handle="milinfo")
    chat.invite(reader.user)
    reader.take()
    return chat


def history(reader: Asker, chat: Chat, **changes) -> f.messages.GetHistoryRequest:
    given = {"offset_id": 0, "offset_date": None, "add_offset": 0, "limit": 100, "max_id": 0, "min_id": 0, "hash": 0}
    return f.messages.GetHistoryRequest(peer=reader.peer(chat), **(given | changes))


def difference(reader: Asker, chat: Chat, pts: int, limit: int = 100) -> f.updates.GetChannelDifferenceRequest:
    return f.updates.GetChannelDifferenceRequest(
        channel=reader.channel(chat), filter=types.ChannelMessagesFilterEmpty(), pts=pts, limit=limit
    )


# --- history and ids --------------------------------------------------------------------------------------------------


async def test_history_is_newest_first_without_what_was_deleted(reader, channel):
    """History gives living messages, newest first, with the channel's counters and the channel itself."""
    for text in ("one", "two", "three"):
        channel.post(text)
    channel.delete(2)
    page = await reader.ask(history(reader, channel))
    assert [(m.id, m.message) for m in page.messages] == [(3, "three"), (1, "one")]
    assert (page.count, page.pts, page.chats[0].username) == (2, 5, "milinfo")
    assert all(m.post and not m.out and m.views == 1 and m.from_id is None for m in page.messages)


async def test_history_never_gives_more_than_a_hundred(reader, channel):
    """A limit above 100 is cut down to 100, as on Telegram."""
    for number in range(130):
        channel.post(str(number))
    page = await reader.ask(history(reader, channel, limit=1000))
    assert [m.id for m in page.messages] == list(range(130, 30, -1))
    rest = await reader.ask(history(reader, channel, offset_id=31))
    assert [m.id for m in rest.messages] == list(range(30, 0, -1))
    assert rest.offset_id_offset == 100


async def test_messages_by_id_keep_the_order_and_name_what_is_gone(reader, channel):
    """channels.getMessages answers each id in turn, with messageEmpty for deleted and future ids."""
    channel.post("one")
    channel.post("two")
    channel.delete(1)
    ids = [types.InputMessageID(i) for i in (2, 1, 99)]
    found = await reader.ask(f.channels.GetMessagesRequest(reader.channel(channel), ids))
    assert [type(m).__name__ for m in found.messages] == ["Message", "MessageEmpty", "MessageEmpty"]
    assert [m.id for m in found.messages] == [2, 1, 99]
    too_many = [types.InputMessageID(i) for i in range(1, 102)]
    assert await reader.refused(f.channels.GetMessagesRequest(reader.channel(channel), too_many)) == "400 LIMIT_INVALID"


async def test_every_medium_is_read_as_posted(reader, channel):
    """Voice, video note, audio, video, photo, document, poll and preview arrive with what Telegram declares."""
    channel.post(voice=b"OggS" + bytes(2) + (48_000 * 7).to_bytes(8, "little") + bytes(40))
    channel.post("round", video_note=b"v", duration=12.5)
    channel.post(audio=b"a", duration=61, file_name="song.mp3")
    channel.post(video=b"vv", duration=3)
    channel.post("look", photo=b"jpeg", dc=4)
    channel.post(document=b"pdf", file_name="r.pdf", mime="application/pdf", declared_size=1000)
    channel.post(poll=Poll(question="Who?", options=("A", "B")))
    channel.post("x.com", preview=LinkPreview(url="https://x.com/a", site="X", title="T", description="D"))
    page = await reader.ask(history(reader, channel))
    voice, note, audio, video, photo, document, poll, preview = reversed(page.messages)
    assert (voice.voice.attributes[0].duration, voice.media.voice, voice.file.mime_type) == (7, True, "audio/ogg")
    assert (note.video_note.attributes[0].duration, note.media.round) == (12.5, True)
    assert (audio.audio.attributes[0].duration, audio.file.name) == (61, "song.mp3")
    assert (video.video.attributes[0].duration, video.media.round) == (3.0, False)
    assert (photo.photo.dc_id, photo.message) == (4, "look")
    assert (document.document.size, document.file.name) == (1000, "r.pdf")
    assert [a.text.text for a in poll.poll.poll.answers] == ["A", "B"]
    assert (preview.web_preview.site_name, preview.web_preview.description) == ("X", "D")


async def test_a_post_keeps_its_frills(reader, channel, world):
    """Entities, quote, signature, album, forward, reactions, views, restriction and protection are told."""
    other = world.add_channel("Other", handle="other_one")
    origin = other.post("𝕏 said so", author="Ann", at=NOON - timedelta(days=1))
    bold = Entity(kind="bold", start=2, length=4)
    first = channel.post("𝕏 bold", entities=[bold], protected=True, restricted="law", views=7)
    channel.post("why", reply_to=first, quote="bold")
    channel.forward(other, origin)
    channel.album([{"photo": b"1", "text": "cap"}, {"photo": b"2"}])
    channel.react(first, "👍", 3)
    page = await reader.ask(history(reader, channel))
    album_two, album_one, forward, reply, post = page.messages
    assert (post.entities[0].offset, post.entities[0].length) == (3, 4)
    assert (post.noforwards, post.views, post.restriction_reason[0].text) == (True, 7, "law")
    assert post.reactions.results[0].count == 3
    assert (reply.reply_to.reply_to_msg_id, reply.reply_to.quote_text, reply.reply_to.quote_offset) == (1, "bold", 3)
    assert forward.fwd_from.from_id == types.PeerChannel(other.id)
    assert (forward.fwd_from.channel_post, forward.fwd_from.post_author) == (origin, "Ann")
    assert forward.fwd_from.date == NOON - timedelta(days=1)
    assert {chat.title for chat in page.chats} == {"Osvedomitel", "Other"}
    assert album_one.grouped_id == album_two.grouped_id is not None
    assert album_one.message == "cap"


async def test_views_are_counted_by_looking(reader, channel):
    """getMessagesViews with `increment` adds a view and answers the new count."""
    channel.post("x", views=41)
    request = f.messages.GetMessagesViewsRequest(reader.peer(channel), [1, 9], True)
    answered = await reader.ask(request)
    assert [one.views for one in answered.views] == [42, None]


# --- who may read -----------------------------------------------------------------------------------------------------


async def test_a_hash_serves_one_user_alone(world, reader, channel):
    """An access hash belongs to (user, peer): a borrowed one is CHANNEL_INVALID, for users PEER_ID_INVALID."""
    other = Asker(world, world.add_user("Other", phone="+9990002222"))
    borrowed = f.messages.GetHistoryRequest(other.peer(channel), 0, None, 0, 1, 0, 0, 0)
    assert await reader.refused(borrowed) == "400 CHANNEL_INVALID"
    stranger = types.InputPeerUser(other.user.id, 0)
    assert await reader.refused(f.messages.GetHistoryRequest(stranger, 0, None, 0, 1, 0, 0, 0)) == "400 PEER_ID_INVALID"


async def test_a_channel_goes_private_and_comes_back(reader, channel):
    """Without handle and membership it is CHANNEL_PRIVATE; with its handle back it can be read by its old hash."""
    channel.post("x")
    channel.go_private()
    assert [type(u).__name__ for u in reader.take()][-1] == "UpdateChannel"
    assert await reader.refused(history(reader, channel)) == "400 CHANNEL_PRIVATE"
    assert await reader.refused(difference(reader, channel, 1)) == "400 CHANNEL_PRIVATE"
    channel.set_handle("milinfo")
    assert (await reader.ask(history(reader, channel))).count == 1


async def test_a_kicked_member_and_a_banned_channel_are_private(reader, channel):
    """Being banned from a public channel, or the channel being taken down, is CHANNEL_PRIVATE."""
    channel.ban()
    assert await reader.refused(history(reader, channel)) == "400 CHANNEL_PRIVATE"
    channel.unban()
    channel.kick(reader.user)
    assert await reader.refused(history(reader, channel)) == "400 CHANNEL_PRIVATE"
    shown = reader.heard[-1].chats[0]
    assert isinstance(shown, types.ChannelForbidden)


async def test_handles_are_resolved_renamed_and_taken_over(world, reader, channel):
    """A handle leads to whoever has it now; a free one and an impossible one are told apart."""
    found = await reader.ask(f.contacts.ResolveUsernameRequest("MilInfo"))
    assert found.peer == types.PeerChannel(channel.id)
    assert found.chats[0].access_hash == world.access_hash(reader.user.id, channel.key)
    thief = world.add_channel("Thief", handle="milinfo")
    channel.set_handle("milinfo_new")
    assert (await reader.ask(f.contacts.ResolveUsernameRequest("milinfo"))).peer == types.PeerChannel(thief.id)
    assert await reader.refused(f.contacts.ResolveUsernameRequest("nobody_here")) == "400 USERNAME_NOT_OCCUPIED"
    assert await reader.refused(f.contacts.ResolveUsernameRequest("no way")) == "400 USERNAME_INVALID"


async def test_joining_is_limited_and_leaving_needs_membership(world, reader, channel):
    """joinChannel answers the layer's join result; one over the limit is CHANNELS_TOO_MUCH."""
    world.limits.channels = 2
    second, third = world.add_channel("B", handle="chan_b"), world.add_channel("C", handle="chan_c")
    joined = await reader.ask(f.channels.JoinChannelRequest(reader.channel(second)))
    assert isinstance(joined, types.messages.ChatInviteJoinResultOk)
    assert not joined.updates.chats[0].left
    assert await reader.refused(f.channels.JoinChannelRequest(reader.channel(third))) == "400 CHANNELS_TOO_MUCH"
    await reader.ask(f.channels.LeaveChannelRequest(reader.channel(second)))
    assert await reader.refused(f.channels.LeaveChannelRequest(reader.channel(second))) == "400 USER_NOT_PARTICIPANT"


async def test_profiles_are_read(world, reader, channel):
    """getFullChannel has the pts, getChannels and getUsers the short forms; members of a channel stay hidden."""
    channel.post("x")
    full = await reader.ask(f.channels.GetFullChannelRequest(reader.channel(channel)))
    assert (full.full_chat.pts, full.full_chat.participants_count) == (2, 1)
    chats = await reader.ask(f.channels.GetChannelsRequest([reader.channel(channel)]))
    assert chats.chats[0].broadcast
    users = await reader.ask(f.users.GetUsersRequest([types.InputUserSelf(), types.InputUser(5, 5)]))
    assert (users[0].is_self, users[0].phone, type(users[1])) == (True, "9990001111", types.UserEmpty)
    myself = await reader.ask(f.users.GetFullUserRequest(types.InputUserSelf()))
    assert myself.full_user.id == reader.user.id
    everyone = f.channels.GetParticipantsRequest(reader.channel(channel), types.ChannelParticipantsRecent(), 0, 100, 0)
    assert await reader.refused(everyone) == "400 CHAT_ADMIN_REQUIRED"
    me = await reader.ask(f.channels.GetParticipantRequest(reader.channel(channel), types.InputPeerSelf()))
    assert isinstance(me.participant, types.ChannelParticipantSelf)
    stranger = world.add_user("S", phone="+9990003333")
    absent = f.channels.GetParticipantRequest(reader.channel(channel), reader.peer(stranger))
    assert await reader.refused(absent) == "400 USER_NOT_PARTICIPANT"


async def test_bots_may_not_read_history(world, channel):
    """getHistory, getDialogs and getPeerDialogs are closed to bots; messages by id are open to a member, by hash 0."""
    bot = Asker(world, world.add_bot("Alerts", "77:x"))
    assert await bot.refused(history(bot, channel)) == "400 BOT_METHOD_INVALID"
    dialogs = f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 10, 0)
    assert await bot.refused(dialogs) == "400 BOT_METHOD_INVALID"
    named = types.InputChannel(channel.id, 0)
    by_id = f.channels.GetMessagesRequest(named, [types.InputMessageID(1)])
    assert await bot.refused(by_id) == "400 CHANNEL_INVALID"
    channel.invite(bot.user, admin=True)
    channel.post("x")
    assert (await bot.ask(by_id)).messages[0].message == "x"


async def test_without_login_nothing_is_told(world, reader, channel):
    """A key without a user is refused with 401."""
    with pytest.raises(RpcError, match="401 AUTH_KEY_UNREGISTERED"):
        await answer(world, Caller(auth_key_id=1, dc=2), history(reader, channel))


# --- dialogs ----------------------------------------------------------------------------------------------------------


async def test_dialogs_are_paged_newest_first(world, reader):
    """Dialogs come by the date of their newest message; the last one of a page leads to the next page."""
    chats = [world.add_channel(f"C{n}", handle=f"chan_{n}") for n in range(5)]
    for number, chat in enumerate(chats):
        chat.invite(reader.user)
        chat.post("x", at=NOON + timedelta(minutes=number))
    first = await reader.ask(f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 3, 0))
    assert (first.count, [d.peer.channel_id for d in first.dialogs]) == (5, [c.id for c in chats[:1:-1]])
    last = first.messages[-1]
    rest = await reader.ask(f.messages.GetDialogsRequest(last.date, last.id, reader.peer(chats[2]), 3, 0))
    assert [d.peer.channel_id for d in rest.dialogs] == [chats[1].id, chats[0].id]
    everything = await reader.ask(f.messages.GetDialogsRequest(None, 0, types.InputPeerEmpty(), 100, 0))
    assert isinstance(everything, types.messages.Dialogs)


async def test_peer_dialogs_tell_the_newest_state_without_membership(world, reader, channel):
    """getPeerDialogs gives top message and pts of joined and public channels; one private one refuses the batch."""
    public = world.add_channel("Public", handle="public_one")
    public.post("a")
    public.post("b")
    public.delete(2)
    asked = [types.InputDialogPeer(reader.peer(chat)) for chat in (channel, public)]
    found = await reader.ask(f.messages.GetPeerDialogsRequest(asked))
    assert [(d.top_message, d.pts) for d in found.dialogs] == [(0, 1), (1, 4)]
    assert [m.message for m in found.messages] == ["a"]
    assert found.state.pts == 1
    public.go_private()
    assert await reader.refused(f.messages.GetPeerDialogsRequest(asked)) == "400 CHANNEL_PRIVATE"


async def test_unread_counts_follow_reading(reader, channel):
    """What arrives after joining is unread until readHistory covers it."""
    for text in "abc":
        channel.post(text)
    asked = f.messages.GetPeerDialogsRequest([types.InputDialogPeer(reader.peer(channel))])
    assert (await reader.ask(asked)).dialogs[0].unread_count == 3
    await reader.ask(f.channels.ReadHistoryRequest(reader.channel(channel), 2))
    dialog = (await reader.ask(asked)).dialogs[0]
    assert (dialog.unread_count, dialog.read_inbox_max_id) == (1, 2)


# --- differences ------------------------------------------------------------------------------------------------------


async def test_channel_difference_tells_what_happened(reader, channel):
    """New messages come in their newest state, edits and deletions of older ones with their own pts."""
    old, doomed = channel.post("old"), channel.post("doomed")
    pts = channel.log.pts
    new = channel.post("draft")
    channel.edit(new, "final")
    channel.edit(old, "older")
    channel.edit(old, "oldest")
    channel.delete(doomed, channel.post("at once"))
    found = await reader.ask(difference(reader, channel, pts))
    assert [(m.id, m.message) for m in found.new_messages] == [(new, "final")]
    edit, gone = found.other_updates
    assert (edit.message.id, edit.message.message, edit.pts, edit.pts_count) == (old, "oldest", pts + 4, 1)
    assert (gone.messages, gone.pts, gone.pts_count) == ([2, 4], pts + 7, 2)
    assert (found.pts, found.final) == (channel.log.pts, True)
    nothing = await reader.ask(difference(reader, channel, found.pts))
    assert isinstance(nothing, types.updates.ChannelDifferenceEmpty)
    assert (nothing.pts, nothing.final) == (found.pts, True)


async def test_channel_difference_comes_in_slices(reader, channel):
    """A gap above the limit comes in slices, of which the last is marked final; together they miss nothing."""
    for number in range(25):
        channel.post(str(number))
    pts, ids, finals = 1, [], []
    while not finals or not finals[-1]:
        found = await reader.ask(difference(reader, channel, pts, limit=10))
        ids += [m.id for m in found.new_messages]
        finals.append(found.final)
        pts = found.pts
    assert ids == list(range(1, 26))
    assert finals == [False, False, True]


async def test_channel_difference_may_be_too_long(world, reader, channel):
    """Past the bound, or when a test says so, the answer is the newest state and a page of messages."""
    for number in range(5):
        channel.post(str(number))
    world.switches.difference_too_long(channel)
    found = await reader.ask(difference(reader, channel, 5, limit=2))
    assert isinstance(found, types.updates.ChannelDifferenceTooLong)
    assert (found.dialog.pts, found.dialog.top_message, [m.id for m in found.messages]) == (6, 5, [5, 4])
    assert isinstance(await reader.ask(difference(reader, channel, 5)), types.updates.ChannelDifference)
    world.limits.difference = 3
    assert isinstance(await reader.ask(difference(reader, channel, 1)), types.updates.ChannelDifferenceTooLong)


async def test_a_counter_from_nowhere_is_refused(reader, channel):
    """pts 0 is PERSISTENT_TIMESTAMP_EMPTY, one ahead of the channel PERSISTENT_TIMESTAMP_INVALID."""
    assert await reader.refused(difference(reader, channel, 0)) == "400 PERSISTENT_TIMESTAMP_EMPTY"
    assert await reader.refused(difference(reader, channel, 99)) == "400 PERSISTENT_TIMESTAMP_INVALID"


async def test_account_difference_names_channels_that_moved(world, reader, channel):
    """updates.getDifference gives private messages, and names the channels that moved since the date."""
    friend = world.add_user("Friend", phone="+9990004444")
    state = await reader.ask(f.updates.GetStateRequest())
    assert state.pts == 1
    later = f.updates.GetDifferenceRequest(pts=1, date=NOON + timedelta(seconds=1), qts=0)
    assert isinstance(await reader.ask(later), types.updates.DifferenceEmpty)
    world.say(friend, reader.user, "hi")
    channel.post("x")
    found = await reader.ask(f.updates.GetDifferenceRequest(pts=1, date=NOON, qts=0))
    assert [m.message for m in found.new_messages] == ["hi"]
    assert [(u.channel_id, u.pts) for u in found.other_updates] == [(channel.id, 2)]
    assert found.state.pts == 2
    world.switches.difference_too_long(reader.user)
    long = await reader.ask(f.updates.GetDifferenceRequest(pts=1, date=NOON, qts=0))
    assert (type(long), long.pts) == (types.updates.DifferenceTooLong, 2)


# --- pushes -----------------------------------------------------------------------------------------------------------


async def test_pushes_carry_the_counters_of_their_channel(world, reader, channel):
    """Post, edit, pin, service message and deletion are pushed to members with pts in one unbroken row."""
    channel.post("one")
    channel.edit(1, "two")
    channel.pin(1)
    channel.set_title("New title")
    channel.delete(1, 2)
    updates = reader.take()
    assert [type(u).__name__.removeprefix("Update") for u in updates] == [
        "NewChannelMessage",
        "EditChannelMessage",
        "PinnedChannelMessages",
        "NewChannelMessage",
        "NewChannelMessage",
        "DeleteChannelMessages",
    ]
    pts = 1
    for update in updates:
        assert update.pts == pts + update.pts_count
        pts = update.pts
    assert updates[1].message.edit_date == NOON
    assert isinstance(updates[3].message.action, types.MessageActionPinMessage)
    assert updates[4].message.action.title == "New title"
    assert channel.messages[0].edits[0].text == "one"


async def test_counters_are_pushed_without_pts(reader, channel):
    """Views and reactions are told, but do not move the channel's counter and leave no edit date."""
    channel.post("x")
    reader.take()
    channel.view(1, 900)
    channel.react(1, "🔥", 2)
    assert [type(u).__name__ for u in reader.take()] == ["UpdateChannelMessageViews", "UpdateMessageReactions"]
    assert channel.log.pts == 2
    assert channel.message(1).tl.edit_date is None


async def test_outsiders_hear_nothing(world, channel):
    """Pushes go to members only; a public channel is read by asking."""
    outsider = Asker(world, world.add_user("Outsider", phone="+9990005555"))
    channel.post("x")
    assert outsider.take() == []
    assert (await outsider.ask(difference(outsider, channel, 1))).new_messages[0].message == "x"


# --- files ------------------------------------------------------------------------------------------------------------


def part(stored, *, offset: int = 0, limit: int = 4096, reference: bytes | None = None) -> f.upload.GetFileRequest:
    document = stored.tl
    return f.upload.GetFileRequest(
        types.InputDocumentFileLocation(
            document.id, document.access_hash, reference or document.file_reference, thumb_size=""
        ),
        offset=offset,
        limit=limit,
    )


async def test_files_are_read_in_parts_from_their_data_centre(world, reader, channel):
    """getFile obeys the rules for offset and limit, and names the data centre that holds the file."""
    data = bytes(range(256)) * 40
    stored = channel.file_of(channel.post(voice=data))
    assert (await reader.ask(part(stored, offset=8192))).bytes == data[8192:]
    assert (await reader.ask(part(stored, offset=1 << 20))).bytes == b""
    assert await reader.refused(part(stored, offset=100)) == "400 OFFSET_INVALID"
    assert await reader.refused(part(stored, limit=5000)) == "400 LIMIT_INVALID"
    assert await reader.refused(part(stored, limit=12288)) == "400 LIMIT_INVALID"
    away = channel.file_of(channel.post(voice=data, dc=4))
    assert await reader.refused(part(away)) == "303 FILE_MIGRATE_4"
    there = Asker(world, reader.user, dc=4)
    assert (await there.ask(part(away))).bytes == data[:4096]


async def test_a_file_reference_expires(world, reader, channel):
    """An expired reference is refused, a message fetched anew carries a good one, unless it is expired for ever."""
    message = channel.post(voice=b"x" * 10)
    stored = channel.file_of(message)
    old = stored.tl.file_reference
    world.switches.expire_file_reference(stored.file_id)
    assert await reader.refused(part(stored, reference=old)) == "400 FILE_REFERENCE_EXPIRED"
    fresh = (await reader.ask(history(reader, channel))).messages[0].voice.file_reference
    assert (await reader.ask(part(stored, reference=fresh))).bytes == b"x" * 10
    world.switches.expire_file_reference(stored.file_id, forever=True)
    assert await reader.refused(part(stored)) == "400 FILE_REFERENCE_EXPIRED"


async def test_a_truncated_file_ends_early(world, reader, channel):
    """A truncated file serves fewer bytes than Telegram declares."""
    stored = channel.file_of(channel.post(voice=b"x" * 5000))
    world.switches.truncate_file(stored.file_id, 100)
    assert len((await reader.ask(part(stored))).bytes) == 100
    assert stored.tl.size == 5000
