"""`earshot status` for people: what asks for attention is there, in lines that fit a terminal."""

from datetime import timedelta

import pytest

from bot.cli.snapshot import canary_line, print_snapshot
from bot.model import AccountState, Alarm, DeliveryState, Kind, MessageId, RecordingState, Wait, WatchingAccount
from bot.store import FailedRecording, RetryingRecording, Status, TranslationState
from tests.health.makers import NOON, channel, gap, minutes, row, status

ID = channel(1).channel_id


def troubled() -> Status:
    """A status in which something is wrong everywhere."""
    hole = gap(7, 8, since=NOON - minutes(120))
    retrying = RetryingRecording(
        recording_id=1,
        channel_id=ID,
        message_id=MessageId(9),
        kind=Kind.VOICE,
        state=RecordingState.WANTED,
        attempts=2,
        reason="truncated at 4 of 9 kB",
        next_try=NOON + timedelta(minutes=5),
    )
    failed = FailedRecording(
        recording_id=2, channel_id=ID, message_id=MessageId(10), kind=Kind.VOICE, reason="too long", at=NOON
    )
    return status(
        row(1, gaps=2, oldest_gap=hole, of={"handle": "a_handle_as_long_as_they_are_32ch"}),
        row(2),
        accounts=(
            WatchingAccount(name="main", state=AccountState.ACTIVE, since=NOON - minutes(90), channels=2, slots=498),
            WatchingAccount(name="second", state=AccountState.FROZEN, since=NOON, reason="[FROZEN_METHOD_INVALID]"),
        ),
        alarms=(Alarm(name="disk", since=NOON - minutes(12), text="The disk is almost full"),),
        recordings={RecordingState.WANTED: 1, RecordingState.DONE: 12},
        oldest_wanted=NOON - minutes(3),
        retrying=(retrying,),
        failed=(failed,),
        translations={TranslationState.WANTED: 2, TranslationState.FAILED: 1},
        oldest_untranslated=NOON - minutes(6),
        untranslatable="the process died (given up after 3 tries)",
        outbox={("chat", DeliveryState.DUE): 1, ("chat", DeliveryState.SENT): 9},
        oldest_due_by={"chat": NOON - minutes(4)},
        held_up={"chat": "the bot may not write there"},
        oldest_gap=hole,
        waits=(Wait(account="main", method="messages.getHistory", until=NOON),),
        unread=3,
        quarantined=1,
    )


@pytest.mark.parametrize(
    "line",
    [
        "alarm since 12 min: The disk is almost full",
        "main active 2 498 2 h",
        "second frozen 0 – 0 s",
        "second: [FROZEN_METHOD_INVALID]",
        "recordings: 1 wanted, 12 done; the oldest waits for 3 min",
        "not yet fetched https://t.me/a_handle_as_long_as_they_are_32ch/9: truncated at 4 of 9 kB; try 3 in 5 min",
        "not transcribed https://t.me/a_handle_as_long_as_they_are_32ch/10: too long",
        "into English: 2 wanted, 1 failed; the oldest waits for 6 min",
        "not in English the last one: the process died (given up after 3 tries)",
        "messages to chat: 1 due, 9 sent; the oldest waits for 4 min",
        "held up the bot may not write there",
        "oldest gap @a_handle_as_long_as_they_are_32ch, posts 7 to 8, open for 2 h (not pushed)",
        "flood wait main messages.getHistory until 2023-07-12 12:00:00 UTC",
        "heard, not yet read: 3",
        "could not be read: 1 (kept; the daemon's log says why)",
    ],
)
def test_what_is_wrong_is_said(line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each trouble has its line, with since when and why; nothing in it is taken for markup."""
    monkeypatch.setenv("COLUMNS", "100")
    print_snapshot(troubled(), NOON)
    assert line in [" ".join(text.split()) for text in capsys.readouterr().out.splitlines()]


def test_it_fits_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """No table is wider than 100 columns, and none is broken for it."""
    monkeypatch.setenv("COLUMNS", "100")
    print_snapshot(status(row(1), row(2)), NOON)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == ["channel", "posts", "versions", "deleted", "gaps", "newest", "lag", "p99", "worst"]
    assert [line for line in lines if line.startswith("alarm")] == []


@pytest.mark.parametrize(
    ("canary", "line"),
    [
        ({"trouble": None, "heard_at": "2023-07-12T11:57:00+00:00", "round_trip": 2.41}, "canary: came through 3 min ago, in 2.4 s"),
        ({"trouble": None, "heard_at": None, "round_trip": None}, "[yellow]canary[/] none came through since the start"),
        ({"trouble": "refused", "heard_at": None, "round_trip": None}, "[red]canary[/] not posted: refused"),
    ],
)  # fmt: skip
def test_the_canary(canary: dict[str, object], line: str) -> None:
    """A running daemon tells how the last canary fared."""
    assert canary_line(canary, NOON) == line
