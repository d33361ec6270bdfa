"""Captions of an album become English, each beside its own message, where an alert's words stand in them."""

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.cli.found import by_words
from bot.errors import ChildDied
from bot.model import Alert, Heard, How, Message
from bot.rules import parse_rules
from bot.store import TranslationState, Window
from bot.store.schema import outbox
from bot.translation import LocalTranslator
from tests.monitor.desk import GURULEV, START, Desk, album
from tests.translation.test_worker import Dying, Here, here, kill_at, rows, status, until, working

__all__ = ["here"]

pytestmark = pytest.mark.slow

DONE = TranslationState.DONE


def shown(alert: Alert) -> dict[int, str | None]:
    """The English of an alert by item; 0 is the message that it names."""
    items = {0: alert.english} | {item.message.message_id: item.english for item in alert.items}
    return {number: english and english.text for number, english in items.items()}


def edited(message: Message, text: str, minutes: int = 1) -> Message:
    """The same with another caption."""
    return replace(message, text=text, edited_at=START + timedelta(minutes=minutes))


async def told(desk: Desk, sink: str = "chat") -> list[tuple[int, str]]:
    """Which alerts are to be put right, and what a sink is told that cannot edit."""
    async with desk.store._database.read() as conn:
        query = sa.select(outbox.c.corrects, outbox.c.notice).where(outbox.c.english, outbox.c.sink == sink)
        return [(row.corrects, row.notice) for row in await conn.execute(query.order_by(outbox.c.delivery_id))]


async def test_each_caption_with_matched_words_is_put_into_english(
    either_desk: Desk, translator: LocalTranslator
) -> None:
    """A row beside each item, and each delivery of the alert is put right for each; captions that are not quoted are left."""
    desk = either_desk
    await desk.hear(*album("Попов", "Ничего нового", "", "приказ: снят с должности."))
    async with working(desk, translator) as pulse:
        await until(desk, pulse, {DONE: 2})
    assert {(row.message_id, row.version, row.translation.text) for row in await rows(desk)} == {
        (1, 1, "Popov"),
        (4, 1, "приказ: dismissed from office."),
    }
    model = (await rows(desk))[0].model
    for sink in ("chat", "desk"):
        (alert,) = await desk.alerts(sink)
        assert shown(alert) == {0: "Popov", 4: "приказ: dismissed from office."}
        start = "Alert #1 (Commander dismissed) on https://t.me/agurulev"
        assert sorted(await told(desk, sink)) == [
            (1, f"{start}/1, in English by {model}: Popov"),
            (1, f"{start}/4, in English by {model}: приказ: dismissed from office."),
        ]


async def test_the_named_message_may_have_no_words(desk: Desk, here: Here) -> None:
    """The one item is in English already and the other bears the Russian words: only that one is translated."""
    desk.monitor.rules = parse_rules({"r.yaml": "rules:\n  - {id: r, title: R, match: 'storm AND попов'}\n"})
    await desk.hear(*album("Storm over the town", "Попов снят"))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 1})
    (alert,) = await desk.alerts()
    assert alert.message.message_id == 1
    assert shown(alert) == {0: None, 2: "Popov dismissed"}


@pytest.mark.parametrize("late", [False, True])
async def test_an_item_that_is_edited_later_is_shown_as_it_was(either_desk: Desk, here: Here, late: bool) -> None:
    """Before or after it was translated: quotation and English are of the state that alerted, as with the named message."""
    desk = either_desk
    first, second = album("Попов", "Попов снят")
    await desk.hear(first, second)
    desk.clock.forward(60)
    if not late:
        await desk.hear(edited(second, "Попов жив"))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
        if late:
            await desk.hear(edited(second, "Попов жив"))
            await until(desk, pulse, {DONE: 2})
    (alert,) = await desk.alerts()
    (other,) = alert.items
    assert (other.message.text, other.version, other.edited_since) == ("Попов снят", 1, True)
    assert shown(alert) == {0: "Popov", 2: "Popov dismissed"}


async def test_an_edit_that_alerts_has_its_own_english(either_desk: Desk, here: Here) -> None:
    """The update quotes the other item as it is by then; each alert keeps the state that it was raised on."""
    desk = either_desk
    first, second = album("Попов", "Попов снят")
    await desk.hear(first, second)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
        desk.clock.forward(60)
        await desk.hear(edited(second, "Попов жив"))
        desk.clock.forward(60)
        await desk.hear(edited(first, "приказ", 2))
        await until(desk, pulse, {DONE: 4})
    original, update = await desk.alerts()
    assert shown(original) == {0: "Popov", 2: "Popov dismissed"}
    assert shown(update) == {0: "приказ", 2: "Popov жив"}
    assert [alert.items[0].edited_since for alert in (original, update)] == [True, False]
    assert sorted(number for number, _ in await told(desk)) == [1, 1, 2, 2]


async def test_an_edit_in_the_same_batch(either_desk: Desk, here: Here) -> None:
    """Both states are heard before the first one alerts: it is told by its words which of them is meant."""
    desk = either_desk
    first, second = album("Генерал", "отставка Попов")
    assert await desk.hear(first, second, edited(second, "мир")) == 2
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
    (both,) = [alert for alert in await desk.alerts() if alert.match.rule_id == "both"]
    assert shown(both) == {0: "Генерал", 2: "отставка Popov"}
    assert both.items[0].message.text == "отставка Попов"


async def test_an_edit_of_before_counts(either_desk: Desk, here: Here) -> None:
    """An item that was edited before the alert is translated as it was then."""
    desk = either_desk
    first, second = album("генерал", "")
    await desk.hear(first, second)
    await desk.hear(edited(first, "генерал снят"))
    desk.clock.forward(60)
    await desk.hear(edited(second, "отставка", 2))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
    (alert,) = await desk.alerts()
    (other,) = alert.items
    assert (other.version, other.edited_since) == (2, False)
    assert {row.message_id: row.version for row in await rows(desk)} == {1: 2, 2: 2}


async def test_a_state_that_comes_after_a_newer_one(desk: Desk, here: Here) -> None:
    """The original of an item is heard after its edit, with the same words: the edit is what the alert is about."""
    first, second = album("генерал Попов", "")
    await desk.hear(edited(first, "генерал снят"), first, second)
    desk.clock.forward(60)
    await desk.hear(edited(second, "отставка", 2))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 3})
    (both,) = [alert for alert in await desk.alerts() if alert.match.rule_id == "both"]
    (other,) = both.items
    assert (other.version, other.edited_since) == (1, False)
    assert shown(both) == {0: "отставка", 1: "генерал dismissed"}


async def test_a_deleted_item_is_still_put_into_english(either_desk: Desk, here: Here) -> None:
    """What it said is stored; the alert tells that it is gone."""
    desk = either_desk
    first, second = album("Попов", "Попов снят")
    await desk.hear(first, second)
    gone = Heard(channel_id=GURULEV.channel_id, how=How.PUSH, at=desk.clock(), deleted=(second.message_id,))
    await desk.store.intake.record(gone)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
    (alert,) = await desk.alerts()
    (other,) = alert.items
    assert (other.deleted_since, other.edited_since, alert.deleted_since) == (True, False, False)
    assert shown(alert) == {0: "Popov", 2: "Popov dismissed"}


async def test_the_same_caption_twice(desk: Desk, here: Here) -> None:
    """Each message has its own row."""
    await desk.hear(*album("Попов снят", "Попов снят", "Попов снят"))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 3})
    (alert,) = await desk.alerts()
    assert shown(alert) == dict.fromkeys((0, 2, 3), "Popov dismissed")


async def test_words_elsewhere_than_in_the_text_bring_no_english(desk: Desk, here: Here) -> None:
    """The file name of another item matches: its caption is nobody's business."""
    first, second = album("Генерал", "мир")
    assert second.media is not None
    second = replace(second, media=replace(second.media, file_name="отставка.jpg"))
    await desk.hear(first, second)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 1})
    (alert,) = await desk.alerts()
    assert shown(alert) == {0: "Генерал", 2: None}


async def test_a_caption_that_cannot_be_translated(desk: Desk, here: Here) -> None:
    """It is given up with the reason in the status; the others are shown."""
    await desk.hear(*album("Попов", "Попов снят"))
    async with working(desk, Dying(here, ChildDied("SIGSEGV"), over="снят"), attempts=1) as pulse:
        await until(desk, pulse, {DONE: 1, TranslationState.FAILED: 1})
    assert (await status(desk)).untranslatable == "SIGSEGV (given up after 1 tries)"
    (alert,) = await desk.alerts()
    assert shown(alert) == {0: "Popov", 2: None}


async def test_every_alert_that_quotes_it_is_put_right(either_desk: Desk, here: Here) -> None:
    """An item that comes later alerts again and quotes the first: one translation, and both alerts get it."""
    desk = either_desk
    first, second = album("Попов", "приказ: Попов снят")
    await desk.hear(first)
    desk.clock.forward(60)
    await desk.hear(second)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
    original, update = await desk.alerts()
    assert (shown(original), shown(update)) == ({0: "Popov"}, {0: "приказ: Popov dismissed", 1: "Popov"})
    assert sorted((number, notice.split(": ")[-1]) for number, notice in await told(desk)) == [
        (original.alert_id, "Popov"),
        (update.alert_id, "Popov"),
        (update.alert_id, "Popov dismissed"),
    ]


async def test_what_was_translated_before_is_there_at_once(desk: Desk, here: Here) -> None:
    """The caption of the first alert is in the second one from the beginning, and brought to it by nothing."""
    first, second = album("Попов", "приказ: Попов снят")
    await desk.hear(first)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 1})
    await desk.hear(second)
    _, update = await desk.alerts()
    assert shown(update) == {0: None, 1: "Popov"}
    assert [number for number, _ in await told(desk)] == [1]


@pytest.mark.parametrize("step", ["want", "record"])
@pytest.mark.parametrize("written", [False, True])
async def test_a_crash_between_two_steps(
    either_desk: Desk, here: Here, monkeypatch: pytest.MonkeyPatch, step: str, written: bool
) -> None:
    """Killed before or after each write, the next life goes on from the rows: each text once, one correction a sink."""
    desk = either_desk
    await desk.hear(*album("Попов", "Попов снят"))
    await kill_at(desk, here, monkeypatch, step, written=written)
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
    assert [len(await told(desk, sink)) for sink in ("chat", "desk")] == [2, 2]
    (alert,) = await desk.alerts()
    assert shown(alert) == {0: "Popov", 2: "Popov dismissed"}


async def test_search_shows_it(either_desk: Desk, here: Here) -> None:
    """The English of an item stands under it when it is found, as that of any post."""
    desk = either_desk
    await desk.hear(*album("Попов", "Попов снят"))
    async with working(desk, here) as pulse:
        await until(desk, pulse, {DONE: 2})
    found = await by_words(desk.store, "снят", Window(), "newest", 9)
    assert [(one.hit.message.message_id, one.english) for one in found] == [(2, "Popov dismissed")]
