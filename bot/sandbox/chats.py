"""A chat: a broadcast channel, a megagroup or a basic group; who is in it, what is posted, and the script to post it."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from telethon.tl import types

from bot.model import Entity, LinkPreview
from bot.sandbox import delivery, media
from bot.sandbox.drafts import Draft, ReplyTo, restriction
from bot.sandbox.files import StoredFile, read_bytes
from bot.sandbox.log import Entry, MessageLog, PeerKey
from bot.sandbox.portraits import portrait
from bot.sandbox.posted import Posted
from bot.sandbox.posting import AlbumItem, Content, draft_of, forward_header, forwarded

if TYPE_CHECKING:
    from bot.sandbox.world import User, World

__all__ = ["Chat", "Member", "Posted"]

Kind = Literal["broadcast", "megagroup", "group"]
Source = Path | bytes


@dataclass(slots=True)
class Member:
    """One participant. `muted`: may read but not write."""

    since: datetime
    admin: bool = False
    muted: bool = False
    # The newest message that it has read.
    read: int = 0


class Chat:
    """See the module. Ids returned by the script are message ids; in a basic group, as the sender numbers them."""

    def __init__(self, world: "World", id: int, title: str, *, kind: Kind) -> None:
        self.world = world
        # Bare; `channel_id` is the marked form.
        self.id = id
        self.title = title
        self.kind: Kind = kind
        self.handle: str | None = None
        self.about = ""
        # Of a channel or megagroup; a basic group's messages are in its members' boxes.
        self.log = MessageLog()
        # Of a basic group: the senders' entries, in order.
        self.group_log: list[Entry] = []
        self.created = world.now()
        self.members: dict[int, Member] = {}
        self.kicked: set[int] = set()
        # Posts carry the author's name.
        self.signatures = False
        # Forwarding and saving are forbidden.
        self.protected = False
        # Of a megagroup: only administrators may write.
        self.closed = False
        # Why Telegram does not show it.
        self.restricted: str | None = None
        # Gone for everybody.
        self.banned = False
        self.migrated_to: Chat | None = None
        self.migrated_from: Chat | None = None
        # How many others are in it, of whom the world keeps no record.
        self.audience = 0
        # Handle and members when it was made private for a while.
        self._before_private: tuple[str | None, dict[int, Member]] | None = None

    # --- identity and access ------------------------------------------------------------------------------------------

    @property
    def key(self) -> PeerKey:
        """Its name among the peers."""
        return ("chat" if self.kind == "group" else "channel", self.id)

    @property
    def channel_id(self) -> int:
        """The marked id: -100... for a channel or megagroup, -... for a basic group."""
        return -self.id if self.kind == "group" else -(1_000_000_000_000 + self.id)

    def readable_by(self, user_id: int) -> bool:
        """Whether Telegram shows it to this user at all."""
        if self.banned or user_id in self.kicked:
            return False
        return user_id in self.members or (self.kind != "group" and self.handle is not None)

    def tl(self, viewer: int) -> Any:
        """types.Channel, Chat, ChannelForbidden or ChatForbidden, as that user sees it."""
        return portrait(self, viewer)

    def invite(self, user: "User", *, admin: bool = False, muted: bool = False) -> None:
        """Make the user a member (again), with or without all rights; what was posted before counts as read."""
        self.kicked.discard(user.id)
        read = self.top_id_for(user)
        self.members[user.id] = Member(since=self.world.now(), admin=admin, muted=muted, read=read)
        user.chats[self.key] = self
        self._announce(user.id)

    def remove(self, user: "User") -> None:
        """End the membership, as when the user leaves."""
        self.members.pop(user.id, None)
        user.chats.pop(self.key, None)
        self._announce(user.id)

    def kick(self, user: "User") -> None:
        """Remove and ban the user: for it the chat is private from now on."""
        self.kicked.add(user.id)
        self.remove(user)

    def set_handle(self, handle: str | None) -> None:
        """Rename it; a handle that another peer had is taken over. None makes the channel private."""
        if handle is None:
            self.world.release_handle(self)
        else:
            self.world.claim_handle(self, handle)
        for member_id in list(self.members):
            self._announce(member_id)

    def go_private(self, *, keep_members: bool = False) -> None:
        """Give up the handle and, unless they may stay, drop the members: CHANNEL_PRIVATE for all outside."""
        for user_id, member in list(self.members.items()):
            if not keep_members and not member.admin:
                self.remove(self.world.users[user_id])
        self.set_handle(None)

    def make_private(self) -> None:
        """As `go_private`, but it can be undone: handle and members are remembered."""
        self._before_private = (self.handle, dict(self.members))
        self.go_private()

    def make_public(self) -> None:
        """Undo `make_private`: the handle is back, and who was dropped is a member again, with nothing read since."""
        if self._before_private is None:
            raise ValueError(f"{self.title} was not made private")
        (handle, members), self._before_private = self._before_private, None
        self.set_handle(handle)
        for user_id in members.keys() - self.members.keys():
            self.members[user_id] = members[user_id]
            self.world.users[user_id].chats[self.key] = self
            self._announce(user_id)

    def ban(self) -> None:
        """Telegram takes the channel down: CHANNEL_PRIVATE for everybody. `unban` undoes it."""
        self.banned = True
        for member_id in list(self.members):
            self._announce(member_id)

    def unban(self) -> None:
        """Undo `ban`."""
        self.banned = False
        for member_id in list(self.members):
            self._announce(member_id)

    def migrate(self) -> "Chat":
        """Turn this basic group into a megagroup, as Telegram does; returns the megagroup."""
        if self.kind != "group":
            raise ValueError("only a basic group migrates")
        heir = self.world.add_channel(self.title, megagroup=True)
        for user_id, member in self.members.items():
            heir.invite(self.world.users[user_id], admin=member.admin, muted=member.muted)
        heir.migrated_from = self
        self.service(types.MessageActionChatMigrateTo(channel_id=heir.id))
        self.migrated_to = heir
        heir.service(types.MessageActionChannelMigrateFrom(title=self.title, chat_id=self.id))
        return heir

    # --- posting ------------------------------------------------------------------------------------------------------

    def post(
        self,
        text: str = "",
        *,
        sender: "User | None" = None,
        at: datetime | None = None,
        **content: Unpack[Content],
    ) -> int:
        """Post, and tell the members. Returns the message id.

        `content` is described at `Content`. `sender` is who wrote it: in a broadcast channel nobody sees that, in a
        megagroup None is an anonymous administrator, in a basic group the first member.
        """
        if self.signatures and sender:
            content.setdefault("author", sender.name)
        return self._deliver(draft_of(self.world, self, text, content, at=at), sender, at)

    def album(
        self,
        items: Sequence[AlbumItem],
        *,
        sender: "User | None" = None,
        at: datetime | None = None,
    ) -> list[int]:
        """Post several at once as one album; the ids."""
        album_id = next(self.world.album_ids)
        parts = [item.copy() for item in items]
        for part in parts:
            part["album_id"] = album_id
        return [self.post(**part, sender=sender, at=at) for part in parts]

    def forward(
        self,
        source: "Chat",
        message_id: int,
        *,
        hidden: bool = False,
        name: str | None = None,
        sender: "User | None" = None,
        at: datetime | None = None,
    ) -> int:
        """Forward a post of `source`; `hidden` leaves the origin out, `name` stands in its place. Returns the id."""
        entry = source.entry(message_id)
        header = None if hidden else forward_header(entry, source, name=name)
        draft = forwarded(entry, header, views=1 if self.kind == "broadcast" else None, protected=self.protected)
        return self._deliver(draft, sender, at)

    def service(self, action: Any, *, sender: "User | None" = None, at: datetime | None = None) -> int:
        """Post a service message with a types.MessageAction.... Returns its id."""
        return self._deliver(Draft(action=action), sender, at)

    def set_title(self, title: str) -> int:
        """Rename it; returns the id of the service message."""
        self.title = title
        kind = types.MessageActionChatEditTitle(title=title)
        return self.service(kind)

    def set_photo(self, photo: Source) -> int:
        """Change its picture; returns the id of the service message."""
        stored = self.world.files.add_photo(read_bytes(photo), dc=2, at=self.world.now())
        return self.service(types.MessageActionChatEditPhoto(photo=stored.tl))

    def pin(self, message_id: int) -> int:
        """Pin a post; returns the id of the service message."""
        entry = self.entry(message_id)
        self._change(entry, lambda tl: setattr(tl, "pinned", True))
        if self.kind != "group":
            event = self.log.pinned(entry, at=self.world.now())
            update = types.UpdatePinnedChannelMessages(
                channel_id=self.id, messages=[message_id], pts=event.pts, pts_count=1, pinned=True
            )
            delivery.push_members(self, [update])
        draft = Draft(action=types.MessageActionPinMessage(), reply_to=ReplyTo(message_id=message_id))
        return self._deliver(draft, None, None)

    def edit(
        self,
        message_id: int,
        text: str | None = None,
        *,
        entities: Sequence[Entity | Any] = (),
        preview: LinkPreview | None = None,
        hide: bool = False,
    ) -> None:
        """Change the text (None keeps it) or add a preview; `hide` for an edit that clients do not show as one."""
        entry = self.entry(message_id)

        def change(tl: Any) -> None:
            if text is not None:
                tl.message = text
                tl.entities = media.tl_entities(text, entities) or None
            if preview is not None:
                tl.media = media.preview_media(preview)

        delivery.edit(self.world, entry, change, hide=hide)

    def delete(self, *message_ids: int) -> None:
        """Delete posts for everybody; ids that are gone already are passed over."""
        delivery.delete(self.world, [self.entry(message_id) for message_id in message_ids])

    def restrict(self, message_id: int, reason: str | None) -> None:
        """Have Telegram hide a post for that reason, or show it again (None)."""
        self._change(self.entry(message_id), lambda tl: setattr(tl, "restriction_reason", restriction(reason)))

    def react(self, message_id: int, emoji: str, count: int = 1) -> None:
        """Set how many reacted to a post with that emoji; 0 removes it."""
        entry = self.entry(message_id)
        results = {r.reaction.emoticon: r.count for r in entry.tl.reactions.results} if entry.tl.reactions else {}
        results[emoji] = count
        reactions = types.MessageReactions(
            min=True,
            results=[
                types.ReactionCount(reaction=types.ReactionEmoji(emoticon=name), count=number)
                for name, number in results.items()
                if number
            ],
        )
        self._change(entry, lambda tl: setattr(tl, "reactions", reactions))
        update = types.UpdateMessageReactions(peer=entry.tl.peer_id, msg_id=message_id, reactions=reactions)
        delivery.push_members(self, [update])

    def view(self, message_id: int, views: int) -> None:
        """Set how often a post was seen."""
        self._change(self.entry(message_id), lambda tl: setattr(tl, "views", views))
        if self.kind != "group":
            update = types.UpdateChannelMessageViews(channel_id=self.id, id=message_id, views=views)
            delivery.push_members(self, [update])

    # --- looking ------------------------------------------------------------------------------------------------------

    @property
    def messages(self) -> list[Posted]:
        """Everything ever posted, oldest first; what was deleted is flagged."""
        return [Posted.of(entry) for entry in self._entries]

    @property
    def texts(self) -> list[str]:
        """The texts that are there now, oldest first, service messages left out."""
        return [entry.tl.message or "" for entry in self._entries if not entry.deleted and entry.tl.action is None]

    def message(self, message_id: int) -> Posted:
        """One message, deleted or not; KeyError for an id never given out."""
        return Posted.of(self.entry(message_id))

    def file_of(self, message_id: int) -> StoredFile:
        """The file that a message bears; its `file_id` is the document id."""
        tl = self.entry(message_id).tl
        bearing = tl.media.photo if isinstance(tl.media, types.MessageMediaPhoto) else tl.media.document
        return self.world.files[bearing.id]

    def entry(self, message_id: int) -> Entry:
        """The entry of an id; KeyError for one never given out."""
        if self.kind == "group":
            found = next((entry for entry in self.group_log if entry.tl.id == message_id), None)
        else:
            found = self.log.get(message_id)
        if found is None:
            raise KeyError(f"{self.title} has no message {message_id}")
        return found

    def top_id_for(self, user: "User") -> int:
        """The newest living id as the user numbers it; 0 for none."""
        log = delivery.log_for(self.world, user.id, self.key)
        alive = log.alive(self.key)
        return alive[-1] if alive else 0

    # --- within -------------------------------------------------------------------------------------------------------

    @property
    def _entries(self) -> list[Entry]:
        return self.group_log if self.kind == "group" else self.log.entries

    def _deliver(self, draft: Draft, sender: "User | None", at: datetime | None) -> int:
        if self.kind == "group" and sender is None:
            sender = self.world.users[next(iter(self.members))]
        entry = delivery.deliver(self.world, self, draft, sender=sender, at=at)
        return int(entry.tl.id)

    def _change(self, entry: Entry, change: Callable[[Any], None]) -> None:
        """Change what is not an edit: a copy, so that answers already made keep what they said."""
        entry.tl = copy.copy(entry.tl)
        change(entry.tl)

    def _announce(self, user_id: int) -> None:
        update = types.UpdateChat(self.id) if self.kind == "group" else types.UpdateChannel(self.id)
        delivery.push(self.world, user_id, [update], [self.key])
