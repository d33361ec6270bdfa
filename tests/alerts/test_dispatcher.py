"""From the outbox of a real store to a sink that fails in every way."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bot.alerts.dispatcher import BACKOFF, Dispatcher
from bot.errors import SinkError, StoreError
from bot.model import DeliveryState, Parcel, Receipt
from bot.pulse import Pulse
from bot.store import Store
from tests.monitor.desk import GURULEV, Desk, HandClock, post
from tests.stores import ready_sqlite


class Killed(BaseException):
    """The process ends here."""


class Chat:
    """A chat that knows random ids as Telegram does, and refuses as it is told."""

    def __init__(self, name: str = "chat") -> None:
        self.name = name
        # What to do with the next sends: an error refuses, Killed and a cut line come after the message has arrived.
        self.script: list[BaseException | None] = []
        self.messages: dict[int, str] = {}
        self.tried: list[Parcel] = []
        self.arrived = asyncio.Event()

    async def send(self, parcel: Parcel) -> Receipt:
        """Accept or fail."""
        self.tried.append(parcel)
        trouble = self.script.pop(0) if self.script else None
        if isinstance(trouble, SinkError):
            raise trouble
        self.messages.setdefault(parcel.random_id, parcel.text)
        self.arrived.set()
        if trouble is not None:
            raise trouble
        return Receipt(reference=str(len(self.messages)))

    def numbers(self) -> list[str]:
        """The first lines of what is in the chat."""
        return [text.split("\n")[0] for text in self.messages.values()]


def later(retry_after: float | None = None) -> SinkError:
    """Trouble that passes."""
    return SinkError("flood", permanent=False, retry_after=retry_after)


def never() -> SinkError:
    """Trouble that does not."""
    return SinkError("MESSAGE_REFUSED", permanent=True)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with one channel."""
    clock = HandClock()
    store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media", clock=clock)
    await store.channels.pin(GURULEV, account="main")
    yield Desk(store, clock)
    await store.close()


def dispatcher(
    desk: Desk,
    chat: Chat,
    *,
    per_second: float = 1e9,
    per_minute: int = 1000,
    patience: Sequence[float] = (),
) -> Dispatcher:
    """A dispatcher in the hand clock's time."""
    return Dispatcher(
        desk.store,
        chat,
        Pulse(asyncio.Event()),
        clock=desk.clock,
        sinks=("chat", "desk"),
        per_second=per_second,
        per_minute=per_minute,
        patience=patience,
    )


async def raise_alerts(desk: Desk, count: int) -> list[str]:
    """Have that many posts alert; the first lines that the chat should show."""
    await desk.hear(*(post(f"Попов {number}", number=number) for number in range(1, count + 1)))
    return [f"🔴 HIGH  Commander dismissed  #{alert.alert_id}" for alert in await desk.alerts()]


async def states(desk: Desk) -> dict[tuple[str, DeliveryState], int]:
    """How many outbox rows are in which state."""
    return {key: count for key, count in (await desk.store.archive.status(desk.clock())).outbox.items() if count}


async def test_what_is_due_is_sent_once_and_in_order(desk: Desk) -> None:
    """Every alert reaches the chat, the oldest first, with the random id of its row, and none twice."""
    chat, expected = Chat(), await raise_alerts(desk, 5)
    rows = await desk.store.outbox.due("chat", desk.clock())
    out = dispatcher(desk, chat)
    assert await out.deliver_due() is None
    assert await out.deliver_due() is None
    assert chat.numbers() == expected
    assert list(chat.messages) == [row.random_id for row in rows]
    assert len(chat.tried) == 5
    assert await states(desk) == {("chat", DeliveryState.SENT): 5, ("desk", DeliveryState.DUE): 5}


async def test_trouble_that_passes_is_waited_out_and_order_kept(desk: Desk) -> None:
    """A refused alert is tried again at growing distances, and those behind it wait for it."""
    chat, expected = Chat(), await raise_alerts(desk, 3)
    out = dispatcher(desk, chat)
    chat.script = [later() for _ in range(len(BACKOFF) + 2)]
    for seconds in (*BACKOFF, BACKOFF[-1], BACKOFF[-1]):
        assert await out.deliver_due() == seconds
        desk.clock.forward(seconds - 0.001)
        tried = len(chat.tried)
        await out.deliver_due()
        assert len(chat.tried) == tried, "not before its time"
        desk.clock.forward(0.001)
    assert chat.messages == {}
    assert await out.deliver_due() is None
    assert chat.numbers() == expected
    assert len({parcel.random_id for parcel in chat.tried[: len(BACKOFF) + 3]}) == 1


async def test_a_flood_wait_is_obeyed_to_the_second(desk: Desk) -> None:
    """What the sink asks for counts, not our own backoff."""
    chat = Chat()
    await raise_alerts(desk, 1)
    chat.script = [later(retry_after=37)]
    out = dispatcher(desk, chat)
    assert await out.deliver_due() == 37
    desk.clock.forward(37)
    assert await out.deliver_due() is None
    assert len(chat.messages) == 1


async def test_an_alert_refused_for_good_goes_out_in_its_shortest_form(desk: Desk) -> None:
    """The second try is plain text under the same random id."""
    chat = Chat()
    await raise_alerts(desk, 1)
    chat.script = [never()]
    await dispatcher(desk, chat).deliver_due()
    full, brief = chat.tried
    assert full.entities
    assert brief.entities == ()
    assert full.random_id == brief.random_id
    assert chat.numbers() == ["HIGH #1 Commander dismissed: Гурулёв (@agurulev)"]
    assert (await states(desk))["chat", DeliveryState.SENT] == 1


async def test_an_alert_that_fails_is_told_on_every_sink(desk: Desk) -> None:
    """Failed is visible: which alert, why, and where the post is; the alerts behind it are not held up."""
    chat = Chat()
    expected = await raise_alerts(desk, 2)
    chat.script = [never(), never()]
    out = dispatcher(desk, chat)
    await out.deliver_due()
    await out.deliver_due()
    notice = "⚠ An alert was not delivered to chat: MESSAGE_REFUSED"
    assert chat.numbers() == [expected[1], notice]
    assert "https://t.me/agurulev/1" in list(chat.messages.values())[1]
    assert "#1 " in list(chat.messages.values())[1]
    assert [text.split("\n")[0] for text in await desk.notices("desk")] == [notice]
    counts = await states(desk)
    assert (counts["chat", DeliveryState.FAILED], counts["chat", DeliveryState.SENT]) == (1, 2)


async def test_a_notice_that_fails_raises_no_notice(desk: Desk) -> None:
    """A broken chat does not fill the outbox with news of itself."""
    chat = Chat()
    await desk.store.outbox.add_notice(("chat",), "listening", desk.clock())
    chat.script = [never()]
    await dispatcher(desk, chat).deliver_due()
    assert await states(desk) == {("chat", DeliveryState.FAILED): 1}
    assert len(chat.tried) == 1


@pytest.mark.parametrize("accepted", [True, False], ids=["after the sink took it", "before"])
async def test_killed_around_a_send_the_chat_shows_it_once(desk: Desk, accepted: bool) -> None:
    """Sent but not recorded: the next process sends it again under the same random id, which the server knows."""
    chat, expected = Chat(), await raise_alerts(desk, 3)
    chat.script = [None, Killed() if accepted else later(0)]
    try:
        await dispatcher(desk, chat).deliver_due()
    except Killed:
        assert (await states(desk))["chat", DeliveryState.SENT] == 1
    assert await dispatcher(desk, chat).deliver_due() is None
    assert chat.numbers() == expected
    assert chat.tried[1].random_id == chat.tried[2].random_id
    assert (await states(desk))["chat", DeliveryState.SENT] == 3


async def test_a_cut_line_is_tried_again(desk: Desk) -> None:
    """A send that arrived although the sink timed out is retried, and recognised."""
    chat = Chat()
    await raise_alerts(desk, 1)
    chat.script = [TimeoutError()]
    out = dispatcher(desk, chat)
    assert await out.deliver_due() == BACKOFF[0]
    desk.clock.forward(BACKOFF[0])
    assert await out.deliver_due() is None
    assert len(chat.messages) == 1


@pytest.mark.slow
async def test_a_burst_goes_out_within_the_limits_and_nothing_is_lost(desk: Desk) -> None:
    """Seventy alerts at once: one a second, twenty in any minute, all of them, in order."""
    chat, expected = Chat(), await raise_alerts(desk, 70)
    out = dispatcher(desk, chat, per_second=1, per_minute=20)
    sent_at: list[float] = []
    start = desk.clock()
    while (pause := await out.deliver_due()) is not None:
        sent_at += [(desk.clock() - start).total_seconds()] * (len(chat.tried) - len(sent_at))
        desk.clock.forward(pause)
    assert chat.numbers() == expected
    assert all(later - first >= 60 for first, later in zip(sent_at, sent_at[20:], strict=False))
    assert (desk.clock() - start) < timedelta(minutes=4)


async def test_the_loop_delivers_on_a_nudge_and_ends_when_told(desk: Desk) -> None:
    """A nudge wakes it at once; the stop event ends it between deliveries."""
    stop, chat = asyncio.Event(), Chat()
    pulse = Pulse(stop)
    out = Dispatcher(desk.store, chat, pulse, clock=desk.clock, per_second=1e9, per_minute=1000)
    loop = asyncio.create_task(out.run())
    await asyncio.sleep(0.05)
    await raise_alerts(desk, 1)
    pulse.nudge()
    async with asyncio.timeout(5):
        await chat.arrived.wait()
        stop.set()
        await loop


async def test_a_store_that_stays_broken_ends_the_loop(desk: Desk, tmp_path: Path) -> None:
    """After the last pause the supervisor decides what a broken store means."""
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as other:
        other.execute("DROP TABLE outbox")
    with pytest.raises(StoreError):
        await dispatcher(desk, Chat(), patience=(0.01, 0.01)).run()


async def test_what_was_sent_is_not_sent_again_while_it_cannot_be_recorded(desk: Desk, tmp_path: Path) -> None:
    """A disk that is full for a while costs time: the receipt is recorded when it can be, and nothing is tried twice."""
    chat, expected = Chat(), await raise_alerts(desk, 1)
    with closing(sqlite3.connect(tmp_path / "earshot.db")) as other:
        other.execute("CREATE TRIGGER full BEFORE UPDATE ON outbox BEGIN SELECT RAISE(ABORT, 'full'); END")
        delivering = asyncio.create_task(dispatcher(desk, chat, patience=(0.05,) * 100).deliver_due())
        await asyncio.wait_for(chat.arrived.wait(), 5)
        await asyncio.sleep(0.2)
        assert not delivering.done()
        other.execute("DROP TRIGGER full")
    assert await delivering is None
    assert (chat.numbers(), len(chat.tried)) == (expected, 1)


async def test_draining_delivers_what_is_due_and_ends_in_time(desk: Desk) -> None:
    """At the stop what is due goes out; a sink in trouble cannot hold the stop up."""
    chat, expected = Chat(), await raise_alerts(desk, 3)
    await dispatcher(desk, chat).drain(5)
    assert chat.numbers() == expected
    await desk.hear(post("Попов", number=9))
    chat.script = [later(retry_after=3600)]
    start = time.monotonic()
    await dispatcher(desk, chat).drain(5)
    assert time.monotonic() - start < 2


class Silent(Chat):
    """A sink that never answers."""

    async def send(self, parcel: Parcel) -> Receipt:
        """Hang."""
        await asyncio.sleep(3600)
        raise AssertionError("unreachable")


async def test_draining_a_sink_that_hangs_ends_in_time(desk: Desk) -> None:
    """The stop is bounded, and the alert stays due for the next start."""
    await raise_alerts(desk, 1)
    start = time.monotonic()
    await dispatcher(desk, Silent()).drain(0.2)
    assert time.monotonic() - start < 2
    assert (await states(desk))["chat", DeliveryState.DUE] == 1
