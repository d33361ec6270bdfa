"""The items of an album are one post for the rules and the alerts, however they come; on both engines."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Alert, Channel, Forward, Heard, How, Item, Kind, Message, RecordingState, Source
from bot.monitor import subject
from bot.monitor.post import Reading, post_name, states
from bot.rules import parse_rules
from tests.monitor.desk import BLOGGER, GURULEV, START, Desk, album, post, spoken, voice


def found(alert: Alert) -> list[tuple[int | None, str]]:
    """The forms of an alert, each with the item that it was found in (None: the one that the alert names)."""
    return [(span.item, span.form) for span in alert.match.spans]


async def test_the_caption_on_the_third_of_ten_alerts_once(either_desk: Desk) -> None:
    """An album of ten in one batch is one alert, which names the item that bears the words."""
    assert await either_desk.hear(*album("", "", "Попов подписал приказ", *[""] * 7)) == 1
    (alert,) = await either_desk.alerts()
    assert alert.message.message_id == 3
    assert found(alert) == [(None, "попов"), (None, "приказ")]


async def test_a_forwarded_album_alerts_once(either_desk: Desk) -> None:
    """Ten items from a channel whose name matches are one alert, named after the first."""
    origin = Forward(posted_at=START, name="Генерал Попов")
    assert await either_desk.hear(*album(*[""] * 10, forward=origin)) == 1
    (alert,) = await either_desk.alerts()
    assert alert.message.message_id == 1
    assert {item for item, _ in found(alert)} == {None, *range(2, 11)}


@pytest.mark.parametrize("size", [1, 3, 9])
async def test_an_album_split_over_batches_is_held_together(either_desk: Desk, size: int) -> None:
    """A rule whose words stand in two items is met when the second one comes, and the first one is named with it."""
    items = album("Генерал", *[""] * 8, "Отставка")
    counts = [await either_desk.hear(*items[at : at + size]) for at in range(0, 10, size)]
    assert sum(counts) == counts[-1] == 1
    (alert,) = await either_desk.alerts()
    assert (alert.message.message_id, found(alert)) == (10, [(1, "генерал"), (None, "отставка")])
    (other,) = alert.items
    assert other.message == items[0]


async def test_an_item_that_comes_a_day_late_is_matched_with_the_others(either_desk: Desk) -> None:
    """Age drops nothing: what is new is an update of the album's alert, what is known is not told again."""
    first, second, late = album("Попов", "", "приказ: Попов")
    assert await either_desk.hear(first, second) == 1
    either_desk.clock.forward(86400)
    assert await either_desk.hear(late, how=How.SWEEP) == 1
    original, update = await either_desk.alerts()
    assert (update.message.message_id, update.update_of) == (3, original.alert_id)
    assert found(update) == [(1, "попов"), (None, "приказ"), (None, "попов")]


async def test_an_edit_of_one_item_alerts_only_with_a_new_form(either_desk: Desk) -> None:
    """What has been said in one item is not news in another; a new word is an update of the album's first alert."""
    first, second = album("Попов", "")
    assert await either_desk.hear(first, second) == 1
    for minute, (text, alerts) in enumerate([("Попов", 0), ("мир", 0), ("приказ", 1), ("приказ Попов", 0)], 1):
        either_desk.clock.forward(60)
        edited = replace(second, text=text, edited_at=START + timedelta(minutes=minute))
        assert await either_desk.hear(edited) == alerts, text
    original, update = await either_desk.alerts()
    assert (update.message.text, update.update_of) == ("приказ", original.alert_id)
    assert found(update) == [(1, "попов"), (None, "приказ")]


async def test_an_edit_may_complete_what_another_item_said(either_desk: Desk) -> None:
    """An edited item is held against the rules with the newest states of its siblings."""
    first, second, third = album("Генерал", "", "")
    assert await either_desk.hear(first, second, third) == 0
    assert await either_desk.hear(replace(first, text="генерал армии", edited_at=START + timedelta(minutes=1))) == 0
    assert await either_desk.hear(replace(third, text="отставка", edited_at=START + timedelta(minutes=2))) == 1
    (alert,) = await either_desk.alerts()
    (other,) = alert.items
    assert other.message == replace(first, text="генерал армии", edited_at=START + timedelta(minutes=1))


async def test_every_state_of_an_item_is_matched(either_desk: Desk) -> None:
    """What was edited away within the same second was said: both states alert, also in one batch."""
    first, second = album("Попов", "")
    edited = replace(first, text="приказ", edited_at=START + timedelta(seconds=1))
    assert await either_desk.hear(first, second, edited) == 2
    original, update = await either_desk.alerts()
    assert (found(original), found(update)) == ([(None, "попов")], [(None, "приказ")])
    assert update.update_of == original.alert_id


async def test_an_older_state_that_comes_late_does_not_become_the_newest(either_desk: Desk) -> None:
    """An edit heard before its original stays what the siblings are matched with."""
    first, second, third = album("Генерал", "", "")
    edited = replace(first, text="мир", edited_at=START + timedelta(seconds=9))
    assert await either_desk.hear(edited, first, second) == 0
    assert await either_desk.hear(replace(third, text="отставка")) == 0


async def test_posted_twice_it_alerts_twice(either_desk: Desk) -> None:
    """A repost is another album, in the same channel or elsewhere; each has its one alert."""
    once = album("", "Попов", "Попов")
    again = album("", "Попов", "Попов", number=11, album_id=14)
    elsewhere = album("", "Попов", "Попов", channel=BLOGGER)
    assert await either_desk.hear(*once, *again, *elsewhere) == 3
    assert [(alert.channel.channel_id, alert.message.message_id) for alert in await either_desk.alerts()] == [
        (GURULEV.channel_id, 2),
        (GURULEV.channel_id, 12),
        (BLOGGER.channel_id, 2),
    ]
    for how in (How.DIFFERENCE, How.SWEEP):
        assert await either_desk.hear(*once, *again, *elsewhere, how=how) == 0


async def test_the_speech_of_one_item_is_matched_with_the_captions_of_the_others(either_desk: Desk) -> None:
    """A rule whose words are in a caption and in the speech of another item is met by both, also after a deletion."""
    photo, voiced = [*album("Генерал"), voice(number=2, album_id=13)]
    assert await either_desk.hear(photo, voiced) == 0
    (recording,) = await either_desk.recordings(RecordingState.WANTED)
    gone = Heard(channel_id=GURULEV.channel_id, how=How.PUSH, at=either_desk.clock(), deleted=(photo.message_id,))
    await either_desk.store.intake.record(gone)
    assert await either_desk.transcribe(recording, spoken("это отставка")) == 1
    (alert,) = await either_desk.alerts()
    assert (alert.message.message_id, found(alert)) == (2, [(1, "генерал"), (None, "отставка")])
    assert [span.source for span in alert.match.spans] == [Source.CAPTION, Source.TRANSCRIPT]


async def test_a_caption_that_comes_after_the_speech_is_matched_with_it(either_desk: Desk) -> None:
    """The transcript of a stored sibling counts, and travels with the alert."""
    assert await either_desk.hear(voice(album_id=13)) == 0
    (recording,) = await either_desk.recordings(RecordingState.WANTED)
    assert await either_desk.transcribe(recording, spoken("это отставка")) == 0
    assert await either_desk.hear(*album("Генерал", number=2)) == 1
    (alert,) = await either_desk.alerts()
    assert (alert.message.message_id, found(alert)) == (2, [(1, "отставка"), (None, "генерал")])
    assert [item.transcript for item in alert.items] == [spoken("это отставка")]


async def test_the_same_recording_twice_in_an_album_alerts_once(either_desk: Desk) -> None:
    """Two items that bear one recording are still one post."""
    await either_desk.hear(voice(album_id=13), voice(number=2, album_id=13))
    (recording,) = await either_desk.recordings(RecordingState.WANTED)
    assert await either_desk.transcribe(recording, spoken("подписал приказ")) == 1


async def test_a_deleted_item_no_longer_completes_another(either_desk: Desk) -> None:
    """What was taken down is no part of what the album says after a later edit."""
    first, second = album("Генерал", "")
    await either_desk.hear(first, second)
    gone = Heard(channel_id=GURULEV.channel_id, how=How.PUSH, at=either_desk.clock(), deleted=(first.message_id,))
    await either_desk.store.intake.record(gone)
    assert await either_desk.hear(replace(second, text="отставка", edited_at=START + timedelta(minutes=1))) == 0


async def test_a_backfilled_album_wakes_nobody_until_something_of_it_is_new(either_desk: Desk) -> None:
    """The past raises no alert; a new item of it is matched with the rest."""
    first, second, third = album("Генерал", "Попов", "")
    assert await either_desk.hear(first, second, how=How.BACKFILL) == 0
    assert await either_desk.hear(replace(third, text="отставка")) == 2
    assert {alert.match.rule_id for alert in await either_desk.alerts()} == {"both", "commander-relieved"}


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_and_any_split_alert_with_each_form_once(either_desk: Desk, seed: int) -> None:
    """However the items come, every (rule, form) alerts exactly once, and the first alert of a rule is the album's."""
    dice = random.Random(seed)
    items = album("Попов", "приказ", "Генерал", "Попов приказ", "отставка", "", "приказ", "")
    dice.shuffle(items)
    while items:
        count = dice.randint(1, 4)
        await either_desk.hear(*items[:count])
        items = items[count:]
    alerts = await either_desk.alerts()
    for rule_id, forms in {"commander-relieved": {"попов", "приказ"}, "both": {"генерал", "отставка"}}.items():
        raised = [alert for alert in alerts if alert.match.rule_id == rule_id]
        assert {form for alert in raised for _, form in found(alert)} == forms
        assert [alert.update_of for alert in raised] == [None, *[raised[0].alert_id] * (len(raised) - 1)]
        known: set[str] = set()
        for alert in raised:
            told = {form for _, form in found(alert)}
            assert told - known
            known |= told


def test_an_album_is_of_every_kind_that_an_item_is_of() -> None:
    """A rule for photos hears an album that has one, also through the caption of its video."""
    rules = parse_rules({"r.yaml": "rules: [{id: r, title: T, match: мир, where: {kinds: [photo]}}]"})
    photo, film = album("", "мир")
    items = [Item(message=replace(film, kind=Kind.VIDEO)), Item(message=photo)]
    assert rules.match(subject(items, channel=GURULEV))
    assert not rules.match(subject(items[:1], channel=GURULEV))


def _reading(message: Message) -> Reading:
    return Reading(unread=None, message=message)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from([None, 13, 14]), st.sampled_from([GURULEV, BLOGGER]))))
def test_states_keep_the_order_and_hold_each_message_once(heard: list[tuple[int, int | None, Channel]]) -> None:
    """No reading is lost, those of one post stay in order, and a state has no message twice and no other post in it."""
    readings = [
        _reading(post(str(at), number=number, album_id=album_id, channel=channel))
        for at, (number, album_id, channel) in enumerate(heard)
    ]
    found = states(readings)
    assert sorted(int(one.message.text) for state in found for one in state) == list(range(len(readings)))
    for state in found:
        assert len({one.message.key for one in state}) == len(state)
        assert len({(one.message.channel_id, one.message.album_id) for one in state}) == 1
        assert len(state) == 1 or state[0].message.album_id is not None
    for name in {(reading.message.key, post_name(reading.message)) for reading in readings}:
        order = [
            int(one.message.text)
            for state in found
            for one in state
            if (one.message.key, post_name(one.message)) == name
        ]
        assert order == sorted(order)
