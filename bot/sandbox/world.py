"""The world behind the sandbox Telegram: users, chats and files, and a script to move them. No network here.

world = World()
analyst = world.add_user("Analyst", phone="+9990001111")
channel = world.add_channel("Voyenniy Osvedomitel", handle="milinfolive")
channel.invite(analyst)
channel.post("Storm Shadow missiles hit the reserve command post")
channel.post(voice=Path("general.ogg"))
"""

import asyncio
import hashlib
import itertools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Unpack

from telethon import utils
from telethon.tl import types

from bot.model import Clock, utc_now
from bot.sandbox.chats import Chat
from bot.sandbox.delivery import deliver
from bot.sandbox.files import Files
from bot.sandbox.log import MessageLog, PeerKey
from bot.sandbox.posted import Posted
from bot.sandbox.posting import Content, draft_of
from bot.sandbox.switches import Limits, Switches

Subscriber = Callable[[int, Any], None]


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """A person or a bot, with the message log (box) of its private chats and basic groups."""

    id: int
    name: str
    world: "World"
    handle: str | None = None
    phone: str | None = None
    # The login code that Telegram would send.
    code: str = "12345"
    # The two-step password.
    password: str | None = None
    bot_token: str | None = None
    box: MessageLog = field(default_factory=MessageLog)
    # The chats it is in.
    chats: dict[PeerKey, Chat] = field(default_factory=dict)
    # The newest message read, by private chat or basic group.
    read: dict[PeerKey, int] = field(default_factory=dict)

    @property
    def is_bot(self) -> bool:
        """True for a bot."""
        return self.bot_token is not None

    @property
    def key(self) -> PeerKey:
        """Its name among the peers."""
        return ("user", self.id)

    @property
    def access_hash(self) -> int:
        """The hash by which it names itself."""
        return self.world.access_hash(self.id, self.key)

    def tl(self, self_user: bool = False, *, viewer: int | None = None) -> Any:
        """types.User as `viewer` (a user id) sees it; as it sees itself by `self_user=True`."""
        viewer = self.id if self_user or viewer is None else viewer
        return types.User(
            id=self.id,
            is_self=(viewer == self.id and self_user) or None,
            access_hash=self.world.access_hash(viewer, self.key),
            first_name=self.name,
            username=self.handle,
            phone=self.phone.lstrip("+") if self.phone and self_user else None,
            bot=self.is_bot or None,
            bot_info_version=1 if self.is_bot else None,
        )


class World:
    """Everything that the sandbox Telegram knows."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self.users: dict[int, User] = {}
        self.channels: dict[int, Chat] = {}
        self.groups: dict[int, Chat] = {}
        # Lower-case handle -> who has it.
        self.handles: dict[str, User | Chat] = {}
        self.files = Files()
        self.limits = Limits()
        self.switches = Switches(self.files)
        # Data centre -> host and port; filled by the server.
        self.dcs: dict[int, tuple[str, int]] = {}
        # (user, random_id) of everything sent through the API.
        self.sent: set[tuple[int, int]] = set()
        # Bot -> its commands as last set.
        self.bot_commands: dict[int, list[Any]] = {}
        # Query id -> (bot, the answer awaited).
        self.queries: dict[int, tuple[int, asyncio.Future[Any]]] = {}
        self._subscribers: list[Subscriber] = []
        self._user_ids = itertools.count(100_000_001)
        self._channel_ids = itertools.count(1_000_000_001)
        self._group_ids = itertools.count(5_000_001)
        self.query_ids = itertools.count(1)
        self.album_ids = itertools.count(13_000_000_000_000_001)

    def now(self) -> datetime:
        """The time in whole seconds, as Telegram tells it."""
        return (self._clock() + timedelta(seconds=self.switches.clock_ahead)).replace(microsecond=0)

    # --- who is there -------------------------------------------------------------------------------------------------

    def add_user(
        self, name: str, *, phone: str, code: str = "12345", password: str | None = None, handle: str | None = None
    ) -> User:
        """A person who can log in with that phone number and code."""
        if self.user_by_phone(phone):
            raise ValueError(f"{phone} is taken")
        user = User(id=next(self._user_ids), name=name, world=self, phone=phone, code=code, password=password)
        return self._add(user, handle)

    def add_bot(self, name: str, token: str, *, handle: str | None = None) -> User:
        """A bot that can log in with that token, whose digits before the colon are its id."""
        if self.user_by_token(token):
            raise ValueError("that token is taken")
        number = token.partition(":")[0]
        user_id = int(number) if number.isdecimal() and int(number) not in self.users else next(self._user_ids)
        plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "sandbox"
        bot = User(id=user_id, name=name, world=self, bot_token=token)
        return self._add(bot, handle or (plain if plain.endswith("bot") else f"{plain}_bot"))

    def add_channel(
        self, title: str, *, handle: str | None = None, megagroup: bool = False, id: int | None = None
    ) -> Chat:
        """A broadcast channel or megagroup without members. `id` may be marked (-100...) or bare."""
        bare = next(self._channel_ids) if id is None else utils.resolve_id(id)[0]
        if bare in self.channels:
            raise ValueError(f"channel {bare} is there already")
        chat = Chat(self, bare, title, kind="megagroup" if megagroup else "broadcast")
        self.channels[bare] = chat
        if handle:
            chat.set_handle(handle)
        return chat

    def add_group(self, title: str, members: Iterable[User]) -> Chat:
        """A basic group; the first member made it and is its administrator."""
        group = Chat(self, next(self._group_ids), title, kind="group")
        self.groups[group.id] = group
        for number, member in enumerate(members):
            group.invite(member, admin=number == 0)
        return group

    def user_by_phone(self, phone: str) -> User | None:
        """The user with that number, however it is punctuated."""
        wanted = re.sub(r"\D", "", phone)
        return next((u for u in self.users.values() if u.phone and re.sub(r"\D", "", u.phone) == wanted), None)

    def user_by_token(self, token: str) -> User | None:
        """The bot with that token."""
        return next((user for user in self.users.values() if user.bot_token == token), None)

    def peer(self, key: PeerKey) -> "User | Chat | None":
        """Whom a key names."""
        kind, peer_id = key
        if kind == "user":
            return self.users.get(peer_id)
        return self.channels.get(peer_id) if kind == "channel" else self.groups.get(peer_id)

    def claim_handle(self, owner: "User | Chat", handle: str) -> None:
        """Give a handle to `owner`; whoever had it loses it."""
        former = self.handles.get(handle.lower())
        if former is not None:
            former.handle = None
        self.release_handle(owner)
        owner.handle = handle
        self.handles[handle.lower()] = owner

    def release_handle(self, owner: "User | Chat") -> None:
        """Take its handle from `owner`."""
        if owner.handle:
            self.handles.pop(owner.handle.lower(), None)
            owner.handle = None

    @staticmethod
    def access_hash(viewer_id: int, key: PeerKey) -> int:
        """The 64-bit hash by which this user, and no other, names that peer."""
        digest = hashlib.blake2b(f"{viewer_id} {key[0]} {key[1]}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True)

    # --- private chats ------------------------------------------------------------------------------------------------

    def say(self, sender: User, recipient: User, text: str = "", **content: Unpack[Content]) -> int:
        """A private message, as when somebody starts a bot. Returns its id as the sender numbers it."""
        draft = draft_of(self, None, text, content, at=None)
        return int(deliver(self, recipient, draft, sender=sender).tl.id)

    def conversation(self, user: User, other: User) -> list[Posted]:
        """The private chat as `user` has it, oldest first; what was deleted is flagged."""
        return [Posted.of(entry) for entry in user.box.entries if entry.key == other.key]

    # --- what is pushed -----------------------------------------------------------------------------------------------

    def subscribe(self, callback: Subscriber) -> None:
        """Call `callback(user_id, updates)` for every push, at once."""
        self._subscribers.append(callback)

    def push(self, user_id: int, updates: list[Any], users: list[Any], chats: list[Any]) -> None:
        """Tell one user what happened."""
        if not self._subscribers or not updates:
            return
        body = types.Updates(updates=updates, users=users, chats=chats, date=self.now(), seq=0)
        for callback in self._subscribers:
            callback(user_id, body)

    @property
    def listened(self) -> bool:
        """Whether anyone would hear a push: without it, making one is wasted."""
        return bool(self._subscribers)

    def _add(self, user: User, handle: str | None) -> User:
        self.users[user.id] = user
        if handle:
            self.claim_handle(user, handle)
        return user
