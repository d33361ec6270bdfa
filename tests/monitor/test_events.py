"""A burst of deletions is an event: recorded once, told once; on both engines."""

from collections.abc import Iterable

import pytest

from bot.model import Channel, EventKind, Heard, How, Kind, MessageId
from tests.monitor.desk import BLOGGER, GURULEV, Desk, post

# Together too long for the quick loop.
pytestmark = pytest.mark.slow


async def posted(desk: Desk, *numbers: int, channel: Channel = GURULEV) -> None:
    """Posts of these numbers, heard and observed."""
    await desk.hear(*(post(f"{number}", number=number, channel=channel) for number in numbers))


async def deleted(desk: Desk, numbers: Iterable[int], *, channel: Channel = GURULEV) -> None:
    """Have the server say that these are gone."""
    ids = tuple(MessageId(number) for number in numbers)
    heard = Heard(channel_id=channel.channel_id, how=How.PUSH, at=desk.clock(), deleted=ids)
    await desk.store.intake.record(heard)


async def test_a_burst_of_deletions_is_told_once(either_desk: Desk) -> None:
    """Twenty posts deleted at once are one event and one notice on every sink, also when everything is done again."""
    await posted(either_desk, *range(100, 140))
    await deleted(either_desk, range(110, 130))
    (event,) = await either_desk.store.events.untold()
    assert (event.kind, event.channel_id) == (EventKind.DELETION_BURST, GURULEV.channel_id)
    assert (event.at, event.count, event.first_id, event.last_id) == (either_desk.clock(), 20, 110, 129)
    before = either_desk.announced
    assert await either_desk.monitor.observe_events() == 1
    assert await either_desk.monitor.observe_events() == 0
    await deleted(either_desk, range(110, 130))
    assert await either_desk.monitor.observe_events() == 0
    for sink in ("chat", "desk"):
        assert await either_desk.notices(sink) == [
            "⚠ @agurulev: 20 posts found deleted within 10 minutes, ids 110 to 129: https://t.me/agurulev/110; "
            "all are kept here."
        ]
    assert either_desk.announced == before + 1


async def test_deletions_one_by_one_make_a_burst_that_grows(either_desk: Desk) -> None:
    """Single deletions within ten minutes add up; those that follow belong to the same burst until it pauses."""
    await posted(either_desk, *range(1, 61))
    for number in range(1, 20):
        await deleted(either_desk, [number])
        either_desk.clock.forward(20)
    assert await either_desk.store.events.untold() == ()
    await deleted(either_desk, [20])
    assert await either_desk.monitor.observe_events() == 1
    for number in range(21, 41):
        either_desk.clock.forward(300)
        await deleted(either_desk, [number])
    (event,) = await either_desk.store.events.of(GURULEV.channel_id)
    assert (event.count, event.first_id, event.last_id) == (40, 1, 40)
    either_desk.clock.forward(601)
    await deleted(either_desk, range(41, 61))
    assert [event.count for event in await either_desk.store.events.of(GURULEV.channel_id)] == [40, 20]
    assert await either_desk.monitor.observe_events() == 1
    assert len(await either_desk.notices()) == 2


async def test_few_slow_or_unknown_deletions_are_no_burst(either_desk: Desk) -> None:
    """Nineteen at once, twenty over an hour, ids that we never held and service messages tell nothing."""
    await posted(either_desk, *range(1, 41))
    await deleted(either_desk, range(1, 20))
    either_desk.clock.forward(600)
    for number in range(20, 41):
        await deleted(either_desk, [number])
        either_desk.clock.forward(60)
    await deleted(either_desk, range(500, 600))
    services = [post(f"{number}", number=number, kind=Kind.SERVICE, service="pin") for number in range(41, 91)]
    await either_desk.hear(*services)
    await deleted(either_desk, range(41, 91))
    assert await either_desk.store.events.untold() == ()


async def test_channels_have_bursts_of_their_own(either_desk: Desk) -> None:
    """Deletions in two channels do not add up, and two bursts are two events."""
    for channel in (GURULEV, BLOGGER):
        await posted(either_desk, *range(1, 41), channel=channel)
        await deleted(either_desk, range(1, 16), channel=channel)
    assert await either_desk.store.events.untold() == ()
    for channel in (GURULEV, BLOGGER):
        await deleted(either_desk, range(16, 21), channel=channel)
    assert [event.channel_id for event in await either_desk.store.events.untold()] == [
        GURULEV.channel_id,
        BLOGGER.channel_id,
    ]


async def test_posts_deleted_before_they_were_read_count(either_desk: Desk) -> None:
    """A post that is gone when its raw form is read has its deletion recorded then: that completes the burst."""
    readings = await either_desk.readings(*(post(f"{number}", number=number) for number in range(1, 26)))
    await deleted(either_desk, range(1, 26))
    assert await either_desk.store.events.untold() == ()
    await either_desk.monitor.observe(readings)
    (event,) = await either_desk.store.events.untold()
    assert (event.count, event.first_id, event.last_id) == (25, 1, 25)


async def test_a_told_event_does_not_come_back_after_a_restart(either_desk: Desk) -> None:
    """What is told is a row beside the notice: another monitor on the same rows has nothing to tell."""
    await posted(either_desk, *range(1, 26))
    await deleted(either_desk, range(1, 26))
    other = Desk(either_desk.store, either_desk.clock)
    assert await either_desk.monitor.observe_events() == 1
    assert await other.monitor.observe_events() == 0
