"""The message log against a plain list: pages, events, counters."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types

from bot.sandbox.log import MessageLog

KEY = ("channel", 1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def build_log(size: int, deleted: set[int]) -> MessageLog:
    log = MessageLog()
    for number in range(size):
        date = START + timedelta(minutes=number)
        log.append(KEY, lambda i, date=date: types.Message(id=i, peer_id=types.PeerChannel(1), date=date), at=date)
    log.delete(sorted(deleted), at=START)
    return log


@given(
    size=st.integers(0, 40),
    deleted=st.sets(st.integers(1, 40)),
    offset_id=st.integers(0, 45),
    add_offset=st.integers(-20, 20),
    limit=st.integers(0, 20),
    max_id=st.integers(0, 45),
    min_id=st.integers(0, 45),
)
def test_page_is_a_slice_of_the_living(size, deleted, offset_id, add_offset, limit, max_id, min_id):
    """A page is the stretch of living ids that a list of them, newest first, would give, cut to the bounds."""
    log = build_log(size, deleted)
    newest_first = [i for i in range(size, 0, -1) if i not in deleted]
    within = [i for i in newest_first if (not max_id or i < max_id)]
    begin = next((n for n, i in enumerate(within) if not offset_id or i < offset_id), len(within)) + add_offset
    expected = [i for n, i in enumerate(within) if begin <= n < begin + limit and i > min_id]

    page, newer = log.page(KEY, limit=limit, offset_id=offset_id, add_offset=add_offset, max_id=max_id, min_id=min_id)

    assert page == expected
    if page:
        assert newer == newest_first.index(page[0])


@given(size=st.integers(0, 30), minutes=st.integers(0, 35), deleted=st.sets(st.integers(1, 30)))
def test_offset_date_begins_with_the_first_older_message(size, minutes, deleted):
    """Paging by date begins with the newest living message that is older than the date."""
    log = build_log(size, deleted)
    page, _ = log.page(KEY, limit=1, offset_date=START + timedelta(minutes=minutes))
    older = [i for i in range(1, size + 1) if i - 1 < minutes and i not in deleted]
    assert page == older[-1:]


@given(steps=st.lists(st.one_of(st.just("new"), st.integers(1, 20), st.sets(st.integers(1, 20), min_size=1))))
def test_pts_counts_every_message_event_once(steps):
    """Each event moves pts by the number of its messages, and differences of any size meet without a gap."""
    log = MessageLog()
    for step in steps:
        if step == "new":
            log.append(KEY, lambda i: types.Message(id=i, peer_id=types.PeerChannel(1), date=START), at=START)
        elif isinstance(step, int):
            entry = log.living(step)
            if entry is not None:
                log.edited(entry, at=START)
        else:
            log.delete(sorted(step), at=START)
    pts = 1
    for event in log.events:
        assert event.pts == pts + event.count
        pts = event.pts
    assert log.pts == pts

    seen, pts, final = [], 1, False
    while not final:
        events, final = log.after(pts, 3)
        seen += events
        pts = events[-1].pts if events else pts
    assert seen == log.events
    assert log.behind(1) == len(log.events)


def test_deletes_what_is_there_once():
    """Deleting an id twice, or one never given out, is no event."""
    log = build_log(3, set())
    assert log.delete([2, 2, 9], at=START).ids == (2,)
    assert log.delete([2], at=START) is None
    assert list(log.alive(KEY)) == [1, 3]
    assert log.top_id == 3
