"""A recording is heard again: what comes alerts, what goes or reads otherwise corrects, what is past is only reported."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.errors import StoreError
from bot.model import How, Kind, Media, Message, RecordingState, Source
from bot.monitor import Monitor
from bot.rules import RuleSet, parse_rules
from bot.store import Hearing, Why
from bot.store.schema import outbox
from bot.transcript import Transcript
from tests.monitor.desk import BLOGGER, RULES, START, Desk, album, post, spoken, voice

pytestmark = pytest.mark.slow

AROUND = "и тогда он доложил что {} и больше ничего нам не сказали"
FILE = hashlib.sha256(b"77").hexdigest()


def said(words: str) -> Transcript:
    """A sentence with these words in its middle."""
    return spoken(AROUND.format(words))


def better(words: str) -> Transcript:
    """The same by another model."""
    return replace(said(words), model="large abc")


def ruled(desk: Desk, rules: RuleSet) -> Monitor:
    """A monitor for two passes."""
    return Monitor(
        desk.store,
        rules,
        sinks=("chat", "desk"),
        transcribe=frozenset({Kind.VOICE, Kind.AUDIO}),
        announce=desk._announce,
        second="large",
        clock=desk.clock,
    )


async def heard(desk: Desk, first: str = "генерал попов снят", *messages: Message, how: How = How.PUSH) -> int:
    """A voice note that the fast model has heard so, and that the better one is to hear; how many alerts it raised."""
    desk.monitor = ruled(desk, desk.monitor.rules)
    await desk.hear(*(messages or [voice()]), how=how)
    (recording,) = await desk.recordings(RecordingState.WANTED)
    return await desk.transcribe(recording, said(first))


async def due(desk: Desk) -> Hearing:
    """The hearing that is due."""
    (hearing,) = await desk.store.hearings.due(desk.clock(), 9)
    return hearing


async def corrections(desk: Desk, sink: str = "chat") -> list[str]:
    """The corrections that wait, as a sink is told of them that cannot edit."""
    waiting = sa.select(outbox.c.notice).where(outbox.c.corrects.is_not(None), outbox.c.sink == sink)
    async with desk.store._database.read() as conn:
        return [*await conn.scalars(waiting.order_by(outbox.c.delivery_id))]


async def outcome(desk: Desk) -> tuple[list[str], list[str]]:
    """What the last hearing found that the one before had not, and the other way round."""
    changed = (await desk.store.hearings.of(FILE))[-1].outcome
    return (
        [quote.text for one in changed for quote in one.new],
        [quote.text for one in changed for quote in one.vanished],
    )


async def test_what_the_better_model_does_not_hear(either_desk: Desk) -> None:
    """The alert stays, without its words and with what was taken back; every sink that had it is told, once."""
    desk = either_desk
    assert await heard(desk) == 1
    hearing = await due(desk)
    for _ in range(2):
        assert await desk.monitor.observe_hearing(hearing, better("генерал петров снят")) == 0
    (alert,) = await desk.alerts()
    assert (alert.match.rule_id, alert.match.spans, alert.transcript) == (
        "commander-relieved",
        (),
        better("генерал петров снят"),
    )
    assert alert.corrected
    assert (alert.corrected.model, alert.corrected.now, alert.corrected.at) == ("large abc", (), START)
    quote = "… он доложил что генерал попов снят и больше ничего …"
    assert alert.corrected.was == (quote,)
    for sink in ("chat", "desk"):
        (notice,) = await corrections(desk, sink)
        assert notice == (
            f"⚠ Alert #{alert.alert_id} (Commander dismissed) on https://t.me/agurulev/1 is not confirmed by a second "
            f"hearing: large abc did not hear “{quote}”."
        )
    assert await outcome(desk) == ([], [quote])


async def test_what_only_the_better_model_hears(desk: Desk) -> None:
    """A rule that it brings alerts as any other, with the words as they are now."""
    assert await heard(desk, "ничего нового") == 0
    assert await desk.monitor.observe_hearing(await due(desk), better("приказ подписан")) == 1
    (alert,) = await desk.alerts()
    assert [span.form for span in alert.match.spans] == ["приказ"]
    assert (alert.corrected, alert.match.archive, await corrections(desk)) == (None, False, [])
    assert await outcome(desk) == (["… тогда он доложил что приказ подписан и больше ничего …"], [])


async def test_what_it_puts_otherwise(desk: Desk) -> None:
    """A rule that alerted and fires on other words is corrected, not raised again."""
    await heard(desk)
    assert await desk.monitor.observe_hearing(await due(desk), better("вышел приказ о снятии")) == 0
    (notice,) = await corrections(desk)
    assert "corrected after a second hearing: was “… он доложил что генерал попов снят" in notice
    assert "is now “… он доложил что вышел приказ о снятии и больше …” (large abc)." in notice
    alert = (await desk.alerts())[0]
    assert [span.form for span in alert.match.spans] == ["приказ"]


async def test_other_words_around_are_told(desk: Desk) -> None:
    """The same hit in another sentence reads otherwise: `снят` and `не снят` are not the same."""
    await heard(desk)
    await desk.monitor.observe_hearing(await due(desk), better("генерал попов не снят"))
    (notice,) = await corrections(desk)
    assert "is now “… он доложил что генерал попов не снят и больше …”" in notice
    assert await outcome(desk) == ([], [])


async def test_the_same_words_are_not_told(desk: Desk) -> None:
    """Another place in the transcript, other commas and capitals correct nothing, and the alert names the new place."""
    await heard(desk)
    now = replace(spoken("Так вот. " + AROUND.format("генерал Попов, снят")), model="large abc")
    await desk.monitor.observe_hearing(await due(desk), now)
    assert await corrections(desk) == []
    (alert,) = await desk.alerts()
    (span,) = alert.match.spans
    assert now.text[span.start : span.end] == "Попов"
    assert alert.corrected is None


async def test_every_repost_is_corrected(desk: Desk) -> None:
    """Each post that bears the recording has its alert corrected, and one that comes later has the new words at once."""
    await heard(desk, "генерал попов снят", voice(), voice(channel=BLOGGER, number=5))
    assert len(await desk.alerts()) == 2
    await desk.monitor.observe_hearing(await due(desk), better("генерал петров снят"))
    assert len(await corrections(desk)) == 2
    assert await desk.hear(voice(channel=BLOGGER, number=6)) == 0
    # The same speech in other bytes, found while the better hearing came.
    await desk.hear(voice(number=9, document=78))
    (recording,) = await desk.recordings(RecordingState.WANTED)
    await desk.store.recordings.record_fetched(recording.recording_id, sha256=FILE, size=9, at=desk.clock())
    (recording,) = await desk.recordings(RecordingState.FETCHED)
    assert await desk.monitor.observe_transcript(recording, said("генерал попов снят")) == 0
    assert len(await desk.store.archive.search("петров")) == 4


async def test_a_rule_that_has_gone_takes_nothing_back(desk: Desk) -> None:
    """What is compared is what was heard: without the rule, or with a new one, the alert is left as it is."""
    await heard(desk)
    desk.monitor.rules = parse_rules(
        {"test.yaml": RULES.replace("попов OR приказ", "приказ").replace("отставка", "снят")}
    )
    assert await desk.monitor.observe_hearing(await due(desk), better("генерал петров снят")) == 0
    assert await corrections(desk) == []
    assert await outcome(desk) == ([], [])


async def test_a_fault_of_the_rules_takes_nothing_back(desk: Desk) -> None:
    """Rules that fail on the new words say nothing about the alert; people are told to read the post."""

    class Failing(RuleSet):
        def match(self, subject):  # type: ignore[no-untyped-def]
            if any("петров" in field.text for field in subject.fields):
                raise ZeroDivisionError
            return super().match(subject)

    await heard(desk)
    desk.monitor.rules = Failing(desk.monitor.rules.files)
    await desk.monitor.observe_hearing(await due(desk), better("генерал петров снят"))
    assert await corrections(desk) == []
    assert ["ZeroDivisionError" in notice for notice in await desk.notices()] == [True]


async def test_the_past_is_only_reported_on_request(desk: Desk) -> None:
    """Heard again on request, a post older than a day neither alerts nor is corrected; what changed is kept."""
    desk.clock.now = START
    await desk.hear(voice(posted_at=START - timedelta(hours=25)))
    (recording,) = await desk.recordings(RecordingState.WANTED)
    await desk.transcribe(recording, said("генерал попов снят"))
    await desk.store.hearings.want_hearing(FILE, "huge", Why.AGAIN, at=desk.clock())
    assert await desk.monitor.observe_hearing(await due(desk), better("вчера storm shadow прилетел")) == 0
    assert (len(await desk.alerts()), await corrections(desk)) == (1, [])
    assert await outcome(desk) == (
        ["… он доложил что вчера storm shadow прилетел и больше ничего …"],
        ["… он доложил что генерал попов снят и больше ничего …"],
    )


@pytest.mark.parametrize(("age", "archive"), [(23, False), (25, True)])
async def test_alerts_of_the_past_when_they_are_asked_for(desk: Desk, age: int, archive: bool) -> None:
    """With `--alert` they are raised, as from the archive; a post of the last day alerts as one does."""
    await desk.hear(voice(posted_at=START - timedelta(hours=age)))
    (recording,) = await desk.recordings(RecordingState.WANTED)
    await desk.transcribe(recording, said("ничего нового"))
    await desk.store.hearings.want_hearing(FILE, "huge", Why.AGAIN, at=desk.clock(), alert=archive)
    assert await desk.monitor.observe_hearing(await due(desk), better("вышел приказ")) == 1
    (alert,) = await desk.alerts()
    assert alert.match.archive is archive


async def test_a_backfilled_post_wakes_nobody(desk: Desk) -> None:
    """Neither does the better hearing of one, which is searched and reported on all the same."""
    assert await heard(desk, "ничего нового", voice(), how=How.BACKFILL) == 0
    assert await desk.monitor.observe_hearing(await due(desk), better("вышел приказ")) == 0
    assert await desk.alerts() == []
    assert len(await desk.store.archive.search("приказ")) == 1
    assert (await outcome(desk))[0] != []


async def test_an_album_is_one_post(desk: Desk) -> None:
    """A hit that needs caption and speech of two items is taken back when the speech no longer holds it."""
    photo, _ = album("генерал", "")
    sound = post(
        number=2, kind=Kind.AUDIO, album_id=13, media=Media(document_id=77, size=9, mime="audio/ogg", duration=4.0)
    )
    assert await heard(desk, "это отставка", photo, sound) == 1
    await desk.monitor.observe_hearing(await due(desk), better("это остановка"))
    (notice,) = await corrections(desk)
    assert "(Two words that seldom stand together)" in notice
    assert "large abc did not hear" in notice
    (again,) = await desk.alerts()
    assert [span for span in again.match.spans if span.source is Source.TRANSCRIPT] == []


async def test_nothing_was_heard_before(desk: Desk) -> None:
    """A hearing of a file that has no transcript is refused."""
    await heard(desk)
    hearing = replace(await due(desk), sha256="ee" * 32)
    with pytest.raises(StoreError, match="nothing to hear again"):
        await desk.monitor.observe_hearing(hearing, better("а"))
