"""The policy, on a real store with real rules."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model import (
    Forward,
    Heard,
    How,
    Item,
    Kind,
    LinkPreview,
    Match,
    Media,
    Message,
    MessageId,
    Poll,
    RecordingState,
    Source,
)
from bot.monitor import source_texts, speech_of, spoken_words, subject
from bot.rules import RuleSet, Subject, parse_rules
from tests.monitor.desk import BLOGGER, GURULEV, REPOSTER, START, Desk, post, spoken, voice


async def test_a_matching_post_alerts_on_every_sink(desk: Desk) -> None:
    """One match is one alert, due for each sink, with the words it rests on."""
    assert await desk.hear(post("Генерал Попов отстранён")) == 1
    (alert,) = await desk.alerts("chat")
    assert await desk.alerts("desk") == [alert]
    assert alert.match.rule_id == "commander-relieved"
    assert [alert.message.text[span.start : span.end] for span in alert.match.spans] == ["Попов"]
    assert (alert.channel.handle, alert.version, alert.update_of) == ("agurulev", 1, None)
    assert desk.announced == 1


async def test_a_post_without_match_is_stored_and_wakes_nobody(desk: Desk) -> None:
    """Silence of the rules is not silence of the archive."""
    message = post("Доброе утро")
    assert await desk.hear(message) == 0
    assert (await desk.store.archive.versions(message.key))[-1].message == message
    assert desk.announced == 0


async def test_a_stream_replayed_three_times_changes_nothing(desk: Desk) -> None:
    """The same posts heard, read and observed again raise no second alert."""
    stream = [post("Попов"), post("Storm Shadow", channel=BLOGGER), voice(channel=REPOSTER), post("приказ", number=2)]
    readings = await desk.readings(*stream)
    assert await desk.monitor.observe(readings) == 3
    before = await desk.alerts()
    for how in (How.DIFFERENCE, How.SWEEP, How.BACKFILL):
        assert await desk.hear(*stream, how=how) == 0
        assert await desk.monitor.observe(readings) == 0
    assert await desk.alerts() == before


async def test_an_edit_alerts_only_with_a_new_form(desk: Desk) -> None:
    """New words in an edit are an update of the first alert; the same words, or fewer, are none."""
    first = post("Попов отстранён")
    assert await desk.hear(first) == 1
    for minute, (text, alerts) in enumerate(
        [
            ("Попов отстранён!", 0),
            ("Отстранён", 0),
            ("Попов вернулся", 0),
            ("Попов: подписан приказ", 1),
            ("приказ", 0),
        ],
        1,
    ):
        desk.clock.forward(60)
        edited = replace(first, text=text, edited_at=START + timedelta(minutes=minute))
        assert await desk.hear(edited) == alerts, text
    original, update = await desk.alerts()
    assert update.update_of == original.alert_id
    assert update.message.text == "Попов: подписан приказ"
    assert len(await desk.store.archive.versions(first.key)) == 6


async def test_states_of_one_post_in_one_batch_alert_once(desk: Desk) -> None:
    """After a gap original and edits come together: the second does not repeat what the first has said."""
    first = post("Попов")
    edits = [replace(first, text=f"Попов {n}", edited_at=START + timedelta(minutes=n)) for n in (1, 2)]
    assert await desk.hear(first, *edits) == 1


async def test_a_voice_note_in_three_channels_is_one_transcript_and_three_alerts(desk: Desk) -> None:
    """Reposts share the recording; each post that bears it gets its alert, with the seconds."""
    channels = (GURULEV, BLOGGER, REPOSTER)
    assert await desk.hear(*(voice(channel=channel) for channel in channels)) == 0
    assert desk.announced == 1
    (recording,) = await desk.recordings(RecordingState.WANTED)
    assert await desk.transcribe(recording, spoken("министр подписал приказ")) == 3
    alerts = await desk.alerts()
    assert {alert.channel.channel_id for alert in alerts} == {channel.channel_id for channel in channels}
    for alert in alerts:
        (span,) = alert.match.spans
        assert span.source is Source.TRANSCRIPT
        assert span.spoken is not None
        assert (span.spoken.start, span.spoken.end) == (2.0, 2.8)
    assert await desk.monitor.observe_transcript(recording, spoken("министр подписал приказ")) == 0


async def test_a_repost_of_a_known_recording_alerts_at_once(desk: Desk) -> None:
    """What was transcribed once is matched when it is posted again, without another download."""
    await desk.hear(voice())
    (recording,) = await desk.recordings(RecordingState.WANTED)
    await desk.transcribe(recording, spoken("подписал приказ"))
    assert await desk.hear(voice(channel=BLOGGER, number=5)) == 1
    assert await desk.recordings(RecordingState.WANTED) == ()
    alert = (await desk.alerts())[-1]
    assert alert.channel.handle == "osvedomitel"
    assert alert.transcript == spoken("подписал приказ")


async def test_a_forward_of_a_watched_channel_names_it(desk: Desk) -> None:
    """Where a repost came from is said by name when we watch that channel too."""
    posted = Forward(posted_at=START, channel_id=GURULEV.channel_id, message_id=MessageId(1))
    assert await desk.hear(post("Попов", channel=BLOGGER, forward=posted)) == 1
    (alert,) = await desk.alerts()
    assert alert.origin is not None
    assert alert.origin.handle == "agurulev"


async def test_caption_and_speech_of_one_post_both_alert(desk: Desk) -> None:
    """The caption alerts at once; the speech alerts as an update when it says something new."""
    assert await desk.hear(voice(text="Говорит Попов")) == 1
    (recording,) = await desk.recordings(RecordingState.WANTED)
    assert await desk.transcribe(recording, spoken("подписал приказ")) == 1
    caption, speech = await desk.alerts()
    assert speech.update_of == caption.alert_id
    assert {span.source for span in speech.match.spans} == {Source.CAPTION, Source.TRANSCRIPT}


async def test_speech_of_a_post_deleted_meanwhile_still_alerts(desk: Desk) -> None:
    """A voice note that was taken down before it was transcribed was said all the same; the alert says that it is gone."""
    await desk.hear(voice())
    (recording,) = await desk.recordings(RecordingState.WANTED)
    message_id = recording.message_id
    gone = Heard(channel_id=recording.channel_id, how=How.PUSH, at=desk.clock(), deleted=(message_id,))
    await desk.store.intake.record(gone)
    assert await desk.transcribe(recording, spoken("подписал приказ")) == 1
    (alert,) = await desk.alerts()
    assert alert.deleted_since


async def test_a_backfill_is_stored_and_transcribed_but_wakes_nobody(desk: Desk) -> None:
    """The past raises no alerts, neither by text nor by speech; a new edit of it does."""
    assert await desk.hear(post("Попов"), voice(channel=BLOGGER), how=How.BACKFILL) == 0
    (recording,) = await desk.recordings(RecordingState.WANTED)
    assert await desk.transcribe(recording, spoken("подписал приказ")) == 0
    assert await desk.store.archive.transcript(voice(channel=BLOGGER).key) == spoken("подписал приказ")
    assert await desk.alerts() == []
    assert await desk.hear(post("Попов подписал приказ", edited_at=START + timedelta(minutes=1))) == 1


async def test_a_flagged_segment_makes_a_doubtful_match(desk: Desk) -> None:
    """A match that rests on a flagged segment is marked, so that the alert can say so."""
    await desk.hear(voice())
    (recording,) = await desk.recordings(RecordingState.WANTED)
    await desk.transcribe(recording, spoken("подписал приказ", flags=["loop"]))
    (alert,) = await desk.alerts()
    assert [span.spoken.doubtful for span in alert.match.spans if span.spoken] == [True]


async def test_a_repost_heard_while_its_recording_is_matched_is_not_missed(desk: Desk) -> None:
    """Both verbs at once: whichever comes first, the repost gets its alert."""
    await desk.hear(voice())
    (recording,) = await desk.recordings(RecordingState.WANTED)
    counts = await asyncio.gather(
        desk.transcribe(recording, spoken("подписал приказ")), desk.hear(voice(channel=BLOGGER, number=5))
    )
    assert sum(counts) == 2


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"text": "приказ"}, Source.TEXT),
        ({"text": "приказ", "kind": Kind.PHOTO, "media": Media(document_id=1, size=1)}, Source.CAPTION),
        ({"kind": Kind.POLL, "poll": Poll(question="Будет ли", options=("мир", "приказ"))}, Source.POLL),
        ({"preview": LinkPreview(url="https://x", title="Подписан", description="приказ")}, Source.PREVIEW),
        (
            {"kind": Kind.DOCUMENT, "media": Media(document_id=1, size=1, file_name="приказ.pdf")},
            Source.FILE_NAME,
        ),
        ({"forward": Forward(posted_at=START, name="Генерал Попов")}, Source.FORWARD),
        ({"forward": Forward(posted_at=START, author="Попов")}, Source.FORWARD),
    ],
)
async def test_every_field_is_searched(desk: Desk, fields: dict[str, Any], source: Source) -> None:
    """Words count wherever a reader would see them, and the span leads back to the field."""
    message = post(**fields)
    assert await desk.hear(message) == 1
    (alert,) = await desk.alerts()
    (span,) = alert.match.spans
    assert span.source is source
    assert source_texts(message, None)[source][span.start : span.end].casefold() in ("приказ", "попов")


async def test_scopes_see_the_channel_as_it_is_pinned(desk: Desk) -> None:
    """A rule for bloggers hears the blogger and not the lawmaker."""
    assert await desk.hear(post("Бердянск"), post("Бердянск", channel=BLOGGER)) == 1
    (alert,) = await desk.alerts()
    assert alert.channel.handle == "osvedomitel"


async def test_a_post_that_comes_a_day_late_alerts(desk: Desk) -> None:
    """Matching is on arrival: age drops nothing."""
    desk.clock.forward(86400)
    assert await desk.hear(post("Попов"), how=How.SWEEP) == 1


async def test_service_messages_are_stored_and_not_matched(desk: Desk) -> None:
    """A title that holds a watched word is not a post."""
    message = post("Попов", kind=Kind.SERVICE, service="title: Попов")
    assert await desk.hear(message) == 0
    assert len(await desk.store.archive.versions(message.key)) == 1


@pytest.mark.parametrize(
    ("message", "speech"),
    [
        (voice(), "wanted"),
        (voice(kind=Kind.VIDEO_NOTE), "wanted"),
        (voice(kind=Kind.VIDEO), "skipped"),
        (voice(kind=Kind.AUDIO), "skipped"),
        (voice(kind=Kind.PHOTO), None),
        (post("текст"), None),
        (voice(media=None), None),
    ],
)
def test_what_is_transcribed_is_a_setting(message: Message, speech: str | None) -> None:
    """Kinds that are set are wanted, other speech is skipped, and the rest has none."""
    assert speech_of(message, frozenset({Kind.VOICE, Kind.VIDEO_NOTE})) == speech


class BrokenRules(RuleSet):
    """Rules with a fault of ours on one word."""

    def match(self, subject: Subject) -> tuple[Match, ...]:
        """Fail on `сбой`."""
        if any("сбой" in field.text for field in subject.fields):
            raise ZeroDivisionError("a fault of ours")
        return parse_rules({"r.yaml": "rules: [{id: order, title: T, match: приказ}]"}).match(subject)


async def test_a_fault_in_the_rules_loses_no_post_and_is_told(desk: Desk) -> None:
    """The post is stored, its neighbours still alert, and a notice names it on every sink."""
    desk.monitor.rules = BrokenRules()
    bad = post("сбой", number=2)
    assert await desk.hear(post("приказ"), bad, post("приказ", number=3)) == 2
    assert len(await desk.store.archive.versions(bad.key)) == 1
    for sink in ("chat", "desk"):
        (notice,) = await desk.notices(sink)
        assert "https://t.me/agurulev/2 (ZeroDivisionError)" in notice
    assert desk.announced == 1


async def test_a_fault_in_the_rules_keeps_the_transcript(desk: Desk) -> None:
    """The transcript is stored even when it could not be matched."""
    desk.monitor.rules = BrokenRules()
    message = voice()
    await desk.hear(message)
    (recording,) = await desk.recordings(RecordingState.WANTED)
    assert await desk.transcribe(recording, spoken("это сбой")) == 0
    assert await desk.store.archive.transcript(message.key) == spoken("это сбой")
    assert len(await desk.notices()) == 1


async def test_rules_are_replaced_at_run_time(desk: Desk) -> None:
    """The next batch is held against the new set."""
    assert await desk.hear(post("мир")) == 0
    desk.monitor.rules = parse_rules({"r.yaml": "rules: [{id: peace, title: T, match: мир}]"})
    assert await desk.hear(post("мир", number=2)) == 1


def test_words_lead_from_offsets_to_seconds() -> None:
    """The offset of each word is where it stands in the transcript's text."""
    heard = spoken("один два три")
    assert [heard.text[offset : offset + len(word.text)] for offset, word, _ in spoken_words(heard)] == [
        " один",
        " два",
        " три",
    ]


def test_a_subject_carries_words_in_the_transcript_alone() -> None:
    """Captions have no seconds."""
    items = [Item(message=voice(text="да"), transcript=spoken("нет"))]
    fields = {field.source: field for field in subject(items, channel=GURULEV).fields}
    assert fields[Source.CAPTION].words == ()
    assert len(fields[Source.TRANSCRIPT].words) == 1
