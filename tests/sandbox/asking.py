"""Calls without a wire: request and answer still go through their bytes, so that Telethon has to parse both."""

import pytest
from telethon.extensions import BinaryReader
from telethon.tl import TLObject, TLRequest, types

import bot.sandbox.handlers  # noqa: F401
from bot.sandbox import rpc
from bot.sandbox.chats import Chat
from bot.sandbox.exchange import serialise
from bot.sandbox.rpc import Caller, RpcError
from bot.sandbox.world import User, World


class Asker:
    """One logged-in user, and how it names others."""

    def __init__(self, world: World, user: User, *, dc: int = 2) -> None:
        self.world = world
        self.user = user
        self.caller = Caller(auth_key_id=user.id, dc=dc, user_id=user.id)
        # What was pushed to it, as parsed by Telethon.
        self.heard: list[TLObject] = []
        world.subscribe(self._hear)

    async def ask(self, request: TLRequest):
        """The answer as Telethon reads it off the wire; RpcError for a refusal."""
        parsed = BinaryReader(bytes(request)).tgread_object()
        result = await rpc.answer(self.world, self.caller, parsed)
        return request.read_result(BinaryReader(serialise(result)))

    async def refused(self, request: TLRequest) -> str:
        """The refusal, e.g. `400 CHANNEL_INVALID`; fails when there is none."""
        with pytest.raises(RpcError) as caught:
            await self.ask(request)
        return str(caught.value)

    def channel(self, chat: Chat) -> types.InputChannel:
        """How it names a channel."""
        return types.InputChannel(chat.id, self.world.access_hash(self.user.id, chat.key))

    def peer(self, other: Chat | User):
        """How it names anybody."""
        access_hash = self.world.access_hash(self.user.id, other.key)
        if isinstance(other, User):
            return types.InputPeerUser(other.id, access_hash)
        if other.kind == "group":
            return types.InputPeerChat(other.id)
        return types.InputPeerChannel(other.id, access_hash)

    def take(self) -> list[TLObject]:
        """The updates pushed since the last look."""
        taken = [update for body in self.heard for update in body.updates]
        self.heard.clear()
        return taken

    def _hear(self, user_id: int, updates: TLObject) -> None:
        if user_id == self.user.id:
            self.heard.append(BinaryReader(bytes(updates)).tgread_object())
