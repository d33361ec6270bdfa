"""Spreading channels over accounts: nothing moves that need not, the urgent get the slots, and no limit is passed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Channel, ChannelId, Mode
from bot.telegram.accounts import Carrier, slots_of, spread

NAMES = ("main", "second", "third")


def channel(number: int, **changes: object) -> Channel:
    """A public channel, to be joined, carried by nobody."""
    made = Channel(channel_id=ChannelId(-1000 - number), access_hash=0, handle=f"channel{number}")
    return replace(made, **changes)  # type: ignore[arg-type]


def polled(count: int) -> list[Channel]:
    """Channels that take no slot."""
    return [channel(number, mode=Mode.POLL) for number in range(count)]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Channel], list[Carrier]]:
    """Channels of every sort, some carried, some by accounts that are gone, and up to three accounts with few slots."""
    channels = [
        channel(
            number,
            priority=draw(st.integers(1, 3)),
            mode=draw(st.sampled_from(Mode)),
            handle=draw(st.sampled_from([f"channel{number}", f"channel{number}", None])),
            account=draw(st.sampled_from([None, *NAMES])),
        )
        for number in range(draw(st.integers(0, 12)))
    ]
    some = st.frozensets(st.sampled_from([one.channel_id for one in channels])) if channels else st.just(frozenset())
    carriers = [
        Carrier(name=name, free=draw(st.integers(0, 6)), member_of=draw(some), knows=draw(some))
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True))
    ]
    return channels, carriers


def taken(channels: Sequence[Channel], carriers: Sequence[Carrier], spreading: dict[ChannelId, str | None]) -> Counter:
    """Joins that each account would have to make to be in all that it carries."""
    members = {carrier.name: carrier.member_of for carrier in carriers}
    return Counter(
        name
        for one in channels
        if (name := spreading[one.channel_id]) and one.mode is Mode.JOIN and one.channel_id not in members[name]
    )


@given(worlds())
def test_only_accounts_at_work_carry(world: tuple[list[Channel], list[Carrier]]) -> None:
    """Every channel has an answer; a public one is carried whenever any account is at work, and by one that is."""
    channels, carriers = world
    spreading = spread(channels, carriers)
    assert spreading.keys() == {one.channel_id for one in channels}
    names = {carrier.name for carrier in carriers}
    for one in channels:
        name = spreading[one.channel_id]
        assert name is None or name in names
        assert name is not None or not names or one.handle is None


@given(worlds())
def test_order_does_not_matter(world: tuple[list[Channel], list[Carrier]]) -> None:
    """The answer is the same in whichever order channels and accounts are listed."""
    channels, carriers = world
    assert spread(channels, carriers) == spread(channels[::-1], carriers[::-1])


@given(worlds())
def test_spreading_again_moves_nothing(world: tuple[list[Channel], list[Carrier]]) -> None:
    """Spreading what was just spread changes nothing."""
    channels, carriers = world
    once = spread(channels, carriers)
    assert spread([replace(one, account=once[one.channel_id]) for one in channels], carriers) == once


@given(worlds())
def test_nothing_leaves_an_account_with_room(world: tuple[list[Channel], list[Carrier]]) -> None:
    """What an account carries and is in, or polls, stays with it."""
    channels, carriers = world
    spreading = spread(channels, carriers)
    for carrier in carriers:
        for one in channels:
            if one.account != carrier.name or (one.handle is None and one.channel_id not in carrier.member_of):
                continue
            if one.mode is Mode.POLL or one.channel_id in carrier.member_of:
                assert spreading[one.channel_id] == carrier.name


@given(worlds())
def test_another_account_moves_nothing_that_has_room(world: tuple[list[Channel], list[Carrier]]) -> None:
    """A further account takes over only what was carried by nobody or without a slot."""
    channels, carriers = world
    before = spread(channels, carriers)
    settled = [replace(one, account=before[one.channel_id]) for one in channels]
    joins = taken(settled, carriers, before)
    if any(joins[carrier.name] > carrier.free for carrier in carriers):
        return
    after = spread(settled, [*carriers, Carrier(name="spare", free=100)])
    assert all(after[key] == name for key, name in before.items() if name is not None)


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(0, 12), st.integers(0, 12))
def test_urgent_channels_get_the_slots(priorities: list[int], one: int, other: int) -> None:
    """Where slots are fewer than channels, those without one are the least urgent, and every slot is used."""
    channels = [channel(number, priority=priority) for number, priority in enumerate(priorities)]
    carriers = [Carrier(name="main", free=one), Carrier(name="second", free=other)]
    spreading = spread(channels, carriers)
    free = Counter({"main": one, "second": other})
    with_slot = []
    for made in sorted(channels, key=lambda made: (made.priority, made.channel_id)):
        name = spreading[made.channel_id]
        with_slot.append(free[name] > 0)
        free[name] -= 1
    assert sum(with_slot) == min(len(channels), one + other)
    assert with_slot == sorted(with_slot, reverse=True)


@given(st.integers(0, 40), st.integers(1, 3))
def test_even_load(count: int, accounts: int) -> None:
    """Channels that nobody carries yet are spread evenly."""
    carriers = [Carrier(name=name, free=500) for name in NAMES[:accounts]]
    load = Counter({name: 0 for name in NAMES[:accounts]})
    load.update(spread(polled(count), carriers).values())
    assert max(load.values()) - min(load.values()) <= 1


def test_channels_of_a_lost_account_go_to_the_others() -> None:
    """When an account is lost, only its channels move, and evenly."""
    channels = [replace(one, account=NAMES[index % 3]) for index, one in enumerate(polled(12))]
    spreading = spread(channels, [Carrier(name="main", free=9), Carrier(name="second", free=9)])
    assert all(spreading[one.channel_id] == one.account for one in channels if one.account != "third")
    assert Counter(spreading.values()) == {"main": 6, "second": 6}


def test_the_one_that_is_in_it_is_preferred() -> None:
    """A channel that must move goes to an account that is in it, else to one that knows it, whatever each one carries."""
    busy = [replace(one, account="main") for one in polled(5)]
    orphan, known = channel(90, account="third"), channel(91, account="third")
    main = Carrier(name="main", free=5, member_of=frozenset({orphan.channel_id}), knows=frozenset({known.channel_id}))
    spreading = spread([*busy, orphan, known], [main, Carrier(name="second", free=5)])
    assert (spreading[orphan.channel_id], spreading[known.channel_id]) == ("main", "main")


def test_a_closed_channel_needs_a_member() -> None:
    """A channel without a handle is carried by an account that is in it, and by nobody where none is."""
    closed = channel(1, handle=None)
    inside = Carrier(name="second", free=0, member_of=frozenset({closed.channel_id}))
    outside = Carrier(name="main", free=9)
    assert spread([closed], [outside, inside]) == {closed.channel_id: "second"}
    assert spread([closed], [outside]) == {closed.channel_id: None}


def test_slots() -> None:
    """500 channels, 1,000 with Premium, less those that the account is in; never less than none."""
    assert slots_of(premium=False, followed=20) == 480
    assert slots_of(premium=True, followed=20) == 980
    assert slots_of(premium=False, followed=700) == 0
