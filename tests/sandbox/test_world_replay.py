"""A client that follows differences ends up with what the world holds, however often it looks."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from telethon.tl import functions as f
from telethon.tl import types

from bot.sandbox.chats import Chat
from bot.sandbox.world import World
from tests.sandbox.asking import Asker

STEPS = st.one_of(
    st.just(("post",)),
    st.tuples(st.just("edit"), st.integers(1, 15)),
    st.tuples(st.just("delete"), st.sets(st.integers(1, 15), min_size=1, max_size=4)),
    st.tuples(st.just("look"), st.integers(1, 5)),
)


def perform(chat: Chat, number: int, step: tuple) -> None:
    """One step of the script; what names an id that is not there does nothing."""
    if step[0] == "post":
        chat.post(f"first {number}")
    elif step[0] == "edit":
        if chat.log.living(step[1]):
            chat.edit(step[1], f"edit {number}")
    else:
        chat.delete(*(i for i in step[1] if i <= chat.log.top_id))


async def follow(reader: Asker, chat: Chat, pts: int, limit: int, seen: dict[int, str]) -> int:
    """Apply all differences from `pts` on to `seen`; the new pts."""
    while True:
        request = f.updates.GetChannelDifferenceRequest(
            reader.channel(chat), types.ChannelMessagesFilterEmpty(), pts, limit
        )
        found = await reader.ask(request)
        if isinstance(found, types.updates.ChannelDifferenceEmpty):
            return found.pts
        seen.update({message.id: message.message for message in found.new_messages})
        for update in found.other_updates:
            if isinstance(update, types.UpdateDeleteChannelMessages):
                for message_id in update.messages:
                    seen.pop(message_id, None)
            else:
                seen[update.message.id] = update.message.message
        pts = found.pts
        if found.final:
            return pts


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEPS, max_size=30), limit=st.integers(1, 7))
def test_differences_rebuild_the_channel(steps, limit):
    """Whenever and in whatever slices a client asks, it ends with the living messages in their newest state."""

    async def play() -> None:
        world = World()
        reader = Asker(world, world.add_user("Reader", phone="+9990001111"))
        chat = world.add_channel("C", handle="chan_c")
        seen: dict[int, str] = {}
        pts = 1
        for number, step in enumerate(steps):
            if step[0] == "look":
                pts = await follow(reader, chat, pts, step[1], seen)
            else:
                perform(chat, number, step)
        pts = await follow(reader, chat, pts, limit, seen)
        assert pts == chat.log.pts
        assert seen == {posted.id: posted.text for posted in chat.messages if not posted.deleted}

    asyncio.run(play())
