"""Messages come into being, change and go: in a channel's log or in its parties' boxes, each step pushed."""

import copy
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from telethon.tl import types

from bot.sandbox.answers import peers_of, render
from bot.sandbox.drafts import Draft, ReplyTo, compose
from bot.sandbox.log import Edit, Entry, MessageLog, PeerKey

if TYPE_CHECKING:
    from bot.sandbox.chats import Chat
    from bot.sandbox.world import User, World


def log_for(world: "World", viewer_id: int, key: PeerKey) -> MessageLog:
    """Where this viewer's messages of that peer are: the channel's log, or the viewer's own box."""
    return world.channels[key[1]].log if key[0] == "channel" else world.users[viewer_id].box


def deliver(
    world: "World",
    target: "User | Chat",
    draft: Draft,
    *,
    sender: "User | None",
    at: datetime | None = None,
    random_id: int | None = None,
    silent_for: int | None = None,
) -> Entry:
    """Post, and push to all who hear it but `silent_for`. Returns the sender's entry."""
    date = (at or world.now()).replace(microsecond=0)
    if target.key[0] == "channel":
        entry = _deliver_in_channel(world.channels[target.id], draft, sender, date)
    elif sender is not None:
        entry = _deliver_in_boxes(world, target.key, draft, sender, date)
    else:
        raise ValueError("a private chat or basic group needs a sender")
    entry.random_id = random_id
    for viewer_id, seen in _viewers(world, entry):
        if viewer_id != silent_for and world.listened:
            push(world, viewer_id, [new_update(viewer_id, seen)])
    return entry


def edit(
    world: "World",
    entry: Entry,
    change: Callable[[Any], None],
    *,
    hide: bool = False,
    silent_for: int | None = None,
) -> None:
    """Apply `change` to the message and to every copy of it, and push to all but `silent_for`.

    `hide` makes it an edit that clients do not show as one.
    """
    now = world.now()
    for owner_id, one in _owned(world, entry):
        log = log_for(world, owner_id, one.key)
        former = one.tl
        one.edits.append(Edit(text=former.message or "", entities=tuple(former.entities or ()), until=now))
        one.tl = copy.copy(former)
        one.tl.edit_date = now
        one.tl.edit_hide = hide or None
        change(one.tl)
        event = log.edited(one, at=now)
        for viewer_id in _audience(world, owner_id, one.key, silent_for):
            push(world, viewer_id, [edit_update(viewer_id, one, event.pts)])


def delete(
    world: "World", entries: Iterable[Entry], *, only_for: int | None = None, silent_for: int | None = None
) -> None:
    """Delete the messages, with every copy of them or only that of `only_for`; push to all but `silent_for`."""
    by_owner: dict[tuple[int, PeerKey | None], list[Entry]] = {}
    for entry in entries:
        for owner_id, one in _owned(world, entry):
            if only_for is None or owner_id == only_for:
                place = (owner_id, one.key if one.key[0] == "channel" else None)
                by_owner.setdefault(place, []).append(one)
    for (owner_id, _), owned in by_owner.items():
        key = owned[0].key
        event = log_for(world, owner_id, key).delete([one.tl.id for one in owned], at=world.now())
        if event is None:
            continue
        for viewer_id in _audience(world, owner_id, key, silent_for):
            push(world, viewer_id, [delete_update(key, list(event.ids), event.pts, event.count)])


def new_update(viewer_id: int, entry: Entry) -> Any:
    """The update that tells a viewer of a new message."""
    kind = types.UpdateNewChannelMessage if entry.key[0] == "channel" else types.UpdateNewMessage
    return kind(message=render(entry, viewer_id), pts=entry.pts, pts_count=1)


def edit_update(viewer_id: int, entry: Entry, pts: int) -> Any:
    """The update that tells a viewer of an edit."""
    kind = types.UpdateEditChannelMessage if entry.key[0] == "channel" else types.UpdateEditMessage
    return kind(message=render(entry, viewer_id), pts=pts, pts_count=1)


def delete_update(key: PeerKey, ids: list[int], pts: int, count: int) -> Any:
    """The update that tells of deletions."""
    if key[0] == "channel":
        return types.UpdateDeleteChannelMessages(channel_id=key[1], messages=ids, pts=pts, pts_count=count)
    return types.UpdateDeleteMessages(messages=ids, pts=pts, pts_count=count)


def push(world: "World", viewer_id: int, updates: list[Any], extra: Iterable[PeerKey] = ()) -> None:
    """Push updates with the users and chats that they name."""
    if world.listened:
        messages = [update.message for update in updates if hasattr(update, "message")]
        channels: list[PeerKey] = [("channel", u.channel_id) for u in updates if hasattr(u, "channel_id")]
        users, chats = peers_of(world, viewer_id, messages, [*extra, *channels])
        world.push(viewer_id, updates, users, chats)


def push_members(chat: "Chat", updates: list[Any]) -> None:
    """Push the same updates to every member of a channel."""
    for viewer_id in list(chat.members):
        push(chat.world, viewer_id, updates, [chat.key])


def _deliver_in_channel(chat: "Chat", draft: Draft, sender: "User | None", date: datetime) -> Entry:
    broadcast = chat.kind == "broadcast"
    shown = None if broadcast else (sender.key if sender else chat.key)
    reply_id = _kept(draft.reply_to) if draft.reply_to else None

    def build(message_id: int) -> Any:
        return compose(draft, message_id, key=chat.key, date=date, sender=shown, post=broadcast, reply_id=reply_id)

    entry = chat.log.append(chat.key, build, at=chat.world.now())
    entry.author_id = sender.id if sender else None
    return entry


def _deliver_in_boxes(world: "World", target: PeerKey, draft: Draft, sender: "User", date: datetime) -> Entry:
    group = world.groups[target[1]] if target[0] == "chat" else None
    copies: dict[int, int] = {}
    # The sender's own copy comes first, so that its id is the one to answer with.
    parties = dict.fromkeys([sender.id, *(group.members if group else [target[1]])])
    for party_id in parties:
        key = target if group or party_id == sender.id else sender.key
        build = partial(
            compose,
            draft,
            key=key,
            date=date,
            sender=sender.key,
            out=party_id == sender.id,
            reply_id=_translated(world, sender, draft.reply_to, party_id),
        )
        entry = world.users[party_id].box.append(key, build, at=world.now())
        entry.author_id, entry.copies = sender.id, copies
        copies[party_id] = entry.tl.id
    own = sender.box.entries[copies[sender.id] - 1]
    if group:
        group.group_log.append(own)
    return own


def _kept(reply: ReplyTo) -> int | None:
    return reply.message_id if reply.channel_id is None else None


def _translated(world: "World", sender: "User", reply: ReplyTo | None, party_id: int) -> int | None:
    """The answered message as the box of `party_id` numbers it."""
    if reply is None or reply.channel_id is not None:
        return None
    answered = sender.box.get(reply.message_id)
    return answered.copies.get(party_id) if answered else None


def _owned(world: "World", entry: Entry) -> list[tuple[int, Entry]]:
    """The entry with all its copies, and whose log each is in (0 for a channel's)."""
    if entry.key[0] == "channel":
        return [(0, entry)]
    return [(user_id, world.users[user_id].box.entries[copy_id - 1]) for user_id, copy_id in entry.copies.items()]


def _viewers(world: "World", entry: Entry) -> list[tuple[int, Entry]]:
    if entry.key[0] == "channel":
        return [(member_id, entry) for member_id in world.channels[entry.key[1]].members]
    return _owned(world, entry)


def _audience(world: "World", owner_id: int, key: PeerKey, silent_for: int | None) -> list[int]:
    hearers = world.channels[key[1]].members if key[0] == "channel" else [owner_id]
    return [viewer_id for viewer_id in hearers if viewer_id != silent_for]
