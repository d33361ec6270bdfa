"""Channels and accounts."""

from datetime import timedelta

from bot.model import Backfill, ChannelId, ChannelState, Gap, MessageId, Mode, Wait
from bot.store import Store
from tests.store.making import BLOGGER, LAWMAKER, NOON, channel, heard, raw


async def test_pinned_again(store: Store) -> None:
    """Pinning again takes over what people set, and never what was heard."""
    await store.intake.record(heard(raw(5), pts=9))
    await store.channels.record_state(LAWMAKER, ChannelState.PRIVATE, reason="CHANNEL_PRIVATE", at=NOON)
    changed = channel(
        LAWMAKER,
        handle="NewName",
        title="A title",
        category="lawmakers",
        priority=2,
        language="uk",
        mode=Mode.POLL,
        joined=True,
        watched=False,
        watch_from=MessageId(100),
        top_id=MessageId(200),
        pts=300,
        access_hash=78,
    )
    await store.channels.pin(changed, account="main")
    kept = await store.channels.get(LAWMAKER)
    assert kept
    assert (kept.handle, kept.title, kept.category, kept.priority) == ("NewName", "A title", "lawmakers", 2)
    assert (kept.language, kept.mode, kept.joined, kept.watched, kept.access_hash) == ("uk", Mode.POLL, True, False, 78)
    assert (kept.watch_from, kept.top_id, kept.pts) == (1, 5, 9)
    assert (kept.state, kept.state_reason, kept.state_since) == (ChannelState.PRIVATE, "CHANNEL_PRIVATE", NOON)


async def test_hashes(store: Store) -> None:
    """Access hashes belong to an account; an unknown one is 0 and replaces none that is known."""
    await store.accounts.record_hash("second", LAWMAKER, -5)
    await store.accounts.record_hash("second", LAWMAKER, 0)
    assert await store.accounts.hashes("second") == {LAWMAKER: -5}
    assert {one.channel_id: one.access_hash for one in await store.channels.all(account="second")} == {
        LAWMAKER: -5,
        BLOGGER: 0,
    }
    assert [one.access_hash for one in await store.channels.all()] == [77, 77]


async def test_find(store: Store) -> None:
    """A channel is found by handle, in any case, with or without @ or address, and by its id."""
    for name in ("@gurulev", "GURULEV", "https://t.me/Gurulev", str(LAWMAKER)):
        found = await store.channels.find(name)
        assert found
        assert found.channel_id == LAWMAKER
    for name in ("", "@", "guru%", "-1", "9" * 40, "²"):
        assert await store.channels.find(name) is None
    assert await store.channels.get(ChannelId(-100404)) is None


async def test_state(store: Store) -> None:
    """The same state said again keeps the time at which it began."""
    for minute in range(2):
        at = NOON + timedelta(minutes=minute)
        await store.channels.record_state(BLOGGER, ChannelState.BANNED, reason="copyright", at=at)
    found = await store.channels.get(BLOGGER)
    assert found
    assert (found.state, found.state_since) == (ChannelState.BANNED, NOON)


async def test_backfill(store: Store) -> None:
    """A backfill resumes where it was; when it is done, watching begins at what it reached."""
    late = channel(ChannelId(-100777), watch_from=MessageId(100), top_id=MessageId(99))
    await store.channels.pin(late, account="main")
    assert await store.channels.backfill(late.channel_id) is None
    half = Backfill(channel_id=late.channel_id, since=NOON, reached=MessageId(50), messages=49)
    await store.channels.record_backfill(half)
    assert await store.channels.backfill(late.channel_id) == half
    assert await store.channels.gaps(late.channel_id) == ()
    done = Backfill(channel_id=late.channel_id, since=NOON, reached=MessageId(40), messages=59, done=True)
    await store.channels.record_backfill(done)
    found = await store.channels.get(late.channel_id)
    assert found
    assert found.watch_from == 40
    assert await store.channels.gaps(late.channel_id) == (
        Gap(
            channel_id=late.channel_id,
            first=MessageId(40),
            last=MessageId(99),
            since=NOON,
            reason="left open by the backfill",
        ),
    )


async def test_gaps_begin_with_watching(store: Store) -> None:
    """Ids below watch_from are nobody's loss; a run that reaches across counts from there."""
    late = channel(ChannelId(-100777), watch_from=MessageId(10), top_id=MessageId(9))
    await store.channels.pin(late, account="main")
    await store.intake.record(heard(*map(raw, range(8, 13)), channel_id=late.channel_id, top_id=14))
    assert [(gap.first, gap.last) for gap in await store.channels.gaps(late.channel_id)] == [(13, 14)]
    (status,) = [
        one for one in (await store.archive.status(NOON)).channels if one.channel.channel_id == late.channel_id
    ]
    assert status.gaps == 2


async def test_waits(store: Store) -> None:
    """Of two flood waits for one method the longer holds, and only while it lasts."""
    for seconds in (30, 60, 10):
        wait = Wait(account="main", method="getHistory", until=NOON + timedelta(seconds=seconds))
        await store.accounts.record_wait(wait)
    await store.accounts.record_wait(Wait(account="bot", method="sendMessage", until=NOON + timedelta(seconds=5)))
    assert [(one.method, one.until) for one in await store.accounts.waits(NOON)] == [
        ("sendMessage", NOON + timedelta(seconds=5)),
        ("getHistory", NOON + timedelta(seconds=60)),
    ]
    assert await store.accounts.waits(NOON + timedelta(seconds=60)) == ()
