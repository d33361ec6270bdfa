"""Handlers: who is who. Handles, users, channels, joining and leaving."""

import re
from typing import Any

from telethon.tl import functions, types

from bot.sandbox import access
from bot.sandbox.answers import peers_of, updates_of
from bot.sandbox.chats import Chat, Member
from bot.sandbox.portraits import admin_rights
from bot.sandbox.rpc import Caller, RpcError, handles
from bot.sandbox.world import User, World

# https://core.telegram.org/method/account.checkUsername; the shortest collectible handles have four characters.
_HANDLE = re.compile(r"[a-z][a-z0-9_]{3,31}", re.IGNORECASE)
_PARTICIPANTS_PAGE = 200


@handles(functions.contacts.ResolveUsernameRequest)
def resolve_username(world: World, caller: Caller, request: Any) -> Any:
    """A handle's owner. USERNAME_INVALID for what cannot be a handle, USERNAME_NOT_OCCUPIED for a free one."""
    viewer = access.me(world, caller)
    if not _HANDLE.fullmatch(request.username):
        raise RpcError(400, "USERNAME_INVALID")
    owner = world.handles.get(request.username.lower())
    if owner is None or (isinstance(owner, Chat) and not owner.readable_by(viewer.id)):
        raise RpcError(400, "USERNAME_NOT_OCCUPIED")
    users, chats = peers_of(world, viewer.id, (), [owner.key])
    peer = types.PeerUser(owner.id) if isinstance(owner, User) else types.PeerChannel(owner.id)
    return types.contacts.ResolvedPeer(peer=peer, chats=chats, users=users)


@handles(functions.users.GetUsersRequest)
def get_users(world: World, caller: Caller, request: Any) -> list[Any]:
    """Users by their input objects; those that cannot be named are left out as UserEmpty."""
    viewer = access.me(world, caller)
    found = []
    for given in request.id:
        try:
            user = access.user(world, caller, given)
        except RpcError:
            found.append(types.UserEmpty(id=getattr(given, "user_id", 0)))
        else:
            found.append(user.tl(self_user=user is viewer, viewer=viewer.id))
    return found


@handles(functions.users.GetFullUserRequest)
def get_full_user(world: World, caller: Caller, request: Any) -> Any:
    """One user's profile."""
    viewer = access.me(world, caller)
    user = access.user(world, caller, request.id)
    full = types.UserFull(
        id=user.id,
        settings=types.PeerSettings(),
        notify_settings=types.PeerNotifySettings(),
        common_chats_count=len(viewer.chats.keys() & user.chats.keys()),
    )
    shown = user.tl(self_user=user is viewer, viewer=viewer.id)
    return types.users.UserFull(full_user=full, chats=[], users=[shown])


@handles(functions.channels.GetChannelsRequest)
def get_channels(world: World, caller: Caller, request: Any) -> Any:
    """Channels by their input objects."""
    viewer = access.me(world, caller)
    found = [access.channel(world, caller, given) for given in request.id]
    return types.messages.Chats(chats=[chat.tl(viewer.id) for chat in found])


@handles(functions.messages.GetChatsRequest)
def get_chats(world: World, caller: Caller, request: Any) -> Any:
    """Basic groups by bare id."""
    viewer = access.me(world, caller)
    return types.messages.Chats(chats=[access.group(world, caller, chat_id).tl(viewer.id) for chat_id in request.id])


@handles(functions.channels.GetFullChannelRequest)
def get_full_channel(world: World, caller: Caller, request: Any) -> Any:
    """A channel's profile, with its event counter."""
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    member = chat.members.get(viewer.id)
    full = types.ChannelFull(
        id=chat.id,
        about=chat.about,
        read_inbox_max_id=member.read if member else 0,
        read_outbox_max_id=0,
        unread_count=0,
        chat_photo=types.PhotoEmpty(id=0),
        notify_settings=types.PeerNotifySettings(),
        bot_info=[],
        pts=chat.log.pts,
        participants_count=chat.audience + len(chat.members),
        migrated_from_chat_id=chat.migrated_from.id if chat.migrated_from else None,
    )
    return types.messages.ChatFull(full_chat=full, chats=[chat.tl(viewer.id)], users=[])


@handles(functions.messages.GetFullChatRequest)
def get_full_chat(world: World, caller: Caller, request: Any) -> Any:
    """A basic group's profile and participants."""
    viewer = access.me(world, caller)
    chat = access.group(world, caller, request.chat_id)
    maker = next(iter(chat.members), 0)
    participants = [
        types.ChatParticipantCreator(user_id=user_id)
        if member.admin
        else types.ChatParticipant(user_id=user_id, inviter_id=maker, date=member.since)
        for user_id, member in chat.members.items()
    ]
    full = types.ChatFull(
        id=chat.id,
        about=chat.about,
        participants=types.ChatParticipants(chat_id=chat.id, participants=participants, version=1),
        notify_settings=types.PeerNotifySettings(),
    )
    users, _ = peers_of(world, viewer.id, (), [("user", user_id) for user_id in chat.members])
    return types.messages.ChatFull(full_chat=full, chats=[chat.tl(viewer.id)], users=users)


@handles(functions.channels.JoinChannelRequest)
def join_channel(world: World, caller: Caller, request: Any) -> Any:
    """Become a member. Layer 229 answers with ChatInviteJoinResultOk, earlier ones with Updates."""
    viewer = access.person(world, caller)
    chat = access.channel(world, caller, request.channel)
    if viewer.id not in chat.members:
        if sum(other.kind != "group" for other in viewer.chats.values()) >= world.limits.channels:
            raise RpcError(400, "CHANNELS_TOO_MUCH")
        chat.invite(viewer)
    return types.messages.ChatInviteJoinResultOk(
        updates=updates_of(world, viewer.id, [types.UpdateChannel(chat.id)], [chat.key])
    )


@handles(functions.channels.LeaveChannelRequest)
def leave_channel(world: World, caller: Caller, request: Any) -> Any:
    """Stop being a member."""
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    if viewer.id not in chat.members:
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    chat.remove(viewer)
    return updates_of(world, viewer.id, [types.UpdateChannel(chat.id)], [chat.key])


@handles(functions.channels.GetParticipantRequest)
def get_participant(world: World, caller: Caller, request: Any) -> Any:
    """One member of a channel; USER_NOT_PARTICIPANT for others."""
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    user = access.user(world, caller, request.participant, refusal="PARTICIPANT_ID_INVALID")
    member = chat.members.get(user.id)
    if member is None:
        raise RpcError(400, "USER_NOT_PARTICIPANT")
    shown = user.tl(self_user=user is viewer, viewer=viewer.id)
    return types.channels.ChannelParticipant(
        participant=_participant(viewer.id, user.id, member), chats=[chat.tl(viewer.id)], users=[shown]
    )


@handles(functions.channels.GetParticipantsRequest)
def get_participants(world: World, caller: Caller, request: Any) -> Any:
    """Members of a channel; a broadcast channel shows them to administrators alone."""
    viewer = access.me(world, caller)
    chat = access.channel(world, caller, request.channel)
    if chat.kind == "broadcast" and not access.is_admin(viewer, chat):
        raise RpcError(400, "CHAT_ADMIN_REQUIRED")
    only_admins = isinstance(request.filter, types.ChannelParticipantsAdmins)
    members = [(user_id, member) for user_id, member in chat.members.items() if member.admin or not only_admins]
    page = members[request.offset : request.offset + min(request.limit, _PARTICIPANTS_PAGE)]
    users, chats = peers_of(world, viewer.id, (), [chat.key, *(("user", user_id) for user_id, _ in page)])
    return types.channels.ChannelParticipants(
        count=len(members),
        participants=[_participant(viewer.id, user_id, member) for user_id, member in page],
        chats=chats,
        users=users,
    )


def _participant(viewer_id: int, user_id: int, member: Member) -> Any:
    if member.admin:
        rights = admin_rights()
        return types.ChannelParticipantAdmin(
            user_id=user_id, promoted_by=user_id, date=member.since, admin_rights=rights
        )
    if user_id == viewer_id:
        return types.ChannelParticipantSelf(user_id=user_id, inviter_id=user_id, date=member.since)
    return types.ChannelParticipant(user_id=user_id, date=member.since)
