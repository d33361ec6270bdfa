"""What is heard, and what becomes of it."""

import dataclasses
from datetime import timedelta

import pytest

from bot.errors import StoreError
from bot.model import Change, Gap, How, Kind, MessageId, RecordingState
from bot.store import Store
from tests.store.making import (
    BLOGGER,
    LAWMAKER,
    NOON,
    heard,
    key,
    match,
    message,
    observation,
    put,
    raw,
    transcript,
    voice,
)


async def test_repeated_hearing(store: Store) -> None:
    """The same raw message heard twice, by whatever way, is one row."""
    assert await store.intake.record(heard(raw(1), raw(2))) == 2
    assert await store.intake.record(heard(raw(2), raw(3), how=How.SWEEP)) == 1
    unread = await store.intake.unread()
    assert [(one.raw.message_id, one.how) for one in unread] == [(1, How.PUSH), (2, How.PUSH), (3, How.SWEEP)]
    assert unread[0].raw == raw(1)
    assert unread[0].heard_at == NOON


async def test_returning_state(store: Store) -> None:
    """A post that returns to a state it had, with nothing in it that dates it, is read again and has one more version."""
    free, held = message(text="раз"), message(text="раз", protected=True)
    await put(store, free, held, free)
    assert [one.message for one in await store.archive.versions(key(1))] == [free, held, free]
    assert (await store.intake.known([free]))[key(1)].latest == free


async def test_repeated_history(store: Store) -> None:
    """States told again in the same order change nothing, however often."""
    history = heard(raw(1, "a"), raw(2), raw(1, "b"))
    assert await store.intake.record(history) == 3
    assert await store.intake.record(history) == 0
    assert await store.intake.record(heard(raw(1, "b"), raw(2))) == 0
    there_and_back = heard(raw(3, "a"), raw(3, "b"), raw(3, "a"))
    assert await store.intake.record(there_and_back) == 3
    assert await store.intake.record(there_and_back) == 0


async def test_unpinned(store: Store) -> None:
    """A channel that is not pinned cannot be heard."""
    with pytest.raises(StoreError, match="not pinned"):
        await store.intake.record(heard(raw(1), channel_id=type(LAWMAKER)(-100999)))


async def test_forwards_only(store: Store) -> None:
    """pts and top_id never move backwards."""
    await store.intake.record(heard(raw(7), pts=50, top_id=9))
    await store.intake.record(heard(raw(3), pts=20, top_id=4))
    channel = await store.channels.get(LAWMAKER)
    assert channel is not None
    assert (channel.pts, channel.top_id) == (50, 9)


async def test_gaps(store: Store) -> None:
    """Ids neither stored, nor service, nor deleted are gaps."""
    await store.intake.record(heard(raw(1), raw(2, service=True), raw(5), deleted=[3], top_id=8))
    assert await store.channels.gaps(LAWMAKER) == tuple(
        Gap(channel_id=LAWMAKER, first=MessageId(first), last=MessageId(last), since=NOON, reason="not heard")
        for first, last in ((4, 4), (6, 8))
    )
    assert len(await store.channels.gaps(LAWMAKER, limit=1)) == 1
    await store.intake.record(heard(raw(4), raw(8), deleted=[6, 7]))
    assert await store.channels.gaps(LAWMAKER) == ()


async def test_versions(store: Store) -> None:
    """An edit and a deletion add versions; nothing is overwritten."""
    first, second = message(text="раз"), message(text="два", edited_at=NOON)
    await put(store, first)
    await put(store, second, at=NOON + timedelta(minutes=1), how=How.SWEEP)
    gone = heard(deleted=[1], at=NOON + timedelta(hours=1), how=How.DIFFERENCE)
    await store.intake.record(gone)
    await store.intake.record(dataclasses.replace(gone, at=NOON + timedelta(hours=2)))
    versions = await store.archive.versions(key(1))
    assert [(one.number, one.change, one.how, one.message) for one in versions] == [
        (1, Change.ORIGINAL, How.PUSH, first),
        (2, Change.EDIT, How.SWEEP, second),
        (3, Change.DELETED, How.DIFFERENCE, None),
    ]
    assert versions[2].stored_at == NOON + timedelta(hours=1)


async def test_late_state(store: Store) -> None:
    """An older state that arrives late is kept, and does not become the newest; its repetition changes nothing."""
    old, new = message(text="раз"), message(text="два", edited_at=NOON)
    await put(store, new, old)
    await put(store, dataclasses.replace(old, views=5))
    assert [one.message for one in await store.archive.versions(key(1))] == [new, old]
    known = await store.intake.known([old])
    assert known[key(1)].latest == new


async def test_back_and_forth(store: Store) -> None:
    """A text that is changed and changed back has three versions."""
    states = [message(text=text, edited_at=NOON + timedelta(seconds=at)) for at, text in enumerate("аба")]
    await put(store, *states)
    assert [one.message for one in await store.archive.versions(key(1))] == states


async def test_edit_in_the_second_of_the_post(store: Store) -> None:
    """An edit that carries the second of the post itself is the newer state, in whatever order they come."""
    old, new = message(text="раз"), message(text="два", edited_at=NOON - timedelta(seconds=5))
    await put(store, new, old)
    assert (await store.intake.known([old]))[key(1)].latest == new


async def test_views_are_no_state(store: Store) -> None:
    """A post of which only a counter moved has no new version."""
    await put(store, message(text="раз", views=1), message(text="раз", views=2))
    assert len(await store.archive.versions(key(1))) == 1


async def test_deleted_before_it_was_read(store: Store) -> None:
    """A post that was deleted while its raw form waited is kept, with its deletion."""
    await store.intake.record(heard(raw(1)))
    await store.intake.record(heard(deleted=[1], how=How.SWEEP))
    (unread,) = await store.intake.unread()
    await store.intake.observe([observation(unread.raw_id, message(text="раз"))])
    assert [one.change for one in await store.archive.versions(key(1))] == [Change.ORIGINAL, Change.DELETED]


async def test_deleted_before_it_was_heard(store: Store) -> None:
    """A post that is heard only after its deletion is kept as deleted."""
    await store.intake.record(heard(deleted=[1]))
    await put(store, message(text="раз"))
    assert [one.change for one in await store.archive.versions(key(1))] == [Change.ORIGINAL, Change.DELETED]
    (status, _) = (await store.archive.status(NOON)).channels
    assert (status.messages, status.deleted, status.gaps) == (1, 1, 0)


async def test_deleted_unheard(store: Store) -> None:
    """An id that we never held is accounted for, and has no version."""
    await store.intake.record(heard(deleted=[1], top_id=1))
    assert await store.archive.versions(key(1)) == ()
    assert await store.channels.gaps(LAWMAKER) == ()


async def test_repeated_observation(store: Store) -> None:
    """Repeating an observation changes nothing, though the post was edited meanwhile."""
    await store.intake.record(heard(raw(1)))
    (unread,) = await store.intake.unread()
    first = observation(unread.raw_id, message(text="раз"), [match()])
    assert await store.intake.observe([first, first]) == 1
    await put(store, message(text="два", edited_at=NOON))
    before = await store.archive.status(NOON)
    assert await store.intake.observe([first]) == 0
    assert await store.archive.status(NOON) == before
    assert await store.intake.unread() == ()


async def test_unrecorded(store: Store) -> None:
    """Nothing is observed that was not recorded before."""
    with pytest.raises(StoreError, match="not recorded"):
        await store.intake.observe([observation(404, message())])
    assert await store.archive.versions(key(1)) == ()


async def test_quarantine(store: Store) -> None:
    """A raw message set aside is counted and not read again until it is queued anew."""
    await store.intake.record(heard(raw(1), raw(2)))
    unread = await store.intake.unread()
    await store.intake.quarantine(unread[0].raw_id, "unknown constructor")
    assert [one.raw.message_id for one in await store.intake.unread()] == [2]
    status = await store.archive.status(NOON)
    assert (status.unread, status.quarantined) == (1, 1)
    assert await store.intake.requeue() == 1
    assert len(await store.intake.unread()) == 2


async def test_alert_of_an_edit(store: Store) -> None:
    """An edit's alert names the first one of its rule and message; another rule's stands alone."""
    assert await put(store, message(text="попов"), matches=[match()], sinks=("chat", "mail")) == 1
    edited = message(text="попов и цоков", edited_at=NOON)
    assert await put(store, edited, matches=[match(form="цоков"), match("staff", "цоков")]) == 2
    first, update, other = [one.alert for one in await store.outbox.due("chat", NOON)]
    assert first
    assert update
    assert other
    assert (first.update_of, update.update_of, other.update_of) == (None, first.alert_id, None)
    assert (first.edited_since, update.edited_since) == (True, False)
    assert first.message.text == "попов"
    assert len(await store.outbox.due("mail", NOON)) == 1


async def test_known(store: Store) -> None:
    """What is known of a post: forms that alerted, its newest state, and the transcript of its recording."""
    await put(store, voice(1), matches=[match()])
    (recording,) = await store.recordings.due(RecordingState.WANTED, NOON, 9)
    await store.recordings.record_fetched(recording.recording_id, sha256="a" * 64, size=1000, at=NOON)
    heard_words = transcript("привет")
    await store.recordings.record_transcript(recording.recording_id, heard_words, {}, sinks=(), at=NOON)
    repost = voice(5, channel_id=BLOGGER)
    known = await store.intake.known([voice(1), repost])
    assert known[key(1)].forms == {("popov", "попов")}
    assert known[key(1)].latest == voice(1)
    assert known[repost.key].transcript == heard_words
    assert known[repost.key].latest is None


async def test_restricted(store: Store) -> None:
    """A post that Telegram withholds is kept, accounted for, and no gap."""
    await put(store, message(text="", restricted="copyright"))
    assert await store.channels.gaps(LAWMAKER) == ()


async def test_service(store: Store) -> None:
    """A service message is kept and uses up its id, but is not counted as a post."""
    await put(store, message(1, kind=Kind.SERVICE, service="pin"), message(2, text="раз"))
    (status, _) = (await store.archive.status(NOON)).channels
    assert (status.messages, status.versions, status.gaps) == (1, 2, 0)


async def test_hostile_text(store: Store) -> None:
    """NUL, half a surrogate pair and four-byte characters are kept, and do not stop the batch."""
    await put(store, message(1, text="a\0b\U0001f600"), message(2, text="c\ud800d"), message(3, text="после"))
    first, second = [(await store.archive.versions(key(number)))[0].message for number in (1, 2)]
    assert first == message(1, text="a\0b\U0001f600")
    assert second is not None
    assert second.text == "c\ufffdd"
    assert len(await store.archive.search("после")) == 1
