"""The items of an album wait for each other in the database; nothing else waits for them, and no kill loses one."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types
from telethon.tl.alltlobjects import LAYER

from bot.model import (
    Channel,
    ChannelId,
    Delivery,
    Heard,
    How,
    Kind,
    Message,
    MessageId,
    RawMessage,
    Unread,
)
from bot.monitor import Monitor, Reading
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.store import Store
from bot.telegram.albums import LONGEST, QUIET, cut, waiting
from bot.telegram.convert import raw_message
from bot.telegram.reader import BATCH, Reader
from tests.stores import opened, ready_sqlite
from tests.telegram.linked import HandClock

CHANNEL = Channel(channel_id=ChannelId(-1001000000001), access_hash=1, handle="milinfolive")
RULES = {
    "r.yaml": "rules:\n  - {id: strike, title: T, match: Бердянск}\n  - {id: both, title: T, match: штаб AND ракета}\n"
}
START = datetime(2023, 7, 11, 9, 14, tzinfo=UTC)


class Post:
    """A channel that is heard by hand, and a reader that may be killed and started anew."""

    def __init__(self, store: Store, clock: HandClock) -> None:
        self.store = store
        self.clock = clock
        self.restart()

    def restart(self) -> None:
        """As after a kill: nothing is known but what is in the database."""
        monitor = Monitor(
            self.store,
            parse_rules(RULES),
            sinks=("chat",),
            transcribe=frozenset({Kind.VOICE}),
            announce=lambda: None,
            clock=self.clock,
        )
        self.stop = asyncio.Event()
        self.reader = Reader(self.store, monitor, Pulse(self.stop), clock=self.clock)

    async def hear(self, *texts: str, number: int, album: int | None = 13, how: How = How.PUSH) -> None:
        """Items with these captions come in one push."""
        messages = tuple(item(text, number + place, album) for place, text in enumerate(texts))
        await self.store.intake.record(
            Heard(channel_id=CHANNEL.channel_id, how=how, at=self.clock(), messages=messages)
        )

    async def look(self) -> int:
        """One look of the running reader; how many rows it dealt with."""
        dealt, _ = await self.reader._read_batch(hold=True)
        return dealt

    async def alerts(self) -> list[tuple[str, int]]:
        """The rule and the message of every alert."""
        due: tuple[Delivery, ...] = await self.store.outbox.due("chat", self.clock(), 999)
        return [(one.alert.match.rule_id, one.alert.message.message_id) for one in due if one.alert]


def item(text: str, number: int, album: int | None) -> RawMessage:
    """A message as Telegram sends it, an item of an album or alone."""
    tl = types.Message(
        id=number,
        peer_id=types.PeerChannel(1000000001),
        date=START,
        message=text,
        grouped_id=album,
    )
    return raw_message(tl)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    """A watched channel."""
    clock = HandClock()
    async with opened(ready_sqlite(tmp_path), tmp_path, clock=clock) as store:
        await store.channels.pin(CHANNEL, account="main")
        yield Post(store, clock)


async def test_an_album_is_read_when_it_is_quiet(post: Post) -> None:
    """Items that come a second apart are read together, a second and a half after the last one."""
    for number in range(1, 5):
        await post.hear("Бердянск", number=number)
        assert await post.look() == 0
        post.clock.forward(seconds=1)
    assert await post.look() == 0
    post.clock.forward(seconds=0.5)
    assert await post.look() == 4
    assert await post.alerts() == [("strike", 1)]


async def test_no_item_is_held_longer_than_ten_seconds(post: Post) -> None:
    """An album that never ends is read all the same; what comes after is matched with what was read."""
    for number in range(1, 11):
        await post.hear("штаб" if number == 2 else "", number=number)
        assert await post.look() == 0
        post.clock.forward(seconds=1)
    assert await post.look() == 10
    await post.hear("ракета", number=11)
    post.clock.forward(seconds=2)
    assert await post.look() == 1
    assert await post.alerts() == [("both", 11)]


async def test_nothing_else_waits(post: Post) -> None:
    """A post that is no item of an album is read at once, also behind a page full of items that wait."""
    for number in range(1, 2 * BATCH + 21, 10):
        await post.hear(*["Бердянск"] * 10, number=number, album=number)
    await post.hear("Бердянск", number=900, album=None)
    await post.hear("", number=901, album=901, how=How.BACKFILL)
    assert await post.look() == 2
    assert await post.alerts() == [("strike", 900)]
    post.clock.forward(seconds=1.5)
    assert await post.reader.drain() == 2 * BATCH + 20
    assert [message for _, message in await post.alerts()] == [900, *range(1, 2 * BATCH + 21, 10)]


async def test_a_kill_between_the_items_loses_nothing(post: Post) -> None:
    """Whatever was heard before the kill waits in the database, and is held together with what comes after."""
    await post.hear("штаб", "", "", number=1)
    assert await post.look() == 0
    post.restart()
    await post.hear("", "ракета", number=4)
    assert await post.look() == 0
    post.clock.forward(seconds=2)
    assert await post.look() == 5
    assert await post.alerts() == [("both", 1)]


async def test_items_heard_long_after_a_kill_meet_those_that_were_read(post: Post) -> None:
    """What was read before the rest came is matched again with the rest: one alert, on the item that completes it."""
    await post.hear("штаб", "Бердянск", number=1)
    post.clock.forward(seconds=60)
    post.restart()
    assert await post.look() == 2
    await post.hear("Бердянск", "ракета", number=3, how=How.DIFFERENCE)
    post.clock.forward(seconds=2)
    assert await post.look() == 2
    assert await post.alerts() == [("strike", 2), ("both", 4)]


async def test_the_edit_of_an_item_is_read_with_its_siblings(post: Post) -> None:
    """An edit that comes while the album is held is a second state of it, not a second album."""
    await post.hear("штаб", "", number=1)
    edited = types.Message(
        id=2, peer_id=types.PeerChannel(1), date=START, message="ракета", grouped_id=13, edit_date=START
    )
    heard = Heard(channel_id=CHANNEL.channel_id, how=How.PUSH, at=post.clock(), messages=(raw_message(edited),))
    await post.store.intake.record(heard)
    post.clock.forward(seconds=2)
    assert await post.look() == 3
    assert await post.alerts() == [("both", 2)]


async def test_a_clock_set_back_holds_nothing_up(post: Post) -> None:
    """Items that seem to have been heard in the future are read at once."""
    await post.hear("Бердянск", number=1)
    post.clock.forward(seconds=-310)
    assert await post.look() == 1


async def test_at_the_stop_no_album_is_waited_for(post: Post) -> None:
    """What is there is read, and what comes after the next start is matched with it."""
    await post.hear("штаб", number=1)
    assert await post.reader.drain() == 1
    post.restart()
    await post.hear("ракета", number=2)
    assert await post.reader.drain() == 1
    assert await post.alerts() == [("both", 2)]


async def test_a_page_ends_before_an_album_not_within_it(post: Post) -> None:
    """In a backlog the items of an album at the end of a page wait for the next page: one alert, with all of it."""
    for number in range(1, BATCH - 4):
        await post.hear("", number=number, album=None)
    await post.hear(*["Бердянск"] * 10, number=BATCH - 4)
    post.clock.forward(seconds=60)
    assert await post.look() == BATCH - 5
    assert await post.look() == 10
    assert await post.alerts() == [("strike", BATCH - 4)]


async def test_a_page_that_is_one_album_is_read(post: Post) -> None:
    """Two hundred rows of one album, as nobody but an attacker posts them, do not stop the reader."""
    for number in range(1, 2 * BATCH, 50):
        await post.hear(*["Бердянск"] * 50, number=number)
    post.clock.forward(seconds=60)
    assert await post.reader.drain() == 2 * BATCH
    assert await post.alerts() == [("strike", 1)]


async def test_the_running_reader_wakes_for_an_album(post: Post) -> None:
    """Nobody nudges when an album has become complete: the reader wakes by itself."""
    post.clock.now = datetime.now(UTC)
    monitor = post.reader._monitor
    reader = Reader(post.store, monitor, Pulse(post.stop), clock=lambda: datetime.now(UTC) + timedelta(seconds=1.2))
    await post.hear("Бердянск", number=1)
    running = asyncio.create_task(reader.run())
    async with asyncio.timeout(4):
        while True:
            if await post.alerts():
                break
            await asyncio.sleep(0.02)
    post.stop.set()
    await running


def reading(raw_id: int, number: int, album: int | None, heard: float, how: How = How.PUSH) -> Reading:
    """A reading heard so many seconds after the start."""
    unread = Unread(
        raw_id=raw_id,
        channel_id=CHANNEL.channel_id,
        how=how,
        heard_at=START + timedelta(seconds=heard),
        raw=RawMessage(message_id=MessageId(number), body=b"", layer=LAYER, digest=b""),
    )
    message = Message(
        channel_id=CHANNEL.channel_id,
        message_id=MessageId(number),
        kind=Kind.PHOTO,
        posted_at=START,
        album_id=album,
    )
    return Reading(unread=unread, message=message)


@given(st.lists(st.tuples(st.sampled_from([None, 13, 14]), st.floats(0, 30))), st.floats(0, 60), st.integers())
def test_an_album_waits_as_a_whole_and_never_for_ever(
    heard: list[tuple[int | None, float]], now: float, seed: int
) -> None:
    """All items of an album wait or none does; none longer than its bounds, and none once the promised moment has come."""
    readings = [reading(number, number, album, at) for number, (album, at) in enumerate(heard)]
    random.Random(seed).shuffle(readings)
    moment = START + timedelta(seconds=now)
    held, complete_at = waiting(readings, moment)
    for album in (None, 13, 14):
        items = [one for one in readings if one.message.album_id == album]
        waits = {one.unread.raw_id in held for one in items}
        assert len(waits) <= 1
        if waits == {True}:
            assert album is not None
            assert moment < max(one.unread.heard_at for one in items) + QUIET
            assert moment < min(one.unread.heard_at for one in items) + LONGEST
    assert (complete_at is None) == (not held)
    if complete_at is not None:
        assert complete_at > moment
        # An item heard later may have begun to wait.
        assert held - waiting(readings, complete_at)[0]


@given(st.lists(st.sampled_from([None, 13, 14])))
def test_a_page_is_cut_before_the_album_of_its_last_row(albums: list[int | None]) -> None:
    """Exactly the items of the last row's album stay for the next page."""
    readings = [reading(number, number, album, 0) for number, album in enumerate(albums)]
    last = albums[-1] if albums else None
    assert cut(readings) == {number for number, album in enumerate(albums) if album == last and album is not None}
