"""What counts as an alarm: every silent fault has one, nothing that is usual does, and many are told as one."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.health.alarms import find_alarms
from bot.health.facts import AccountFacts, Bounds, CanaryFacts, Disk
from bot.model import AccountState, Alarm, ChannelState, DeliveryState, RecordingState, Wait, WatchingAccount
from bot.store import Lag
from tests.health.makers import BOUNDS, NOON, facts, gap, minutes, row, status


def found(given: Any, known: Any = None, *, bounds: Bounds = BOUNDS) -> dict[str, str]:
    """The texts of the alarms at noon, by name."""
    return {alarm.name: alarm.text for alarm in find_alarms(given, known or facts(), bounds, NOON)}


def swept(ago: float | None, **changes: Any) -> dict[str, AccountFacts]:
    """The account, which swept so many minutes ago."""
    at = None if ago is None else NOON - minutes(ago)
    return {"main": AccountFacts(swept_at=at, **changes)}


def test_nothing_is_an_alarm_when_all_is_well() -> None:
    """A service at its usual work raises nothing."""
    assert found(status(row(1), row(2))) == {}


@pytest.mark.parametrize(
    ("changes", "known", "text"),
    [
        (
            {"unseen_since": NOON - minutes(14), "gaps": 1},
            facts(),
            "@channel1 is 14 min behind: post 100 is not stored",
        ),
        (
            {},
            facts(accounts=swept(12)),
            "@channel1 is 12 min behind: the account main has not looked at it for so long",
        ),
        (
            {},
            facts(accounts=swept(None), started_at=NOON - minutes(11)),
            "@channel1 is 11 min behind: the account main has not looked at it for so long",
        ),
        (
            {"lag": Lag(posts=1, p50=900, p99=900, max=900, newest=900, newest_at=NOON - minutes(3))},
            facts(),
            "@channel1 is 15 min behind: its newest post came late",
        ),
        ({"of": {"account": None}}, facts(), "@channel1 is 60 min behind: no account hears it"),
    ],
    ids=["not stored", "not looked at", "never looked at", "came late", "no account"],
)
def test_a_channel_that_is_behind(changes: dict[str, Any], known: Any, text: str) -> None:
    """A post that is named and not stored, a channel nobody looks at and a post that came late are all lag."""
    assert found(status(row(1, **changes)), known) == {"lag:-1001000000001": text}


def test_a_post_that_came_late_is_forgotten_in_time() -> None:
    """Lag of a channel whose newest post came late ends after ten minutes: it may post nothing more for days."""
    late = Lag(posts=1, p50=9e9, p99=9e9, max=9e9, newest=9e4, newest_at=NOON - minutes(10))
    assert found(status(row(1, lag=late))) == {}


def test_a_quiet_channel() -> None:
    """Three times its usual longest pause is too quiet, once the server was asked; the alarm is counted from its post."""
    quiet = status(row(1, newest_at=NOON - minutes(181)))
    (alarm,) = find_alarms(quiet, facts(), BOUNDS, NOON)
    assert alarm == Alarm(
        name="quiet:-1001000000001",
        since=NOON - minutes(181),
        text="@channel1 is quiet for 3 h; its usual longest pause is 60 min",
    )
    assert found(status(row(1, newest_at=NOON - minutes(179)))) == {}
    assert found(quiet, bounds=replace(BOUNDS, quiet_factor=0)) == {}
    assert found(quiet, facts(accounts=swept(None), started_at=NOON)) == {}, "nobody has asked the server yet"
    assert found(quiet, facts(started_at=NOON - minutes(9))) == {}, "what was posted before the start is being fetched"


def test_pauses_that_say_nothing() -> None:
    """Too little history, a pause below the bound for lag, the canary and what is no longer watched are never too quiet."""
    old = NOON - minutes(60 * 24 * 9)
    assert found(status(row(1, newest_at=old, usual_gap=None), row(2, newest_at=None))) == {}
    assert found(status(row(1, newest_at=NOON - minutes(9), usual_gap=5.0))) == {}
    assert found(status(row(1, newest_at=old, of={"category": "canary"}))) == {}
    assert found(status(row(1, newest_at=old, of={"watched": False}))) == {}


def test_a_gap_that_stays_open() -> None:
    """The oldest gap of a channel is named with its reason, and what else is open there is counted."""
    one = row(1, gaps=2, oldest_gap=gap(7, 8, since=NOON - minutes(31)))
    several = row(2, gaps=5, oldest_gap=gap(7, 7, since=NOON - minutes(45), number=2, reason=""))
    young = row(3, gaps=1, oldest_gap=gap(9, 9, since=NOON - minutes(29), number=3))
    assert found(status(one, several, young)) == {
        "gap:-1001000000001": "@channel1: posts 7 to 8 unaccounted for since 31 min (not pushed)",
        "gap:-1001000000002": "@channel2: post 7 unaccounted for since 45 min; 5 ids open",
    }


def test_a_channel_that_cannot_be_read() -> None:
    """It is named with its state and Telegram's reason, and not called late or quiet as well."""
    gone = {"state": ChannelState.PRIVATE, "state_since": NOON, "state_reason": "CHANNEL_PRIVATE"}
    private = row(1, of=gone, unseen_since=NOON - minutes(99), newest_at=NOON - minutes(9999))
    assert found(status(private)) == {
        "channel:-1001000000001": "@channel1 can no longer be read: it is private (CHANNEL_PRIVATE)"
    }


@pytest.mark.parametrize(
    ("state", "since", "raised"),
    [
        (AccountState.ACTIVE, 99, False),
        (AccountState.UNREACHABLE, 1, False),
        (AccountState.UNREACHABLE, 3, True),
        *((state, 0, True) for state in AccountState if state not in (AccountState.ACTIVE, AccountState.UNREACHABLE)),
    ],
)
def test_an_account_out_of_action(state: AccountState, since: float, raised: bool) -> None:
    """Every state but active is an alarm at once; one that is cut off has two minutes to come back."""
    account = WatchingAccount(name="main", state=state, since=NOON - minutes(since), reason="SESSION_REVOKED")
    expected = {"account:main": f"The watching account main is {state.value}: SESSION_REVOKED"}
    assert found(status(row(1), accounts=(account,))) == (expected if raised else {})


def test_an_account_that_the_settings_no_longer_name() -> None:
    """What became of an account that is not used any more is no alarm."""
    account = WatchingAccount(name="former", state=AccountState.BANNED)
    assert found(status(row(1), accounts=(account,))) == {}


def test_a_long_flood_wait_is_an_alarm_until_it_is_over() -> None:
    """More than an hour is told, and stays an alarm while its last hour runs."""
    name = "wait:main:contacts.resolveUsername"

    def waiting(seconds: float, *in_force: Alarm) -> dict[str, str]:
        until = NOON + timedelta(seconds=seconds)
        wait = Wait(account="main", method="contacts.resolveUsername", until=until)
        return found(status(row(1), waits=(wait,), alarms=in_force))

    (text,) = waiting(2 * 3600).values()
    assert text.endswith("wait 2 h with contacts.resolveUsername, until 12 Jul 14:00 UTC")
    assert waiting(3600) == {}
    assert list(waiting(60, Alarm(name=name, since=NOON, text=text))) == [name]


def test_a_clock_that_is_off() -> None:
    """Either way, the worst account counts, and the text says which way."""
    assert found(status(row(1)), facts(accounts=swept(0.5, clock_offset=35.0)))["clock"].startswith(
        "This machine's clock is 35 s ahead of Telegram's"
    )
    assert "25 s behind" in found(status(row(1)), facts(accounts=swept(0.5, clock_offset=-25.0)))["clock"]
    assert found(status(row(1)), facts(accounts=swept(0.5, clock_offset=10.0))) == {}


def test_objects_that_the_library_does_not_know() -> None:
    """One is enough: what came with it may have been a post."""
    assert list(found(status(row(1)), facts(accounts=swept(0.5, unknown_constructors=1)))) == ["library"]


@pytest.mark.parametrize(
    ("free", "total", "raised"),
    [(10.0, 100.0, False), (4.9, 100.0, True), (1.1, 10.0, False), (0.9, 10.0, True)],
)
def test_a_full_disk(free: float, total: float, raised: bool) -> None:
    """Less than 5 % or 1 GB, whichever is more."""
    disk = Disk(folder="/data", free=int(free * 1e9), total=int(total * 1e9))
    assert list(found(status(row(1)), facts(disk=disk))) == (["disk"] if raised else [])


def test_a_sink_that_takes_nothing() -> None:
    """The alarm has how much waits, since when, and the reason of the one that all others wait behind."""
    waiting = status(
        row(1),
        outbox={("chat", DeliveryState.DUE): 7, ("mail", DeliveryState.DUE): 1, ("canary", DeliveryState.DUE): 3},
        oldest_due_by={"chat": NOON - minutes(12), "mail": NOON - minutes(9), "canary": NOON - minutes(99)},
        held_up={"chat": "the bot may not write there"},
    )
    assert found(waiting) == {
        "due:chat": "7 messages to chat due, the oldest since 12 min: the bot may not write there"
    }


def test_recordings_that_wait() -> None:
    """Fetching and transcribing are both counted; the older of the two is named."""
    waiting = status(
        row(1),
        recordings={RecordingState.WANTED: 1, RecordingState.FETCHED: 2, RecordingState.DONE: 9},
        oldest_wanted=NOON - minutes(61),
        oldest_fetched=NOON - minutes(5),
    )
    assert found(waiting) == {"speech": "3 recordings without a transcript, the oldest since 61 min"}
    assert found(replace(waiting, oldest_wanted=NOON - minutes(59))) == {}


def test_a_loop_that_stands_still() -> None:
    """People are told as well: not everybody has a supervisor that restarts."""
    assert list(found(status(row(1)), facts(stuck=("speech", "reader")))) == ["loop:speech", "loop:reader"]


def test_a_canary_that_is_not_heard() -> None:
    """After two periods, counted from the last one or from the start; whichever end knows why says so."""
    silent = CanaryFacts(every=600.0, heard_at=NOON - minutes(21))
    assert found(status(row(1)), facts(canary=silent)) == {"canary": "No canary came through for 21 min"}
    refused = replace(silent, trouble="the bot may not post")
    assert found(status(row(1)), facts(canary=refused))["canary"].endswith(": the bot may not post")
    held_up = status(row(1), held_up={"canary": "canary.ping_url: answered 404"})
    assert found(held_up, facts(canary=silent))["canary"].endswith(": canary.ping_url: answered 404")
    assert found(status(row(1)), facts(canary=CanaryFacts(every=600.0, heard_at=NOON - minutes(19)))) == {}
    fresh = CanaryFacts(every=600.0)
    assert found(status(row(1)), facts(canary=fresh, started_at=NOON - minutes(19))) == {}
    assert list(found(status(row(1)), facts(canary=fresh))) == ["canary"]


def test_a_night_without_posts_is_one_line() -> None:
    """More than five channels with the same alarm are one, which stays until two are left."""
    night = [row(number, newest_at=NOON - minutes(200 + number)) for number in range(1, 31)]
    (alarm,) = find_alarms(status(*night), facts(), BOUNDS, NOON)
    assert (alarm.name, alarm.since) == ("quiet", NOON - minutes(230))
    assert alarm.text.startswith("30 channels are unusually quiet; the longest: @channel30 is quiet for")
    assert len(found(status(*night[:5]))) == 5
    assert list(found(status(*night[:3], alarms=(alarm,)))) == ["quiet"]
    assert len(found(status(*night[:2], alarms=(alarm,)))) == 2


@given(
    quiet=st.integers(0, 40),
    late=st.integers(0, 40),
    open_=st.integers(0, 40),
    standing=st.sets(st.sampled_from(["quiet", "lag", "gap", "lag:-1001000000001"])),
)
def test_never_more_lines_than_causes_allow(quiet: int, late: int, open_: int, standing: set[str]) -> None:
    """However many channels fail in however many ways, no cause has more than five alarms, and none is forgotten."""
    rows = [
        *(row(n, newest_at=NOON - minutes(999)) for n in range(1, quiet + 1)),
        *(row(100 + n, unseen_since=NOON - minutes(99)) for n in range(1, late + 1)),
        *(row(200 + n, gaps=2, oldest_gap=gap(1, 2, since=NOON - minutes(99))) for n in range(1, open_ + 1)),
    ]
    alarms = tuple(Alarm(name=name, since=NOON, text=name) for name in sorted(standing))
    names = [alarm.name for alarm in find_alarms(status(*rows, alarms=alarms), facts(), BOUNDS, NOON)]
    assert len(set(names)) == len(names)
    for name, wanted in (("quiet", quiet), ("lag", late), ("gap", open_)):
        mine = [one for one in names if one.partition(":")[0] == name]
        assert mine == [name] or len(mine) == wanted <= 5
