"""The outbox: in order, each row with one random_id for ever."""

from datetime import timedelta

from bot.model import DeliveryState, Receipt
from bot.store import Store
from tests.store.making import LAWMAKER, NOON, heard, match, message, put

LATER = NOON + timedelta(minutes=5)


async def test_sent(store: Store) -> None:
    """A row is due until it is sent, with the random_id that it was born with."""
    await put(store, message(text="попов"), matches=[match()])
    (first,) = await store.outbox.due("chat", NOON)
    (again,) = await store.outbox.due("chat", LATER)
    assert first == again
    assert 0 < first.random_id < 2**63
    assert first.alert
    assert first.alert.channel.channel_id == LAWMAKER
    assert (first.alert.version, first.alert.stored_at, first.alert.created_at) == (1, NOON, NOON)
    await store.outbox.record_sent(first.delivery_id, Receipt(reference="17"), LATER)
    await store.outbox.record_failed(first.delivery_id, reason="too late", at=LATER)
    assert await store.outbox.due("chat", LATER) == ()
    assert (await store.archive.status(NOON)).outbox == {("chat", DeliveryState.SENT): 1}


async def test_order_is_kept(store: Store) -> None:
    """A row that must wait holds back those after it, and no other sink's."""
    await store.outbox.add_notice(("chat", "mail"), "one", NOON)
    await store.outbox.add_notice(("chat", "mail"), "two", NOON)
    await store.outbox.add_notice(("chat",), "three", NOON)
    first, second, third = await store.outbox.due("chat", NOON)
    await store.outbox.record_retry(second.delivery_id, reason="flood", next_try=LATER)
    assert [one.notice for one in await store.outbox.due("chat", NOON)] == ["one"]
    assert await store.outbox.next_due("chat") == NOON
    await store.outbox.record_sent(first.delivery_id, Receipt(reference="1"), NOON)
    assert await store.outbox.due("chat", NOON) == ()
    assert await store.outbox.next_due("chat") == LATER
    assert [(one.notice, one.attempts) for one in await store.outbox.due("chat", LATER)] == [("two", 1), ("three", 0)]
    assert len(await store.outbox.due("mail", NOON)) == 2
    assert third.alert is None


async def test_what_holds_up_a_sink(store: Store) -> None:
    """The status says why the delivery that all others wait behind was not taken, until it is."""
    await store.outbox.add_notice(("chat", "mail"), "one", NOON)
    await store.outbox.add_notice(("chat",), "two", NOON)
    assert (await store.archive.status(NOON)).held_up == {}
    first, _ = await store.outbox.due("chat", NOON)
    await store.outbox.record_retry(first.delivery_id, reason="the bot was removed", next_try=LATER)
    assert (await store.archive.status(NOON)).held_up == {"chat": "the bot was removed"}
    await store.outbox.record_sent(first.delivery_id, Receipt(reference="1"), LATER)
    assert (await store.archive.status(NOON)).held_up == {}


async def test_nothing_due(store: Store) -> None:
    """A sink without rows has nothing due, now or later."""
    assert await store.outbox.next_due("chat") is None
    await store.outbox.add_notice((), "to nobody", NOON)
    assert (await store.archive.status(NOON)).outbox == {}


async def test_failed(store: Store) -> None:
    """A row that no sink will take stays, as failed."""
    await store.outbox.add_notice(("chat",), "one", NOON)
    (row,) = await store.outbox.due("chat", NOON)
    await store.outbox.record_failed(row.delivery_id, reason="kicked", at=NOON)
    assert (await store.archive.status(NOON)).outbox == {("chat", DeliveryState.FAILED): 1}


async def test_what_became_of_it(store: Store) -> None:
    """An alert says that its post was edited or deleted since."""
    await put(store, message(text="попов"), matches=[match()])
    await put(store, message(text="", edited_at=NOON))
    await store.intake.record(heard(deleted=[1]))
    (row,) = await store.outbox.due("chat", NOON)
    assert row.alert
    assert (row.alert.edited_since, row.alert.deleted_since) == (True, True)
    assert row.alert.message.text == "попов"
