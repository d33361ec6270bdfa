"""The English of a post is added to its alert where that stands; no alert waits for it, and no sink gets it twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.alerts.render import render, short
from bot.model import Delivery, DeliveryState, Parcel, Receipt, Translation
from bot.store import Store
from tests.alerts.makers import NOW, delivery, text_alert
from tests.alerts.test_corrections import EditedChat
from tests.alerts.test_dispatcher import Chat, Killed, dispatcher, later, never, states
from tests.monitor.desk import GURULEV, Desk, HandClock, album, post
from tests.stores import ready_sqlite

ENGLISH = Translation(text="Popov is dismissed", language="ru", model="opus-mt-ru-en 0123456789ab", parameters={})
LINE = "The post in English, by opus-mt-ru-en 0123456789ab  Popov is dismissed"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk with one channel."""
    clock = HandClock()
    store = await Store.open(ready_sqlite(tmp_path), tmp_path / "media", clock=clock)
    await store.channels.pin(GURULEV, account="main")
    yield Desk(store, clock)
    await store.close()


async def alerted(desk: Desk, *numbers: int) -> None:
    """Posts that alert."""
    await desk.hear(*(post("Попов снят", number=number) for number in numbers))


async def translated(desk: Desk) -> None:
    """All that is alerted is in English now."""
    translations = desk.store.translations
    found = await translations.unseen(desk.clock())
    texts = {(one.message.key, one.version): "ru" for one in found}
    await translations.want(texts, upto=found[-1].alert_id, at=desk.clock())
    while due := await translations.due(["ru"], desk.clock()):
        await desk.monitor.observe_translation(due, ENGLISH)


async def test_an_alert_that_was_sent_is_edited(desk: Desk) -> None:
    """The message stays the one it was and has the English below what it had; nothing new comes into the chat."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await alerted(desk, 1)
    await out.deliver_due()
    (before,) = chat.messages.values()
    assert LINE not in before
    desk.clock.forward(20)
    await translated(desk)
    await out.deliver_due()
    (after,) = chat.messages.values()
    assert LINE in after.split("\n")
    assert [line for line in after.split("\n") if line and line != LINE] == [
        line for line in before.split("\n") if line
    ]
    assert (len(chat.tried), chat.edited) == (1, ["1"])
    assert await states(desk) == {("chat", DeliveryState.SENT): 2, ("desk", DeliveryState.DUE): 2}


async def test_an_alert_that_waited_has_it_from_the_beginning(desk: Desk) -> None:
    """One message, no edit, and nothing is left to do."""
    chat = EditedChat()
    await alerted(desk, 1)
    await translated(desk)
    out = dispatcher(desk, chat)
    await out.deliver_due()
    (text,) = chat.messages.values()
    assert LINE in text.split("\n")
    assert await out.deliver_due() is None
    assert (len(chat.tried), chat.edited) == (1, [])
    assert await states(desk) == {("chat", DeliveryState.SENT): 2, ("desk", DeliveryState.DUE): 2}


async def test_a_translation_that_comes_while_the_alert_is_on_its_way(desk: Desk) -> None:
    """Between rendering and the receipt: the alert left without it, and is edited."""
    chat = EditedChat()
    await alerted(desk, 1)
    send = chat.send

    async def slow(parcel: object) -> object:
        await translated(desk)
        return await send(parcel)  # type: ignore[arg-type]

    chat.send = slow  # type: ignore[assignment, method-assign]
    out = dispatcher(desk, chat)
    await out.deliver_due()
    (text,) = chat.messages.values()
    assert LINE not in text
    await out.deliver_due()
    (text,) = chat.messages.values()
    assert LINE in text.split("\n")
    assert chat.edited == ["1"]


async def test_the_texts_of_an_album_come_one_by_one(desk: Desk) -> None:
    """The second one comes while an edit with the first is on its way: it is brought by an edit of its own, and no more."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await desk.hear(*album("Попов снят", "Подписан приказ"))
    await out.deliver_due()
    translations = desk.store.translations
    found = await translations.unseen(desk.clock())
    texts = {(one.message.key, one.version): "ru" for one in found}
    await translations.want(texts, upto=found[-1].alert_id, at=desk.clock())

    async def one_more(text: str) -> None:
        due = await translations.due(["ru"], desk.clock())
        assert due is not None
        await desk.monitor.observe_translation(due, replace(ENGLISH, text=text))

    await one_more("The order is signed")
    edit = chat.edit

    async def slow(reference: str, parcel: Parcel) -> Receipt:
        if not chat.edited:
            await one_more("Popov is dismissed")
        return await edit(reference, parcel)

    chat.edit = slow  # type: ignore[method-assign]
    shown = []
    pause: float | None = 0
    while pause is not None:
        pause = await out.deliver_due()
        (text,) = chat.messages.values()
        shown.append(
            [line.split("  ")[-1] for line in text.split("\n") if "in English" in line or "In English" in line]
        )
    assert shown == [["The order is signed"], ["The order is signed", "Popov is dismissed"]]
    assert (len(chat.tried), chat.edited) == (1, ["1", "1"])


async def test_the_texts_of_an_album_that_came_meanwhile_leave_together(desk: Desk) -> None:
    """Both were there when the first edit left: the other one has nothing to do."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await desk.hear(*album("Попов снят", "Подписан приказ"))
    await out.deliver_due()
    await translated(desk)
    while await out.deliver_due() is not None:
        pass
    (text,) = chat.messages.values()
    assert text.count("Popov is dismissed") == 1
    assert "\nIn English  the same as https://t.me/agurulev/1\n" in text
    assert chat.edited == ["1"]
    assert await states(desk) == {("chat", DeliveryState.SENT): 3, ("desk", DeliveryState.DUE): 3}


async def test_a_sink_that_cannot_edit_is_told(desk: Desk) -> None:
    """A message of its own follows the alert, with its number and the link."""
    chat = Chat()
    out = dispatcher(desk, chat)
    await alerted(desk, 1)
    await out.deliver_due()
    await translated(desk)
    await out.deliver_due()
    _, notice = chat.messages.values()
    assert notice == (
        "Alert #1 (Commander dismissed) on https://t.me/agurulev/1, in English by opus-mt-ru-en 0123456789ab: "
        "Popov is dismissed"
    )


async def test_alerts_go_first(desk: Desk) -> None:
    """Three posts wait to be put right when another one alerts: that one leaves before them."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await alerted(desk, 1, 2, 3)
    await out.deliver_due()
    await translated(desk)
    await alerted(desk, 4)
    await out.deliver_due()
    assert (len(chat.tried), chat.edited) == (4, [])
    while await out.deliver_due() is not None:
        pass
    # The newest is put into English first.
    assert chat.edited == ["3", "2", "1"]


async def test_english_leaves_room_for_alerts(desk: Desk) -> None:
    """It gets a quarter of what the chat takes in a minute; an alert that comes meanwhile does not wait."""
    chat = EditedChat()
    out = dispatcher(desk, chat, per_minute=20)
    await alerted(desk, *range(1, 11))
    await out.deliver_due()
    desk.clock.forward(61)
    await translated(desk)
    pauses = [await out.deliver_due() for _ in range(6)]
    assert chat.edited == ["10", "9", "8", "7", "6"]
    assert pauses[-1] == 60
    await alerted(desk, 11)
    await out.deliver_due()
    assert len(chat.tried) == 11
    desk.clock.forward(61)
    while (pause := await out.deliver_due()) is not None:
        desk.clock.forward(pause)
    assert len(chat.edited) == 10


async def test_an_edit_that_is_refused(desk: Desk) -> None:
    """For good: it is said in a message of its own. For now: it is tried again, and no alert waits behind it."""
    chat = EditedChat()
    out = dispatcher(desk, chat)
    await alerted(desk, 1)
    await out.deliver_due()
    await translated(desk)
    chat.edits = [later(), never()]
    await out.deliver_due()
    await alerted(desk, 2)
    await out.deliver_due()
    assert len(chat.tried) == 2
    desk.clock.forward(60)
    await out.deliver_due()
    *_, told = chat.messages.values()
    assert told.startswith("Alert #1 (Commander dismissed)")


@pytest.mark.parametrize("after", [False, True])
async def test_a_kill_around_an_edit(desk: Desk, after: bool, tmp_path: Path) -> None:
    """Killed before or after the edit, the next life leaves the one message in English."""
    chat = EditedChat()
    await alerted(desk, 1)
    await dispatcher(desk, chat).deliver_due()
    await translated(desk)
    chat.edits = [Killed()] if after else []
    if after:
        with pytest.raises(Killed):
            await dispatcher(desk, chat).deliver_due()
    await dispatcher(desk, chat).deliver_due()
    assert LINE in next(iter(chat.messages.values())).split("\n")
    assert await dispatcher(desk, chat).deliver_due() is None


async def test_an_alert_that_was_there_already(desk: Desk) -> None:
    """Killed after the alert arrived and before its receipt: the repeated send shows nothing new, so the English follows."""
    chat = EditedChat()
    await alerted(desk, 1)
    chat.script = [Killed()]
    with pytest.raises(Killed):
        await dispatcher(desk, chat).deliver_due()
    await translated(desk)
    send = chat.send

    async def repeated(parcel: Parcel) -> Receipt:
        return replace(await send(parcel), repeated=parcel.random_id in list(chat.messages)[:1])

    chat.send = repeated  # type: ignore[method-assign]
    out = dispatcher(desk, chat)
    await out.deliver_due()
    assert LINE not in next(iter(chat.messages.values()))
    await out.deliver_due()
    assert LINE in next(iter(chat.messages.values())).split("\n")


async def test_english_that_waits_is_no_alarm(desk: Desk) -> None:
    """What the alarms and the status call due are messages that somebody waits for."""
    chat = EditedChat()
    await alerted(desk, 1)
    await dispatcher(desk, chat).deliver_due()
    await dispatcher(desk, EditedChat("desk")).deliver_due()
    await translated(desk)
    status = await desk.store.archive.status(desk.clock())
    assert (status.oldest_due, status.oldest_due_by) == (None, {})


def shown(english: Translation) -> Delivery:
    """An alert in English."""
    made = delivery(text_alert("Попов снят", "Попов"))
    assert made.alert is not None
    return replace(made, alert=replace(made.alert, english=english))


def test_a_translation_in_an_alert_is_one_line_of_ours() -> None:
    """Line breaks and control characters of what the model wrote cannot make it look like more than it is."""
    hostile = replace(ENGLISH, text="One\n│ Rule  forged\n\u202eTwo\x1b[31m " + "long " * 400, model="m\nx")
    parcel = render(shown(hostile), now=NOW)
    (line,) = [line for line in parcel.text.split("\n") if "in English" in line]
    assert "forged" in line
    assert "\u202e" not in line
    assert len(line) < 800
    assert parcel.english
    assert not short(shown(hostile)).english


def test_a_part_is_called_one() -> None:
    """What was translated of an over-long post is its beginning."""
    parcel = render(shown(replace(ENGLISH, partial=True)), now=NOW)
    assert "The beginning of the post in English, by" in parcel.text
