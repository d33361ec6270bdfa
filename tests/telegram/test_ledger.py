"""The arithmetic of pts and gaps, on any order and repetition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telethon.tl import types
from telethon.utils import get_peer_id

from bot.model import MessageId
from bot.telegram.answers import channel_of, push_of
from bot.telegram.ids import bare, marked
from bot.telegram.ledger import Ask, Push, ask_for, chunks, missing, sequence


def _log(start: int, counts: list[int]) -> list[Push]:
    pushes = []
    for number, count in enumerate(counts):
        start += count
        pushes.append(Push(pts=start, count=count, deleted=(MessageId(number),)))
    return pushes


@given(st.integers(1, 1000), st.lists(st.integers(1, 5), max_size=12), st.data())
def test_any_order_and_repetition(start: int, counts: list[int], data: st.DataObject) -> None:
    """However pushes are shuffled and repeated, each is applied once, in order, and pts ends at the end."""
    log = _log(start, counts)
    repeated = log + data.draw(st.lists(st.sampled_from(log), max_size=5) if log else st.just([]))
    shuffled = data.draw(st.permutations(repeated))
    apply, keep, pts = sequence(start, shuffled)
    assert [push.deleted[0] for push in apply] == list(range(len(counts)))
    assert keep == []
    assert pts == start + sum(counts)


@given(st.integers(1, 1000), st.lists(st.integers(1, 5), min_size=1, max_size=12), st.data())
def test_a_lost_push_holds_what_follows(start: int, counts: list[int], data: st.DataObject) -> None:
    """With one push lost, what is before it is applied, and what is behind it is kept."""
    log = _log(start, counts)
    lost = data.draw(st.integers(0, len(log) - 1))
    apply, keep, pts = sequence(start, data.draw(st.permutations(log[:lost] + log[lost + 1 :])))
    assert apply == log[:lost]
    assert keep == log[lost + 1 :]
    assert pts == start + sum(counts[:lost])


@given(st.integers(1, 1000), st.lists(st.integers(1, 5), max_size=8), st.integers(0, 8))
def test_pieces_give_the_same_as_the_whole(start: int, counts: list[int], cut: int) -> None:
    """Pushes that arrive in two batches end where they end in one."""
    log = _log(start, counts)
    first, kept, pts = sequence(start, log[cut:])
    second, rest, end = sequence(pts, kept + log[:cut])
    assert sorted(push.deleted[0] for push in first + second) == list(range(len(log)))
    assert rest == []
    assert end == start + sum(counts)


def test_uncounted_push() -> None:
    """A push that counts nothing is applied when it is of now, and dropped when it is old."""
    now, old = Push(pts=5, count=0), Push(pts=4, count=0)
    assert sequence(5, [now, old]) == ([now], [], 5)


@pytest.mark.parametrize(
    ("pts", "top_id", "server_pts", "server_top", "ask"),
    [
        (5, 3, 5, 3, Ask.NOTHING),
        (5, 3, 6, 3, Ask.DIFFERENCE),
        (5, 3, 6, 4, Ask.DIFFERENCE),
        (5, 3, None, 4, Ask.DIFFERENCE),
        (5, 3, 5, 4, Ask.HISTORY),
        (5, 3, 4, 3, Ask.NOTHING),
        (5, 3, 4, 4, Ask.HISTORY),
        (0, 0, 5, 3, Ask.HISTORY),
    ],
)
def test_what_a_sweep_asks(pts: int, top_id: int, server_pts: int | None, server_top: int, ask: Ask) -> None:
    """pts moved: difference; newer ids without newer pts, or no pts of ours: history; a lagging replica: nothing."""
    assert ask_for(pts=pts, top_id=top_id, server_pts=server_pts, server_top=server_top) is ask


# The largest channel id that Telegram allows: https://core.telegram.org/api/bots/ids
@given(st.integers(1, 997_852_516_352))
def test_marked_ids(bare_id: int) -> None:
    """Marking an id and taking the mark off gives it back, and Telegram's own marking agrees."""
    assert bare(marked(bare_id)) == bare_id
    assert marked(bare_id) == get_peer_id(types.PeerChannel(bare_id))


def test_channel_of() -> None:
    """An update names its channel by its message or by itself; others name none."""
    message = types.Message(id=1, peer_id=types.PeerChannel(7), date=None, message="")
    private = types.Message(id=1, peer_id=types.PeerUser(7), date=None, message="")
    assert channel_of(types.UpdateNewChannelMessage(message, 1, 1)) == marked(7)
    assert channel_of(types.UpdateDeleteChannelMessages(7, [1], 1, 1)) == marked(7)
    assert channel_of(types.UpdateChannelTooLong(7, 1)) == marked(7)
    assert channel_of(types.UpdateNewMessage(private, 1, 1)) is None
    assert channel_of(types.UpdateShortMessage(1, 7, "text", 1, 1, None)) is None


def test_too_long_is_a_hint_only() -> None:
    """UpdateChannelTooLong has a pts, but is no push: it says that there is more."""
    assert push_of(types.UpdateChannelTooLong(7, 9)) is None
    push = push_of(types.UpdateDeleteChannelMessages(7, [1, 2], 9, 2))
    assert push is not None
    assert (push.pts, push.count) == (9, 2)


def test_missing_and_chunks() -> None:
    """Ids between two others that are not listed, and lists cut for one request."""
    assert missing(10, 5, [10, 8, 5]) == [9, 7, 6]
    assert missing(4, 5, []) == []
    assert [len(piece) for piece in chunks([MessageId(i) for i in range(250)])] == [100, 100, 50]
