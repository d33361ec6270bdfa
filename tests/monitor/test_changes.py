"""Rules that wait for something to happen to a post or channel, and those that ask from where it was forwarded."""

from datetime import timedelta

import pytest

from bot.errors import RuleError
from bot.model import Alert, ChannelId, Forward, How
from bot.rules import parse_rules
from tests.monitor.desk import BLOGGER, GURULEV, START, Desk, album, post, spoken, voice
from tests.monitor.test_events import deleted, posted

RULES = """
rules:
  - {id: gone, match: приказ, on: deleted}
  - {id: gone-soon, match: приказ, on: deleted, within: 10m}
  - {id: brought, match: отставка, on: edited}
  - {id: taken, match: потери AND бригада, on: edited, removes: true}
  - {id: burst, on: deletion-burst, where: {channels: ['@agurulev']}}
"""


@pytest.fixture
def either(either_desk: Desk) -> Desk:
    """A desk whose rules all wait for something, on both engines."""
    either_desk.monitor.rules = parse_rules({"a.yaml": RULES})
    return either_desk


async def raised(desk: Desk) -> list[tuple[str, int, int, str]]:
    """(rule, message, version, what happened) of the alerts that wait."""
    await desk.monitor.observe_events()
    await desk.monitor.observe_events()
    return [told(alert) for alert in await desk.alerts()]


def told(alert: Alert) -> tuple[str, int, int, str]:
    """What an alert is about."""
    return alert.match.rule_id, alert.message.message_id, alert.version, alert.match.event


def words(alert: Alert) -> list[str]:
    """The matched words, in the text of the version that the alert names."""
    return [alert.message.text[span.start : span.end] for span in alert.match.spans]


async def test_a_deleted_post(either: Desk) -> None:
    """A rule on deletions fires when the post is found deleted, once, and not when it comes; `within` asks how soon."""
    await either.hear(post("Приказ подписан", number=1), post("Приказа нет", number=2), post("погода", number=3))
    assert await raised(either) == []
    either.clock.forward(300)
    await deleted(either, [1, 3])
    either.clock.forward(3600)
    await deleted(either, [2])
    assert await raised(either) == [
        ("gone", 1, 1, "Found deleted 5 min after it was posted."),
        ("gone-soon", 1, 1, "Found deleted 5 min after it was posted."),
        ("gone", 2, 1, "Found deleted 65 min after it was posted."),
    ]
    assert len(await raised(either)) == 3
    assert words((await either.alerts())[0]) == ["Приказ"]


async def test_deletions_of_one_moment_are_all_seen(either: Desk) -> None:
    """What is found deleted in the same moment, in two goes, is looked at in two."""
    await either.hear(post("приказ", number=1), post("приказ", number=2))
    await deleted(either, [1])
    assert len(await raised(either)) == 2
    await deleted(either, [2])
    assert [(rule, number) for rule, number, _, _ in await raised(either)] == [
        ("gone", 1),
        ("gone-soon", 1),
        ("gone", 2),
        ("gone-soon", 2),
    ]


async def test_a_deleted_voice_note_and_an_album(either: Desk) -> None:
    """What was said is held against the rule too, and the other captions of an album."""
    await either.hear(voice(number=1), *album("", "приказ", number=5))
    (recording,) = await either.recordings("wanted")  # type: ignore[arg-type]
    await either.transcribe(recording, spoken("министр подписал приказ"))
    await deleted(either, [1, 6])
    found = await raised(either)
    assert [(rule, number) for rule, number, _, _ in found] == [
        ("gone", 1),
        ("gone-soon", 1),
        ("gone", 6),
        ("gone-soon", 6),
    ]


async def test_an_edit_that_brings_words(either: Desk) -> None:
    """A rule on edits is silent on a new post, and fires on the version that brought its words."""
    await either.hear(post("отставка", number=1), post("погода", number=2))
    assert await raised(either) == []
    await either.hear(post("Отставка генерала", number=2, edited_at=START + timedelta(seconds=60)))
    assert await raised(either) == [("brought", 2, 2, "An edit brought these words.")]


async def test_an_edit_that_takes_words_out(either: Desk) -> None:
    """The alert names the version that had the words, and quotes those alone that are gone."""
    await either.hear(post("Тяжёлые потери бригады", number=1))
    edited = post("В бригаде спокойно", number=1, edited_at=START + timedelta(seconds=60))
    await either.hear(edited)
    assert await raised(either) == [("taken", 1, 1, "An edit took these words out.")]
    (alert,) = await either.alerts()
    assert words(alert) == ["потери"]
    assert alert.edited_since
    await either.hear(edited)
    assert len(await either.alerts()) == 1


async def test_an_edit_that_takes_other_words_out(either: Desk) -> None:
    """Words that still stand were not removed; neither were those of a state that came late."""
    await either.hear(post("Потери бригады. Погода", number=1))
    await either.hear(post("Потери бригады.", number=1, edited_at=START + timedelta(seconds=60)))
    assert await raised(either) == []
    await either.hear(post("тихо", number=2, edited_at=START + timedelta(seconds=60)))
    await either.hear(post("Потери бригады", number=2))
    assert await raised(either) == []


async def test_a_backfilled_edit_wakes_nobody(either: Desk) -> None:
    """The past wakes nobody, whatever an edit took out."""
    await either.hear(post("Потери бригады", number=1))
    await either.hear(post("тихо", number=1, edited_at=START + timedelta(seconds=60)), how=How.BACKFILL)
    assert await raised(either) == []


async def test_a_burst_of_deletions(either: Desk) -> None:
    """A rule on bursts raises one alert, which names the first post; a rule for other channels raises none."""
    for channel in (GURULEV, BLOGGER):
        await posted(either, *range(100, 125), channel=channel)
        await deleted(either, range(100, 125), channel=channel)
    (found,) = await raised(either)
    assert found == ("burst", 100, 1, "25 posts found deleted within 10 minutes, ids 100 to 124.")
    assert len(await either.notices()) == 2


async def test_forwarded_from(desk: Desk) -> None:
    """`forwarded_from` takes ids and, of watched channels, handles; what is not forwarded does not count."""
    desk.monitor.rules = parse_rules(
        {
            "a.yaml": "rules:\n"
            "  - {id: by-handle, match: удар, where: {forwarded_from: ['@Osvedomitel']}}\n"
            "  - {id: by-id, match: удар, where: {forwarded_from: [-1009999999999]}}\n"
            "  - {id: not-his, match: удар, where: {forwarded_from: ['!@osvedomitel']}}\n"
        }
    )
    sources = (BLOGGER.channel_id, ChannelId(-1009999999999), None)
    for number, source in enumerate(sources, start=1):
        await desk.hear(post("удар", number=number, forward=Forward(posted_at=START, channel_id=source)))
    await desk.hear(post("удар", number=4))
    assert [(alert.match.rule_id, alert.message.message_id) for alert in await desk.alerts()] == [
        ("by-handle", 1),
        ("by-id", 2),
        ("not-his", 2),
        ("not-his", 3),
        ("not-his", 4),
    ]


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ("match: удар, on: gone", "on cannot be `gone`"),
        ("match: удар, within: 10m", "`within` goes with on: deleted alone"),
        ("match: удар, on: deleted, within: soon", "within must be a time as 90s, 10m, 2h or 1d"),
        ("match: удар, on: deleted, removes: true", "`removes` goes with on: edited alone"),
        ("match: удар, on: edited, removes: perhaps", "removes must be true or false"),
        ("match: удар, on: deletion-burst", "leave `match` out"),
        ("on: deleted", "either `match`, or `select`"),
        ("match: удар, where: {forwarded_from: ['?']}", "where.forwarded_from"),
    ],
)
def test_triggers_that_do_not_go_together(rule: str, complaint: str) -> None:
    """A trigger that is none, or is asked what it cannot tell, is refused with the reason."""
    with pytest.raises(RuleError) as refusal:
        parse_rules({"a.yaml": f"rules: [{{id: r, {rule}}}]\n"})
    assert complaint in str(refusal.value)


def test_a_trigger_changes_the_revision() -> None:
    """What a rule waits for is a part of what it does."""
    texts = ("", ", on: deleted", ", on: deleted, within: 10m", ", on: edited", ", on: edited, removes: true")
    sets = [parse_rules({"a.yaml": f"rules: [{{id: r, match: удар{text}}}]\n"}) for text in texts]
    assert len({one.rules[0].revision for one in sets}) == len(texts)
