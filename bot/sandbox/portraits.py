"""How a chat looks to one user, in TL."""

from typing import TYPE_CHECKING, Any

from telethon.tl import types

from bot.sandbox.drafts import restriction

if TYPE_CHECKING:
    from bot.sandbox.chats import Chat

_RIGHTS = (
    "change_info",
    "post_messages",
    "edit_messages",
    "delete_messages",
    "ban_users",
    "invite_users",
    "pin_messages",
    "add_admins",
)


def admin_rights() -> Any:
    """types.ChatAdminRights with everything that the sandbox knows."""
    return types.ChatAdminRights(**dict.fromkeys(_RIGHTS, True))


def portrait(chat: "Chat", viewer: int) -> Any:
    """types.Channel or Chat; ChannelForbidden or ChatForbidden when the viewer may not see inside."""
    if chat.kind == "group":
        return _basic_group(chat, viewer)
    flags = {"broadcast": chat.kind == "broadcast" or None, "megagroup": chat.kind == "megagroup" or None}
    access_hash = chat.world.access_hash(viewer, chat.key)
    if not chat.readable_by(viewer):
        return types.ChannelForbidden(id=chat.id, access_hash=access_hash, title=chat.title, **flags)
    member = chat.members.get(viewer)
    return types.Channel(
        id=chat.id,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        date=member.since if member else chat.created,
        access_hash=access_hash,
        username=chat.handle,
        left=member is None or None,
        admin_rights=admin_rights() if member and member.admin else None,
        signatures=chat.signatures or None,
        noforwards=chat.protected or None,
        restricted=chat.restricted is not None or None,
        restriction_reason=restriction(chat.restricted),
        participants_count=chat.audience + len(chat.members),
        **flags,
    )


def _basic_group(chat: "Chat", viewer: int) -> Any:
    if viewer in chat.kicked:
        return types.ChatForbidden(id=chat.id, title=chat.title)
    member = chat.members.get(viewer)
    moved = chat.migrated_to
    return types.Chat(
        id=chat.id,
        title=chat.title,
        photo=types.ChatPhotoEmpty(),
        participants_count=len(chat.members),
        date=chat.created,
        version=1,
        left=member is None or None,
        creator=(member is not None and member.admin) or None,
        deactivated=moved is not None or None,
        migrated_to=types.InputChannel(moved.id, chat.world.access_hash(viewer, moved.key)) if moved else None,
    )
