"""An alert that another hearing puts otherwise is edited where it stands, or said in a message of its own; once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.alerts.dispatcher import BACKOFF
from bot.alerts.sink import Editor
from bot.errors import SinkError
from bot.model import DeliveryState, Parcel, Receipt
from bot.store import Store
from tests.alerts.test_dispatcher import Chat, Killed, dispatcher, never, states
from tests.monitor.desk import GURULEV, Desk, HandClock
from tests.monitor.test_rehear import better, due, heard
from tests.stores import ready_sqlite


class EditedChat(Chat):
    """A chat whose messages can be edited, and that refuses as it is told."""

    def __init__(self, name: str = "chat") -> None:
        super().__init__(name)
        self.edits: list[BaseException | None] = []
        self.edited: list[str] = []

    async def edit(self, reference: str, parcel: Parcel) -> Receipt:
        """Change the message of that receipt; an error refuses, Killed comes after the change."""
        trouble = self.edits.pop(0) if self.edits else None
        if isinstance(trouble, SinkError):
            raise trouble
        random_id = list(self.messages)[int(reference) - 1]
        self.messages[random_id] = parcel.text
        self.edited.append(reference)
        if trouble is not None:
            raise trouble
        return Receipt(reference=reference)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose one alert rests on what a fast model heard."""
    clock = HandClock()
    store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media", clock=clock)
    await store.channels.pin(GURULEV, account="main")
    desk = Desk(store, clock)
    await heard(desk)
    yield desk
    await desk.store.close()


async def corrected(desk: Desk, words: str = "генерал петров снят") -> None:
    """Half an hour later the better model has heard it."""
    desk.clock.forward(1800)
    await desk.monitor.observe_hearing(await due(desk), better(words))


async def test_an_alert_is_edited_in_its_place(desk: Desk) -> None:
    """The message says what is not confirmed and no longer quotes it, and does not claim to have been late."""
    chat = EditedChat()
    assert isinstance(chat, Editor)
    out = dispatcher(desk, chat)
    await out.deliver_due()
    (before,) = chat.messages.values()
    assert "генерал попов снят" in before
    await corrected(desk)
    assert await out.deliver_due() is None
    (text,) = chat.messages.values()
    assert chat.edited == ["1"]
    assert text.split("\n")[0] == before.split("\n")[0]
    assert "⚠ Not confirmed by a second hearing: large abc did not hear “… он доложил что генерал попов снят" in text
    assert "│" not in text
    assert "after the match" not in text
    await out.deliver_due()
    assert (len(chat.tried), chat.edited) == (1, ["1"])
    assert await states(desk) == {("chat", DeliveryState.SENT): 2, ("desk", DeliveryState.DUE): 2}


async def test_other_words_take_the_place_of_the_quoted_ones(desk: Desk) -> None:
    """The corrected alert quotes what the better model heard, and says what it was."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await out.deliver_due()
    await corrected(desk, "вышел приказ о снятии")
    await out.deliver_due()
    (text,) = chat.messages.values()
    assert "⚠ Corrected after a second hearing by large abc: was “… он доложил что генерал попов снят" in text
    assert "вышел приказ о снятии и больше ничего нам не сказали" in text
    assert "Model  large abc" in text


async def test_a_sink_that_cannot_edit_is_told(desk: Desk) -> None:
    """Mail cannot be changed: what is to be changed comes after it, with the number of the alert."""
    chat = Chat()
    assert not isinstance(chat, Editor)
    out = dispatcher(desk, chat)
    await out.deliver_due()
    await corrected(desk)
    await out.deliver_due()
    alert, notice = chat.messages.values()
    assert alert.split("\n")[0].endswith("#1")
    assert notice.startswith("⚠ Alert #1 (Commander dismissed) on https://t.me/agurulev/1 is not confirmed")


async def test_an_alert_that_was_not_sent_yet_is_sent_as_it_is_now(desk: Desk) -> None:
    """It says at once that it is not confirmed; the correction, which waits for it, changes nothing more."""
    chat = EditedChat()
    await corrected(desk)
    out = dispatcher(desk, chat)
    assert await out.deliver_due() == 0
    (text,) = chat.messages.values()
    await out.deliver_due()
    assert ([*chat.messages.values()], chat.edited) == ([text], ["1"])
    assert "Not confirmed by a second hearing" in text
    assert "This alert left 30 min after the match" in text


@pytest.mark.parametrize("step", range(1, 4))
async def test_a_kill_at_every_step(desk: Desk, step: int, tmp_path: Path) -> None:
    """Killed before or after an edit or its record, the next life leaves the one message corrected, and nothing twice."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await out.deliver_due()
    if step == 1:
        # Before the correction is recorded: the hearing is still due.
        await desk.store.close()
        desk.store = await Store.open(f"sqlite:///{tmp_path / 'earshot.db'}", tmp_path / "media", clock=desk.clock)
        await heard_again(desk)
    else:
        await corrected(desk)
    if step == 2:
        chat.edits = [Killed()]
    if step == 3:
        chat.edits = [SinkError("no answer", permanent=False), Killed()]
    if step >= 2:
        await die(desk, chat, lives=step)
    await dispatcher(desk, chat).deliver_due()
    (text,) = chat.messages.values()
    assert "Not confirmed" in text
    assert await states(desk) == {("chat", DeliveryState.SENT): 2, ("desk", DeliveryState.DUE): 2}


async def heard_again(desk: Desk) -> None:
    """The next life's monitor on the store that was opened anew."""
    other = Desk(desk.store, desk.clock, rules=desk.monitor.rules)
    desk.monitor = other.monitor
    await corrected(desk)


async def die(desk: Desk, chat: EditedChat, *, lives: int) -> None:
    """Deliver until the process is killed, as often as the chat says so."""
    for _ in range(lives):
        try:
            await dispatcher(desk, chat).deliver_due()
        except Killed:
            return
        desk.clock.forward(BACKOFF[0])


async def test_what_cannot_be_edited_any_more_is_said_anew(desk: Desk) -> None:
    """A message that is gone, or an answer that never came, so that its number is not known: a notice instead."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await out.deliver_due()
    await corrected(desk)
    chat.edits = [never()]
    await out.deliver_due()
    assert [text.split("\n")[0][:10] for text in chat.messages.values()] == ["🔴 HIGH  Co"[:10], "⚠ Alert #1"]
    assert chat.edited == []


async def test_trouble_that_passes_is_waited_out(desk: Desk) -> None:
    """An edit that Telegram does not take now is tried again, and nothing is said twice."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await out.deliver_due()
    await corrected(desk)
    chat.edits = [SinkError("flood", permanent=False, retry_after=7.0)]
    assert await out.deliver_due() == pytest.approx(7.0)
    assert chat.edited == []
    desk.clock.forward(7)
    await out.deliver_due()
    assert (len(chat.messages), chat.edited) == (1, ["1"])


async def test_a_correction_that_nobody_takes(desk: Desk) -> None:
    """Refused for good in both ways, it is recorded as failed, and every sink is told that it was a correction."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await out.deliver_due()
    await corrected(desk)
    chat.edits, chat.script = [never()], [never()]
    await out.deliver_due()
    await out.deliver_due()
    notice = [*chat.messages.values()][-1]
    assert notice.startswith("⚠ A correction was not delivered to chat: MESSAGE_REFUSED\n⚠ Alert #1")
    assert (await states(desk))["chat", DeliveryState.FAILED] == 1
