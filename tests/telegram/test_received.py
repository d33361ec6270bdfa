"""Messages are stored as they were sent."""

from datetime import UTC, datetime
from typing import Any

import pytest
from telethon.extensions import BinaryReader
from telethon.tl import functions, types

from bot.telegram.convert import raw_message
from bot.telegram.received import keep_bytes, received

PEER = types.PeerChannel(1000000001)
DATE = datetime(2023, 7, 12, tzinfo=UTC)
POST = types.Message(
    id=5,
    peer_id=PEER,
    date=DATE,
    message="Меня сняли с должности",
    views=7,
    forwards=2,
    entities=[types.MessageEntityBold(0, 4)],
)
PINNED = types.MessageService(id=6, peer_id=PEER, date=DATE, action=types.MessageActionPinMessage())
GONE = types.MessageEmpty(id=7, peer_id=PEER)


def answer() -> types.updates.ChannelDifference:
    """A difference that tells a post, a service message, an empty one and an edit."""
    edit = types.UpdateEditChannelMessage(POST, pts=9, pts_count=1)
    return types.updates.ChannelDifference(9, [POST, PINNED, GONE], [edit], [], [], final=True)


def read(request: Any) -> Any:
    """The answer as the request reads it, behind four bytes of something else."""
    reader = BinaryReader(b"head" + bytes(answer()))
    reader.position = 4
    return request.read_result(reader)


def difference() -> Any:
    """A request."""
    nothing = types.ChannelMessagesFilterEmpty()
    return functions.updates.GetChannelDifferenceRequest(types.InputChannelEmpty(), nothing, 1, 100)


@pytest.mark.parametrize("request_", [difference(), keep_bytes(difference())], ids=["plain", "kept"])
def test_the_bytes_are_those_that_were_sent(request_: Any) -> None:
    """Each message of an answer has its own bytes, also within an update; its digest is the same either way."""
    found = read(request_)
    post, pinned, gone = found.new_messages
    assert [received(tl) for tl in (post, pinned)] == [bytes(POST), bytes(PINNED)]
    assert received(found.other_updates[0].message) == bytes(POST)
    assert raw_message(post) == raw_message(POST)
    assert bytes(gone) == bytes(GONE)


def test_nothing_is_serialised_again() -> None:
    """What Telethon would write differently is kept as it came."""
    post = read(keep_bytes(difference())).new_messages[0]
    post.message = "changed by us"
    assert received(post) == bytes(POST)
