"""What an analyst reads."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.alerts.neutral import units
from bot.alerts.render import render, short
from bot.model import (
    AlbumItem,
    AlertId,
    Channel,
    ChannelId,
    FirstPost,
    Forward,
    Kind,
    Media,
    MessageId,
    Parcel,
    Source,
    Spoken,
)
from tests.alerts.makers import (
    GURULEV,
    NOW,
    POSTED,
    STORED,
    delivery,
    match,
    spans_of,
    text_alert,
    transcript,
    voice_alert,
)

VOICE = """\
🔴 HIGH  Commander dismissed or killed  #12
Rule  commander-relieved · rev r1

Channel  Андрей Гурулёв (@agurulev) · lawmaker
Post  voice note 0:24 · 12 Jul 2023 17:06:40 UTC · heard 14 s after the post

Spoken at 0:13-0:17 · least sure word 91 %
│ … Министр подписал приказ и избавился от меня.

Transcript  Russian 99 % · confidence 95 % · speech in 0:21 of 0:24
Model  earshot-demo · ready 5 s after the post was heard

https://t.me/agurulev/5120"""

STRIKE = (
    "Подробности. Вчера ракетами Storm Shadow поражён запасной командный пункт 58-й армии под Бердянском. "
    "Погиб генерал-лейтенант Олег Цоков. Скорбим."
)
TEXT = """\
🔴 HIGH  Commander dismissed or killed  #12
Rule  commander-relieved · rev r1

Channel  Андрей Гурулёв (@agurulev) · lawmaker
Post  text · 12 Jul 2023 17:06:40 UTC · heard 14 s after the post

In the text
│ … Вчера ракетами Storm Shadow поражён запасной командный пункт 58-й армии под Бердянском. \
Погиб генерал-лейтенант Олег Цоков. …

https://t.me/agurulev/5119"""


def marked(parcel: Parcel, kind: str = "bold") -> list[str]:
    """The stretches of text under an entity kind."""
    return [parcel.text[e.start : e.start + e.length] for e in parcel.entities if e.kind == kind]


def test_a_voice_note_alert_reads_as_promised() -> None:
    """The demo's alert on speech: who, when, how late, what was said at which second, how sure, and where to look."""
    parcel = render(delivery(voice_alert()), now=NOW)
    assert parcel.text == VOICE
    assert marked(parcel) == ["подписал приказ", "избавился"]
    assert marked(parcel, "code") == ["commander-relieved"]
    assert marked(parcel, "blockquote") == ["│ … Министр подписал приказ и избавился от меня."]
    assert parcel.link == "https://t.me/agurulev/5120"
    assert parcel.title == "HIGH #12 Commander dismissed or killed: Андрей Гурулёв (@agurulev)"
    assert parcel.random_id == 4711


def test_a_text_alert_quotes_neighbouring_sentences_as_one_place() -> None:
    """Two matched sentences that touch are one quotation with every matched word in bold."""
    parcel = render(delivery(text_alert(STRIKE, "Storm Shadow", "Цоков")), now=NOW)
    assert parcel.text == TEXT
    assert marked(parcel) == ["Storm Shadow", "Цоков"]


def test_places_far_apart_are_quoted_apart() -> None:
    """Each distinct place gets its own quotation, in reading order."""
    text = "Начало Storm Shadow здесь. " + "Ни о чём. " * 60 + "В конце Цоков погиб."
    parcel = render(delivery(text_alert(text, "Storm Shadow", "Цоков")), now=NOW)
    assert marked(parcel, "blockquote") == ["│ Начало Storm Shadow здесь. …", "│ … В конце Цоков погиб."]


@pytest.mark.parametrize(
    ("alert", "line"),
    [
        (
            text_alert(STRIKE, "Цоков", update_of=AlertId(7)),
            "Rule  commander-relieved · rev r1 · update of #7: new words",
        ),
        (text_alert(STRIKE, "Цоков", deleted_since=True), "⚠ The post has been deleted since."),
        (text_alert(STRIKE, "Цоков", edited_since=True), "⚠ The post has been edited since; this is what it said."),
        (
            text_alert(STRIKE, "Цоков", created_at=NOW - timedelta(hours=2, minutes=5)),
            "⚠ This alert left 2 h 5 min after the match.",
        ),
        (
            voice_alert(transcript(partial=True, duration=12.0)),
            "⚠ Partial: 12 of 24 s could be decoded.",
        ),
        (
            text_alert(
                "Цоков",
                "Цоков",
                message=replace(
                    text_alert("Цоков").message,
                    edited_at=POSTED + timedelta(minutes=3),
                    forward=Forward(posted_at=POSTED - timedelta(days=1), name="Два майора", author="И. О."),
                ),
                stored_at=POSTED + timedelta(minutes=3, seconds=9),
            ),
            "Edited  12 Jul 2023 17:09:40 UTC · heard 9 s after the edit\n"
            "Forwarded  from Два майора, И. О. · first posted 11 Jul 2023 17:06:40 UTC",
        ),
        (
            text_alert(
                "Цоков",
                "Цоков",
                message=replace(
                    text_alert("Цоков").message, forward=Forward(posted_at=POSTED, channel_id=GURULEV.channel_id)
                ),
                origin=GURULEV,
            ),
            "Forwarded  from Андрей Гурулёв (@agurulev) · first posted 12 Jul 2023 17:06:40 UTC",
        ),
    ],
    ids=["update", "deleted", "edited since", "late", "partial", "edit and forward", "forward of ours"],
)
def test_what_an_analyst_must_know_has_its_own_line(alert: object, line: str) -> None:
    """Updates, deletions, edits, delays, partial recordings and forwards are said in words."""
    parcel = render(delivery(alert), now=NOW)  # type: ignore[arg-type]
    assert f"\n{line}\n" in parcel.text


def test_a_doubtful_passage_says_check_by_ear() -> None:
    """A match that rests on flagged segments is not sent as fact."""
    spoken = Spoken(start=61.0, end=62.5, probability=0.297, doubtful=True)
    heard = transcript(language="uk", language_probability=0.29)
    alert = voice_alert(heard, match=match(spans_of(heard.text, "приказ", source=Source.TRANSCRIPT, spoken=spoken)))
    text = render(delivery(alert), now=NOW).text
    assert "\nSpoken at 1:01-1:02 · least sure word 29 % · CHECK BY EAR\n" in text
    assert "\nTranscript  Ukrainian 29 % ·" in text


def test_a_caption_and_the_speech_are_named_apart() -> None:
    """Words found in two fields are quoted under the name of their field."""
    alert = voice_alert()
    message = replace(alert.message, text="Генерал Попов о приказе")
    spans = spans_of("Генерал Попов о приказе", "Попов", source=Source.CAPTION) + alert.match.spans
    text = render(delivery(replace(alert, message=message, match=match(spans))), now=NOW).text
    assert "\nIn the caption\n│ Генерал Попов о приказе\n\nSpoken at 0:13-0:17" in text


def test_many_places_are_counted_not_listed() -> None:
    """The first places are quoted and the rest counted, so that nothing seems complete that is not."""
    text = ("Цоков здесь. " + "Ни о чём. " * 60) * 40
    first = spans_of(text, "Цоков")[0]
    starts = [i for i in range(len(text)) if text.startswith("Цоков", i)]
    spans = tuple(replace(first, start=start, end=start + 5) for start in starts)
    parcel = render(delivery(text_alert(text, match=match(spans))), now=NOW)
    assert len(marked(parcel)) == 5
    assert "\n… and 35 more in the post\n" in parcel.text


def test_entities_stay_within_a_hundred() -> None:
    """Hundreds of matched words in one place: the first are bold, the rest counted."""
    text = "а " * 340
    first = spans_of(text, "а")[0]
    spans = tuple(replace(first, start=start, end=start + 1) for start in range(0, 680, 2))
    parcel = render(delivery(text_alert(text, match=match(spans))), now=NOW)
    assert len(parcel.entities) <= 100
    assert "more in the post" in parcel.text


def test_an_english_translation_stands_under_the_transcript() -> None:
    """Cut to what helps to judge; without one the line is not there."""
    heard = voice_alert().transcript
    assert heard is not None
    parcel = render(delivery(voice_alert(replace(heard, translation="I was removed. " * 100))), now=NOW)
    assert "\nIn English, by the model  " in parcel.text
    assert parcel.text.count("I was removed.") < 45
    assert "In English" not in render(delivery(voice_alert()), now=NOW).text


def test_a_span_without_its_text_is_quoted_by_its_form() -> None:
    """When the field is no longer at hand the matched words are still shown."""
    parcel = render(delivery(voice_alert(transcript=None)), now=NOW)
    assert "│ подписал приказ\n" in parcel.text


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_a_word(kind: Kind) -> None:
    """No kind of post is without a name."""
    alert = text_alert("Цоков", "Цоков")
    media = Media(document_id=1, size=1)
    assert (
        "Post  "
        in render(delivery(replace(alert, message=replace(alert.message, kind=kind, media=media))), now=NOW).text
    )


def test_a_channel_without_handle_is_linked_for_members() -> None:
    """The link of a channel without a handle is the /c/ form."""
    alert = text_alert("Цоков", "Цоков")
    parcel = render(delivery(replace(alert, channel=replace(alert.channel, handle=None))), now=NOW)
    assert parcel.text.endswith("\nhttps://t.me/c/1000000001/5119")


def test_the_short_form_is_one_plain_line_and_the_link() -> None:
    """The fallback has no entities and still says which alert it is."""
    parcel = short(delivery(voice_alert()))
    assert parcel.entities == ()
    assert parcel.text.startswith("HIGH #12 Commander dismissed or killed: Андрей Гурулёв (@agurulev)\n")
    assert parcel.text.endswith("https://t.me/agurulev/5120")
    assert parcel.random_id == 4711


def test_a_notice_is_sent_as_it_is() -> None:
    """A notice is its own text, without hidden characters and within the limit."""
    parcel = render(delivery(notice="listening\nto 3 channels\u202e"), now=STORED)
    assert parcel.text == "listening\nto 3 channels"
    assert parcel.title == "listening"
    assert units(render(delivery(notice="👍" * 4096), now=STORED).text) <= 4096


def test_words_of_another_item_are_shown_with_its_own_link() -> None:
    """In an album a quotation from another item names that item; the alert's own words come first, its link last."""
    alert = text_alert("Генерал Попов", "Попов")
    other = replace(alert.message, message_id=MessageId(5121), text="Подписан приказ", album_id=13)
    spans = tuple(replace(span, item=other.message_id) for span in spans_of(other.text, "приказ"))
    alert = replace(
        alert,
        message=replace(alert.message, album_id=13),
        match=match(spans + alert.match.spans),
        items=(AlbumItem(message=other, version=1),),
    )
    parcel = render(delivery(alert), now=NOW)
    assert (
        "\nIn the text\n│ Генерал Попов\n\nIn the text · https://t.me/agurulev/5121\n│ Подписан приказ\n" in parcel.text
    )
    assert parcel.text.endswith("\nhttps://t.me/agurulev/5119")
    assert marked(parcel) == ["Попов", "приказ"]


def test_an_item_of_another_state_is_quoted_by_the_words_alone() -> None:
    """What does not stand where it was found is not shown with what stands there."""
    alert = text_alert("Генерал Попов", "Попов")
    spans = tuple(replace(span, item=MessageId(5121)) for span in spans_of("Подписан приказ", "приказ"))
    now = replace(alert.message, message_id=MessageId(5121), text="Ничего не было и нет")
    for items in ((AlbumItem(message=now, version=2),), ()):
        text = render(delivery(replace(alert, match=match(spans), items=items)), now=NOW).text
        assert "│ приказ\n" in text
        assert "Ничего" not in text


def test_the_speech_of_another_item_brings_its_transcript_line() -> None:
    """How sure and how whole a transcript is, is said of the item that it belongs to."""
    voice = voice_alert(transcript(partial=True, duration=61.2, declared=180.0))
    spans = tuple(replace(span, item=voice.message.message_id) for span in voice.match.spans)
    item = AlbumItem(message=voice.message, transcript=voice.transcript, version=1)
    alert = replace(text_alert("Подпись", match=match(spans)), items=(item,))
    text = render(delivery(alert), now=NOW).text
    assert "least sure word 91 % · https://t.me/agurulev/5120\n" in text
    assert "\nTranscript  Russian 99 %" in text
    assert "\n⚠ Partial: 61 of 180 s could be decoded.\n" in text


def test_a_repost_names_the_first_post() -> None:
    """An alert on a recording that was posted before says where, and how long after that this is."""
    blogger = Channel(channel_id=ChannelId(-1001000000002), access_hash=1, handle="osvedomitel", title="ВО\u202eX")
    first = FirstPost(channel=blogger, message_id=MessageId(7), after=timedelta(minutes=14, seconds=3))
    text = render(delivery(voice_alert(first=first)), now=NOW).text
    (line,) = [line for line in text.split("\n") if line.startswith("Repost")]
    assert line.startswith("Repost  14 min 3 s after the first post of this recording: ")
    assert line.endswith(" · https://t.me/osvedomitel/7")
    assert "\u202e" not in line
    assert "Repost" not in render(delivery(voice_alert()), now=NOW).text
