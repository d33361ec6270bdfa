"""The checker itself: silent when everything holds, and each kind of loss is found."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.sandbox.posted import Posted
from tests.drills.checker import check, check_plain
from tests.drills.held import Held, Parcel, PlainHeld, Raised, Version
from tests.drills.truth import Post, State, Weather

FOREVER = float("inf")
FAIR = Weather((), sweep_seconds=1.0)
CUT_OFF = Weather(((0.0, FOREVER),), sweep_seconds=1.0)
POST, EDITED, GONE, SERVICE = ((-1001, number) for number in (5, 6, 7, 8))
SPOKEN = "Запись: ракета"


def post(address: tuple[int, int], *texts: str, deleted_at: float | None = None, service: bool = False) -> Post:
    """A post with these states, one a second."""
    ends = [*range(1, len(texts)), deleted_at or FOREVER]
    states = tuple(State(text, since, until) for since, (text, until) in enumerate(zip(texts, ends, strict=True)))
    return Post(address, states, service=service, restricted=False, voice=False, deleted_at=deleted_at, album_id=None)


TRUTH = {
    one.address: one
    for one in (
        post(POST, SPOKEN),
        post(EDITED, "сперва", "потом"),
        post(GONE, "удалят", deleted_at=9.0),
        post(SERVICE, "", service=True),
    )
}


def held() -> Held:
    """Everything of the truth."""
    return Held(
        watch_from={-1001: 5},
        ids={POST: "stored", EDITED: "stored", GONE: "deleted", SERVICE: "service"},
        versions={
            POST: [Version(1, "original", SPOKEN, 10, 10)],
            EDITED: [Version(1, "original", "сперва", 10, 10), Version(2, "edit", "потом", 20, 20)],
            GONE: [Version(1, "original", "удалят", 10, 10), Version(2, "deleted", None, 30, None)],
        },
        deleted={GONE},
        alerts=[Raised(1, "alpha", POST, 1, spoken=False, created_at=11)],
        outbox=[Parcel(77, 1, "sent"), Parcel(78, None, "sent")],
    )


def told(random_id: int, text: str = "Rule alpha https://t.me/x/5") -> Posted:
    """A message of the bot."""
    now = datetime.now(UTC)
    return Posted(1, text, (), 1, random_id, now, deleted=False, edits=(), tl=None)


CHAT = [told(77), told(78, "listening")]


def test_silent_when_everything_is_there() -> None:
    """A complete database and chat give no finding."""
    assert check(TRUTH, FAIR, held(), CHAT) == []


def lose_id(one: Held) -> None:
    del one.ids[SERVICE]


def keep_gap(one: Held) -> None:
    one.gaps.append((-1001, 9, 9, "not pushed"))


def lose_post(one: Held) -> None:
    del one.versions[POST]
    one.alerts.clear()
    one.outbox.pop(0)


def lose_edit(one: Held) -> None:
    one.versions[EDITED].pop()


def lose_first_state(one: Held) -> None:
    one.versions[EDITED].pop(0)


def lose_deletion(one: Held) -> None:
    one.versions[GONE].pop()


def overwrite(one: Held) -> None:
    one.versions[EDITED][0] = replace(one.versions[EDITED][0], text="никогда")


def lose_alert(one: Held) -> None:
    one.alerts.clear()
    one.outbox.pop(0)


def double_alert(one: Held) -> None:
    one.alerts.append(replace(one.alerts[0], alert_id=2))
    one.outbox.append(Parcel(79, 2, "sent"))


def leave_due(one: Held) -> None:
    one.outbox[1] = replace(one.outbox[1], state="due")


def leave_unread(one: Held) -> None:
    one.unread = 1


def store_late(one: Held) -> None:
    one.versions[POST][0] = replace(one.versions[POST][0], heard_at=None)


@pytest.mark.parametrize(
    ("harm", "promise", "kind"),
    [
        (lose_id, "P1", "ids"),
        (keep_gap, "P1", "ids"),
        (lose_post, "P1", "ids"),
        (lose_edit, "P4", "edits"),
        (lose_first_state, "P4", "edits"),
        (lose_deletion, "P4", "deletions"),
        (overwrite, "P4", "other"),
        (lose_alert, "P5", "alerts lost"),
        (double_alert, "P5", "alerts doubled"),
        (leave_due, "P6", "alerts lost"),
        (leave_unread, "P2", "other"),
        (store_late, "P2", "other"),
    ],
)
def test_every_loss_is_found(harm: Callable[[Held], None], promise: str, kind: str) -> None:
    """Whatever is taken away or told twice is found, under its promise."""
    broken = held()
    harm(broken)
    assert (promise, kind) in {(one.promise, one.kind) for one in check(TRUTH, FAIR, broken, CHAT)}


def test_an_alert_missing_in_the_chat_or_told_twice_is_found() -> None:
    """The chat itself is counted, not only the outbox."""
    assert {one.kind for one in check(TRUTH, FAIR, held(), CHAT[1:])} == {"alerts lost"}
    assert {one.kind for one in check(TRUTH, FAIR, held(), [*CHAT, told(77)])} == {"alerts doubled"}


def test_what_was_overwritten_while_we_were_cut_off_is_excused() -> None:
    """A state that nobody could have asked for need not be held; the newest state and a deletion must be."""
    without = held()
    lose_first_state(without)
    assert check(TRUTH, CUT_OFF, without, CHAT) == []
    for harm in (lose_edit, lose_deletion, lose_post):
        broken = held()
        harm(broken)
        assert check(TRUTH, CUT_OFF, broken, CHAT)


def test_a_plain_listener_is_measured_alike() -> None:
    """Its losses are counted by the same rules."""
    texts = {POST: [SPOKEN], EDITED: ["сперва", "потом"], GONE: ["удалят"]}
    chat = [told(1, "alert alpha -1001 5")]
    assert check_plain(TRUTH, FAIR, PlainHeld(texts, frozenset({GONE}), {}), chat) == []
    less = PlainHeld({GONE: ["удалят"], EDITED: ["сперва"]}, frozenset(), {EDITED: 2})
    found = sorted(one.kind for one in check_plain(TRUTH, FAIR, less, [*chat, *chat]))
    assert found == ["alerts doubled", "deletions", "edits", "ids", "other"]
