"""Recorded rows reach the monitor, each once; those that cannot are set aside and stop nobody."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from telethon.tl import types
from telethon.tl.alltlobjects import LAYER

from bot.errors import StoreError
from bot.model import ChannelId, Heard, How, Key, Kind, MessageId, RawMessage, RecordingState
from bot.monitor import Monitor, Reading
from bot.pulse import Pulse
from bot.rules import parse_rules
from bot.sandbox.chats import Chat
from bot.telegram.reader import BATCH, Reader
from tests.telegram.house import RULES, House, open_house

QUICK = (0.01, 0.01, 0.01)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Sandbox, store, account."""
    async with open_house(tmp_path) as house:
        yield house


@pytest.fixture
async def chat(house: House) -> Chat:
    """A watched channel."""
    return await house.watch("Осведомитель", "milinfolive")


@pytest.fixture
def reader(house: House) -> Reader:
    """A reader that does not wait long."""
    return Reader(house.store, house.monitor, Pulse(asyncio.Event()), retry_seconds=QUICK, patience=QUICK)


async def record(house: House, chat: Chat, *rows: RawMessage) -> None:
    """Record these rows as heard."""
    await house.store.intake.record(
        Heard(channel_id=ChannelId(chat.channel_id), how=How.PUSH, at=house.clock(), messages=rows)
    )


def damaged(message_id: int, body: bytes = b"\xff\xff\xff\x7fsecret") -> RawMessage:
    """A row whose bytes are no TL object that we know."""
    return RawMessage(message_id=MessageId(message_id), body=body, layer=LAYER, digest=body)


async def test_what_is_heard_is_read_and_alerts(house: House, chat: Chat, reader: Reader) -> None:
    """Posts become versions, a matching one an alert, a voice note a wanted recording, a pin a service message."""
    hit = chat.post("Удар по запасному КП под Бердянском, Бердянск")
    voice = chat.post(voice=b"OggS" + bytes(50), duration=3)
    chat.pin(hit)
    assert await house.hear(chat) == 3
    assert await reader.drain() == 3
    (due,) = await house.store.outbox.due("chat", house.clock())
    assert due.alert is not None
    assert due.alert.message.message_id == hit
    (wanted,) = await house.store.recordings.due(RecordingState.WANTED, house.clock(), 9)
    assert (wanted.message_id, wanted.kind) == (voice, Kind.VOICE)
    assert not await house.store.intake.unread()


async def test_an_album_is_one_alert(house: House, chat: Chat, reader: Reader) -> None:
    """Ten items as Telegram sends them, each with the words in its caption, are one alert, which names the first."""
    items = chat.album([{"photo": bytes([number]), "text": "Бердянск"} for number in range(10)])
    assert await house.hear(chat) == 10
    assert await reader.drain() == 10
    (due,) = await house.store.outbox.due("chat", house.clock())
    assert due.alert is not None
    assert due.alert.message.message_id == items[0]
    assert {span.item for span in due.alert.match.spans} == {None, *items[1:]}


async def test_reading_again_changes_nothing(house: House, chat: Chat, reader: Reader) -> None:
    """Hearing and reading the same state three times leaves one version and one alert."""
    post = chat.post("Бердянск")
    for _ in range(3):
        chat.view(post, 900)
        chat.react(post, "👍", 5)
        await house.hear(chat)
        await reader.drain()
    assert len(await house.store.outbox.due("chat", house.clock())) == 1
    key = Key(channel_id=ChannelId(chat.channel_id), message_id=MessageId(post))
    assert len(await house.store.archive.versions(key)) == 1


async def test_an_edit_is_a_version(house: House, chat: Chat, reader: Reader) -> None:
    """An edited post is read as a second version, the first one stays."""
    post = chat.post("Берд")
    await house.hear(chat)
    await reader.drain()
    house.clock.forward(seconds=5)
    chat.edit(post, "Бердянск")
    await house.hear(chat)
    await reader.drain()
    key = Key(channel_id=ChannelId(chat.channel_id), message_id=MessageId(post))
    versions = await house.store.archive.versions(key)
    assert [version.message.text for version in versions if version.message] == ["Берд", "Бердянск"]
    assert len(await house.store.outbox.due("chat", house.clock())) == 1


async def test_more_than_one_batch(house: House, chat: Chat, reader: Reader) -> None:
    """A backlog of any length is read to the end."""
    for number in range(BATCH + 7):
        chat.post(f"{number}")
    raws = chat.messages
    for start in range(0, len(raws), 50):
        await record(
            house,
            chat,
            *(
                RawMessage(message_id=MessageId(raw.id), body=bytes(raw.tl), layer=LAYER, digest=bytes(raw.tl))
                for raw in raws[start : start + 50]
            ),
        )
    assert await reader.drain() == BATCH + 7
    assert not await house.store.intake.unread()


async def test_a_row_that_cannot_be_converted_is_kept_aside(house: House, chat: Chat, reader: Reader) -> None:
    """Damaged bytes are quarantined with a reason that quotes nothing of them; what surrounds them is read."""
    first, last = chat.post("до"), chat.post("Бердянск")
    half = bytes(types.TextPlain("secret" * 9))[:-20]
    await record(house, chat, damaged(50), damaged(51, bytes(types.PeerUser(1))), damaged(52, half))
    await house.hear(chat)
    with structlog.testing.capture_logs() as logs:
        assert await reader.drain() == 5
    alert, notice = await house.store.outbox.due("chat", house.clock())
    assert alert.alert is not None
    assert "3 messages could not be read" in (notice.notice or "")
    assert (await house.store.archive.status(house.clock())).quarantined == 3
    said = [entry for entry in logs if entry["event"] == "reader: message quarantined"]
    assert [entry["message_id"] for entry in said] == [50, 51, 52]
    assert "7fffffff" in said[0]["reason"]
    assert "PeerUser" in said[1]["reason"]
    assert "middle" in said[2]["reason"]
    assert "secret" not in str(said)
    assert "convert.py" in said[0]["traceback"]
    assert await house.store.intake.requeue() == 3
    assert (first, last) == (1, 2)


async def test_a_failing_store_is_raised_and_loses_nothing(
    house: House, chat: Chat, reader: Reader, tmp_path: Path
) -> None:
    """After its retries the reader gives up loudly; the rows stay unread, and are read when the store is back."""
    chat.post("Бердянск")
    chat.post("ещё")
    await house.hear(chat)
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as database:
        database.execute("ALTER TABLE versions RENAME TO lost")
        with pytest.raises(StoreError):
            await reader.drain()
        database.execute("ALTER TABLE lost RENAME TO versions")
    assert len(await house.store.intake.unread()) == 2
    assert (await house.store.archive.status(house.clock())).quarantined == 0
    assert await reader.drain() == 2


class Choosy(Monitor):
    """Cannot bear one word, and at first nothing at all."""

    def __init__(self, house: House, *, sulks: int = 0) -> None:
        super().__init__(
            house.store,
            parse_rules({"rules.yaml": RULES}),
            sinks=("chat",),
            transcribe=frozenset(),
            announce=lambda: None,
            clock=house.clock,
        )
        self._sulks = sulks

    async def observe(self, readings: Sequence[Reading]) -> int:
        """As a monitor with a fault would."""
        self._sulks -= 1
        if self._sulks >= 0 or any(reading.message.text == "яд" for reading in readings):
            raise RuntimeError("will not")
        return await super().observe(readings)


async def test_a_passing_failure_is_retried(house: House, chat: Chat) -> None:
    """A monitor that fails and recovers costs pauses, nothing else."""
    chat.post("Бердянск")
    await house.hear(chat)
    reader = Reader(house.store, Choosy(house, sulks=3), Pulse(asyncio.Event()), retry_seconds=QUICK, patience=QUICK)
    assert await reader.drain() == 1
    assert (await house.store.archive.status(house.clock())).quarantined == 0


async def test_a_store_that_recovers_is_waited_for(house: House, chat: Chat, tmp_path: Path) -> None:
    """While the store fails the reader holds on with pauses, and nothing is set aside for it."""
    chat.post("Бердянск")
    await house.hear(chat)
    stop = asyncio.Event()
    reader = Reader(house.store, house.monitor, Pulse(stop), retry_seconds=QUICK, patience=(0.05,) * 100)
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as database:
        database.execute("ALTER TABLE versions RENAME TO lost")
        reading = asyncio.create_task(reader.drain())
        await asyncio.sleep(0.3)
        assert not reading.done()
        database.execute("ALTER TABLE lost RENAME TO versions")
    assert await reading == 1
    assert len(await house.store.outbox.due("chat", house.clock())) == 1


async def test_nudges_do_not_use_up_the_retries(house: House, chat: Chat) -> None:
    """The pauses between retries are kept, however often the loop is nudged."""
    chat.post("Бердянск")
    await house.hear(chat)
    pulse = Pulse(asyncio.Event())
    reading = asyncio.create_task(
        Reader(house.store, Choosy(house, sulks=1), pulse, retry_seconds=(0.3,), patience=QUICK).drain()
    )
    for _ in range(10):
        await asyncio.sleep(0.02)
        pulse.nudge()
    assert not reading.done()
    assert await reading == 1


async def test_a_post_that_the_monitor_cannot_bear_stops_nobody(house: House, chat: Chat) -> None:
    """One poisonous post is found out and set aside, all others alert."""
    for text in ("Бердянск", "яд", "Бердянск снова"):
        chat.post(text)
    await house.hear(chat)
    reader = Reader(house.store, Choosy(house), Pulse(asyncio.Event()), retry_seconds=QUICK, patience=QUICK)
    assert await reader.drain() == 3
    assert [row.alert is not None for row in await house.store.outbox.due("chat", house.clock())] == [True, True, False]
    assert (await house.store.archive.status(house.clock())).quarantined == 1


async def test_a_poisonous_post_alone_is_set_aside_and_told(house: House, chat: Chat) -> None:
    """Also in a quiet hour one post that we cannot bear stops nobody; the analysts are told where to look."""
    poison = chat.post("яд")
    await house.hear(chat)
    reader = Reader(house.store, Choosy(house), Pulse(asyncio.Event()), retry_seconds=QUICK, patience=QUICK)
    assert await reader.drain() == 1
    assert (await house.store.archive.status(house.clock())).quarantined == 1
    (told,) = await house.store.outbox.due("chat", house.clock())
    assert told.notice is not None
    assert f"/{poison} " in told.notice


async def test_the_loop_wakes_and_stops(house: House, chat: Chat) -> None:
    """A nudge is followed at once, and a stop ends the loop."""
    stop = asyncio.Event()
    pulse = Pulse(stop)
    running = asyncio.create_task(Reader(house.store, house.monitor, pulse).run())
    await asyncio.sleep(0.1)
    chat.post("Бердянск")
    await house.hear(chat)
    pulse.nudge()
    async with asyncio.timeout(2):
        while True:
            if not await house.store.intake.unread():
                break
            await asyncio.sleep(0.02)
    stop.set()
    async with asyncio.timeout(2):
        await running


async def test_what_was_heard_is_read_at_the_stop(house: House, chat: Chat) -> None:
    """Once everything stops, the rows that came last are still read."""
    chat.post("Бердянск")
    await house.hear(chat)
    stop = asyncio.Event()
    stop.set()
    assert await Reader(house.store, house.monitor, Pulse(stop)).drain() == 1
    assert len(await house.store.outbox.due("chat", house.clock())) == 1
